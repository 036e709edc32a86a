"""Digits spelled one by one: the last four of an identity card, a telephone number, 幺二三X, 三个八一个六."""

from __future__ import annotations

import re

from voicebot.understanding.numerals import parse_number, spoken_digits
from voicebot.understanding.slots.span import DigitSpan

_ONE = r"[\d零〇○洞一幺壹二两贰三叁四肆五伍六陆七柒拐八捌九玖勾]"
_TIMES = re.compile(rf"[两二三四2-4]个{_ONE}|双{_ONE}")
_TIMES_ALL = re.compile(rf"(?:(?P<count>[一两二三四1-4])个|双)(?P<digit>{_ONE})")
_RUN = re.compile(rf"{_ONE}(?:[\s,，、.。-]*{_ONE})*(?:[\s,，]*[xX叉](?![a-z]))?")
_BREAK = re.compile(r"[,，、.。\s]+")
_TENS = r"[一二三四五六七八九]?十[一二三四五六七八九]?"
_PAIRS = re.compile(rf"(?<![十百千万])({_TENS})[\s,，]*({_TENS}|[一二三四五六七八九]{{2}})(?![十百千万])")
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
            runs = [spoken_digits(run) or "" for run in _BREAK.split(body[:-1] if tail else body)]
            runs[-1] += tail
            said = tuple(run for run in runs if run)
            found.append(DigitSpan(match.start(), match.end(), digits + tail, said))
    return found


def digits_of_pairs(text: str) -> DigitSpan | None:
    """三十八 二十五 said for 3825: two numbers below a hundred, one after the other."""
    for match in _PAIRS.finditer(text):
        halves = [parse_number(half) for half in match.groups()]
        if all(half is not None and half >= 10 for half in halves):
            return DigitSpan(match.start(), match.end(), "".join(str(int(half)) for half in halves if half is not None))
    return None


def digits_of_number(text: str, length: int = 4) -> DigitSpan | None:
    """一千二百三十四 said for 1234: a number with exactly `length` digits."""
    for match in _NUMBER.finditer(text):
        value = parse_number(match[0])
        if value is not None and value == value.to_integral_value() and len(str(int(value))) == length:
            return DigitSpan(match.start(), match.end(), str(int(value)))
    return None


def _repeat(match: re.Match[str]) -> str:
    count = parse_number(match["count"] or "两")
    return match["digit"] * int(count or 1)
