"""Digits spelled one by one: the last four of an identity card, a telephone number, 幺二三X, 三个八一个六."""

from __future__ import annotations

import re

from voicebot.understanding.numerals import parse_number, spoken_digits
from voicebot.understanding.slots.span import DigitSpan

_ONE = r"[\d零〇○洞一幺壹二两贰三叁四肆五伍六陆七柒拐八捌九玖勾]"
_TIMES = re.compile(rf"[两二三四2-4]个{_ONE}")
_TIMES_ALL = re.compile(rf"(?P<count>[一两二三四1-4])个(?P<digit>{_ONE})")
_RUN = re.compile(rf"{_ONE}(?:[\s,，、.。-]*{_ONE})*(?:[\s,，]*[xX叉](?![a-z]))?")
_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千\d]+")


def find_digits(text: str, shortest: int = 2) -> list[DigitSpan]:
    """Runs of at least `shortest` digits, in order. 四个八 is 8888, 三个八一个六 is 8886, X closes an identity
    number."""
    spread = _TIMES_ALL.sub(_repeat, text) if _TIMES.search(text) else text
    found = []
    for match in _RUN.finditer(spread):
        body = match[0]
        tail = "X" if body[-1] in "xX叉" else ""
        digits = spoken_digits(body[:-1] if tail else body)
        if digits is not None and len(digits) + len(tail) >= shortest:
            found.append(DigitSpan(match.start(), match.end(), digits + tail))
    return found


def digits_of_number(text: str, length: int = 4) -> DigitSpan | None:
    """一千二百三十四 said for 1234: a number with exactly `length` digits."""
    for match in _NUMBER.finditer(text):
        value = parse_number(match[0])
        if value is not None and value == value.to_integral_value() and len(str(int(value))) == length:
            return DigitSpan(match.start(), match.end(), str(int(value)))
    return None


def _repeat(match: re.Match[str]) -> str:
    count = parse_number(match["count"])
    return match["digit"] * int(count or 1)
