"""The calendar people speak of: holidays, working days, lunar dates, paydays."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
from lunar_python import LunarYear, Solar  # type: ignore[import-untyped]

_LUNAR_HOLIDAYS = {
    "端午": (5, 5),
    "中秋": (8, 15),
    "元宵": (1, 15),
    "七夕": (7, 7),
    "重阳": (9, 9),
    "春节": (1, 1),
    "腊八": (12, 8),
    "龙抬头": (2, 2),
    "中元节": (7, 15),
    "二月二": (2, 2),
}
_SOLAR_HOLIDAYS = {
    "元旦": (1, 1),
    "五一": (5, 1),
    "劳动节": (5, 1),
    "国庆": (10, 1),
    "六一": (6, 1),
    "双十一": (11, 11),
    "双十二": (12, 12),
    "双11": (11, 11),
    "双12": (12, 12),
    "六一八": (6, 18),
    "618": (6, 18),
    "儿童节": (6, 1),
    "妇女节": (3, 8),
    "三八": (3, 8),
    "女神节": (3, 8),
    "情人节": (2, 14),
    "白色情人节": (3, 14),
    "植树节": (3, 12),
    "愚人节": (4, 1),
    "五四": (5, 4),
    "青年节": (5, 4),
    "护士节": (5, 12),
    "五二零": (5, 20),
    "520": (5, 20),
    "七一": (7, 1),
    "建党节": (7, 1),
    "八一": (8, 1),
    "建军节": (8, 1),
    "平安夜": (12, 24),
    "教师节": (9, 10),
    "圣诞": (12, 25),
    "跨年夜": (12, 31),
}
_NEW_YEARS_EVE = ("大年三十", "年三十", "大年夜", "除夕")
_PUBLIC = ("元旦", "春节", "清明", "五一", "端午", "中秋", "国庆")
"""Holidays with rest days, by the published schedule."""
_NUMBERED = {
    "三八": "妇女",
    "五四": "青年",
    "七一": "建党",
    "八一": "建军",
    "五一": "劳动",
    "六一": "儿童",
    "十一": "国庆",
}
"""Festivals called by their month and day, and the other name that may follow: 八一建军节."""
_AS_A_DAY = r"节|那[天日]|当[天日]|[之以]?[前后]|放假|过(?!来|去)|还|一到"
_TOLD_IN_DIGITS = {
    **dict.fromkeys(("三八", "五四", "七一", "八一"), rf"(?={_AS_A_DAY}|我|就|给|才|[，,。]|$)"),
    **dict.fromkeys(
        ("618", "六一八", "520", "五二零"), rf"(?<![还付给交转打你您凑存了].{{3}})(?={_AS_A_DAY}|活动|大促)"
    ),
}
"""Festivals whose names are numbers, and what stands around them where they are a day."""
HOLIDAY_NAMES = "|".join(
    [
        *(f"{numbers}{other}" for numbers, other in _NUMBERED.items()),
        *(rf"(?<![\d零]){name}{around}" for name, around in _TOLD_IN_DIGITS.items()),
        *sorted(
            ({*_LUNAR_HOLIDAYS, *_SOLAR_HOLIDAYS, *_NEW_YEARS_EVE, "清明"} - {*_TOLD_IN_DIGITS, "二月二"}),
            key=lambda name: (-len(name), name),
        ),
    ]
)
"""Every holiday that `next_holiday` knows, as a pattern."""
_LONGEST_REST = 9  # days of rest in a row, that a holiday which is on may have begun before
_LONGEST_YEAR = 385  # days of a lunar year with a leap month, and one more
_HORIZON = 40  # days looked past a holiday for its first working day


def lunar_to_solar(year: int, month: int, day: int) -> date | None:
    """The day of a lunar date, None when that month has no such day. Day 30 of a short twelfth month is its last."""
    first, days = _lunar_months(year)[month]
    if month == 12 and day == 30:
        day = days
    return first + timedelta(days=day - 1) if 1 <= day <= days else None


def next_lunar(today: date, month: int, day: int) -> date | None:
    """The next time the lunar date comes, today included."""
    for year in (today.year - 1, today.year, today.year + 1):
        found = lunar_to_solar(year, month, day)
        if found is not None and found >= today:
            return found
    return None


def last_lunar(today: date, month: int, day: int) -> date | None:
    """The last time the lunar date came, before today."""
    for year in (today.year, today.year - 1, today.year - 2):
        found = lunar_to_solar(year, month, day)
        if found is not None and found < today:
            return found
    return None


@lru_cache(maxsize=16)
def _lunar_months(year: int) -> dict[int, tuple[date, int]]:
    """First day and length of each month of a lunar year, leap months left out. Kept: a year takes milliseconds."""
    months = {}
    for month in LunarYear.fromYear(year).getMonths():
        if month.getYear() == year and month.getMonth() > 0:
            first = Solar.fromJulianDay(month.getFirstJulianDay())
            months[month.getMonth()] = date(first.getYear(), first.getMonth(), first.getDay()), month.getDayCount()
    return months


def next_holiday(today: date, name: str) -> date | None:
    """The day itself of a named holiday, today or later. 八一建军 and 二月二龙抬头 say it twice."""
    name = {"十一国庆": "国庆", "二月二龙抬头": "二月二"}.get(name, name)
    if name.endswith(_NUMBERED.get(name[:2], "没有")):
        name = name[:2]
    if name in _NEW_YEARS_EVE:
        return next_lunar(today, 12, 30)
    if name == "清明":
        for year in (today.year, today.year + 1):
            found = date(year, 4, _qingming_day(year))
            if found >= today:
                return found
        return None
    if name in _LUNAR_HOLIDAYS:
        return next_lunar(today, *_LUNAR_HOLIDAYS[name])
    month, day = _SOLAR_HOLIDAYS[name]
    found = date(today.year, month, day)
    return found if found >= today else date(today.year + 1, month, day)


def last_holiday(today: date, name: str) -> date | None:
    """The last time a named holiday was, before today."""
    found, start = None, today - timedelta(days=_LONGEST_YEAR)
    while (day := next_holiday(start, name)) is not None and day < today:
        found, start = day, day + timedelta(days=1)
    return found


def _qingming_day(year: int) -> int:
    """清明 by the formula of the solar term, right for 2000 to 2099."""
    short = year % 100
    return int(short * 0.2422 + 4.81) - short // 4


def holiday_around(today: date) -> date:
    """The public holiday that is on today, else the next to come."""
    begun = today
    while not is_workday(begun - timedelta(days=1)) and (today - begun).days < _LONGEST_REST:
        begun -= timedelta(days=1)
    return public_holiday(today if is_workday(today) else begun)


def public_holiday(start: date) -> date:
    """The first public holiday on a day or after it."""
    return min(found for name in _PUBLIC if (found := next_holiday(start, name)) is not None)


def first_day_back(holiday: date) -> date:
    """The first working day after the rest days around `holiday`."""
    day = holiday
    for _ in range(_HORIZON):
        day += timedelta(days=1)
        if is_workday(day):
            return day
    return day


def is_workday(day: date) -> bool:
    """Whether banks and offices work: by the published holiday schedule, by the weekday where none is published yet."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def add_workdays(day: date, count: int) -> date:
    """The working day `count` working days after `day`."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_workday(day)
    return day


def last_workday(day: date) -> date:
    """The day itself where it is a working day, else the last one before it."""
    while not is_workday(day):
        day -= timedelta(days=1)
    return day


def month_end(year: int, month: int) -> date:
    """The last day of a month; months past December run into the next year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, calendar.monthrange(year, month)[1])


def in_month(year: int, month: int, day: int) -> date | None:
    """The day of a month, months past December running into the next year; None when that month has no such day."""
    last = month_end(year, month)
    return last.replace(day=day) if 1 <= day <= last.day else None


def next_payday(today: date, payday: int) -> date:
    """The next day wages are paid, today included.

    In a short month it is the last day; on a rest day it is the working day before, as 工资支付暂行规定, article 7,
    lays down.
    """
    for ahead in range(3):
        last = month_end(today.year, today.month + ahead)
        day = last_workday(last.replace(day=min(payday, last.day)))
        if day >= today:
            return day
    return today
