"""A number is a hint: whose it may be, which call was missed, what it was about; and nobody's where it is shared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from voicebot.call.case_facts import Firm, facts_of
from voicebot.call.inbound import KnownCase, Stage, of_the_hour, recognise, with_caller
from voicebot.store import Store
from voicebot.store.records import Call, Case, Debt, Debtor, NumberState, PhoneNumber, Promise

NOW = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)
NUMBER = "+8613800000001"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{tmp_path}/store.db", None, migrate=True) as opened:
        yield opened


def test_facts_of_the_hour_are_told_apart_from_those_of_the_case() -> None:
    person = Debtor(name="王小样", id_last_four="3866", numbers=(PhoneNumber(NUMBER),))
    case = Case(person, Debt("示例银行", Decimal(2380), date(2026, 3, 1)))
    of_case = facts_of(case, Firm("示例服务中心", "4000000000"), NOW)
    plain = with_caller(of_case, closed=False)
    assert of_the_hour(plain) == {"case.callback_expected": False}
    known = KnownCase(case, Stage.FIRST, can_text=True)
    assert of_the_hour(with_caller(of_case, closed=True, withheld=True, known=known)) == {
        "firm.closed": True,
        "call.withheld": True,
        "case.can_text": True,
        "case.stage": "first",
        "case.callback_expected": False,
    }
    assert "case.can_text" not in with_caller(of_case, closed=True, known=KnownCase(case, Stage.FIRST))
    assert with_caller(of_case, closed=True, can_text=True)["case.can_text"] is True


async def a_case(store: Store, name: str, debtor: str = "d-1", due: date = date(2026, 3, 1)) -> Case:
    person = Debtor(name=name, id_last_four="3866", numbers=(PhoneNumber(NUMBER),), id=debtor)
    debt = Debt(creditor="示例银行", amount_due=Decimal(2380), due_date=due)
    return await store.cases.add(Case(id=f"case-{name}", debtor=person, debt=debt))


async def called(
    store: Store, case: Case, disposition: str, flow: str = "reminder_first", days_ago: float = 1.0, key: str = ""
) -> None:
    at = NOW - timedelta(days=days_ago)
    call = Call(
        "outbound", flow, at, "w", id=f"call-{case.id}{key}", case_id=case.id, attempt_id=f"attempt-{case.id}{key}"
    )
    await store.calls.begin(call)
    await store.calls.finish(call.id, ended_at=at, disposition=disposition)


async def only(store: Store) -> KnownCase:
    (known,) = await recognise(store, NUMBER, NOW)
    return known


async def test_the_missed_attempt_is_found(store: Store) -> None:
    case = await a_case(store, "王小样")
    await called(store, case, "reminded", days_ago=5, key="-old")
    await called(store, case, "no_answer")
    known = await only(store)
    assert known.missed is not None
    assert (known.case.id, known.missed.attempt_id) == (case.id, f"attempt-{case.id}")


@pytest.mark.parametrize(("disposition", "days_ago"), [("reminded", 1.0), ("ptp", 1.0), ("no_answer", 15.0)])
async def test_a_call_that_was_taken_or_is_long_past_was_not_missed(
    store: Store, disposition: str, days_ago: float
) -> None:
    await called(store, await a_case(store, "王小样"), disposition, days_ago=days_ago)
    assert (await only(store)).missed is None


@pytest.mark.parametrize(
    ("flow", "due", "stage"),
    [
        ("reminder_first", date(2026, 3, 1), Stage.FIRST),
        ("reminder_later", date(2026, 3, 1), Stage.LATER),
        ("reminder_due_soon", date(2026, 3, 15), Stage.DUE_SOON),
        ("reminder_due_soon", date(2026, 3, 1), Stage.FIRST),
        ("promise_followup", date(2026, 3, 1), Stage.FIRST),
        ("something_of_their_own", date(2026, 3, 1), Stage.FIRST),
        (None, date(2026, 3, 1), Stage.FIRST),
        (None, date(2026, 1, 1), Stage.LATER),
        (None, date(2026, 3, 15), Stage.DUE_SOON),
    ],
)
async def test_the_call_goes_on_where_the_case_stands(store: Store, flow: str | None, due: date, stage: Stage) -> None:
    case = await a_case(store, "王小样", due=due)
    if flow is not None:
        await called(store, case, "no_answer", flow)
    assert (await only(store)).stage is stage


async def test_a_promise_whose_day_is_over_comes_first(store: Store) -> None:
    case = await a_case(store, "王小样")
    await called(store, case, "no_answer", "reminder_later")
    made = NOW - timedelta(days=6)
    await store.promises.add(Promise(case.id, Decimal(2000), date(2026, 3, 6), recorded_at=made))
    assert (await only(store)).stage is Stage.PROMISE


async def test_of_one_debtors_cases_it_is_the_one_called_last(store: Store) -> None:
    first = await a_case(store, "王小样一")
    await a_case(store, "王小样二")
    await called(store, first, "no_answer")
    assert (await only(store)).case.id == first.id


async def test_a_shared_number_is_everybodys(store: Store) -> None:
    await a_case(store, "王小样")
    await a_case(store, "李示例", debtor="d-2")
    known = await recognise(store, NUMBER, NOW)
    assert {one.case.debtor.name for one in known} == {"王小样", "李示例"}


async def test_a_number_that_was_wrong_or_is_unknown_is_nobodys(store: Store) -> None:
    case = await a_case(store, "王小样")
    assert await recognise(store, "+8613800000009", NOW) == []
    await store.cases.set_number_state(NUMBER, NumberState.WRONG_PERSON, case_id=case.id)
    assert await recognise(store, NUMBER, NOW) == []
