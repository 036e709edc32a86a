"""Which language a text is written in, as far as the guard must know it."""

from __future__ import annotations

import functools
import unicodedata

from compliance_filters.sounds import is_han

NEUTRAL = "zxx"


def language_of(text: str) -> str:
    """`zh` for text with Chinese characters (Latin words may be mixed in), `en` for Latin text, `zxx` for text without
    words (digits), `und` for anything else, kana and hangul included."""
    found = {_language_of_letter(character) for character in text}
    return next((language for language in ("und", "zh", "en") if language in found), NEUTRAL)


@functools.lru_cache(maxsize=65536)
def _language_of_letter(character: str) -> str:
    if is_han(character):
        return "zh"
    if not character.isalpha():
        return NEUTRAL
    return "en" if unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN")) else "und"
