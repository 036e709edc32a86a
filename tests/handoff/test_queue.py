"""Who is next: urgent callers first, then the longest wait; every worker comes to the same order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.handoff.queue import Waiting, in_order, place, turn_has_come

EPOCH = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

callers = st.lists(
    st.builds(
        Waiting,
        handoff_id=st.text("abcdef", min_size=1, max_size=4),
        skill=st.sampled_from(["agent", "complaint"]),
        urgent=st.booleans(),
        since=st.integers(0, 100).map(lambda seconds: EPOCH + timedelta(seconds=seconds)),
    ),
    unique_by=lambda one: one.handoff_id,
    min_size=1,
    max_size=8,
)


def test_the_urgent_caller_goes_first_and_then_the_one_who_waited_longest() -> None:
    early = Waiting("early", "agent", False, EPOCH)
    late = Waiting("late", "agent", False, EPOCH + timedelta(seconds=5))
    urgent = Waiting("urgent", "agent", True, EPOCH + timedelta(seconds=9))
    assert [one.handoff_id for one in in_order([late, urgent, early])] == ["urgent", "early", "late"]
    assert place("late", [late, urgent, early]) == 2


def test_callers_with_another_skill_do_not_stand_in_the_way() -> None:
    general = Waiting("general", "agent", False, EPOCH)
    complaint = Waiting("complaint", "complaint", False, EPOCH + timedelta(seconds=5))
    assert turn_has_come("complaint", [general, complaint], free_agents=1)


def test_a_caller_who_does_not_wait_has_no_place() -> None:
    with pytest.raises(KeyError):
        place("nobody", [])


@given(callers, st.randoms())
def test_the_order_does_not_depend_on_the_order_of_hearing(waiting: list[Waiting], random: object) -> None:
    shuffled = list(waiting)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert in_order(shuffled) == in_order(waiting)


@given(callers, st.integers(0, 9))
def test_as_many_callers_are_let_through_as_agents_are_free(waiting: list[Waiting], free: int) -> None:
    for skill in {one.skill for one in waiting}:
        same = [one for one in waiting if one.skill == skill]
        let = [one for one in same if turn_has_come(one.handoff_id, waiting, free)]
        assert len(let) == min(free, len(same))
        kept_back = [one for one in same if one not in let]
        assert not any(kept.urgent and not other.urgent for kept in kept_back for other in let)
