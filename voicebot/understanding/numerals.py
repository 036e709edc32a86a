"""Numbers as people say them: 一万二, 两千三百八, 三千五, 2千3, 1.2万, 幺三八."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_DIGIT = {
    character: value
    for value, characters in enumerate(
        ("零〇○洞", "一幺壹", "二两贰俩", "三叁仨", "四肆", "五伍", "六陆", "七柒拐", "八捌", "九玖勾")
    )
    for character in characters
}
_UNIT = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000, "亿": 100_000_000}

CHINESE_DIGITS = "零〇一二两三四五六七八九"
NUMBER = r"(?:\d[\d,]*(?:\.\d+)?|[零〇一二两俩仨三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟廿卅])+"
"""A run of characters that may be a number; `parse_number` says whether it is one."""

_SPOKEN_DIGIT = {
    **{character: str(value) for character, value in _DIGIT.items()},
    **{str(n): str(n) for n in range(10)},
}
_PLAIN = re.compile(r"\d[\d,]*(?:\.\d+)?")
_POINT = re.compile(r"(?P<whole>[^点]+)点(?P<part>[零〇一二三四五六七八九]+)(?P<unit>[万亿])")
_PIECE = re.compile(r"\d[\d,]*(?:\.\d+)?|.")


def parse_number(text: str) -> Decimal | None:
    """The value of a spoken or written number, None when the text is not one.

    A last digit without its unit counts a tenth of the unit before it, as speakers mean it: 一万二 is 12,000,
    两千三百八 is 2,380; 一千零八 is 1,008; 一点二万 is 12,000. A run of digits without units is read digit by digit:
    二三八零 is 2,380.
    """
    text = text.strip().replace("廿", "二十").replace("卅", "三十")
    if not text:
        return None
    if _PLAIN.fullmatch(text):
        return _decimal(text)
    point = _POINT.fullmatch(text)
    if point is not None:
        whole = parse_number(point["whole"])
        part = "".join(_SPOKEN_DIGIT[character] for character in point["part"])
        return None if whole is None else (whole + Decimal(f"0.{part}")) * _UNIT[point["unit"]]
    if all(character in _SPOKEN_DIGIT for character in text):
        return Decimal("".join(_SPOKEN_DIGIT[character] for character in text))
    return _with_units(text)


def spoken_digits(text: str) -> str | None:
    """Digits spelled out, 幺二三四 or 1二34, as a string that keeps leading zeros; None when anything else is in it."""
    compact = re.sub(r"[\s,，、.。-]", "", text)
    if not compact or any(character not in _SPOKEN_DIGIT for character in compact):
        return None
    return "".join(_SPOKEN_DIGIT[character] for character in compact)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None


def _with_units(text: str) -> Decimal | None:
    total = Decimal(0)
    section = Decimal(0)
    pending: Decimal | None = None
    last_unit = 1
    zero_seen = False
    for piece in _PIECE.findall(text):
        if piece in _UNIT:
            unit = _UNIT[piece]
            if unit >= 10_000:
                section += pending if pending is not None else Decimal(0)
                if section == 0 and total == 0:
                    return None
                total = (total + section) * unit if unit > 10_000 else total + section * unit
                section = Decimal(0)
            else:
                if pending is None and unit != 10:
                    return None
                section += (pending if pending is not None else Decimal(1)) * unit
            pending = None
            last_unit = unit
            zero_seen = False
        elif piece in ("零", "〇", "○"):
            if pending is not None:
                return None
            zero_seen = True
        else:
            value = Decimal(_DIGIT[piece]) if piece in _DIGIT else _decimal(piece)
            if value is None or pending is not None:
                return None
            pending = value
    if pending is not None:
        implied = last_unit >= 100 and not zero_seen and pending < 10
        section += pending * (last_unit // 10) if implied else pending
    return total + section


_ENGLISH_SMALL = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
}
_ENGLISH_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_ENGLISH_UNIT = {"hundred": 100, "thousand": 1000}
_ENGLISH_WORD = "|".join((*_ENGLISH_SMALL, *_ENGLISH_TENS, *_ENGLISH_UNIT))
_ENGLISH_ONE = rf"(?:{_ENGLISH_WORD})(?:[ -]|(?![a-z]))"
_ENGLISH = re.compile(rf"(?<![a-z])(?:an? (?=hundred|thousand))?{_ENGLISH_ONE}(?:(?:and )?{_ENGLISH_ONE})*")
_LETTER_UNIT = re.compile(r"(?<=[\d一二两三四五六七八九十])([kw])(?![a-z])")


def latin_numbers(text: str) -> str:
    """Lower-case text with numbers in Latin letters as Chinese writes them: 2k5 is 2千5, two thousand is 2000.

    A single English word below ten stays: one is more often no number than one.
    """
    text = _LETTER_UNIT.sub(lambda match: "千" if match[1] == "k" else "万", text)
    return _ENGLISH.sub(_figures, text)


def _figures(match: re.Match[str]) -> str:
    words = re.findall(_ENGLISH_WORD, match[0])
    if len(words) == 1 and _ENGLISH_SMALL.get(words[0], 10) < 10:
        return match[0]
    if len(words) > 1 and all(_ENGLISH_SMALL.get(word, 10) < 10 for word in words):
        return " ".join(str(_ENGLISH_SMALL[word]) for word in words)
    total = section = 0
    for word in words:
        if word in _ENGLISH_UNIT:
            section = max(section, 1) * _ENGLISH_UNIT[word]
            if word == "thousand":
                total, section = total + section, 0
        else:
            section += _ENGLISH_SMALL.get(word, 0) + _ENGLISH_TENS.get(word, 0)
    return f"{total + section}{' ' if match[0].endswith(' ') else ''}"
