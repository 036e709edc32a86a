"""How words sound: toneless pinyin, character by character, so that a recogniser's homophones look alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from pypinyin import lazy_pinyin

_READINGS = {
    "还": "huan",
    "行": "xing",
    "都": "dou",
    "重": "chong",
    "长": "chang",
    "得": "de",
    "地": "di",
    "着": "zhe",
    "了": "le",
    "没": "mei",
}
"""One fixed reading for characters that have several, so that a character always sounds like itself; 还 reads as in
还款, the
core word of the field, which pypinyin reads as hái."""
_HAN = re.compile(r"[一-鿿]")


@lru_cache(maxsize=20_000)
def syllable(character: str) -> str:
    """Toneless pinyin of one character; any other character stands for itself."""
    if not _HAN.match(character):
        return character
    fixed = _READINGS.get(character)
    return fixed if fixed is not None else lazy_pinyin(character)[0]


def syllables(text: str) -> tuple[str, ...]:
    """Toneless pinyin of each character of the text."""
    return tuple(syllable(character) for character in text)


class Homophones:
    """Puts domain words back where a recogniser wrote others that sound the same: 环款 to 还款, 减勉 to 减免."""

    def __init__(self, words: Iterable[str], innocent: Iterable[str] = ()) -> None:
        """`innocent` are real words that happen to sound like a domain word and must stay as they are."""
        self._words: dict[tuple[str, ...], str] = {}
        for word in words:
            self._words.setdefault(syllables(word), word)
        self._known = frozenset(words) | frozenset(innocent)
        self._lengths = sorted({len(sounds) for sounds in self._words}, reverse=True)

    def mend(self, text: str) -> str:
        """The text with same-sounding stretches replaced, longest first."""
        sounds = syllables(text)
        pieces: list[str] = []
        position = 0
        while position < len(text):
            for length in self._lengths:
                stretch = text[position : position + length]
                word = self._words.get(sounds[position : position + length]) if len(stretch) == length else None
                if word is not None and stretch not in self._known:
                    pieces.append(word)
                    position += length
                    break
                if word is not None:
                    pieces.append(stretch)
                    position += length
                    break
            else:
                pieces.append(text[position])
                position += 1
        return "".join(pieces)
