"""Automata that find every word of every concept in a text: over characters, over sounds, and by initials.

Words are matched as written, by sound (homophones, written pinyin, digits read aloud) and by initials (qs for 起诉).
"""

from __future__ import annotations

import functools
import operator
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import ahocorasick

from compliance_filters import sounds
from compliance_filters.contractions import written_out
from compliance_filters.normalise import Normal
from compliance_filters.patterns import Channel, Occurrence, Scan

_LATIN = re.compile(r"[a-z']+")
_PLACE = operator.attrgetter("start", "end")


class Automata:
    """The words of numbered concepts. Built once, then only read."""

    def __init__(self, vocabulary: Sequence[frozenset[str]], plain_latin: Iterable[str]) -> None:
        """`vocabulary`: the words of concept 0, 1, ...; `plain_latin`: Latin words that are no initials."""
        self._words = tuple(vocabulary)
        self._plain_latin = frozenset(word.lower() for word in plain_latin)
        self._latin_codes: dict[str, str] = {}
        self._written = ahocorasick.Automaton()
        self._sounding = ahocorasick.Automaton()
        self._initials: dict[str, list[tuple[int, str]]] = {}
        written: dict[str, tuple[int, set[int]]] = {}
        sounding: dict[str, tuple[int, set[int], set[str]]] = {}
        for concept, words in enumerate(self._words):
            for word in words:
                pieces = self._pieces(word)
                encoded = "".join(self._written_code(p, learn=True) for p in pieces)
                written.setdefault(encoded, (len(pieces), set()))[1].add(concept)
                han = all(len(p) == 1 and (sounds.is_han(p) or p.isdigit()) for p in pieces)
                if not han or len(pieces) < 2:
                    continue
                for key in sounds.encodings(word):
                    entry = sounding.setdefault(key, (len(pieces), set(), set()))
                    entry[1].add(concept)
                    entry[2].add(word)
                if len(pieces) <= 4:
                    letters = sounds.initials(word)
                    if letters:
                        self._initials.setdefault(letters, []).append((concept, word))
        for key, (length, concepts) in written.items():
            self._written.add_word(key, (length, tuple(sorted(concepts))))
        if not sounding:
            # An automaton cannot be empty; no text holds the character that means nothing.
            self._sounding.add_word("\uffff", (1, (), frozenset()))
        for key, (length, concepts, spelled) in sounding.items():
            self._sounding.add_word(key, (length, tuple(sorted(concepts)), frozenset(spelled)))
        self._written.make_automaton()
        self._sounding.make_automaton()

    @property
    def size(self) -> int:
        """Number of different words in the automaton."""
        return len(self._written)

    @staticmethod
    def _pieces(word: str) -> list[str]:
        pieces: list[str] = []
        at = 0
        while at < len(word):
            latin = _LATIN.match(word, at)
            if latin:
                pieces.extend(written_out(latin.group()))
                at = latin.end()
                continue
            if not word[at].isspace() and (word[at].isalnum() or word[at] in "%."):
                pieces.append(word[at])
            at += 1
        return pieces

    def _written_code(self, unit: str, learn: bool = False) -> str:
        if len(unit) == 1 and not "a" <= unit <= "z":
            return unit
        known = self._latin_codes.get(unit)
        if known is None:
            if not learn:
                return "\ufffd"
            known = chr(0xF0000 + len(self._latin_codes))
            self._latin_codes[unit] = known
        return known

    def scan(self, normal: Normal) -> Scan:
        """Finds every word of every concept."""
        found: defaultdict[int, list[Occurrence]] = defaultdict(list)
        units = normal.units
        encoded = "".join([self._written_code(u.text) for u in units])
        for last, (length, concepts) in self._written.iter(encoded):
            first = last - length + 1
            if units[first].sentence != units[last].sentence:
                continue
            occurrence = Occurrence(first, last + 1, Channel.WRITTEN)
            for concept in concepts:
                found[concept].append(occurrence)
        self._scan_sounds(normal, found)
        self._scan_initials(normal, found)
        for places in found.values():
            if len(places) > 1:
                places.sort(key=_PLACE)
        return Scan(normal, dict(found))

    def _scan_sounds(self, normal: Normal, found: defaultdict[int, list[Occurrence]]) -> None:
        units = normal.units
        texts = [unit.text for unit in units]
        first_codes: list[str] = []
        second_codes: list[str] = []
        owner: list[int] = []
        for index, text in enumerate(texts):
            if len(text) > 1:
                letters = others = "\ufffd" if text in self._plain_latin else sounds.spelt_codes(text)
                owner.extend([index] * len(letters))
            else:
                letters, others = sounds.code(text), sounds.second_code(text)
                owner.append(index)
            first_codes.append(letters)
            second_codes.append(others)
        # Both readings are one where no character has a second.
        for codes in dict.fromkeys(("".join(first_codes), "".join(second_codes))):
            for last, (length, concepts, spelled) in self._sounding.iter(codes):
                first = last - length + 1
                start, end = owner[first], owner[last] + 1
                # What merely sounds alike is not looked for across a comma: there it is two halves of other words.
                if units[start].clause != units[end - 1].clause:
                    continue
                if _may_stand_for("".join(texts[start:end]), spelled, length):
                    _add_new(Occurrence(start, end, Channel.SOUND), concepts, found)

    def _scan_initials(self, normal: Normal, found: defaultdict[int, list[Occurrence]]) -> None:
        for index, unit in enumerate(normal.units):
            if unit.text in self._initials and unit.text not in self._plain_latin:
                concepts = [concept for concept, _ in self._initials[unit.text]]
                _add_new(Occurrence(index, index + 1, Channel.INITIALS), concepts, found)


def _add_new(occurrence: Occurrence, concepts: Iterable[int], found: defaultdict[int, list[Occurrence]]) -> None:
    """Adds an occurrence to those concepts that were not found yet in the same place."""
    place = _PLACE(occurrence)
    for concept in concepts:
        if all(_PLACE(known) != place for known in found[concept]):
            found[concept].append(occurrence)


# Particles, pronouns and the commonest verbs: whoever hides a word does not write these in its place.
_PARTICLES = frozenset("的了是不在有就也都还要会能我你您他这那给和跟让把被到去来没说用得可以着过吧吗呢啊只再又才")


def _differs_in_particles(surface: str, word: str) -> bool:
    """True when all that tells a text from a word of a pack is a particle: 是骗子 is not 死骗子 misspelt."""
    return len(surface) == len(word) and all(a in _PARTICLES for a, b in zip(surface, word, strict=True) if a != b)


@functools.lru_cache(maxsize=65536)
def _may_stand_for(surface: str, words: frozenset[str], syllables: int) -> bool:
    """True when a text that sounds like some words of a pack may be one of them written otherwise."""
    if surface in words or all(_differs_in_particles(surface, word) for word in words):
        return False
    if syllables == 2 and len(surface) == 2:
        return surface not in _common_words() and any(sounds.sounds_like(surface, word) for word in words)
    return True


_COMMON: set[str] = set()


def _common_words() -> set[str]:
    """Ordinary words, so that a word which merely sounds like a forbidden one is left alone."""
    if not _COMMON:
        from pypinyin.phrases_dict import phrases_dict

        _COMMON.update(word for word in phrases_dict if len(word) == 2)
        from importlib.resources import files

        for name in ("STPhrases.txt", "TSPhrases.txt"):
            for line in files("opencc").joinpath("dictionary", name).read_text(encoding="utf-8").splitlines():
                for word in line.replace("\t", " ").split(" "):
                    if len(word) == 2:
                        _COMMON.add(word)
    return _COMMON
