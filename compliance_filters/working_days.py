"""Working days: which days count towards a deadline, by the calendar of a rule pack."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum

_DAY = timedelta(days=1)


class Calendar(Enum):
    """Whose working days."""

    CN = "cn"
    """Public holidays of the State Council off, its make-up Saturdays and Sundays on."""
    WEEKDAYS = "weekdays"
    """Monday to Friday. Public holidays count as working days: a deadline by it comes early, never late."""


def is_working_day(day: date, calendar: Calendar) -> bool:
    """Whether people work on a day. For a year whose holidays are not published yet, Monday to Friday."""
    if calendar is Calendar.CN:
        import chinese_calendar

        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            pass
    return day.weekday() < 5


def after_working_days(day: date, count: int, calendar: Calendar) -> date:
    """The working day so many working days after a day, which itself does not count."""
    while count > 0:
        day += _DAY
        count -= is_working_day(day, calendar)
    return day


def working_day_before(day: date, calendar: Calendar) -> date:
    """The day itself where it is a working day, otherwise the last one before it."""
    while not is_working_day(day, calendar):
        day -= _DAY
    return day
