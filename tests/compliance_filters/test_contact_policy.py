"""The contact policy: each rule before dialling by its id, and for any history and any clock, no accepted dial
breaks one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance_filters.contact_facts import (
    AgreedTime,
    DailyInterval,
    Decision,
    DialFacts,
    Direction,
    Hold,
    HoldKind,
    Interval,
    Owner,
    PastContact,
)
from compliance_filters.contact_policy import decide, rules_of
from compliance_filters.pack import PackError, RulePack, load_pack

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
CN, US, UK, HK, TW = (load_pack(name) for name in ("cn", "us", "uk_eu", "hk", "tw"))
NUMBER = "+8613800000001"


def facts(**changes: object) -> DialFacts:
    known = DialFacts(
        number=NUMBER,
        owner=Owner.DEBTOR,
        person_id="p-1",
        debt_id="d-1",
        timezone="Asia/Shanghai",
        residence="NY",
        holds=(),
        consents=frozenset({"ai_voice"}),
        assigned=False,
        by_agency=False,
        caller_number="+861095500",
        registered_callers=frozenset({"+861095500"}),
        caller_calls_today=0,
        halted=False,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def us_facts(**changes: object) -> DialFacts:
    return facts(timezone="America/New_York", **changes)


def cn_time(hour: int, minute: int = 0, second: int = 0, day: int = 11) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=SHANGHAI)


def ny_time(hour: int, minute: int = 0, day: int = 11) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=NEW_YORK)


def attempt(at: datetime, **changes: object) -> PastContact:
    return replace(PastContact(at, NUMBER, debt_id="d-1"), **changes)  # type: ignore[arg-type]


def refused(decision: Decision, rule: str) -> bool:
    return rule in decision.refused_by


def ask(at: datetime, pack: RulePack = CN, history: tuple[PastContact, ...] = (), **changes: object) -> Decision:
    known = us_facts(**changes) if pack is US else facts(**changes)
    return decide(known, history, at, pack)


def test_an_ordinary_dial_is_allowed_and_explained_rule_by_rule() -> None:
    decision = ask(cn_time(10))
    assert decision.allowed
    assert decision.next_allowed == cn_time(10)
    assert len(decision.rules) == len(rules_of(CN).rules)
    assert all(rule.why for rule in decision.rules)


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


def held(rule: str, kind: HoldKind, pack: RulePack = CN) -> None:
    at = ny_time(10) if pack is US else cn_time(10)
    endless = ask(at, pack, holds=(Hold(kind),))
    assert refused(endless, rule)
    assert endless.next_allowed is None
    ended = ask(at, pack, holds=(Hold(kind, until=at),))
    assert not refused(ended, rule)
    assert refused(ask(at, pack, holds=None), rule)


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
    assert refused(ask(cn_time(10), caller_calls_today=500), "CN-OPS-01")
    assert not refused(ask(cn_time(10), caller_calls_today=499), "CN-OPS-01")
    assert not refused(ask(cn_time(10), caller_calls_today=600, caller_review_until=cn_time(18)), "CN-OPS-01")


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


def test_uk_bs_01() -> None:
    sixty = cn_time(10) + timedelta(days=60)
    decision = ask(cn_time(10), UK, holds=(Hold(HoldKind.BREATHING_SPACE, until=sixty),))
    assert refused(decision, "UK-BS-01")
    assert decision.next_allowed == sixty


@pytest.mark.parametrize(("hour", "allowed"), [(6, False), (7, True), (21, True), (22, False)])
def test_tw_time_01(hour: int, allowed: bool) -> None:
    assert refused(ask(cn_time(hour), TW, timezone="Asia/Taipei"), "TW-TIME-01") is not allowed


def test_hk_hours_are_the_design_default() -> None:
    assert refused(ask(cn_time(8), HK, timezone="Asia/Hong_Kong"), "HK-SPEECH-01")


def test_a_pack_without_contact_rules_dials_nobody() -> None:
    with pytest.raises(PackError, match="nothing may be dialled"):
        decide(facts(), (), cn_time(10), CN.model_copy(update={"contact": {}}))


def test_an_instant_without_a_zone_is_refused_as_a_question() -> None:
    with pytest.raises(ValueError, match="aware datetime"):
        decide(facts(), (), datetime(2026, 3, 11, 10), CN)  # noqa: DTZ001


_ZONES = st.sampled_from(
    ["Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"]
)
# Spring and autumn changes of several years, leap days and year ends are all inside.
_INSTANTS = st.datetimes(datetime(2023, 12, 30), datetime(2028, 3, 2), timezones=st.just(UTC))  # noqa: DTZ001
_STEPS = st.lists(st.integers(min_value=-90, max_value=60 * 30), min_size=1, max_size=25)


@settings(max_examples=120, deadline=None)
@given(zone=_ZONES, start=_INSTANTS, steps=_STEPS, effective=st.lists(st.booleans(), min_size=25, max_size=25))
def test_no_accepted_dial_breaks_a_cap_whatever_the_clock_does(
    zone: str, start: datetime, steps: list[int], effective: list[bool]
) -> None:
    """The clock moves by minutes, sometimes backwards; each accepted dial becomes history."""
    at = start
    history: list[PastContact] = []
    known = facts(timezone=zone)
    for step, talked in zip(steps, effective, strict=False):
        at = at + timedelta(minutes=step)
        if decide(known, tuple(history), at, CN).allowed:
            local = at.astimezone(ZoneInfo(zone))
            assert 8 <= local.hour < 22
            history.append(attempt(at, effective=talked))
    days: dict[date, list[PastContact]] = {}
    for contact in history:
        days.setdefault(contact.at.astimezone(ZoneInfo(zone)).date(), []).append(contact)
    for contacts in days.values():
        assert len(contacts) <= 6
        assert sum(c.effective for c in contacts) <= 3
    ordered = sorted(c.at for c in history)
    assert all(b - a >= timedelta(hours=1) for a, b in itertools.pairwise(ordered))


@settings(max_examples=80, deadline=None)
@given(zone=_ZONES, at=_INSTANTS, back=st.lists(st.integers(min_value=0, max_value=60 * 48), max_size=8))
def test_the_next_allowed_instant_is_allowed_and_not_before_the_question(
    zone: str, at: datetime, back: list[int]
) -> None:
    known = facts(timezone=zone)
    history = tuple(attempt(at - timedelta(minutes=m), effective=m % 2 == 0) for m in back)
    for pack in (CN, US):
        decision = decide(known, history, at, pack)
        assert decision.next_allowed is not None
        assert decision.next_allowed >= at
        assert decide(known, history, decision.next_allowed, pack).allowed
