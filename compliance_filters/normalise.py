"""A sentence as the guard reads it: one unit for each character or Latin word, each with its place in the original.

Traditional script, full-width forms, dialect words, fillers, stutters and split characters are undone; every unit
remembers which characters of the text it stands for, so that a verdict can point at them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from compliance_filters.contractions import written_out
from compliance_filters.sounds import is_han

_SENTENCE_END = frozenset("。！？!?；;\n")
_CLAUSE_END = frozenset("，,：:—")
_PUNCTUATION = re.compile(r"[^\w]|_")
_FILLERS = re.compile(
    r"(?:那个|这个|就是说|就是那个|怎么说呢|你知道吧|然后呢|反正吧)(?=[，,、…\s.。]|$)"
    r"|[呃喔噢诶欸唉哎啊呀哈嘿哦]+(?=[，,、…\s])|[嗯呃]+"
    r"|(?<=[，,、…\s])额+(?=[，,、…\s])|^额+(?=[，,、…\s])"
)
_LATIN = re.compile(r"[a-z]+(?:['’][a-z]+)?")
_NUMBER = re.compile(r"\d+(?:[,，]\d{3})*(?:\.\d+)?")
# Figures that stand for letters inside a Latin word (r3al, c0mplain), and a word spelt with spaces (i d i o t).
_LETTER_FIGURES = str.maketrans("013457", "oieast")
_DISGUISED = re.compile(r"(?<=[a-z])[013457]{1,2}(?=[a-z])")
_SPACED = re.compile(r"(?<![a-z'’])[a-z](?: [a-z]){3,}(?![a-z'’])")


class Unit(NamedTuple):
    """One character or Latin word. A tuple, because every sentence makes dozens and a tuple is made the fastest."""

    text: str
    start: int
    """First character of the original text that it stands for."""
    end: int
    """End of those characters, excluded."""
    sentence: int
    """Number of its sentence within the text, from 0."""
    clause: int
    """Number of its clause within the text, from 0; commas and colons end clauses."""


@dataclass(frozen=True)
class Normal:
    """The whole text in units."""

    original: str
    units: tuple[Unit, ...]

    @property
    def text(self) -> str:
        return "".join(unit.text for unit in self.units)

    def units_at(self, start: int, end: int) -> tuple[int, int]:
        """Units that stand for the characters from `start` to `end`, excluded; an empty range when none does."""
        inside = [i for i, unit in enumerate(self.units) if unit.start < end and start < unit.end]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Characters of the original for the units from `first` to `end`, excluded."""
        chosen = self.units[first:end]
        if not chosen:
            return (0, 0)
        return (min(u.start for u in chosen), max(u.end for u in chosen))


@functools.cache
def _traditional() -> dict[str, str]:
    """Characters of the traditional script and what they are in the simplified one (OpenCC's table)."""
    from importlib.resources import files

    table: dict[str, str] = {}
    lines = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        traditional, _, simplified = line.partition("\t")
        if traditional and simplified:
            table[traditional] = simplified.split(" ")[0]
    table.update(
        {"妳": "你", "她": "他", "它": "他", "牠": "他", "您": "您", "祂": "他", "乾": "干", "瞭": "了", "嗰": "那"}
    )
    return table


@functools.lru_cache(maxsize=65536)
def _plain(character: str) -> str:
    """A character in half width, lower case and the simplified script."""
    folded = _fold_width(character).lower()[:1] or character
    return _traditional().get(folded, folded)


def _fold_width(character: str) -> str:
    number = ord(character)
    if 0xFF01 <= number <= 0xFF5E:
        return chr(number - 0xFEE0)
    return " " if number == 0x3000 else character


@functools.lru_cache(maxsize=65536)
def _is_spoken(character: str) -> bool:
    """True for a character that carries meaning by itself: no punctuation but the decimal point and the per cent."""
    return character in ".%" or not _PUNCTUATION.match(character)


@dataclass(frozen=True)
class Spelling:
    """What a pack tells the normaliser about its language."""

    dialect: Mapping[str, str]
    """Dialect wordings and the standard words they stand for."""
    split: Mapping[str, str]
    """Characters written in two or three parts, and the character."""

    @functools.cached_property
    def _by_first(self) -> dict[str, list[tuple[str, str]]]:
        table: dict[str, list[tuple[str, str]]] = {}
        for source, target in [*self.dialect.items(), *self.split.items()]:
            table.setdefault(source[0], []).append((source, target))
        for pairs in table.values():
            pairs.sort(key=lambda pair: -len(pair[0]))
        return table


def normalise(text: str, spelling: Spelling) -> Normal:
    """Reads a text into units. Never fails: what it does not know stays as it is."""
    plain = "".join([_plain(character) for character in text])
    plain = _DISGUISED.sub(lambda m: m.group().translate(_LETTER_FIGURES), plain)
    joined = {index for match in _SPACED.finditer(plain) for index in range(*match.span())}
    filler = [False] * len(plain)
    for match in _FILLERS.finditer(plain):
        for index in range(*match.span()):
            filler[index] = True

    # First pass: characters that carry meaning, with sentence and clause numbers.
    kept: list[tuple[str, int, int, int]] = []
    sentence = clause = 0
    for index, character in enumerate(plain):
        if character in _SENTENCE_END:
            sentence, clause = sentence + 1, clause + 1
        elif character == "." and not (0 < index < len(plain) - 1 and plain[index + 1].isdigit()):
            if plain[index - 1 : index].isalpha() and not is_han(plain[index - 1 : index] or " "):
                sentence, clause = sentence + 1, clause + 1
        elif character in _CLAUSE_END and not (
            character == ","
            and 0 < index < len(plain) - 1
            and plain[index - 1].isdigit()
            and plain[index + 1].isdigit()
        ):
            clause += 1
        elif not filler[index] and (_is_spoken(character) or _within_word(plain, index)):
            kept.append((character, index, sentence, clause))
    return Normal(text, tuple(_units(kept, spelling, joined)))


def _within_word(text: str, index: int) -> bool:
    """True for the apostrophe of a contraction."""
    around = text[index - 1 : index] + text[index + 1 : index + 2]
    return text[index] in "'’" and len(around) == 2 and around.isascii() and around.isalpha()


def _units(kept: list[tuple[str, int, int, int]], spelling: Spelling, spaced: set[int]) -> list[Unit]:
    """`spaced`: characters of the text that belong to a word spelt with spaces between its letters."""
    joined = "".join([item[0] for item in kept])
    by_first = spelling._by_first
    units: list[Unit] = []
    at = 0
    while at < len(joined):
        character = joined[at]
        _, index, sentence, clause = kept[at]
        replaced = False
        for source, target in by_first.get(character, ()):
            if joined.startswith(source, at):
                end = kept[at + len(source) - 1][1] + 1
                units.extend(Unit(piece, index, end, sentence, clause) for piece in target)
                at += len(source)
                replaced = True
                break
        if replaced:
            continue
        if "a" <= character <= "z":
            end = at + 1
            # A word ends where the text had a space: letters that were apart in the text are not joined.
            while (
                end < len(joined)
                and ("a" <= joined[end] <= "z" or joined[end] in "'’")
                and (kept[end][1] == kept[end - 1][1] + 1 or {kept[end][1], kept[end - 1][1]} <= spaced)
            ):
                end += 1
            last = kept[end - 1][1] + 1
            units.extend(Unit(piece, index, last, sentence, clause) for piece in written_out(joined[at:end]))
            at = end
            continue
        # A stutter ("还还还钱") counts once from the third on; a doubled word is ordinary Chinese.
        if at >= 2 and joined[at - 1] == joined[at - 2] == character and is_han(character):
            at += 1
            continue
        units.append(Unit(character, index, index + 1, sentence, clause))
        at += 1
    return units
