"""Values that the facts of a line may take, from ordinary to extreme, for trying a line with all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from voicebot.dialog.facts import FACTS, FactKind, FactValue
from voicebot.dialog.wording import COMPUTED, SLOTS, blanks

TODAY = date(2026, 3, 10)
_ZONE = ZoneInfo("Asia/Shanghai")

_BY_KIND: dict[FactKind, tuple[FactValue, ...]] = {
    FactKind.MONEY: tuple(Decimal(text) for text in ("2380", "0.5", "1286.40", "10000", "305020.08", "1000000")),
    FactKind.DATE: (date(2026, 3, 13), date(2026, 12, 31), date(2027, 2, 28)),
    FactKind.TIME: (
        datetime(2026, 3, 11, 15, 0, tzinfo=_ZONE),
        datetime(2026, 3, 20, 8, 5, tzinfo=_ZONE),
        datetime(2026, 3, 10, 21, 30, tzinfo=_ZONE),
    ),
    FactKind.COUNT: (12, 2, 60),
    FactKind.DIGITS: ("13800000000", "3866"),
    FactKind.TEXT: ("示例",),
    FactKind.FLAG: (True,),
}


_IN_ENGLISH: dict[str, tuple[FactValue, ...]] = {
    "debtor.name": ("Alex Example", "Maria del Carmen Sample", "Jo Li"),
    "debtor.surname": ("Example", "Sample"),
    "debtor.honorific": ("",),
    "debt.creditor": ("Example Bank", "Sample Credit Union"),
    "debt.product": ("credit card",),
    "firm.name": ("Example Services", "Sample Customer Care"),
    "firm.app": ("the Example app",),
    "firm.hours": ("nine to five",),
}


@dataclass(frozen=True)
class Sample:
    """One set of values for a line's blanks."""

    values: dict[str, FactValue]
    today: date = TODAY

    def value_of(self, name: str) -> FactValue | None:
        return self.values.get(name)

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        return tuple(value for value in self.values.values() if isinstance(value, Decimal))


def samples_of(text: str, language: str = "zh-CN") -> list[Sample]:
    """Every value of every blank at least once, the most ordinary ones together first."""
    names = list(dict.fromkeys(name for name, _ in blanks(text)))
    choices = {name: _values(name, language) for name in names}
    rounds = max((len(values) for values in choices.values()), default=1)
    return [
        Sample({name: values[min(turn, len(values) - 1)] for name, values in choices.items()}) for turn in range(rounds)
    ]


def _values(name: str, language: str) -> tuple[FactValue, ...]:
    if language.startswith("en") and name in _IN_ENGLISH:
        return _IN_ENGLISH[name]
    if name in FACTS:
        facts = _samples(name)
        if facts:
            return facts
        return _BY_KIND[FACTS[name].kind]
    kind = SLOTS.get(name[5:]) if name.startswith("slot.") else COMPUTED.get(name)
    return _BY_KIND[kind or FactKind.TEXT]


def _samples(name: str) -> tuple[FactValue, ...]:
    from voicebot.dialog.facts import Facts

    return tuple(Facts.of({name: sample})[name] for sample in FACTS[name].samples)
