"""A promise stands by what was booked after it was made, in its own currency; the flow is told no more than that."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from voicebot.call.case_facts import Firm, facts_of
from voicebot.call.promise_facts import Kept, standing_of
from voicebot.store.news_records import Payment
from voicebot.store.records import Case, CaseStatus, Debt, Debtor, Promise

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
