"""Each rule of the United States that is asked before dialling, by its id."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from compliance_filters.contact_facts import (
    DailyInterval,
    Direction,
    Hold,
    HoldKind,
    Interval,
    Owner,
)
from tests.compliance_filters.dials import (
    US,
    ask,
    attempt,
    held,
    ny_time,
    refused,
)


@pytest.mark.parametrize(("clock", "allowed"), [((7, 59), False), ((8, 0), True), ((20, 59), True), ((21, 0), False)])
def test_us_time_01(clock: tuple[int, int], allowed: bool) -> None:
    assert refused(ask(ny_time(*clock), US), "US-TIME-01") is not allowed


def test_us_freq_01() -> None:
    seven = tuple(attempt(ny_time(9, day=4) + timedelta(hours=20 * n)) for n in range(7))
    at = ny_time(9, day=10)
    decision = ask(at, US, history=seven)
    assert refused(decision, "US-FREQ-01")
    assert not refused(ask(at, US, history=seven[:6]), "US-FREQ-01")
    assert not refused(ask(at, US, history=tuple(replace(c, debt_id="d-2") for c in seven)), "US-FREQ-01")
    talk = (attempt(ny_time(9, day=4), effective=True, direction=Direction.INBOUND),)
    assert refused(ask(ny_time(9, day=10), US, history=talk), "US-FREQ-01-TALK")
    assert not refused(ask(ny_time(9, day=11), US, history=talk), "US-FREQ-01-TALK")


def test_us_freq_02() -> None:
    assert refused(ask(ny_time(10), US, history=(attempt(ny_time(9)),)), "US-FREQ-02")
    two = (attempt(ny_time(8)), attempt(ny_time(11)))
    assert refused(ask(ny_time(18), US, history=two), "US-FREQ-02-DAY")


def test_us_cease_01() -> None:
    held("US-CEASE-01", HoldKind.CEASE_WRITTEN, US)


def test_us_atty_01() -> None:
    held("US-ATTY-01", HoldKind.LAWYER, US)


def test_us_ai_01() -> None:
    assert refused(ask(ny_time(10), US, consents=frozenset()), "US-AI-01")
    assert refused(ask(ny_time(10), US, consents=None), "US-AI-01")
    assert ask(ny_time(10), US).allowed


def test_us_state_01() -> None:
    two = (attempt(ny_time(10, day=8)), attempt(ny_time(10, day=9)))
    assert refused(ask(ny_time(10), US, history=two, residence="MA"), "US-STATE-01")
    assert not refused(ask(ny_time(10), US, history=two, residence="NY"), "US-STATE-01")
    assert refused(ask(ny_time(10), US, residence=None), "US-STATE-01")


def test_us_stop_01() -> None:
    assert refused(ask(ny_time(10), US, halted=True), "US-STOP-01")
    assert refused(ask(ny_time(10), US, halted=None), "US-STOP-01")
    assert refused(ask(ny_time(10), US, person_id=None), "US-STOP-01")


@pytest.mark.parametrize(
    "kind",
    [kind for kind in HoldKind if kind not in {HoldKind.CEASE_WRITTEN, HoldKind.STOP_CONTACT, HoldKind.LAWYER}],
)
def test_us_hold_01(kind: HoldKind) -> None:
    held("US-HOLD-01", kind, US)


def test_us_cease_02() -> None:
    held("US-CEASE-02", HoldKind.STOP_CONTACT, US)
    ninety = ny_time(10) + timedelta(days=90)
    stopped = Hold(HoldKind.STOP_CONTACT, until=ninety)
    assert all(refused(ask(ny_time(10) + timedelta(days=n), US, holds=(stopped,)), "US-CEASE-02") for n in range(90))


def test_us_priv_01() -> None:
    contact: dict[str, Any] = {"owner": Owner.THIRD_PARTY, "failed_attempts_in_a_row": 1}
    assert not refused(ask(ny_time(10), US, **contact), "US-PRIV-01")
    once = (attempt(ny_time(9, day=1), to=Owner.THIRD_PARTY),)
    second = ask(ny_time(10), US, history=once, **contact)
    assert refused(second, "US-PRIV-01")
    assert second.next_allowed is None
    assert refused(ask(ny_time(10), US, owner=Owner.THIRD_PARTY, failed_attempts_in_a_row=0), "US-PRIV-01")
    assert refused(ask(ny_time(10), US, owner=Owner.THIRD_PARTY), "US-PRIV-01")
    assert refused(ask(ny_time(10), US, owner=None), "US-PRIV-01")


def test_us_time_02() -> None:
    later = ask(ny_time(10), US, callback_at=ny_time(17))
    assert refused(later, "US-TIME-02")
    assert later.next_allowed == ny_time(17)
    ruled_out = ask(ny_time(10), US, blocked=(Interval(ny_time(9), ny_time(11)),))
    assert refused(ruled_out, "US-TIME-02")
    assert refused(ask(ny_time(10), US, blocked_daily=(DailyInterval(9 * 60, 17 * 60),)), "US-TIME-02")


def test_us_freq_01_talk() -> None:
    """The day of the conversation is day one of seven; a conversation that the consumer began counts too."""
    for direction in Direction:
        talk = (attempt(ny_time(20, day=2), effective=True, direction=direction),)
        for day in range(3, 9):
            assert refused(ask(ny_time(9, day=day), US, history=talk), "US-FREQ-01-TALK")
        assert not refused(ask(ny_time(9, day=9), US, history=talk), "US-FREQ-01-TALK")
        other = (replace(talk[0], debt_id="d-2"),)
        assert not refused(ask(ny_time(9, day=3), US, history=other), "US-FREQ-01-TALK")


def test_us_freq_02_day() -> None:
    two = (attempt(ny_time(8)), attempt(ny_time(11), number="+13125550101"))
    decision = ask(ny_time(18), US, history=two)
    assert decision.refused_by == ("US-FREQ-02-DAY",)
    assert decision.next_allowed == ny_time(8, day=12)
    assert not refused(ask(ny_time(18), US, history=two[:1]), "US-FREQ-02-DAY")


def test_us_num_01() -> None:
    assert refused(ask(ny_time(10), US, caller_number="+13125550100"), "US-NUM-01")
    assert refused(ask(ny_time(10), US, caller_number=None), "US-NUM-01")
    assert refused(ask(ny_time(10), US, registered_callers=None), "US-NUM-01")
