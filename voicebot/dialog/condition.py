"""The small language of `when:`: slot.amount > debt.amount_due and right_party."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from voicebot.dialog.facts import FACTS, FactValue
from voicebot.dialog.wording import COMPUTED, SLOTS

OPERATORS = ("<=", ">=", "!=", "=", "<", ">")
_TERM = re.compile(r"^(?P<left>.+?)\s*(?P<op><=|>=|!=|=|<|>)\s*(?P<right>.+)$")
_DAYS = re.compile(r"^today\s*([+-])\s*(\d+)\s*d$")

BARE = ("right_party", "third_party", "elderly", "money_closed", "inbound")
"""Words that are true or false by themselves."""


class ConditionError(ValueError):
    """A condition that cannot be read: message in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True)
class Term:
    """One comparison, or one bare word."""

    left: str
    op: str | None = None
    right: str = ""
    negated: bool = False


@dataclass(frozen=True)
class Condition:
    """All of its terms hold. A term about a value that is not there is false, even when negated by `!=`."""

    text: str
    terms: tuple[Term, ...]

    def holds(self, value_of: Callable[[str], FactValue | None], today: date) -> bool:
        return all(_holds(term, value_of, today) for term in self.terms)


def parse(text: str) -> Condition:
    """Reads a condition. Raises ConditionError."""
    return Condition(text, tuple(_term(part.strip()) for part in re.split(r"\s+and\s+", text.strip())))


def _term(text: str) -> Term:
    negated = text.startswith("not ")
    body = text[4:].strip() if negated else text
    if match := _TERM.match(body):
        left, right = match["left"].strip(), match["right"].strip()
        if not _is_name(left):
            raise ConditionError(f"不认识 {left}", f"{left} is not known")
        return Term(left, match["op"], right, negated)
    if body in BARE or body.startswith(("heard ", "said ", "flag ")) or _is_name(body):
        return Term(body, negated=negated)
    raise ConditionError(f"读不懂条件 {text}", f"the condition {text} cannot be read")


def _is_name(name: str) -> bool:
    return (
        name in FACTS
        or name.startswith(("x.", "count "))
        or (name.startswith("slot.") and name[5:] in SLOTS)
        or name in COMPUTED
    )


def _holds(term: Term, value_of: Callable[[str], FactValue | None], today: date) -> bool:
    left = value_of(term.left)
    if term.op is None:
        truth = left is not None and left is not False
        return truth is not term.negated
    right = _operand(term.right, value_of, today)
    if left is None or right is None:
        return False
    return _compare(left, term.op, right) is not term.negated


def _operand(text: str, value_of: Callable[[str], FactValue | None], today: date) -> FactValue | None:
    if text == "today":
        return today
    if match := _DAYS.match(text):
        days = int(match[2]) * (1 if match[1] == "+" else -1)
        return today + timedelta(days=days)
    if _is_name(text):
        return value_of(text)
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return Decimal(text)
    return {"true": True, "false": False}.get(text, text.strip("'\""))


def _compare(left: FactValue, op: str, right: FactValue) -> bool:
    if isinstance(left, datetime) and not isinstance(right, datetime):
        left = left.date()
    if isinstance(left, int) and not isinstance(left, bool):
        left = Decimal(left)
    if op == "=":
        return left == right
    if op == "!=":
        return left != right
    if type(left) is not type(right):
        return False
    match op:
        case "<":
            return left < right  # type: ignore[operator]
        case ">":
            return left > right  # type: ignore[operator]
        case "<=":
            return left <= right  # type: ignore[operator]
        case _:
            return left >= right  # type: ignore[operator]
