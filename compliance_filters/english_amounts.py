"""Sums of money in English: $1,286.40, 2.5k dollars, twelve hundred bucks, two thousand nine hundred dollars."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {
    **{word: value for value, word in enumerate(_ONES)},
    **{word: 10 * (place + 2) for place, word in enumerate(_TENS)},
}
_POWERS = {"hundred": 100, "thousand": 1000, "grand": 1000, "k": 1000, "million": 1_000_000}
_WORD = "|".join(sorted([*_VALUES, "hundred", "thousand", "grand", "million"], key=len, reverse=True))
_SPOKEN = rf"(?:a\s+)?(?:{_WORD})(?:(?:\s+and\s+|\s+|-)(?:{_WORD}))*"
_FIGURE = r"\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:k|grand|thousand|hundred)\b)?"
_UNIT = r"dollars?|bucks?|pounds?|quid|euros?|usd|gbp"
_SUM = re.compile(
    rf"(?:us)?[$£€]\s?(?P<marked>{_FIGURE})"
    rf"|(?P<named>{_FIGURE}|{_SPOKEN})\s+(?:{_UNIT})\b(?:\s+(?:and\s+)?(?P<cents>{_SPOKEN}|\d{{1,2}})\s+(?:cents?|pence)\b)?"
    rf"|(?P<lone>{_SPOKEN}|\d{{1,2}})\s+(?:cents?|pence)\b"
    r"|(?P<grand>(?:\d+|[a-z]+)\s+grand)\b"
)
_OWED = re.compile(
    r"(?:\bowe[sd]?|\bbalance|\bamount|\btotal|\bdue|\bdebt|\bbill|outstanding|comes? to|adds? up to|up to|"
    r"(?:it|that)(?: is|'s|’s))[^.,;]{0,28}$"
)
_DEMANDED = re.compile(r"\b(?:pay|need|send|want|cost|charged?|settle)\b[^.,;]{0,24}$")
_ADDED = re.compile(r"^[^.,;]{0,24}(?:with everything|altogether|in total|is due|past due|overdue|you owe)")
_PART = re.compile(
    r"(?:minimum|at least|each|instal|first payment|down payment|promised|you(?: have|'ve|’ve)? paid|received|you said|"
    r"principal|interest|of which|leaves|discount|off\b|a month|afford|manage|could pay|can pay|will pay|like to pay)"
    r"[^.;]{0,28}$"
)
_PART_AFTER = re.compile(r"^\s*(?:each|a month|per month|monthly|off\b|a week|on (?:\w+day|the))")
_ROUGH = re.compile(r"\b(?:about|around|roughly|almost|nearly|some)\s+$")


@dataclass(frozen=True)
class Sum:
    """Money in an English sentence."""

    value: Decimal
    start: int
    """First character of the text."""
    end: int
    """Last character, excluded."""
    rough: bool
    """True for "about a thousand"."""
    owed: bool
    """True when it is named as what is due."""
    demanded: bool
    """True when it is asked for, without being named as the debt."""


def spoken_number(text: str) -> int | None:
    """Value of number words: twelve hundred, two thousand nine hundred and five. None when it is none."""
    total = section = 0
    seen = False
    for word in re.findall(r"[a-z]+", text):
        if word in {"and", "a"}:
            continue
        if word in _VALUES:
            section += _VALUES[word]
        elif word == "hundred":
            section = max(section, 1) * 100
        elif word in _POWERS:
            total += max(section, 1) * _POWERS[word]
            section = 0
        else:
            return None
        seen = True
    return total + section if seen else None


def _value(text: str) -> Decimal | None:
    figure = re.match(r"(\d+(?:,\d{3})*(?:\.\d+)?)\s?([a-z]+)?$", text)
    if figure:
        return Decimal(figure[1].replace(",", "")) * _POWERS.get(figure[2] or "", 1)
    number = spoken_number(text)
    return None if number is None else Decimal(number)


def sums_in(text: str) -> list[Sum]:
    """Every sum of money in an English text, with what is said of it."""
    lower = text.lower()
    found = []
    for match in _SUM.finditer(lower):
        named = match["marked"] or match["named"] or match["grand"]
        value = _value(named.strip()) if named else Decimal(0)
        if value is None:
            continue
        cents = match["cents"] or match["lone"]
        if cents:
            value += (_value(cents.strip()) or Decimal(0)) / 100
        before, after = lower[: match.start()], lower[match.end() :]
        part = bool(_PART.search(before) or _PART_AFTER.match(after))
        owed = bool(_OWED.search(before) or _ADDED.match(after)) and not part
        demanded = bool(_DEMANDED.search(before)) and not part
        rough = bool(_ROUGH.search(before))
        found.append(Sum(value, match.start(), match.end(), rough, owed, demanded))
    return found
