"""What the store knows of a case reaches the rules whole: nothing that stops contact is left out, unknown refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from voicebot.campaign.case_flags import FLAGS
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.policy import ContactPolicy, explanation
from voicebot.store import AttemptRefused, Store
from voicebot.store.records import (
    AgeBand,
    Callback,
    Case,
    CaseStatus,
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
