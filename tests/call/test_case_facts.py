"""What may be said of a case is what is known of it: after a payment nobody knows what of it went where."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from voicebot.call.case_facts import Firm, facts_of, guard_state_of
from voicebot.store.records import Case, Debt, Debtor

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
DEBT = Debt("示例银行", Decimal("2000"), date(2026, 11, 1), principal=Decimal("1800"), minimum_due=Decimal("200"))
CASE = Case(Debtor("王小样"), DEBT)


def test_the_parts_of_a_debt_are_known_until_something_is_paid() -> None:
    facts = facts_of(CASE, Firm("示例服务中心", "4000000000"), NOW)
    assert [facts.amount(f"debt.{part}") for part in ("amount_due", "principal", "fees", "minimum_due")] == [
        Decimal("2000"),
        Decimal("1800"),
        Decimal("200"),
        Decimal("200"),
    ]


def test_after_a_payment_only_what_is_owed_in_all_is_known() -> None:
    paid = replace(CASE, debt=replace(DEBT, amount_due=Decimal("1500"), paid=Decimal("500")))
    facts = facts_of(paid, Firm("示例服务中心", "4000000000"), NOW)
    assert facts.amount("debt.amount_due") == Decimal("1500")
    assert [facts.amount(f"debt.{part}") for part in ("principal", "fees", "minimum_due")] == [None, None, None]
    assert guard_state_of(paid, "cn").ledger_amount == Decimal("1500")
