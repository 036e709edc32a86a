"""Working days: which days count towards a deadline, by the calendar of a rule pack.

Where a calendar leaves open which days are off, it takes off the fewest: a deadline then comes early, never late.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum
from functools import lru_cache

_DAY = timedelta(days=1)


class Calendar(Enum):
    """Whose working days."""

    CN = "cn"
    """Public holidays of the State Council off, its make-up Saturdays and Sundays on."""
    US = "us"
    """Federal holidays off, those of single states not."""
    UK_EU = "uk_eu"
    """Public holidays of the country off, those of single parts of it not. Where the country is not known, the days
    that are bank holidays all over the United Kingdom and closing days of the European payment system besides."""
    HK = "hk"
    """General holidays off."""
    TW = "tw"
    """Public holidays off, make-up Saturdays on."""
    WEEKDAYS = "weekdays"
    """Monday to Friday. Public holidays count as working days."""


def is_working_day(day: date, calendar: Calendar, country: str | None = None) -> bool:
    """Whether people work on a day. For a year whose holidays are not published yet, Monday to Friday.

    `country` is an ISO 3166 code, or None where it is not known; only a calendar of several countries asks for it."""
    if calendar is Calendar.CN:
        import chinese_calendar

        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            pass
    off, on = _exceptions(calendar, country, day.year)
    return day in on or (day.weekday() < 5 and day not in off)


def after_working_days(day: date, count: int, calendar: Calendar, country: str | None = None) -> date:
    """The working day so many working days after a day, which itself does not count."""
    while count > 0:
        day += _DAY
        count -= is_working_day(day, calendar, country)
    return day


def working_day_before(day: date, calendar: Calendar, country: str | None = None) -> date:
    """The day itself where it is a working day, otherwise the last one before it."""
    while not is_working_day(day, calendar, country):
        day -= _DAY
    return day


def country_in(zone: str) -> str | None:
    """ISO 3166 code of the country of the United Kingdom or the European Union that has an IANA time zone."""
    return _COUNTRIES.get(zone)


@lru_cache(maxsize=256)
def _exceptions(calendar: Calendar, country: str | None, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Days off and made-up working days of a year."""
    match calendar:
        case Calendar.US | Calendar.HK | Calendar.TW:
            return _of_country(calendar.value.upper(), year)
        case Calendar.UK_EU if country is not None:
            return _of_country(country, year)
        case Calendar.UK_EU:
            import holidays

            europe = frozenset(holidays.financial_holidays("ECB", years=year))
            return _of_country("GB", year)[0] & europe, frozenset()
        case _:
            return frozenset(), frozenset()


def _of_country(code: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    import holidays

    known = holidays.country_holidays(code, years=year)
    return frozenset(known), frozenset(known.weekend_workdays)


_COUNTRIES = {
    "Africa/Ceuta": "ES",
    "Asia/Nicosia": "CY",
    "Atlantic/Azores": "PT",
    "Atlantic/Canary": "ES",
    "Atlantic/Madeira": "PT",
    "Europe/Amsterdam": "NL",
    "Europe/Athens": "GR",
    "Europe/Belfast": "GB",
    "Europe/Berlin": "DE",
    "Europe/Bratislava": "SK",
    "Europe/Brussels": "BE",
    "Europe/Bucharest": "RO",
    "Europe/Budapest": "HU",
    "Europe/Copenhagen": "DK",
    "Europe/Dublin": "IE",
    "Europe/Helsinki": "FI",
    "Europe/Lisbon": "PT",
    "Europe/Ljubljana": "SI",
    "Europe/London": "GB",
    "Europe/Luxembourg": "LU",
    "Europe/Madrid": "ES",
    "Europe/Malta": "MT",
    "Europe/Paris": "FR",
    "Europe/Prague": "CZ",
    "Europe/Riga": "LV",
    "Europe/Rome": "IT",
    "Europe/Sofia": "BG",
    "Europe/Stockholm": "SE",
    "Europe/Tallinn": "EE",
    "Europe/Vienna": "AT",
    "Europe/Vilnius": "LT",
    "Europe/Warsaw": "PL",
    "Europe/Zagreb": "HR",
}
