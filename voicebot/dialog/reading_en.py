"""Numbers, money, dates and times as American English says them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def integer(number: int) -> str:
    """2380 gives two thousand three hundred eighty."""
    if number < 0:
        return "minus " + integer(-number)
    if number < 20:
        return _SMALL[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_SMALL[number % 10]}" if number % 10 else "")
    for scale, unit in ((1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= scale:
            rest = f" {integer(number % scale)}" if number % scale else ""
            return f"{integer(number // scale)} {unit}{rest}"
    raise AssertionError(number)


def ordinal(number: int) -> str:
    """31 gives thirty-first."""
    words = integer(number)
    head, dash, last = words.rpartition("-")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return head + dash + last


def count(number: int) -> str:
    return integer(number)


def money(amount: Decimal, currency: str = "USD") -> str:
    """1286.40 gives one thousand two hundred eighty-six dollars and forty cents."""
    cents = int((abs(amount) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    unit = {"USD": "dollar", "GBP": "pound", "EUR": "euro", "CNY": "yuan", "HKD": "Hong Kong dollar"}.get(
        currency, currency
    )
    plural = unit if unit == "yuan" else f"{unit}s"
    small = "penny" if currency == "GBP" else "cent"
    smalls = "pence" if currency == "GBP" else "cents"
    parts: list[str] = []
    if cents >= 100 or not cents:
        parts.append(f"{integer(cents // 100)} {unit if cents // 100 == 1 else plural}")
    if cents % 100:
        parts.append(f"{integer(cents % 100)} {small if cents % 100 == 1 else smalls}")
    return ("minus " if amount < 0 else "") + " and ".join(parts)


def digits(text: str) -> str:
    """Digit by digit, in groups with a pause: five five five, zero one zero zero."""
    only = [character for character in text if character.isdigit()]
    sizes = {7: [3, 4], 10: [3, 3, 4], 11: [1, 3, 3, 4]}.get(len(only), [len(only)])
    groups: list[str] = []
    start = 0
    for size in sizes:
        groups.append(" ".join(_SMALL[int(digit)] for digit in only[start : start + size]))
        start += size
    return ", ".join(groups)


def day(value: date, today: date | None = None) -> str:
    """March thirteenth; with the year where it is not today's."""
    words = f"{_MONTHS[value.month - 1]} {ordinal(value.day)}"
    if today is not None and value.year != today.year:
        return f"{words}, {integer(value.year // 100)} {_year_end(value.year % 100)}"
    return words


def _year_end(rest: int) -> str:
    if rest == 0:
        return "hundred"
    return f"oh {integer(rest)}" if rest < 10 else integer(rest)


def day_with_weekday(value: date, today: date | None = None) -> str:
    """Friday, March thirteenth."""
    return f"{_WEEKDAYS[value.weekday()]}, {day(value, today)}"


def clock(value: datetime) -> str:
    """three in the afternoon, ten thirty in the morning."""
    hour = value.hour % 12 or 12
    minute = "" if value.minute == 0 else f" {'oh ' if value.minute < 10 else ''}{integer(value.minute)}"
    if value.hour < 12:
        part = "in the morning"
    elif value.hour < 18:
        part = "in the afternoon"
    else:
        part = "in the evening"
    return f"{integer(hour)}{minute} {part}"


def moment(value: datetime, today: date | None = None) -> str:
    """tomorrow at three in the afternoon."""
    near = {0: "today", 1: "tomorrow"}
    if today is not None and (name := near.get((value.date() - today).days)) is not None:
        return f"{name} at {clock(value)}"
    return f"{day_with_weekday(value, today)} at {clock(value)}"
