"""When people, not the machine, are there to take calls. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from compliance_filters.working_days import Calendar, country_in, is_working_day

AROUND_THE_CLOCK = "每天二十四小时"
"""How the hours are said where none are set."""

_DIGITS = "零一二三四五六七八九十"


@dataclass(frozen=True)
class OpeningHours:
    """Spans of the day, on every day or on working days."""

    zone: str
    """IANA name."""
    spans: tuple[str, ...] = ()
    """Such as 09:00-18:00; none at all is around the clock."""
    working_days_only: bool = False
    calendar: Calendar = Calendar.WEEKDAYS
    """Whose working days."""

    def is_open(self, at: datetime) -> bool:
        """Whether people take calls at an instant; `at` is aware."""
        if not self.spans:
            return True
        local = at.astimezone(ZoneInfo(self.zone))
        clock = f"{local:%H:%M}"
        worked = not self.working_days_only or is_working_day(local.date(), self.calendar, country_in(self.zone))
        return worked and any(start <= clock < end for start, end in map(_ends, self.spans))

    def said(self) -> str:
        """As the bot says them: 工作日上午九点到下午六点."""
        if not self.spans:
            return AROUND_THE_CLOCK
        days = "工作日" if self.working_days_only else "每天"
        return days + "，".join(f"{_clock(start)}到{_clock(end)}" for start, end in map(_ends, self.spans))


def _ends(span: str) -> tuple[str, str]:
    start, _, end = span.partition("-")
    return start, end


def _clock(text: str) -> str:
    hour, minute = int(text[:2]), int(text[3:])
    parts = ((5, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (25, "晚上"))
    part = next(name for until, name in parts if hour < until)
    if hour == 18 and minute == 0:
        part = "下午"
    shown = hour if hour <= 12 else hour - 12
    words = part + ("两" if shown == 2 else _number(shown)) + "点"
    if minute == 30:
        return words + "半"
    return words + (f"{_number(minute)}分" if minute else "")


def _number(value: int) -> str:
    tens, ones = divmod(value, 10)
    if not tens:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")
