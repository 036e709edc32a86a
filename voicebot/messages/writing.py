"""Values as they are written in a text, where the voice reads them out in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from voicebot.dialog.facts import FactValue
from voicebot.dialog.wording import BLANK, MissingValue

_ZH_UNITS = {"CNY": "元", "USD": "美元", "HKD": "港元", "TWD": "新台币元", "GBP": "英镑", "EUR": "欧元"}
_EN_SIGNS = {"USD": "$", "GBP": "£", "EUR": "€", "CNY": "¥", "HKD": "HK$", "TWD": "NT$"}
_EN_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class Writer:
    """Writes values in one language."""

    language: str
    """BCP 47; what begins with zh is written in Chinese, everything else in English."""
    currency: str
    """ISO 4217, of every amount."""
    today: date
    """Where the reader is: a day of this year is written without the year in Chinese."""

    def fill(self, text: str, value_of: Callable[[str], FactValue | None]) -> str:
        """The template with its blanks filled. Raises MissingValue for a blank without a value."""

        def one(match: re.Match[str]) -> str:
            name = match[1].strip()
            value = value_of(name)
            if value is None:
                raise MissingValue(name)
            return self.write(value)

        return BLANK.sub(one, text)

    def write(self, value: FactValue) -> str:
        chinese = self.language.startswith("zh")
        match value:
            case bool():
                return str(value).lower()
            case Decimal():
                return self._money(value, chinese)
            case datetime():
                return f"{self._day(value.date(), chinese)}{' ' if not chinese else ''}{value:%H:%M}"
            case date():
                return self._day(value, chinese)
            case _:
                return str(value)

    def _money(self, amount: Decimal, chinese: bool) -> str:
        figures = f"{amount:.2f}"
        if chinese:
            return f"{figures}{_ZH_UNITS.get(self.currency, self.currency)}"
        sign = _EN_SIGNS.get(self.currency)
        return f"{sign}{amount:,.2f}" if sign else f"{amount:,.2f} {self.currency}"

    def _day(self, day: date, chinese: bool) -> str:
        if not chinese:
            return f"{_EN_MONTHS[day.month - 1]} {day.day}, {day.year}"
        year = "" if day.year == self.today.year else f"{day.year}年"
        return f"{year}{day.month}月{day.day}日"
