"""What the store knows of a case reaches the rules whole: nothing that stops contact is left out, unknown refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from compliance_filters.overrides import Override, digest
from compliance_filters.pack import PackError
from voicebot.campaign.case_flags import FLAGS, OF_THE_DEBT
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.policy import ContactPolicy, explanation
from voicebot.store import AttemptRefused, Store
from voicebot.store.news_records import CaseSpan, Payment, SpanKind
from voicebot.store.records import (
    AgeBand,
    Attempt,
    AttemptState,
    Callback,
    Case,
    CaseStatus,
    Consent,
    ContactHistory,
    Flag,
    NumberState,
    PhoneNumber,
    Promise,
    Suppression,
)

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CALLER = "+861066668888"
FIRM = FirmFacts(registered_callers=frozenset({CALLER}), own_caller=CALLER, by_agency=False, assigned=False)
POLICY = ContactPolicy(FIRM)
NUMBER = "+8613800000001"
MakeCase = Callable[..., Case]


def _judge(case: Case, policy: ContactPolicy = POLICY, at: datetime = NOW, **history: Any) -> dict[str, Any]:
    known = ContactHistory(case, (), (), (), (), number=NUMBER, at=at, halted=False)
    permission = policy.permit(replace(known, **history))
    assert permission.allowed == permission.explanation["allowed"]
    return dict(permission.explanation)


def _refusing(answer: dict[str, Any]) -> set[str]:
    return {rule["id"] for rule in answer["rules"] if rule["verdict"] == "refuse"}


def test_an_ordinary_case_may_be_called_by_day(make_case: MakeCase) -> None:
    answer = _judge(make_case())
    assert (answer["allowed"], _refusing(answer)) == (True, set())
    night = _judge(make_case(), at=NOW + timedelta(hours=13))
    assert "CN-TIME-01" in _refusing(night)
    assert night["next_allowed"] == "2026-11-21T00:00:00+00:00"


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_every_flag_that_stops_contact_refuses(make_case: MakeCase, flag: str) -> None:
    case = make_case(flags=(Flag(flag, NOW - timedelta(hours=1)),))
    for pack in ("cn", "us", "uk_eu", "hk", "tw"):
        answer = _judge(replace(case, jurisdiction=pack))
        assert any("held: " in rule["why"] for rule in answer["rules"] if rule["verdict"] == "refuse"), pack


def test_a_claimed_payment_has_two_days_to_be_seen(make_case: MakeCase) -> None:
    case = make_case(flags=(Flag("paid_claim", NOW),))
    answer = _judge(case)
    assert not answer["allowed"]
    assert answer["next_allowed"] == (NOW + timedelta(days=2)).isoformat()


@pytest.mark.parametrize(
    "changed",
    [
        {"status": CaseStatus.SETTLED},
        {"status": CaseStatus.CLOSED},
    ],
)
def test_a_case_that_is_not_open_is_not_called(make_case: MakeCase, changed: dict[str, Any]) -> None:
    answer = _judge(make_case(**changed))
    assert (answer["allowed"], answer["next_allowed"]) == (False, None)


def test_a_minor_is_not_called(make_case: MakeCase) -> None:
    case = make_case()
    assert not _judge(replace(case, debtor=replace(case.debtor, age_band=AgeBand.MINOR)))["allowed"]


@pytest.mark.parametrize("state", [NumberState.INVALID, NumberState.WRONG_PERSON, NumberState.STOP])
def test_a_number_that_is_not_theirs_is_not_called(make_case: MakeCase, state: NumberState) -> None:
    case = make_case()
    numbers = (PhoneNumber(NUMBER, state), PhoneNumber("+8613800000002"))
    known = replace(case, debtor=replace(case.debtor, numbers=numbers))
    assert "CN-CONTACT-04" in _refusing(_judge(known))
    assert _judge(known, number="+8613800000002")["allowed"]


def test_a_number_that_is_nowhere_in_the_case_is_not_called(make_case: MakeCase) -> None:
    assert "CN-CONTACT-02" in _refusing(_judge(make_case(), number="+8613911111111"))


def test_a_promise_holds_until_its_day_is_over_where_the_debtor_is(make_case: MakeCase) -> None:
    case = make_case()
    answer = _judge(case, promises=(Promise(case.id, Decimal(10), date(2026, 11, 22)),))
    assert "CN-PTP-01" in _refusing(answer)
    assert answer["next_allowed"] == "2026-11-23T00:00:00+00:00"


def test_a_suppression_and_a_callback_are_heeded(make_case: MakeCase) -> None:
    case = make_case()
    assert not _judge(case, suppressed=(Suppression("regulator", debtor_id=case.debtor.id),))["allowed"]
    later = NOW + timedelta(hours=3)
    answer = _judge(case, callbacks=(Callback(later, case_id=case.id),))
    assert answer["next_allowed"] == later.isoformat()


def test_hours_that_were_asked_for_are_the_only_ones(make_case: MakeCase) -> None:
    case = make_case(preferred_hours=("18:00-20:00",))
    answer = _judge(case)
    assert "CN-TIME-02" in _refusing(answer)
    assert answer["next_allowed"] == "2026-11-20T10:00:00+00:00"
    assert _judge(case, at=NOW.replace(hour=10))["allowed"]


@pytest.mark.parametrize(
    "firm",
    [
        replace(FIRM, registered_callers=None),
        replace(FIRM, own_caller=None),
        replace(FIRM, own_caller="+861066669999"),
        replace(FIRM, by_agency=None),
        replace(FIRM, assigned=None),
        replace(FIRM, by_agency=True),
    ],
)
def test_what_the_firm_does_not_say_refuses(make_case: MakeCase, firm: FirmFacts) -> None:
    assert not _judge(make_case(), ContactPolicy(firm))["allowed"]


def test_the_emergency_stop_stops_everything(make_case: MakeCase) -> None:
    assert "CN-SUPP-01" in _refusing(_judge(make_case(), halted=True))
    assert "CN-SUPP-01" in _refusing(_judge(make_case(), halted=None))


@pytest.mark.parametrize("flag", sorted(set(FLAGS) - OF_THE_DEBT))
def test_a_flag_of_one_debt_stops_calls_about_the_others(make_case: MakeCase, flag: str) -> None:
    assert not _judge(make_case(), other_flags=(Flag(flag, NOW - timedelta(hours=1)),))["allowed"]


@pytest.mark.parametrize("flag", sorted(OF_THE_DEBT))
def test_what_is_about_one_debt_alone_leaves_the_others(make_case: MakeCase, flag: str) -> None:
    assert _judge(make_case(), other_flags=(Flag(flag, NOW),))["allowed"]
    assert not _judge(make_case(flags=(Flag(flag, NOW),)))["allowed"]


def test_whoever_paid_is_left_alone_for_a_week(make_case: MakeCase) -> None:
    paid = Payment("any-case", "p-1", Decimal(10), date(2026, 11, 1), recorded_at=NOW - timedelta(days=1))
    answer = _judge(make_case(), payments=(paid,))
    assert _refusing(answer) == {"CN-ACC-01"}
    assert answer["next_allowed"] == (NOW + timedelta(days=6)).isoformat()
    assert _judge(make_case(), at=NOW + timedelta(days=6), payments=(paid,))["allowed"]


def _with_contact(make_case: MakeCase, own: NumberState = NumberState.VALID, approved_by: str | None = None) -> Case:
    case = make_case()
    numbers = (
        PhoneNumber(NUMBER, own),
        PhoneNumber("+8613800000002", label="紧急联系人", approved_by=approved_by),
    )
    return replace(case, debtor=replace(case.debtor, numbers=numbers))


def _attempt(case: Case, hours_ago: float, number: str = NUMBER, disposition: str = "no_answer") -> Attempt:
    at = NOW - timedelta(hours=hours_ago)
    key = f"{number}-{hours_ago}"
    return Attempt(
        key, key, case.id, case.debtor.id, number, CALLER, "w", AttemptState.ENDED, at, at, disposition=disposition
    )


def test_a_third_party_is_called_only_when_the_debtor_is_lost_and_a_reviewer_agreed(make_case: MakeCase) -> None:
    contact = "+8613800000002"
    case = _with_contact(make_case, approved_by="李示例")
    in_vain = tuple(_attempt(case, 25 * n) for n in (1, 2, 3))
    assert _judge(case, number=contact, attempts=in_vain)["allowed"]
    assert "CN-CONTACT-02" in _refusing(_judge(case, number=contact, attempts=in_vain[:2]))
    answered = (*in_vain, _attempt(case, 24, disposition="ptp_vague"))
    assert "CN-CONTACT-02" in _refusing(_judge(case, number=contact, attempts=answered))
    nobody_agreed = _with_contact(make_case)
    assert "CN-CONTACT-02" in _refusing(_judge(nobody_agreed, number=contact, attempts=in_vain))
    today = (*in_vain, _attempt(case, 1.5, contact, "third_party"))
    assert "CN-CONTACT-02" in _refusing(_judge(case, number=contact, attempts=today))
    dead = _with_contact(make_case, NumberState.INVALID, "李示例")
    assert _judge(dead, number=contact)["allowed"]


@pytest.mark.parametrize(
    ("label", "allowed"),
    [("", True), ("home", True), ("household", True), ("单位", True), ("guarantor", True), ("neighbour", False)],
)
def test_a_label_says_whose_a_number_is_and_one_that_nobody_explained_refuses(
    make_case: MakeCase, label: str, allowed: bool
) -> None:
    case = make_case()
    known = replace(case, debtor=replace(case.debtor, numbers=(PhoneNumber(NUMBER, label=label),)))
    assert _judge(known)["allowed"] is allowed


def test_a_case_of_the_united_states_needs_the_state_and_the_consent(make_case: MakeCase) -> None:
    consents = (Consent("robot_call", True, NOW - timedelta(days=9)),)
    at = NOW.replace(hour=16)
    case = make_case(jurisdiction="us", time_zone="America/New_York", residence="MA", consents=consents)
    assert _judge(case, at=at)["allowed"]
    assert _refusing(_judge(replace(case, residence=None), at=at)) == {"US-STATE-01"}
    assert _refusing(_judge(replace(case, consents=()), at=at)) == {"US-AI-01"}
    two = tuple(_attempt(case, hours) for hours in (24, 48))
    assert _refusing(_judge(case, at=at, attempts=two)) == {"US-STATE-01"}
    assert _judge(replace(case, residence="NY"), at=at, attempts=two)["allowed"]


def test_a_notice_that_was_sent_lets_an_agency_call(make_case: MakeCase) -> None:
    agency = ContactPolicy(replace(FIRM, by_agency=True, assigned=True))
    assert _refusing(_judge(make_case(), agency)) == {"CN-OPS-05", "CN-LAW-10"}
    sent = NOW - timedelta(days=1)
    told = make_case(consents=(Consent("agency_notice", True, sent), Consent("assignment_notice", True, sent)))
    assert _judge(told, agency)["allowed"]


def test_times_that_were_agreed_ruled_out_or_visited_are_heeded(make_case: MakeCase) -> None:
    hour = timedelta(hours=1)

    def span(kind: SpanKind, start: datetime, end: datetime, recorded_at: datetime = NOW - hour) -> CaseSpan:
        return CaseSpan(kind, start, end, "recording 7", recorded_at)

    blocked = _judge(make_case(), spans=(span(SpanKind.BLOCKED, NOW - hour, NOW + hour),))
    assert blocked["next_allowed"] == (NOW + hour).isoformat()
    visit = _judge(make_case(), spans=(span(SpanKind.VISIT, NOW - 10 * hour, NOW + 14 * hour),))
    assert "CN-FREQ-05" in _refusing(visit)
    assert visit["next_allowed"] == "2026-11-21T00:00:00+00:00"
    over = span(SpanKind.VISIT, NOW - 34 * hour, NOW - 10 * hour)
    later = span(SpanKind.VISIT, NOW + 62 * hour, NOW + 86 * hour)
    assert _judge(make_case(), spans=(over, later))["allowed"]
    late = NOW + timedelta(hours=12, minutes=15)
    agreed = span(SpanKind.AGREED, late - hour, late + hour)
    assert "CN-TIME-01" not in _refusing(_judge(make_case(), at=late, spans=(agreed,)))
    unheard = replace(agreed, recorded_at=late + hour)
    assert "CN-TIME-01" in _refusing(_judge(make_case(), at=late, spans=(unheard,)))


def test_a_carriers_limit_is_lifted_for_numbers_it_whitelisted_and_nothing_else_is(make_case: MakeCase) -> None:
    case = make_case()
    ours = ContactPolicy(replace(FIRM, whitelisted_callers=frozenset({CALLER})))
    many = tuple(_attempt(case, 0.01 * n) for n in range(1, 4))
    assert {"CN-FREQ-03", "CN-FREQ-04"} <= _refusing(_judge(case, attempts=many))
    assert _refusing(_judge(case, ours, attempts=many)) == {"CN-FREQ-04"}


def test_the_hash_of_overrides_is_kept_with_the_answer_while_they_hold(make_case: MakeCase) -> None:
    stricter = Override(pack="cn", rule="CN-OPS-01", params={"calls_per_day": 1})
    policy = ContactPolicy(FIRM, (stricter, Override(pack="us", rule="US-NUM-01", params={"kind": "x"})))
    answer = _judge(make_case(), policy, caller_calls=(NOW - timedelta(hours=1),))
    assert _refusing(answer) == {"CN-OPS-01"}
    assert answer["overrides_hash"] == digest([stricter])
    assert _judge(make_case())["overrides_hash"] is None
    with pytest.raises(PackError, match=r"overrides of us\[0\]: US-NUM-01 has no parameter kind"):
        policy.check()


async def test_a_reviewed_number_goes_on_until_its_time(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    await store.brakes.review_caller(CALLER, until=NOW + timedelta(hours=1), by="officer", reason="looked")
    history = await store.attempts.history(case.id, NUMBER, caller_id=CALLER, at=NOW)
    busy = replace(history, caller_calls=(NOW - timedelta(hours=1),) * 500)
    assert POLICY.permit(busy).allowed
    assert "CN-OPS-01" in _refusing(explanation(POLICY.decide(busy, NOW + timedelta(hours=2))))


async def test_in_the_store_the_second_call_within_the_hour_is_refused_with_its_reason(
    store: Store, make_case: MakeCase
) -> None:
    case = await store.cases.add(make_case())

    async def begin(key: str, at: datetime) -> dict[str, Any]:
        begun = await store.attempts.begin(
            idempotency_key=key, case_id=case.id, number=NUMBER, worker_id="w", permit=POLICY.permit, at=at
        )
        return dict(begun.attempt.policy)

    first = await begin("1", NOW)
    assert first["allowed"]
    with pytest.raises(AttemptRefused) as refused:
        await begin("2", NOW + timedelta(minutes=30))
    told = dict(refused.value.attempt.policy)
    assert "CN-FREQ-04" in _refusing(told)
    assert told["next_allowed"] == (NOW + timedelta(hours=1)).isoformat()
    history = await store.attempts.history(case.id, NUMBER, at=NOW + timedelta(minutes=30))
    assert explanation(POLICY.decide(history, NOW + timedelta(minutes=30))) == told
    assert (await begin("3", NOW + timedelta(hours=1)))["allowed"]


async def test_a_caller_number_does_no_more_than_its_day(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    shown = NOW - timedelta(hours=1)
    history = await store.attempts.history(case.id, NUMBER, caller_id=CALLER, at=NOW)
    assert POLICY.permit(history).allowed
    busy = replace(history, caller_calls=(shown,) * 500)
    assert "CN-OPS-01" in _refusing(dict(POLICY.permit(busy).explanation))
    yesterday = replace(history, caller_calls=(NOW - timedelta(hours=20),) * 500)
    assert POLICY.permit(yesterday).allowed


def test_a_number_that_has_done_its_day_keeps_a_person_waiting_until_tomorrow_and_no_longer(
    make_case: MakeCase,
) -> None:
    answer = _judge(make_case(), caller_calls=(NOW - timedelta(hours=1),) * 500)
    assert _refusing(answer) == {"CN-OPS-01"}
    tomorrow = datetime.fromisoformat(answer["next_allowed"])
    assert NOW < tomorrow <= NOW + timedelta(days=1)
