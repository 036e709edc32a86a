"""The library's wordings known by heart: letter for letter, by their sound, and nearly so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from voicebot.understanding.answers import compact
from voicebot.understanding.sound import syllables

_HEARD_LEAST = 4  # syllables from which the same sound is enough
_NEAR_LEAST = 6  # syllables from which a likeness says something
_NEAR = 76.0
"""Likeness of two rows of syllables, 0 to 100, from which they are taken for the same wording misheard."""
_FIRST_SIGN = 0xF0000
"""Private characters stand for syllables, so that rows of syllables can be compared as strings."""


@dataclass(frozen=True)
class Known:
    """A wording of the library that a text is, or sounds like."""

    intent: str
    confidence: float
    """0 to 1."""
    why: str
    """Layer and wording, for `voicebot nlu why`."""


class Wordings:
    """Every wording of the library with its intent. One that stands under two intents is known for neither."""

    def __init__(self, texts: Sequence[str], intents: Sequence[str]) -> None:
        """`texts` are cleaned wordings, `intents` the intent of each."""
        self._signs: dict[str, str] = {}
        self._written = _unique((compact(text), intent) for text, intent in zip(texts, intents, strict=True))
        self._heard = _unique((self._sound(text, learn=True), intent) for text, intent in self._written.items())
        self._by_length: dict[int, list[str]] = {}
        for sound in self._heard:
            self._by_length.setdefault(len(sound), []).append(sound)

    def __len__(self) -> int:
        return len(self._written)

    def exact(self, text: str) -> str | None:
        """The intent of this very wording, None for another."""
        return self._written.get(compact(text))

    def heard(self, text: str) -> Known | None:
        """The wording that sounds the same whatever characters the recogniser chose, None where none does."""
        sound = self._sound(compact(text))
        if len(sound) < _HEARD_LEAST or sound not in self._heard:
            return None
        return Known(self._heard[sound], 0.97, f"sound: {text}")

    def near(self, text: str) -> Known | None:
        """The wording that sounds almost the same, None where none does or those that do disagree."""
        sound = self._sound(compact(text))
        if len(sound) < _NEAR_LEAST:
            return None
        choices = [other for size in range(-1, 2) for other in self._by_length.get(len(sound) + size, ())]
        found = process.extract(sound, choices, scorer=fuzz.ratio, score_cutoff=_NEAR, limit=3)
        if not found or len({self._heard[other] for other, _, _ in found}) > 1:
            return None
        other, score, _ = found[0]
        return Known(self._heard[other], round(score / 100 * 0.9, 3), f"sounds like an example, {score:.0f} of 100")

    def nearest(self, text: str, count: int = 3) -> list[dict[str, object]]:
        """The wordings most like a text, letter by letter: for an author who asks why."""
        found = process.extract(compact(text), list(self._written), scorer=fuzz.ratio, limit=count)
        return [{"text": near, "intent": self._written[near], "score": round(score)} for near, score, _ in found]

    def _sound(self, text: str, *, learn: bool = False) -> str:
        """One private character a syllable; a syllable that no wording has is a character of its own."""
        signs = []
        for syllable in syllables(text):
            sign = self._signs.get(syllable)
            if sign is None and learn:
                sign = self._signs[syllable] = chr(_FIRST_SIGN + len(self._signs))
            signs.append(sign if sign is not None else "\0")
        return "".join(signs)


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    twice: set[str] = set()
    for wording, intent in pairs:
        if found.setdefault(wording, intent) != intent:
            twice.add(wording)
    return {wording: intent for wording, intent in found.items() if wording not in twice}
