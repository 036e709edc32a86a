"""The pace is even, the caps are never passed, and caller numbers share the day's work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from voicebot.campaign.pacing import CATCH_UP, grant, pick_callers
from voicebot.campaign.plan import Arm, CallerPool, CampaignPlan, Pacing
from voicebot.store.campaign_records import Standing

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ARMS = (Arm(flow="reminder_first"),)


def _standing(live: int = 0, agents: int = 0, slot: datetime | None = None, **calls: int) -> Standing:
    return Standing(live, slot, agents, {f"+86100000000{key[1:]}": n for key, n in calls.items()})


def test_concurrency_is_a_cap() -> None:
    plan = CampaignPlan(arms=ARMS, pacing=Pacing(concurrency=5, calls_per_second=100))
    assert len(grant(plan, _standing(live=5), NOW).callers) == 0
    assert len(grant(plan, _standing(live=2, slot=NOW - timedelta(hours=1)), NOW).callers) == 3
    assert len(grant(plan, _standing(live=9), NOW).callers) == 0


def test_a_worker_takes_no_more_than_it_can_carry() -> None:
    plan = CampaignPlan(arms=ARMS, pacing=Pacing(concurrency=50, calls_per_second=100))
    assert len(grant(plan, _standing(slot=NOW - timedelta(hours=1)), NOW, wanted=2).callers) == 2


def test_free_agents_bound_the_live_calls() -> None:
    plan = CampaignPlan(arms=ARMS, pacing=Pacing(concurrency=50, calls_per_second=100, calls_per_free_agent=1.5))
    long_ago = NOW - timedelta(hours=1)
    assert len(grant(plan, _standing(agents=0, slot=long_ago), NOW).callers) == 0
    assert len(grant(plan, _standing(agents=3, live=1, slot=long_ago), NOW).callers) == 3


@given(
    rate=st.floats(0.1, 50),
    steps=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=60),
)
def test_over_any_span_no_more_begin_than_the_pace_allows(rate: float, steps: list[float]) -> None:
    plan = CampaignPlan(arms=ARMS, pacing=Pacing(concurrency=2000, calls_per_second=rate))
    slot, at, begun = None, NOW, []
    for step in steps:
        at += timedelta(seconds=step)
        granted = grant(plan, _standing(slot=slot), at)
        slot = granted.next_slot_at
        begun += [at] * len(granted.callers)
    for first in range(len(begun)):
        for last in range(first, len(begun)):
            span = (begun[last] - begun[first] + CATCH_UP).total_seconds()
            assert last - first + 1 <= span * rate + 1 + 1e-6 * (last + 1)


def test_the_least_used_caller_comes_first_and_rests_after_its_day() -> None:
    pool = CallerPool(numbers=("+861000000001", "+861000000002"), calls_per_day=3)
    assert pick_callers(pool, {"+861000000001": 1}, 3) == ("+861000000002", "+861000000001", "+861000000002")
    assert pick_callers(pool, {"+861000000001": 3, "+861000000002": 2}, 9) == ("+861000000002",)
    assert pick_callers(CallerPool(), {}, 2) == (None, None)


def test_used_up_callers_stop_the_dialling_and_keep_the_slot() -> None:
    plan = CampaignPlan(
        arms=ARMS,
        callers=CallerPool(numbers=("+861000000001",), calls_per_day=1),
        pacing=Pacing(concurrency=9, calls_per_second=100),
    )
    granted = grant(plan, _standing(slot=NOW, _1=1), NOW)
    assert (granted.callers, granted.next_slot_at) == ((), NOW)
