"""What the trained model sees of a sentence: characters, sounds, and where there is an encoder, meaning."""

from __future__ import annotations

import re

from voicebot.understanding.normalise import write_numbers
from voicebot.understanding.sound import syllables

_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_PUNCTUATION = re.compile(r"[^\w一-鿿()#]+")
_CHARACTER_SIZES = (1, 2, 3)
_SOUND_SIZES = (1, 2)


def shape(text: str) -> str:
    """The text as the model reads it: numbers as one sign, no punctuation, ends marked."""
    return f"^{_PUNCTUATION.sub('', _DIGITS.sub('#', write_numbers(text)))}$"


def grams(text: str) -> tuple[list[str], list[str]]:
    """Character n-grams and toneless pinyin n-grams of a cleaned sentence."""
    shaped = shape(text)
    characters = [shaped[start : start + size] for size in _CHARACTER_SIZES for start in range(len(shaped) - size + 1)]
    sounds = syllables(shaped)
    spoken = [
        "/" + "/".join(sounds[start : start + size]) for size in _SOUND_SIZES for start in range(len(sounds) - size + 1)
    ]
    return characters, spoken
