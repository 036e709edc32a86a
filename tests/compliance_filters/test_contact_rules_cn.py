"""Each rule of mainland China that is asked before dialling, by its id."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from compliance_filters.contact_facts import (
    AgreedTime,
    DailyInterval,
    Direction,
    Hold,
    HoldKind,
    Interval,
    Owner,
)
from compliance_filters.contact_policy import decide
from tests.compliance_filters.dials import (
    CN,
    SHANGHAI,
    ask,
    attempt,
    cn_time,
    facts,
    held,
    refused,
)


@pytest.mark.parametrize(
    ("clock", "allowed"), [((7, 59, 59), False), ((8, 0, 0), True), ((21, 59, 59), True), ((22, 0, 0), False)]
)
def test_cn_time_01(clock: tuple[int, int, int], allowed: bool) -> None:
    decision = ask(cn_time(*clock))
    assert refused(decision, "CN-TIME-01") is not allowed
    assert allowed or decision.next_allowed == cn_time(8, day=11 if clock[0] < 8 else 12)


def test_cn_time_01_opens_for_a_recorded_agreement_only() -> None:
    span = Interval(cn_time(22, 0), cn_time(23, 0))
    agreed = AgreedTime(span, recorded_at=cn_time(9), source="recording 7")
    assert not refused(ask(cn_time(22, 30), agreed=(agreed,)), "CN-TIME-01")
    later = replace(agreed, recorded_at=cn_time(23, 30))
    assert refused(ask(cn_time(22, 30), agreed=(later,)), "CN-TIME-01")


def test_cn_time_02() -> None:
    early = ask(cn_time(14), callback_at=cn_time(15))
    assert refused(early, "CN-TIME-02")
    assert early.next_allowed == cn_time(15)
    assert ask(cn_time(15), callback_at=cn_time(15)).allowed
    blocked = ask(cn_time(10), blocked=(Interval(cn_time(9), cn_time(11)),))
    assert refused(blocked, "CN-TIME-02")
    assert blocked.next_allowed == cn_time(11)
    nap = ask(cn_time(13), blocked_daily=(DailyInterval(12 * 60, 14 * 60),))
    assert nap.next_allowed == cn_time(14)


def test_cn_time_03() -> None:
    assert ask(cn_time(13)).allowed
    lunch = ask(cn_time(13), conservative=True)
    assert refused(lunch, "CN-TIME-03")
    assert lunch.next_allowed == cn_time(14)
    new_year = datetime(2026, 1, 1, 10, tzinfo=SHANGHAI)
    assert refused(ask(new_year, conservative=True), "CN-TIME-03")
    assert not refused(ask(new_year), "CN-TIME-03")
    unknown_year = datetime(2031, 5, 6, 10, tzinfo=SHANGHAI)
    assert refused(ask(unknown_year, conservative=True), "CN-TIME-03")


def test_cn_freq_01() -> None:
    talks = tuple(attempt(cn_time(8 + n), number=f"+86138000000{n}", effective=True) for n in range(3))
    decision = ask(cn_time(15), history=talks)
    assert refused(decision, "CN-FREQ-01")
    assert decision.next_allowed == cn_time(8, day=12)
    assert not refused(ask(cn_time(15), history=talks[:2]), "CN-FREQ-01")
    inbound = (*talks[:2], attempt(cn_time(11), effective=True, direction=Direction.INBOUND))
    assert not refused(ask(cn_time(15), history=inbound), "CN-FREQ-01")


def test_cn_freq_02() -> None:
    six = tuple(attempt(cn_time(8 + n)) for n in range(6))
    assert refused(ask(cn_time(15), history=six), "CN-FREQ-02")
    assert not refused(ask(cn_time(15), history=six, number="+8613800000009"), "CN-FREQ-02")


def test_cn_freq_03() -> None:
    five = tuple(attempt(cn_time(10, n)) for n in range(5))
    assert refused(ask(cn_time(10, 30), history=five), "CN-FREQ-03")
    assert not refused(ask(cn_time(10, 30), history=five, whitelisted=True), "CN-FREQ-03")
    # Another number to call from does not reset what the callee has had.
    other = ask(cn_time(10, 30), history=five, caller_number="+861095501", registered_callers=frozenset({"+861095501"}))
    assert refused(other, "CN-FREQ-03")


def test_cn_freq_04() -> None:
    decision = ask(cn_time(10, 30), history=(attempt(cn_time(10), number="+8613800000009"),))
    assert refused(decision, "CN-FREQ-04")
    assert decision.next_allowed == cn_time(11)


def test_cn_freq_05() -> None:
    decision = ask(cn_time(10), visit_on=date(2026, 3, 11))
    assert refused(decision, "CN-FREQ-05")
    assert decision.next_allowed == cn_time(8, day=12)


def test_cn_contact_01() -> None:
    assert refused(ask(cn_time(10), owner=None), "CN-CONTACT-01")
    assert refused(ask(cn_time(10), owner=Owner.THIRD_PARTY, failed_attempts_in_a_row=0), "CN-CONTACT-01")
    assert refused(ask(cn_time(10), owner=Owner.THIRD_PARTY), "CN-CONTACT-01")
    assert not refused(ask(cn_time(10), owner=Owner.GUARANTOR), "CN-CONTACT-01")


def test_cn_contact_02() -> None:
    contact: dict[str, Any] = {"owner": Owner.THIRD_PARTY, "reviewed_by": "officer"}
    assert refused(ask(cn_time(10), failed_attempts_in_a_row=2, **contact), "CN-CONTACT-02")
    assert not refused(ask(cn_time(10), failed_attempts_in_a_row=3, **contact), "CN-CONTACT-02")
    assert refused(ask(cn_time(10), owner=Owner.THIRD_PARTY, failed_attempts_in_a_row=3), "CN-CONTACT-02")
    relay = (attempt(cn_time(8), to=Owner.THIRD_PARTY),)
    assert refused(ask(cn_time(10), history=relay, failed_attempts_in_a_row=3, **contact), "CN-CONTACT-02")
    assert refused(ask(cn_time(10), owner=None), "CN-CONTACT-02")


def test_cn_contact_04() -> None:
    held("CN-CONTACT-04", HoldKind.THIRD_PARTY_REFUSED)
    elsewhere = Hold(HoldKind.WRONG_NUMBER, number="+8613800000009")
    assert not refused(ask(cn_time(10), holds=(elsewhere,)), "CN-CONTACT-04")


def test_cn_contact_06() -> None:
    held("CN-CONTACT-06", HoldKind.LAWYER)
    ninety = cn_time(10) + timedelta(days=90)
    decision = ask(cn_time(10), holds=(Hold(HoldKind.STOP_CONTACT, until=ninety),))
    assert decision.next_allowed == ninety


def test_cn_law_01() -> None:
    held("CN-LAW-01", HoldKind.STOP_CONTACT)


def test_cn_law_10() -> None:
    assert refused(ask(cn_time(10), assigned=True), "CN-LAW-10")
    assert not refused(ask(cn_time(10), assigned=True, assignment_notice_at=cn_time(9)), "CN-LAW-10")
    assert refused(ask(cn_time(10), assigned=None), "CN-LAW-10")


def test_cn_ops_05() -> None:
    assert refused(ask(cn_time(10), by_agency=True), "CN-OPS-05")
    assert refused(ask(cn_time(10), by_agency=True, agency_notice_at=cn_time(11)), "CN-OPS-05")
    assert not refused(ask(cn_time(10), by_agency=True, agency_notice_at=cn_time(9)), "CN-OPS-05")


def test_cn_num_01() -> None:
    assert refused(ask(cn_time(10), caller_number="+861000000000"), "CN-NUM-01")
    assert refused(ask(cn_time(10), caller_number=None), "CN-NUM-01")
    assert refused(ask(cn_time(10), registered_callers=None), "CN-NUM-01")


def test_cn_ops_01() -> None:
    assert refused(ask(cn_time(10), caller_calls=(cn_time(9),) * 500), "CN-OPS-01")
    assert not refused(ask(cn_time(10), caller_calls=(cn_time(9),) * 499), "CN-OPS-01")
    yesterday = (cn_time(9) - timedelta(hours=12),) * 500
    assert not refused(ask(cn_time(10), caller_calls=(*yesterday, cn_time(9))), "CN-OPS-01")
    reviewed = ask(cn_time(10), caller_calls=(cn_time(9),) * 600, caller_review_until=cn_time(18))
    assert not refused(reviewed, "CN-OPS-01")
    # The number rests until tomorrow; the person it was to call may be called then.
    assert ask(cn_time(10), caller_calls=(cn_time(9),) * 500).next_allowed == cn_time(8) + timedelta(days=1)


def test_cn_inb_02() -> None:
    decision = ask(cn_time(23, 30), callback_at=cn_time(23, 15))
    assert refused(decision, "CN-INB-02")
    assert decision.next_allowed == cn_time(8, day=12)


def test_cn_inb_03() -> None:
    inbound = (attempt(cn_time(9), effective=True, direction=Direction.INBOUND),)
    decision = ask(cn_time(15), history=inbound)
    assert refused(decision, "CN-INB-03")
    assert decision.next_allowed == cn_time(8, day=12)
    assert ask(cn_time(9, day=12), history=inbound).allowed


def test_cn_supp_01() -> None:
    assert refused(ask(cn_time(10), person_id=None), "CN-SUPP-01")
    assert refused(ask(cn_time(10), halted=True), "CN-SUPP-01")
    assert refused(ask(cn_time(10), halted=None), "CN-SUPP-01")
    assert not decide(facts(), None, cn_time(10), CN).allowed
    assert refused(ask(cn_time(10), timezone=None), "CN-TIME-01")
    assert refused(ask(cn_time(10), timezone="Mars/Olympus"), "CN-TIME-01")


def test_seed_08() -> None:
    held("SEED-08", HoldKind.DO_NOT_CALL)
    assert refused(ask(cn_time(10), holds=(Hold(HoldKind.DO_NOT_CALL),), whitelisted=True), "SEED-08")


def test_seed_17() -> None:
    held("SEED-17", HoldKind.DORMANT)


def test_cn_del_01() -> None:
    held("CN-DEL-01", HoldKind.SETTLED)
    held("CN-DEL-01", HoldKind.WITHDRAWN)


def test_cn_law_04() -> None:
    held("CN-LAW-04", HoldKind.ILLEGAL_DEBT)


@pytest.mark.parametrize("kind", [HoldKind.DISPUTE, HoldKind.COMPLAINT, HoldKind.LEGAL_HOLD, HoldKind.BREATHING_SPACE])
def test_cn_disp_01(kind: HoldKind) -> None:
    held("CN-DISP-01", kind)


@pytest.mark.parametrize(
    "kind",
    [HoldKind.DECEASED, HoldKind.INCAPACITY, HoldKind.MINOR, HoldKind.SELF_HARM, HoldKind.VULNERABLE],
)
def test_cn_contact_05(kind: HoldKind) -> None:
    held("CN-CONTACT-05", kind)


def test_cn_inst_01() -> None:
    held("CN-INST-01", HoldKind.AGREEMENT)


def test_cn_ptp_01() -> None:
    held("CN-PTP-01", HoldKind.PROMISE)
    due = cn_time(0, day=14)
    promised = ask(cn_time(10), holds=(Hold(HoldKind.PROMISE, until=due),))
    assert promised.refused_by == ("CN-PTP-01",)
    assert promised.next_allowed == cn_time(8, day=14)


@pytest.mark.parametrize("kind", [HoldKind.PAYMENT_CLAIMED, HoldKind.PAYMENT])
def test_cn_acc_01(kind: HoldKind) -> None:
    held("CN-ACC-01", kind)
    booked = ask(cn_time(10), holds=(Hold(kind, until=cn_time(10, day=13)),))
    assert booked.next_allowed == cn_time(10, day=13)
