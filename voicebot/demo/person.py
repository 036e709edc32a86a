"""The person holding a demo telephone: which reply fits what they have just heard. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

from voicebot.demo.script import Reply

_ALIKE = 78.0
"""Least likeness, 0 to 100, of the sounds of a phrase and a stretch of what was heard: recognisers go by sound too."""


def sound(text: str) -> str:
    """Pinyin without tones, so that 后四位 and 后四味 are one."""
    return " ".join(lazy_pinyin(text))


class Person:
    """Remembers what was heard since the last reply, and which replies were given."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._replies = tuple(replies)
        self._given = [0] * len(self._replies)
        self._heard = ""

    def hear(self, text: str) -> Reply | None:
        """Takes one thing heard; gives the first reply that fits and is not used up, None to go on listening."""
        self._heard += text
        heard = sound(self._heard)
        for number, reply in enumerate(self._replies):
            if self._given[number] >= reply.at_most:
                continue
            if not reply.when or any(fuzz.partial_ratio(sound(phrase), heard) >= _ALIKE for phrase in reply.when):
                self._given[number] += 1
                self._heard = ""
                return reply
        return None
