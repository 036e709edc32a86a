"""The digits somebody tells when asked for the last four: spoken one by one, begun again, with an X, as a number."""

from __future__ import annotations

import re
from collections.abc import Sequence

from voicebot.understanding.meaning import Context, Expecting
from voicebot.understanding.slots import dates
from voicebot.understanding.slots.callbacks import PAYING
from voicebot.understanding.slots.digits import digits_of_number, digits_of_pairs, find_digits
from voicebot.understanding.slots.span import DigitSpan

_LAST_FOUR = re.compile(r"(?:最后|后|末)四位(?:数字?)?(?:就?是|为|：|:)?")
_NAMES_DIGITS = re.compile(r"尾号|身份证")
_IN_WORDS = re.compile(r"[^\d零〇一二三四五六七八九十\s]")
"""A day by its name (周五, 三号) rather than digits that could be one."""
_COUNTED = re.compile(
    r"[\s,，]*(?:[多几来]?(?:点|次|天|年|个|月|块|岁|分钟|遍|位|口|十|百|千|万|号|楼|下|些|边|样|直|定|起|共|般|会|"
    r"家|人|份))"
)
"""What follows a number that counts something: no digits."""
_BESIDE = re.compile(
    r"呃+|嗯+|额+|啊|哦|那个|就是|然后|再来?个?|接着|最?后面?(?:一|那)?(?:个|位)?(?:是个?|个)?(?=[xX叉])|(?:一个|"
    r"是个|个|字母|大写的?)+(?=[xX叉])"
)
_LETTER = re.compile(r"[埃艾爱哎][克可][斯思司丝]|差号|叉叉(?!叉)")
_WANTED = 4
_CARD_NUMBER = 18
_TELEPHONE = 11


def told_digits(text: str, context: Context) -> str:
    """The digits, where they were asked for or are called by their name; empty where there are none."""
    asked = context.expecting is Expecting.DIGITS
    introduced = _LAST_FOUR.search(text)
    if introduced is None and not _NAMES_DIGITS.search(text) and (not asked or PAYING.search(text)):
        return ""
    if asked:
        text = _BESIDE.sub("", _LETTER.sub("x", text))
        introduced = _LAST_FOUR.search(text)
    found = dates.find_days(text, context.now.date(), context.payday)
    days = [day for day in found if _IN_WORDS.search(text[day.start : day.end])]
    spans = [
        span
        for span in find_digits(text, 1 if asked else 3)
        if not any(day.start < span.end and span.start < day.end for day in days)
        and not (len(span.digits) < _WANTED and _COUNTED.match(text, span.end))
    ]
    if introduced is not None:
        named = (span.digits for span in spans if span.start >= introduced.end() and len(span.digits) == _WANTED)
        if (after := next(named, None)) is not None:
            return after
    best = max((span.digits for span in spans), key=len, default="")
    if asked:
        best = _as_meant(spans)
    if len(best) < _WANTED:
        whole = digits_of_pairs(text) or digits_of_number(text)
        best = whole.digits if whole is not None else best
    return best


def _as_meant(spans: Sequence[DigitSpan]) -> str:
    """The digits without those taken back: 三八，三八二五 is 3825; a whole identity number is its last four."""
    runs = [run for span in spans for run in span.runs]
    whole = "".join(runs)
    if len(whole) == _CARD_NUMBER:
        return whole[-_WANTED:]
    if len(whole) in (_WANTED, _TELEPHONE) or len(whole) < _WANTED:
        return whole
    last, before = whole[-_WANTED:], whole[:-_WANTED]
    if last.startswith(before) or len(runs[-1]) == _WANTED:
        return last
    return max(runs, key=len) if any(len(run) >= _WANTED for run in runs) else whole
