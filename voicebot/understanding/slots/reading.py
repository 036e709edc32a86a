"""What the readers of days have in common: numbers in the words, the day of the call, the span they hand back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from voicebot.understanding.numerals import parse_number
from voicebot.understanding.slots.span import DaySpan

COUNT = r"(?:\d{1,2}|[一二三四五六七八九]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|[一二两三四五六七八九])"
"""A number up to 99, as a pattern."""


@dataclass(frozen=True)
class Today:
    """What days are counted from."""

    date: date
    """The day of the call, in the debtor's time zone."""
    payday: int | None = None
    """Day of the month on which the debtor is paid, where the case knows it."""
    asked: bool = False
    """The bot has just asked when: a stretch alone (半个月) or a number alone (十六) is the answer."""


Reader = Callable[[re.Match[str], Today], DaySpan | None]


def named(match: re.Match[str], day: date | None, **more: object) -> DaySpan:
    """The span of a match; a day that is not known and has nothing more to it must be asked back."""
    if day is None and not more:
        return DaySpan(match.start(), match.end(), None, vague=True)
    return DaySpan(match.start(), match.end(), day, **more)  # type: ignore[arg-type]


def undecided(match: re.Match[str], earliest: date | None = None, latest: date | None = None) -> DaySpan:
    """Words that leave the day open, with the bounds they give."""
    return DaySpan(match.start(), match.end(), None, earliest, latest, approximate=True, vague=True)


def number(text: str) -> int | None:
    """The whole number that the words say."""
    value = parse_number(text)
    return None if value is None else int(value)
