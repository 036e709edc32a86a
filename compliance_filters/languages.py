"""Which language a text is written in, as far as the guard must know it."""

from __future__ import annotations

import unicodedata

from compliance_filters.sounds import is_han

NEUTRAL = "zxx"


def language_of(text: str) -> str:
    """`zh` for text with Chinese characters (Latin words may be mixed in), `en` for Latin text, `zxx` for text without
    words (digits), `und` for anything else, kana and hangul included."""
    han = latin = other = 0
    for character in text:
        if is_han(character):
            han += 1
        elif not character.isalpha():
            continue
        elif unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN")):
            latin += 1
        else:
            other += 1
    if other:
        return "und"
    if han:
        return "zh"
    return "en" if latin else NEUTRAL
