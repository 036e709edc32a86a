"""Fills a line's blanks: {debt.amount_due} becomes 两千三百八十元, never a guess and never a bare digit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from voicebot.dialog import reading_en, reading_zh
from voicebot.dialog.facts import FACTS, FactKind, FactValue

BLANK = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")
"""A blank in a line: a name, and where wanted how to read it."""

STYLES = ("plain", "weekday", "digits", "count")
"""How a blank may be read: {slot.date|weekday} adds the day of the week."""

SLOTS: Mapping[str, FactKind] = {
    "date": FactKind.DATE,
    "amount": FactKind.MONEY,
    "callback_at": FactKind.TIME,
    "instalments": FactKind.COUNT,
    "digits": FactKind.DIGITS,
    "id_last_four": FactKind.DIGITS,
    "name": FactKind.TEXT,
    "preferred_channel": FactKind.TEXT,
    "language": FactKind.TEXT,
    "callback_number": FactKind.DIGITS,
}
"""Slots that a flow may collect, and how each is read."""

COMPUTED: Mapping[str, FactKind] = {
    "promise.remaining": FactKind.MONEY,
    "callback.hour": FactKind.COUNT,
    "today": FactKind.DATE,
    "call.reference": FactKind.DIGITS,
    "queue.ahead": FactKind.COUNT,
}
"""Values worked out from the case and the conversation: what stays due after the promised amount, the hour of the day
of a callback, 0 to 23, the date, the call's reference number, and how many callers wait before this one."""


def kind_of(name: str) -> FactKind | None:
    """Kind of a blank by its name, None when there is no such blank."""
    if name.startswith("slot."):
        return SLOTS.get(name[5:])
    if name in COMPUTED:
        return COMPUTED[name]
    if name.startswith("x."):
        return FactKind.TEXT
    return FACTS[name].kind if name in FACTS else None


class MissingValue(LookupError):
    """A line has a blank for which this call has no value."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Voice(Protocol):
    """How one language reads values aloud. The modules reading_zh and reading_en are two."""

    def integer(self, number: int) -> str: ...

    def count(self, number: int) -> str: ...

    def money(self, amount: Decimal, currency: str) -> str: ...

    def digits(self, text: str) -> str: ...

    def day(self, value: date, today: date | None) -> str: ...

    def day_with_weekday(self, value: date, today: date | None) -> str: ...

    def moment(self, value: datetime, today: date | None) -> str: ...


def _voice(language: str) -> Voice:
    return reading_zh if language.startswith(("zh", "yue")) else reading_en


@dataclass(frozen=True)
class Reader:
    """Reads values aloud in one language."""

    language: str
    currency: str
    today: date

    def read(self, kind: FactKind, value: FactValue, style: str = "plain") -> str:
        voice = _voice(self.language)
        if isinstance(value, bool):
            return str(value).lower()
        if style == "digits" or kind is FactKind.DIGITS:
            return voice.digits(str(value))
        if kind is FactKind.MONEY:
            return voice.money(Decimal(str(value)), self.currency)
        if isinstance(value, datetime):
            return voice.moment(value, self.today)
        if isinstance(value, date):
            return voice.day_with_weekday(value, self.today) if style == "weekday" else voice.day(value, self.today)
        if isinstance(value, int):
            return voice.count(value) if style == "count" else voice.integer(value)
        return str(value)


def blanks(text: str) -> tuple[tuple[str, str], ...]:
    """Name and style of each blank of a line, in order."""
    return tuple((match[1].strip(), (match[2] or "plain").strip()) for match in BLANK.finditer(text))


def fill(text: str, value_of: Callable[[str], FactValue | None], reader: Reader) -> str:
    """The line as it is to be said. Raises MissingValue for a blank without a value."""

    def one(match: re.Match[str]) -> str:
        name, style = match[1].strip(), (match[2] or "plain").strip()
        value = value_of(name)
        if value is None:
            raise MissingValue(name)
        return reader.read(kind_of(name) or FactKind.TEXT, value, style)

    return BLANK.sub(one, text)
