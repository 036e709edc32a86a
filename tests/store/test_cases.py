"""A case comes back as it went in, on both databases, and is found by any spelling of its number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from voicebot.store import Store, UnknownCase
from voicebot.store.records import (
    AgeBand,
    BulkResult,
    Case,
    CaseStatus,
    Consent,
    Debt,
    Debtor,
    Flag,
    NumberState,
    PhoneNumber,
    Suppression,
)

NOW = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)
MakeCase = Callable[..., Case]


async def test_a_case_comes_back_as_it_went_in(store: Store) -> None:
    case = Case(
        debtor=Debtor(
            name="李示例",
            external_id="C-7",
            surname="李",
            honorific="女士",
            id_last_four="0042",
            age_band=AgeBand.ELDERLY,
            numbers=(
                PhoneNumber("+8613800000002", label="mobile", preferred=1),
                PhoneNumber("+862000000003", NumberState.INVALID, "home", 2),
            ),
        ),
        debt=Debt(
            "示例消费金融",
            Decimal("0.10"),
            date(2024, 2, 29),
            "CNY",
            "分期",
            Decimal("99999999999.9999"),
            Decimal("0.05"),
        ),
        external_id="L-1",
        time_zone="Asia/Urumqi",
        language="zh-CN",
        dialect="sichuan",
        risk_tier="high",
        payday=15,
        preferred_hours=("18:00-20:00",),
        flags=(Flag("dispute", NOW, "金额不对", "call-1"),),
        consents=(Consent("robot_call", True, NOW, "合同"),),
        created_at=NOW,
    )
    stored = await store.cases.add(case)
    assert stored == case
    assert await store.cases.get(case.id) == case
    assert stored.debt.days_overdue(date(2024, 3, 2)) == 2
    assert await store.cases.get("nobody") is None


@pytest.mark.parametrize(
    "spelling",
    ["+8613800000001", "13800000001", "138-0000-0001", "sip:13800000001@trunk.example", "0086 138 0000 0001"],
)
async def test_a_number_is_found_in_any_spelling(store: Store, make_case: MakeCase, spelling: str) -> None:
    case = await store.cases.add(make_case())
    await store.cases.add(make_case("+8613800000009"))
    assert [found.id for found in await store.cases.find_by_number(spelling)] == [case.id]


async def test_a_closed_case_or_a_wrong_person_is_not_found_by_number(store: Store, make_case: MakeCase) -> None:
    closed, wrong = await store.cases.add(make_case()), await store.cases.add(make_case("+8613800000009"))
    await store.cases.set_status(closed.id, CaseStatus.SETTLED, at=NOW)
    await store.cases.set_number_state("13800000009", NumberState.WRONG_PERSON, case_id=wrong.id)
    assert await store.cases.find_by_number("13800000001") == []
    assert await store.cases.find_by_number("13800000009") == []
    settled = await store.cases.get(closed.id)
    assert settled is not None
    assert (settled.status, settled.closed_at) == (CaseStatus.SETTLED, NOW)
    with pytest.raises(UnknownCase, match="no case has the id"):
        await store.cases.set_status("nobody", CaseStatus.CLOSED)


async def test_importing_twice_changes_the_case_in_place_and_keeps_what_calls_taught(
    store: Store, make_case: MakeCase
) -> None:
    first = make_case(external_id="L-1", created_at=NOW)
    first = await store.cases.add(replace(first, debtor=replace(first.debtor, external_id="C-1")))
    await store.cases.set_number_state("+8613800000001", NumberState.STOP)
    await store.cases.set_flag(first.id, "dispute", note="已还", by="call-9", at=NOW)
    again = make_case(external_id="L-1")
    again = replace(
        again,
        debtor=replace(again.debtor, external_id="C-1", name="王小样样"),
        debt=replace(again.debt, amount_due=Decimal("1.00")),
    )
    second = await store.cases.add(again)
    assert second.id == first.id
    assert second.debtor.id == first.debtor.id
    assert second.created_at == NOW
    assert (second.debtor.name, second.debt.amount_due) == ("王小样样", Decimal("1.00"))
    assert second.debtor.numbers[0].state is NumberState.STOP
    assert second.first_valid_number() is None
    assert second.has_flag("dispute")
    assert len(await store.cases.list()) == 1


async def test_flags_are_set_once_and_taken_back(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    await store.cases.set_flag(case.id, "vulnerable", note="刚出院", by="call-1", at=NOW)
    await store.cases.set_flag(case.id, "vulnerable", note="again", by="call-2", at=NOW + timedelta(hours=1))
    flagged = await store.cases.list(flag="vulnerable")
    assert [(flag.name, flag.note, flag.set_by, flag.set_at) for flag in flagged[0].flags] == [
        ("vulnerable", "刚出院", "call-1", NOW)
    ]
    await store.cases.clear_flag(case.id, "vulnerable", by="officer")
    assert await store.cases.list(flag="vulnerable") == []
    assert not (await store.cases.list())[0].flags


async def test_the_latest_consent_of_a_kind_counts(store: Store, make_case: MakeCase) -> None:
    case = make_case(consents=(Consent("recording", True, NOW), Consent("recording", False, NOW + timedelta(days=1))))
    stored = await store.cases.add(case)
    assert [(consent.kind, consent.granted) for consent in stored.consents] == [("recording", False)]


async def test_pages_follow_one_another(store: Store, make_case: MakeCase) -> None:
    ids = sorted([(await store.cases.add(make_case(f"+86138000001{n:02d}"))).id for n in range(5)])
    first = await store.cases.list(limit=3)
    rest = await store.cases.list(limit=3, after=first[-1].id)
    assert [case.id for case in [*first, *rest]] == ids


async def test_suppressions_hold_for_a_number_or_a_debtor_while_they_last(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    by_number = Suppression("stop_contact", number="138 0000 0001", since=NOW, until=NOW + timedelta(days=90))
    by_debtor = Suppression("lawyer", debtor_id=case.debtor.id, since=NOW)
    for suppression in (by_number, by_debtor, by_number):
        await store.suppressions.add(suppression)

    async def reasons(at: datetime) -> list[str]:
        active = await store.suppressions.active(number="+8613800000001", debtor_id=case.debtor.id, at=at)
        return sorted(entry.reason for entry in active)

    assert await reasons(NOW - timedelta(seconds=1)) == []
    assert await reasons(NOW) == ["lawyer", "stop_contact"]
    assert await reasons(NOW + timedelta(days=90)) == ["lawyer"]
    assert await store.suppressions.lift(by_debtor.id, at=NOW + timedelta(days=100))
    assert await reasons(NOW + timedelta(days=100)) == []
    with pytest.raises(ValueError, match="a number or a debtor"):
        await store.suppressions.add(Suppression("nothing"))


async def test_a_case_handed_in_again_keeps_its_person(store: Store, make_case: Callable[..., Case]) -> None:
    """Caps are counted per person: without a customer number the contract number says who it is."""
    first = await store.cases.add(make_case(external_id="contract-1"))
    again = await store.cases.add(make_case(external_id="contract-1"))
    assert (again.id, again.debtor.id) == (first.id, first.debtor.id)
    other = await store.cases.add(make_case())
    assert other.debtor.id != first.debtor.id


async def test_a_batch_adds_changes_and_leaves_alone(store: Store, make_case: Callable[..., Case]) -> None:
    cases = [make_case(f"+861380000000{n}", external_id=f"c-{n}") for n in range(4)]
    assert await store.cases.add_many(cases[:3]) == BulkResult(3, 0, 0)
    changed = replace(cases[0], risk_tier="A")
    assert await store.cases.add_many([changed, *cases[1:]]) == BulkResult(1, 1, 2)
    for wrong in ([make_case()], [cases[0], cases[0]]):
        with pytest.raises(ValueError, match="external id"):
            await store.cases.add_many(wrong)
