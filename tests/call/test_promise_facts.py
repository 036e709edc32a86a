"""A promise stands by what was booked after it was made, in its own currency; the flow is told no more than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast

import pytest

from voicebot.call.case_facts import Firm, facts_of
from voicebot.call.promise_facts import Kept, PromiseBook, latest_promise, promise_as_of, standing_of
from voicebot.store.news_records import Payment
from voicebot.store.records import Case, CaseStatus, Debt, Debtor, Promise, PromiseState

MADE = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DUE = date(2026, 11, 25)
LATER = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


def case(**fields: object) -> Case:
    debt = Debt("示例银行", Decimal("2350.75"), date(2026, 11, 1))
    return Case(**{"debtor": Debtor("王小样"), "debt": debt, **fields})  # type: ignore[arg-type]


PROMISE = Promise("c", Decimal(1000), DUE, recorded_at=MADE)


def paid(amount: str, on: date, *, booked: datetime = LATER, currency: str = "CNY") -> Payment:
    return Payment("c", f"{amount}{on}", Decimal(amount), on, currency, recorded_at=booked)


@pytest.mark.parametrize(
    ("payments", "kept", "sum_"),
    [
        ([], Kept.BROKEN, "0"),
        ([paid("1000", DUE)], Kept.KEPT, "1000"),
        ([paid("400", DUE), paid("600", date(2026, 11, 26))], Kept.KEPT, "1000"),
        ([paid("999.99", DUE)], Kept.PARTLY, "999.99"),
        ([paid("1000", date(2026, 11, 19))], Kept.BROKEN, "0"),
        ([paid("1000", date(2026, 11, 20), booked=MADE - timedelta(hours=1))], Kept.BROKEN, "0"),
        ([paid("1000", date(2026, 11, 20), booked=MADE + timedelta(hours=1))], Kept.KEPT, "1000"),
        ([paid("1000", DUE, currency="USD")], Kept.BROKEN, "0"),
    ],
)
def test_payments_are_set_against_it(payments: list[Payment], kept: Kept, sum_: str) -> None:
    standing = standing_of(PROMISE, case(), payments, LATER)
    assert (standing.kept, standing.paid) == (kept, Decimal(sum_))


def test_a_settled_case_owes_nothing_more() -> None:
    assert standing_of(PROMISE, case(status=CaseStatus.SETTLED), [], LATER).kept is Kept.KEPT
    nothing_due = case(debt=Debt("示例银行", Decimal(0), date(2026, 11, 1)))
    assert standing_of(PROMISE, nothing_due, [], LATER).kept is Kept.KEPT


def test_the_debtors_own_day_counts() -> None:
    made_late = Promise("c", Decimal(1000), DUE, recorded_at=datetime(2026, 11, 20, 17, 0, tzinfo=UTC))
    # 17:00 UTC on the 20th is the 21st in Shanghai: a payment of the 20th lies before the promise there.
    assert standing_of(made_late, case(), [paid("1000", date(2026, 11, 20))], LATER).kept is Kept.BROKEN
    new_york = case(time_zone="America/New_York")
    assert standing_of(made_late, new_york, [paid("1000", date(2026, 11, 20))], LATER).kept is Kept.KEPT


def test_nobody_is_told_of_a_broken_promise_before_its_day_is_over() -> None:
    on_the_day = standing_of(PROMISE, case(), [], datetime(2026, 11, 25, 15, 59, tzinfo=UTC))
    assert not on_the_day.due
    assert "promise.status" not in on_the_day.facts()
    after = standing_of(PROMISE, case(), [], datetime(2026, 11, 25, 16, 0, tzinfo=UTC))
    assert after.facts()["promise.status"] == "broken"


def test_the_flow_knows_the_promise_and_what_came_in() -> None:
    standing = standing_of(PROMISE, case(), [paid("400", DUE)], LATER, changes=2)
    facts = facts_of(case(), Firm("示例服务中心", "4000000000"), LATER, promise=standing)
    assert facts.get("promise.status") == "partly"
    assert facts.amount("promise.amount") == Decimal(1000)
    assert facts.amount("promise.paid") == Decimal(400)
    assert facts.get("promise.date") == DUE
    assert facts.get("promise.changes") == 2


@dataclass
class Book:
    """Promises, newest first, and payments of one case, as the store would list them."""

    made: Sequence[Promise]
    booked: Sequence[Payment] = ()

    @property
    def promises(self) -> Book:
        return self

    @property
    def news(self) -> Book:
        return self

    async def list(self, **_: object) -> Sequence[Promise]:
        return self.made

    async def payments(self, *_: object, **__: object) -> Sequence[Payment]:
        return self.booked


def book(made: Sequence[Promise], booked: Sequence[Payment] = ()) -> PromiseBook:
    return cast(PromiseBook, Book(made, booked))


MOVED = replace(PROMISE, state=PromiseState.CANCELLED)
NEXT = Promise("c", Decimal(500), date(2026, 12, 1), recorded_at=LATER + timedelta(minutes=2))
"""What the caller promised in a call that was held LATER."""


async def test_a_call_gone_by_is_about_the_promise_of_its_day() -> None:
    then = await promise_as_of(book([NEXT, MOVED]), case(), LATER)
    assert then is not None
    assert (then.promise.amount, then.kept, then.changes) == (PROMISE.amount, Kept.BROKEN, 0)
    now = await latest_promise(book([NEXT, MOVED]), case(), LATER)
    assert now is not None
    assert (now.promise.amount, now.changes) == (NEXT.amount, 1)
    earlier = replace(MOVED, recorded_at=MADE - timedelta(days=2))
    moved_once = await promise_as_of(book([NEXT, MOVED, earlier]), case(), LATER)
    assert moved_once is not None
    assert moved_once.changes == 1


async def test_what_came_in_after_a_call_had_not_kept_the_promise_then() -> None:
    came = [paid("1000", DUE, booked=LATER - timedelta(hours=1)), paid("1350.75", DUE, booked=LATER)]
    settled = case(status=CaseStatus.SETTLED, debt=Debt("示例银行", Decimal(0), date(2026, 11, 1)))
    part = await promise_as_of(book([PROMISE], came[1:]), settled, LATER)
    assert part is not None
    assert (part.kept, part.paid) == (Kept.BROKEN, Decimal(0))
    kept = await promise_as_of(book([PROMISE], came), settled, LATER)
    assert kept is not None
    assert (kept.kept, kept.paid) == (Kept.KEPT, Decimal(1000))


async def test_a_promise_that_was_taken_back_is_not_spoken_of_in_a_call_gone_by() -> None:
    assert await promise_as_of(book([MOVED]), case(), LATER) is None
    assert await promise_as_of(book([NEXT]), case(), LATER) is None
