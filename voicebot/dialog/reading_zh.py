"""Numbers, money, dates and times as Mandarin says them. A voice given digits reads them any way it likes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

_DIGITS = "零一二三四五六七八九"
_SPOKEN = "零幺二三四五六七八九"
_WEEKDAYS = "一二三四五六日"


def integer(number: int) -> str:
    """2380 gives 两千三百八十, 12 gives 十二, 100005 gives 十万零五."""
    if number < 0:
        return "负" + integer(-number)
    if number == 0:
        return "零"
    groups: list[int] = []
    rest = number
    while rest:
        groups.append(rest % 10_000)
        rest //= 10_000
    words = ""
    gap = False
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        if group == 0:
            gap = gap or bool(words)
            continue
        if words and (gap or group < 1000):
            words += "零"
        unit = ("", "万", "亿", "万亿")[index]
        part = _below_ten_thousand(group, leads=not words)
        words += ("两" if part == "二" and unit else part) + unit
        gap = False
    return words


def _below_ten_thousand(number: int, *, leads: bool) -> str:
    words = ""
    gap = False
    for scale, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // scale % 10
        if digit == 0:
            gap = gap or bool(words)
            continue
        if gap:
            words += "零"
            gap = False
        if digit == 2 and (scale == 1000 or (scale == 100 and not words and leads)):
            words += "两" + unit
        elif digit == 1 and scale == 10 and not words and leads:
            words += "十"
        else:
            words += _DIGITS[digit] + unit
    return words


def count(number: int) -> str:
    """Before a measure word: 2 gives 两 (两期, 两次), 12 gives 十二."""
    return "两" if number == 2 else integer(number)


def money(amount: Decimal, currency: str = "CNY") -> str:
    """2380 gives 两千三百八十元, 1286.40 gives 一千二百八十六元四角, 100.05 gives 一百元零五分."""
    cents = int((abs(amount) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    whole, jiao, fen = cents // 100, cents // 10 % 10, cents % 10
    unit = {"CNY": "元", "HKD": "港元", "TWD": "元", "USD": "美元"}.get(currency, currency)
    words = "负" if amount < 0 else ""
    if whole or not cents:
        words += ("两" if whole == 2 else integer(whole)) + unit
    if jiao:
        words += ("两" if jiao == 2 and not whole else _DIGITS[jiao]) + "角"
    if fen:
        words += ("零" if whole and not jiao else "") + _DIGITS[fen] + "分"
    return words


def digits(text: str) -> str:
    """Digit by digit, in groups with a pause between them: 4001230000 gives 四零零，幺二三，零零零零."""
    only = [character for character in text if character.isdigit()]
    return "，".join("".join(_SPOKEN[int(digit)] for digit in group) for group in _groups(only))


def _groups(only: list[str]) -> list[list[str]]:
    match len(only):
        case length if length <= 6:
            sizes = [length]
        case 7 | 8:
            sizes = [len(only) - 4, 4]
        case 10:
            sizes = [3, 3, 4]
        case 11:
            sizes = [3, 4, 4]
        case length:
            sizes = [4] * (length // 4) + ([length % 4] if length % 4 else [])
    groups: list[list[str]] = []
    start = 0
    for size in sizes:
        groups.append(only[start : start + size])
        start += size
    return groups


def day(value: date, today: date | None = None) -> str:
    """三月十三日; with the year where it is not today's."""
    words = f"{integer(value.month)}月{integer(value.day)}日"
    if today is not None and value.year != today.year:
        return "".join(_DIGITS[int(digit)] for digit in str(value.year)) + "年" + words
    return words


def day_with_weekday(value: date, today: date | None = None) -> str:
    """三月十三日，星期五: a person checks a weekday more surely than a date."""
    return f"{day(value, today)}，星期{_WEEKDAYS[value.weekday()]}"


def clock(value: datetime) -> str:
    """下午三点, 上午十点半, 晚上八点一刻 as 晚上八点十五分."""
    hour = value.hour
    if hour < 5:
        part = "凌晨"
    elif hour < 9:
        part = "早上"
    elif hour < 12:
        part = "上午"
    elif hour < 13:
        part = "中午"
    elif hour < 18:
        part = "下午"
    else:
        part = "晚上"
    shown = hour if hour <= 12 else hour - 12
    words = part + ("两" if shown == 2 else integer(shown)) + "点"
    if value.minute == 30:
        return words + "半"
    if value.minute:
        return words + ("零" if value.minute < 10 else "") + integer(value.minute) + "分"
    return words


def moment(value: datetime, today: date | None = None) -> str:
    """明天下午三点; further off, with the date: 三月十三日下午三点."""
    near = {0: "今天", 1: "明天", 2: "后天"}
    if today is not None and (name := near.get((value.date() - today).days)) is not None:
        return name + clock(value)
    return day(value, today) + clock(value)
