"""What a case says is typed once, on the way in; what it does not say is absent and never guessed."""

from datetime import date
from decimal import Decimal

import pytest

from voicebot.dialog.facts import FactError, Facts, surname_of


def test_nested_and_dotted_cases_are_the_same() -> None:
    nested = Facts.of({"debt": {"amount_due": "2380", "due_date": "2026-03-01", "creditor": "安信银行"}})
    dotted = Facts.of({"debt.amount_due": 2380, "debt.due_date": date(2026, 3, 1), "debt.creditor": "安信银行"})
    assert nested == dotted
    assert nested["debt.amount_due"] == Decimal(2380)
    assert nested["firm.name"] == "安信银行"


@pytest.mark.parametrize(
    ("name", "surname"), [("王小样", "王"), ("欧阳示例", "欧阳"), ("李例", "李"), ("Alex Example", "Example"), ("", "")]
)
def test_surnames(name: str, surname: str) -> None:
    assert surname_of(name) == surname


def test_absent_facts_are_absent() -> None:
    facts = Facts.of({"debtor": {"name": "王小样", "age": None}})
    assert "debtor.age" not in facts
    assert facts.amount("debt.amount_due") is None


@pytest.mark.parametrize(
    "raw",
    [
        {"debt": {"amount_due": "两千"}},
        {"debt": {"due_date": "下周五"}},
        {"debt": {"amuont_due": 1}},
        {"debt.amount_due": "NaN"},
    ],
)
def test_a_wrong_fact_is_refused_by_name(raw: dict[str, object]) -> None:
    with pytest.raises(FactError, match="debt\\."):
        Facts.of(raw)
