"""Each rule of the United Kingdom and the EU, Hong Kong and Taiwan that is asked before dialling, by its id."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from compliance_filters.contact_facts import (
    DailyInterval,
    Decision,
    Hold,
    HoldKind,
    Owner,
    PastContact,
)
from compliance_filters.contact_policy import decide
from tests.compliance_filters.dials import (
    HK,
    TW,
    UK,
    ask,
    attempt,
    cn_time,
    facts,
    refused,
)


def test_uk_bs_01() -> None:
    sixty = cn_time(10) + timedelta(days=60)
    decision = ask(cn_time(10), UK, holds=(Hold(HoldKind.BREATHING_SPACE, until=sixty),))
    assert refused(decision, "UK-BS-01")
    assert decision.next_allowed == sixty


@pytest.mark.parametrize(("hour", "allowed"), [(6, False), (7, True), (21, True), (22, False)])
def test_tw_time_01(hour: int, allowed: bool) -> None:
    assert refused(ask(cn_time(hour), TW, timezone="Asia/Taipei"), "TW-TIME-01") is not allowed


def test_hk_speech_01() -> None:
    assert refused(ask(cn_time(8), HK, timezone="Asia/Hong_Kong"), "HK-SPEECH-01")


PLACES = {"UK": (UK, "Europe/London"), "HK": (HK, "Asia/Hong_Kong"), "TW": (TW, "Asia/Taipei")}
EVERYWHERE = {HoldKind.STOP_CONTACT, HoldKind.CEASE_WRITTEN, HoldKind.LAWYER}


def judge(place: str, hour: int = 10, *, history: tuple[PastContact, ...] = (), **changes: object) -> Decision:
    """A dial at a local hour of 11 March 2026."""
    pack, zone = PLACES[place]
    return decide(facts(timezone=zone, **changes), history, local(place, hour), pack)


def local(place: str, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 11, hour, minute, tzinfo=ZoneInfo(PLACES[place][1]))


def stops(place: str) -> None:
    assert refused(judge(place, halted=True), f"{place}-STOP-01")
    assert refused(judge(place, halted=None), f"{place}-STOP-01")
    assert refused(judge(place, person_id=None), f"{place}-STOP-01")


def holds(place: str, rule: str, kinds: set[HoldKind]) -> None:
    assert judge(place).allowed
    assert refused(judge(place, holds=None), rule)
    for kind in kinds:
        assert refused(judge(place, holds=(Hold(kind),)), rule), kind


def heeds_the_person(place: str) -> None:
    assert refused(judge(place, callback_at=local(place, 15)), f"{place}-TIME-02")
    assert refused(judge(place, blocked_daily=(DailyInterval(9 * 60, 12 * 60),)), f"{place}-TIME-02")


def knows_its_numbers(place: str) -> None:
    assert refused(judge(place, caller_number=None), f"{place}-NUM-01")
    assert refused(judge(place, registered_callers=None), f"{place}-NUM-01")
    assert refused(judge(place, caller_number="+441212345678"), f"{place}-NUM-01")


def spares_third_parties(place: str, rule: str, *, once: bool) -> None:
    contact: dict[str, Any] = {"owner": Owner.THIRD_PARTY, "failed_attempts_in_a_row": 3, "reviewed_by": "officer"}
    assert not refused(judge(place, **contact), rule)
    assert refused(judge(place, **(contact | {"failed_attempts_in_a_row": 2})), rule)
    assert refused(judge(place, **(contact | {"reviewed_by": None})), rule)
    assert refused(judge(place, owner=None), rule)
    before = (attempt(local(place, 9) - timedelta(days=30), to=Owner.THIRD_PARTY),)
    assert refused(judge(place, history=before, **contact), rule) is once


def keeps_two_hours_apart(place: str, rule: str) -> None:
    before = (attempt(local(place, 9), number="+8613800000009"),)
    assert refused(judge(place, 10, history=before), rule)
    assert not refused(judge(place, 11, history=before), rule)


def calls_three_times_a_day(place: str, rule: str) -> None:
    three = tuple(attempt(local(place, hour)) for hour in (9, 11, 13))
    assert refused(judge(place, 16, history=three), rule)
    assert not refused(judge(place, 16, history=three[:2]), rule)


def test_uk_stop_01() -> None:
    stops("UK")


def test_uk_hold_01() -> None:
    holds("UK", "UK-HOLD-01", set(HoldKind) - EVERYWHERE - {HoldKind.BREATHING_SPACE})


def test_uk_fair_01() -> None:
    holds("UK", "UK-FAIR-01", EVERYWHERE | {HoldKind.VULNERABLE})


@pytest.mark.parametrize(("hour", "allowed"), [(7, False), (8, True), (20, True), (21, False)])
def test_uk_time_01(hour: int, allowed: bool) -> None:
    assert refused(judge("UK", hour), "UK-TIME-01") is not allowed


def test_uk_time_02() -> None:
    heeds_the_person("UK")


def test_uk_priv_01() -> None:
    spares_third_parties("UK", "UK-PRIV-01", once=False)


def test_uk_freq_01() -> None:
    keeps_two_hours_apart("UK", "UK-FREQ-01")
    two = (attempt(local("UK", 9)), attempt(local("UK", 12)))
    assert refused(judge("UK", 18, history=two), "UK-FREQ-01")


def test_uk_num_01() -> None:
    knows_its_numbers("UK")


def test_hk_stop_01() -> None:
    stops("HK")


def test_hk_hold_01() -> None:
    holds("HK", "HK-HOLD-01", set(HoldKind) - EVERYWHERE)


def test_hk_hold_02() -> None:
    holds("HK", "HK-HOLD-02", EVERYWHERE)


def test_hk_contact_01() -> None:
    spares_third_parties("HK", "HK-CONTACT-01", once=True)


def test_hk_time_02() -> None:
    heeds_the_person("HK")


def test_hk_freq_01() -> None:
    calls_three_times_a_day("HK", "HK-FREQ-01")


def test_hk_freq_02() -> None:
    keeps_two_hours_apart("HK", "HK-FREQ-02")


def test_hk_num_01() -> None:
    knows_its_numbers("HK")


def test_tw_stop_01() -> None:
    stops("TW")


def test_tw_hold_01() -> None:
    holds("TW", "TW-HOLD-01", set(HoldKind) - EVERYWHERE)


def test_tw_hold_02() -> None:
    holds("TW", "TW-HOLD-02", EVERYWHERE)


def test_tw_ops_01() -> None:
    assert refused(judge("TW", by_agency=True), "TW-OPS-01")
    assert refused(judge("TW", by_agency=None), "TW-OPS-01")
    assert not refused(judge("TW", by_agency=True, agency_notice_at=local("TW", 9)), "TW-OPS-01")


def test_tw_contact_01() -> None:
    spares_third_parties("TW", "TW-CONTACT-01", once=True)


def test_tw_time_02() -> None:
    heeds_the_person("TW")


def test_tw_freq_01() -> None:
    calls_three_times_a_day("TW", "TW-FREQ-01")


def test_tw_freq_02() -> None:
    keeps_two_hours_apart("TW", "TW-FREQ-02")


def test_tw_num_01() -> None:
    knows_its_numbers("TW")
