"""Meaning patterns: concepts and words in order.

`<relative> (必须|应该) .. <pay>` reads: a word for a relative, soon after it must or should, and not far behind a word
for paying. Words are matched as written, by sound (homophones, written pinyin, digits read aloud) and by initials (qs
for 起诉).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from compliance_filters.normalise import Normal

NEAR, WIDE, SAME_SENTENCE = 4, 14, 10_000


class Channel(Enum):
    """How a word was recognised."""

    WRITTEN = "written"
    SOUND = "sound"
    INITIALS = "initials"


@dataclass(frozen=True)
class Occurrence:
    """A word of a concept in the text."""

    start: int
    end: int
    """Units, end excluded."""
    channel: Channel


@dataclass(frozen=True)
class Element:
    concept: int
    gap: int
    """Units that may lie between the element before and this one; -1 means in any order."""


@dataclass(frozen=True)
class Pattern:
    """One compiled pattern."""

    label: str
    """The category, or the kind of excuse, that it speaks for."""
    source: str
    elements: tuple[Element, ...]
    forbidden: tuple[int, ...]
    """Concepts that must not stand in the same sentence."""
    weak: bool
    """True when it needs the meaning model to agree."""
    kind: str
    """pattern, permissible, phrase, excuse."""


@dataclass(frozen=True)
class Match:
    pattern: Pattern
    spans: tuple[Occurrence, ...]

    @property
    def start(self) -> int:
        return min(s.start for s in self.spans)

    @property
    def end(self) -> int:
        return max(s.end for s in self.spans)


@dataclass
class Scan:
    """Everything the automata found in one text."""

    normal: Normal
    occurrences: dict[int, list[Occurrence]] = field(default_factory=dict)

    def sentences(self, occurrence: Occurrence) -> int:
        return self.normal.units[occurrence.start].sentence


class PatternError(ValueError):
    """A pattern that cannot be read."""


def tokens(source: str) -> list[str]:
    """Splits at spaces outside brackets."""
    found: list[str] = []
    depth = 0
    word = ""
    for character in source:
        if character in "([<":
            depth += 1
        elif character in ")]>":
            depth -= 1
        if character == " " and depth == 0:
            if word:
                found.append(word)
            word = ""
        else:
            word += character
    if word:
        found.append(word)
    return found


def may_be_left_out(token: str) -> bool:
    """True for a token that is one pair of square brackets, or round ones followed by a question mark."""
    closer = {"[": "]", "(": ")?"}.get(token[:1])
    if closer is None or not token.endswith(closer):
        return False
    depth = 0
    for at, character in enumerate(token):
        depth += (character in "([") - (character in ")]")
        if depth == 0:
            return at + len(closer) == len(token)
    return False


def believable(spans: Sequence[Occurrence]) -> bool:
    """A pattern of short words that all merely sound alike, or of one pair of initials, is chance."""
    written = [s for s in spans if s.channel is Channel.WRITTEN]
    if written:
        return True
    if any(s.channel is Channel.SOUND for s in spans):
        return sum(s.end - s.start for s in spans if s.channel is Channel.SOUND) >= 3 or len(spans) > 1
    return len(spans) > 1
