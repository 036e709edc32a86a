"""What several campaigns and workers share: free agents, and the calls that each number shown may make in a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.campaign.simulated import Passing, SimulatedCalls, VirtualClock
from voicebot.campaign.choosing import enrolled
from voicebot.campaign.pacing import grant
from voicebot.campaign.plan import Arm, Calendar, CallerPool, CampaignPlan, Pacing
from voicebot.campaign.runner import CampaignRunner
from voicebot.store import Store
from voicebot.store.agent_records import AgentRecord, AgentState
from voicebot.store.campaign_records import Campaign, CampaignState, Member, MemberState
from voicebot.store.records import Case, Permission

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SHOWN = "+861066660001"
MakeCase = Callable[..., Case]


async def _running(store: Store, make_case: MakeCase, plan: CampaignPlan, size: int, name: str) -> Campaign:
    campaign = await store.campaigns.create(Campaign(name, plan.model_dump(mode="json"), created_at=NOW))
    cases = [make_case(f"+86138{n:08d}", external_id=f"{name}-{n}") for n in range(size)]
    await store.cases.add_many(cases)
    known = await store.cases.list(limit=10 * size)
    mine = [case for case in known if str(case.external_id).startswith(name)]
    await store.campaigns.enrol([enrolled(case, campaign.id, plan, NOW) for case in mine])
    await store.campaigns.set_state(
        campaign.id, CampaignState.RUNNING, because="test", expecting=[CampaignState.DRAFT], at=NOW
    )
    return campaign


async def _claim(store: Store, campaign: Campaign, plan: CampaignPlan, at: datetime) -> Sequence[Member]:
    day = plan.calendar.local_day(at)
    return await store.campaigns.claim(campaign.id, worker_id="w", day=day, at=at, grant=partial(grant, plan, at=at))


async def test_no_more_calls_are_live_than_free_agents_can_take(store: Store, make_case: MakeCase) -> None:
    plan = CampaignPlan(
        arms=(Arm(flow="reminder_first"),),
        pacing=Pacing(concurrency=50, calls_per_second=100, calls_per_free_agent=1.5),
    )
    campaign = await _running(store, make_case, plan, 20, "november")
    assert await _claim(store, campaign, plan, NOW) == []
    for n in range(3):
        await store.agents.put(AgentRecord(f"a{n}", f"Agent {n}", f"sip:a{n}@desk.example"))
        await store.agents.set_state(f"a{n}", AgentState.FREE)
    await store.agents.set_state("a2", AgentState.BUSY)
    live = [len(await _claim(store, campaign, plan, NOW + timedelta(seconds=n))) for n in range(1, 6)]
    assert sum(live) == 3, "two free agents, a call and a half for each"
    await store.agents.set_state("a2", AgentState.FREE)
    more = [len(await _claim(store, campaign, plan, NOW + timedelta(seconds=n))) for n in range(6, 9)]
    assert sum(more) == 1, "three free agents, four calls"


async def test_a_number_rests_after_its_calls_of_the_day_until_a_person_has_reviewed_it(
    store: Store, make_case: MakeCase
) -> None:
    plan = CampaignPlan(
        arms=(Arm(flow="reminder_first"),),
        callers=CallerPool(numbers=(SHOWN,), calls_per_day=5),
        pacing=Pacing(concurrency=50, calls_per_second=100),
    )
    one = await _running(store, make_case, plan, 12, "one")
    two = await _running(store, make_case, plan, 12, "two")
    later = [NOW + timedelta(seconds=n) for n in range(1, 9)]
    given = [member for n, at in enumerate(later) for member in await _claim(store, (one, two)[n % 2], plan, at)]
    assert [member.caller for member in given] == [SHOWN] * 5, "both campaigns together"
    evening = NOW + timedelta(hours=8)
    assert await _claim(store, two, plan, evening) == []

    await store.brakes.review_caller(SHOWN, until=evening + timedelta(minutes=1), by="officer", reason="no complaints")
    assert len(await _claim(store, two, plan, evening)) >= 1
    assert await _claim(store, two, plan, evening + timedelta(minutes=2)) == [], "the review is over"
    tomorrow = NOW + timedelta(days=1)
    assert len(await _claim(store, one, plan, tomorrow)) >= 1


async def test_a_dial_that_was_refused_takes_nothing_from_its_numbers_day(store: Store, make_case: MakeCase) -> None:
    plan = CampaignPlan(
        arms=(Arm(flow="reminder_first"),),
        callers=CallerPool(numbers=(SHOWN,), calls_per_day=3),
        calendar=Calendar(hours=("00:00-24:00",)),
        pacing=Pacing(concurrency=50, calls_per_second=100),
    )
    campaign = await _running(store, make_case, plan, 12, "november")
    clock = VirtualClock(NOW)
    allowed = iter([False] * 6 + [True] * 20)
    later = (NOW + timedelta(days=1)).isoformat()
    calls = SimulatedCalls(
        store, "w", clock, permit=lambda history: Permission(next(allowed), {"rules": [], "next_allowed": later})
    )
    runner = CampaignRunner(store, calls, Passing(), worker_id="w", now=clock, room=lambda: 50)
    await runner.start()
    for _ in range(20):
        clock.forward(seconds=1)
        await runner.look()
        await calls.settled()
    assert len(calls.placed) == 3, "six were refused, and three calls are the number's day"
    assert len(await store.attempts.list()) == 9
    assert (await store.campaigns.counts(campaign.id))[MemberState.READY] == 3
