"""News of a case is taken whole, once, and holds from the next dial on; it never allows by the way what was stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from voicebot.store import AttemptRefused, Store
from voicebot.store.news_records import (
    ConsentNews,
    FlagNews,
    News,
    NumberNews,
    PaymentNews,
    SpanKind,
    SpanNews,
    Taken,
    TakenAs,
)
from voicebot.store.records import (
    Case,
    CaseStatus,
    ContactHistory,
    Debtor,
    NumberState,
    Permission,
    PhoneNumber,
    Suppression,
)

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MakeCase = Callable[..., Case]


async def take(store: Store, *news: News, looser: bool = False, at: datetime = NOW) -> list[TakenAs]:
    return [one.outcome for one in await store.news.take(news, by="test", looser=looser, at=at)]


async def refusal(store: Store, one: News) -> Taken:
    (taken,) = await store.news.take([one], by="test", at=NOW)
    assert taken.outcome is TakenAs.REFUSED
    return taken


def payment(reference: str = "p-1", amount: str = "350.75", day: int = 18) -> PaymentNews:
    return PaymentNews("c-1", reference, Decimal(amount), date(2026, 11, day))


async def test_a_payment_in_part_lowers_what_is_owed_and_one_in_full_settles(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case(external_id="c-1"))
    assert await take(store, payment(), payment()) == [TakenAs.NEW, TakenAs.KNOWN]
    part = await store.cases.get(case.id)
    assert part is not None
    assert (part.debt.amount_due, part.debt.paid, part.status) == (Decimal("2000"), Decimal("350.75"), CaseStatus.OPEN)
    assert await take(store, payment("p-2", "5000")) == [TakenAs.NEW]
    full = await store.cases.get(case.id)
    assert full is not None
    assert (full.debt.amount_due, full.status, full.closed_at) == (Decimal(0), CaseStatus.SETTLED, NOW)
    assert [one.reference for one in await store.news.payments(case.id)] == ["p-2", "p-1"]


async def test_the_creditors_old_statement_does_not_bring_back_what_was_paid(store: Store, make_case: MakeCase) -> None:
    stated = make_case(external_id="c-1")
    await store.cases.add(stated)
    await take(store, payment())
    for again in (await store.cases.add_many([stated]), await store.cases.add(stated)):
        assert getattr(again, "changed", 0) == 0
        case = await store.cases.by_contract("c-1")
        assert case is not None
        assert case.debt.amount_due == Decimal("2000")
    newer = replace(stated, debt=replace(stated.debt, amount_due=Decimal("2100")))
    assert (await store.cases.add_many([newer])).changed == 1
    case = await store.cases.by_contract("c-1")
    assert case is not None
    assert (case.debt.amount_due, case.debt.paid) == (Decimal("2100"), Decimal(0))


@pytest.mark.parametrize(
    ("one", "field"),
    [
        (PaymentNews("nobody", "p", Decimal(1), date(2026, 11, 1)), "case"),
        (PaymentNews("c-1", "p", Decimal(1), date(2026, 11, 1), "USD"), "currency"),
        (PaymentNews("c-1", "p", Decimal(1), date(2026, 11, 21)), "paid_on"),
        (FlagNews("c-1", "dispute", since=NOW + timedelta(hours=1)), "since"),
        (NumberNews("c-1", "12", NumberState.STOP), "number"),
        (ConsentNews("c-1", "sms", NOW + timedelta(days=1)), "on"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(
    store: Store, make_case: MakeCase, one: News, field: str
) -> None:
    await store.cases.add(make_case(external_id="c-1"))
    taken = await refusal(store, one)
    assert (taken.field, taken.needs_officer) == (field, False)
    assert taken.why


async def test_one_bad_piece_does_not_keep_the_others_out(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case(external_id="c-1"))
    news = [FlagNews("nobody", "dispute"), FlagNews("c-1", "dispute"), FlagNews(case.id, "vulnerable")]
    assert await take(store, *news) == [TakenAs.REFUSED, TakenAs.NEW, TakenAs.NEW]
    again = await store.cases.get(case.id)
    assert again is not None
    assert {flag.name for flag in again.flags} == {"dispute", "vulnerable"}


async def test_a_lifted_flag_is_not_set_again_by_an_old_table(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case(external_id="c-1"))
    came_up = FlagNews("c-1", "stop_contact", since=NOW - timedelta(days=3))
    assert await take(store, came_up) == [TakenAs.NEW]
    await store.suppressions.add(Suppression("stop_contact", debtor_id=case.debtor.id, since=NOW - timedelta(days=2)))
    lifting = FlagNews("c-1", "stop_contact", in_force=False)
    assert (await refusal(store, lifting)).needs_officer
    assert await take(store, lifting, looser=True) == [TakenAs.CHANGED]
    assert await store.suppressions.active(debtor_id=case.debtor.id, at=NOW) == []
    later = NOW + timedelta(hours=1)
    assert await take(store, came_up, lifting, at=later) == [TakenAs.KNOWN, TakenAs.KNOWN]
    assert await take(store, FlagNews("c-1", "stop_contact"), at=later) == [TakenAs.NEW]


async def test_a_date_is_one_of_the_debtors_own_day(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case(external_id="c-1", time_zone="America/New_York"))
    day = datetime(2026, 11, 18)  # noqa: DTZ001
    await take(
        store,
        FlagNews("c-1", "dispute", since=day),
        ConsentNews("c-1", "agency_notice", day),
        SpanNews("c-1", SpanKind.VISIT, day, day + timedelta(days=1)),
    )
    found = await store.cases.get(case.id)
    assert found is not None
    there = datetime(2026, 11, 18, 5, tzinfo=UTC)
    assert (found.flags[0].set_at, found.consents[0].at) == (there, there)
    (visit,) = (await store.attempts.history(case.id, "+8613800000001", at=NOW)).spans
    assert (visit.kind, visit.starts_at) == (SpanKind.VISIT, there)


async def test_a_number_is_added_changed_and_kept_by_the_next_import(store: Store, make_case: MakeCase) -> None:
    stated = make_case(external_id="c-1")
    await store.cases.add(stated)
    mine, new = "13800000001", "010-66668888"
    assert await take(
        store, NumberNews("c-1", mine, NumberState.INVALID), NumberNews("c-1", new, label="third_party")
    ) == [TakenAs.CHANGED, TakenAs.NEW]
    assert await take(store, NumberNews("c-1", mine, NumberState.VALID)) == [TakenAs.CHANGED]
    assert await take(store, NumberNews("c-1", mine, NumberState.STOP)) == [TakenAs.CHANGED]
    assert (await refusal(store, NumberNews("c-1", mine, NumberState.VALID))).needs_officer
    assert (await refusal(store, NumberNews("c-1", new, label="own"))).needs_officer
    assert (await refusal(store, NumberNews("c-1", new, approved_by="me"))).needs_officer
    assert await take(store, NumberNews("c-1", new, approved_by="李示例"), looser=True) == [TakenAs.CHANGED]
    with_new = Debtor(name="王小样", numbers=(PhoneNumber("+8613800000001"), PhoneNumber("+861066668888")))
    for imported in (stated, replace(stated, debtor=with_new)):
        await store.cases.add_many([imported])
        await store.cases.add(imported)
    case = await store.cases.by_contract("c-1")
    assert case is not None
    assert [(one.number, one.state, one.label, one.approved_by) for one in case.debtor.numbers] == [
        ("+8613800000001", NumberState.STOP, "", None),
        ("+861066668888", NumberState.VALID, "third_party", "李示例"),
    ]


async def test_a_consent_that_is_taken_back_is_the_one_that_holds(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case(external_id="c-1"))
    given = ConsentNews("c-1", "robot_call", NOW - timedelta(days=2), True, "合同第8条")
    back = ConsentNews("c-1", "robot_call", NOW - timedelta(days=1), False, "录音")
    assert await take(store, back, given, given) == [TakenAs.NEW, TakenAs.NEW, TakenAs.KNOWN]
    found = await store.cases.get(case.id)
    assert found is not None
    assert [(one.kind, one.granted) for one in found.consents] == [("robot_call", False)]


async def test_a_time_is_kept_once_and_taken_back_by_an_officer(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case(external_id="c-1"))
    agreed = SpanNews("c-1", SpanKind.AGREED, NOW, NOW + timedelta(hours=1), "recording 7")
    assert await take(store, agreed, agreed) == [TakenAs.NEW, TakenAs.KNOWN]
    back = replace(agreed, in_force=False)
    assert (await refusal(store, back)).needs_officer
    assert await take(store, back, looser=True) == [TakenAs.CHANGED]
    assert (await store.attempts.history(case.id, "+8613800000001", at=NOW)).spans == ()


async def test_a_dial_after_the_news_knows_of_it_whatever_the_order_of_waiting(
    store: Store, make_case: MakeCase
) -> None:
    """News and dials of one debtor come one after the other: none is judged by half of the news."""
    case = await store.cases.add(make_case(external_id="c-1"))
    seen: list[bool] = []

    def permit(history: ContactHistory) -> Permission:
        known = (bool(history.payments), history.case.has_flag("dispute"))
        assert known in {(False, False), (True, True)}
        seen.append(all(known))
        return Permission(False)

    async def dial(n: int) -> None:
        with pytest.raises(AttemptRefused):
            await store.attempts.begin(
                idempotency_key=str(n), case_id=case.id, number="+8613800000001", worker_id="w", permit=permit, at=NOW
            )

    dials = [asyncio.create_task(dial(n)) for n in range(8)]
    await take(store, payment(), FlagNews("c-1", "dispute"))
    await asyncio.gather(*dials)
    await dial(8)
    assert seen[-1]


async def test_the_history_tells_of_all_cases_of_the_debtor(store: Store, make_case: MakeCase) -> None:
    debtor = Debtor(name="王小样", external_id="person-1", numbers=(PhoneNumber("+8613800000001"),))
    one = await store.cases.add(make_case(external_id="c-1", debtor=debtor))
    other = await store.cases.add(make_case(external_id="c-2", debtor=debtor))
    await take(store, payment(), FlagNews("c-1", "deceased"))
    history = await store.attempts.history(other.id, "+8613800000001", at=NOW)
    assert [flag.name for flag in history.other_flags] == ["deceased"]
    assert [paid.case_id for paid in history.payments] == [one.id]
    month = await store.attempts.history(other.id, "+8613800000001", at=NOW + timedelta(days=40))
    assert month.payments == ()


async def test_the_emergency_stop_is_one_and_leaves_its_trace(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    assert (await store.attempts.history(case.id, "+8613800000001")).halted is False
    first = await store.brakes.halt("complaints", by="operator", at=NOW)
    assert await store.brakes.halt("again", by="other", at=NOW + timedelta(minutes=1)) == first
    assert (await store.attempts.history(case.id, "+8613800000001")).halted is True
    assert await store.brakes.resume("found", by="officer", at=NOW + timedelta(hours=1)) == first
    assert await store.brakes.resume("found", by="officer") is None
    assert (await store.attempts.history(case.id, "+8613800000001")).halted is False
    (kept,) = await store.brakes.list()
    assert (kept.reason, kept.lifted_by, kept.lifted_because) == ("complaints", "officer", "found")
