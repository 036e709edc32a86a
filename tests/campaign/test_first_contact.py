"""A case is called for the first time within a day of entering, however many more pressing ones come after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.campaign.simulated import Passing, SimulatedCalls, VirtualClock
from voicebot.campaign.enrolling import enrol_cases
from voicebot.campaign.plan import Arm, Breakers, Calendar, CampaignPlan, Pacing, Priority
from voicebot.campaign.runner import CampaignRunner
from voicebot.store import Store
from voicebot.store.campaign_records import Campaign, CampaignState
from voicebot.store.records import Case, Debt

NOW = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
PLAN = CampaignPlan(
    arms=(Arm(flow="reminder_first"),),
    calendar=Calendar(hours=("00:00-24:00",)),
    pacing=Pacing(concurrency=5, calls_per_second=2 / 3600),
    breakers=Breakers(window=1000),
)


def test_a_day_is_the_default() -> None:
    assert Priority().first_contact_hours == 24


async def test_the_least_pressing_case_is_called_within_a_day_of_entering(
    store: Store, make_case: Callable[..., Case]
) -> None:
    """Two calls an hour, and three pressing cases that enter every hour: by rank alone the first would never come."""
    clock = VirtualClock(NOW)
    campaign = await store.campaigns.create(Campaign("november", PLAN.model_dump(mode="json"), created_at=NOW))
    await store.campaigns.set_state(
        campaign.id, CampaignState.RUNNING, because="test", expecting=[CampaignState.DRAFT], at=NOW
    )
    calls = SimulatedCalls(store, "w", clock, outcome=lambda key: "refusal")
    runner = CampaignRunner(store, calls, Passing(), worker_id="w", now=clock, room=lambda: 5)
    await runner.start()
    small = Debt(creditor="示例银行", amount_due=Decimal(10), due_date=NOW.date())
    last = await store.cases.add(make_case("+8613700000000", risk_tier="C", debt=small))
    called: dict[str, datetime] = {}
    for half_hour in range(48):
        if half_hour % 2 == 0:
            for n in range(3):
                await store.cases.add(make_case(f"+86138{half_hour:04d}{n:04d}", risk_tier="A"))
            await enrol_cases(campaign, cases=store.cases, campaigns=store.campaigns, at=clock())
        await runner.look()
        await calls.settled()
        for order in calls.placed:
            called.setdefault(order.case_id, clock())
        clock.forward(minutes=30)
    waited = called[last.id] - NOW
    assert timedelta(hours=12) < waited <= timedelta(hours=24), "it came out of turn, or too late"
    assert len(called) > 40
