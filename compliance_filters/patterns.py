"""Meaning patterns: concepts and words in order, found by automata over characters and over sounds.

`<relative> (必须|应该) .. <pay>` reads: a word for a relative, soon after it must or should, and not far behind a word
for paying. Words are matched as written, by sound (homophones, written pinyin, digits read aloud) and by initials (qs
for 起诉).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import ahocorasick

from compliance_filters import sounds, template
from compliance_filters.normalise import Normal

NEAR, WIDE, SAME_SENTENCE = 4, 14, 10_000
_LATIN = re.compile(r"[a-z']+")


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


def _tokens(source: str) -> list[str]:
    """Splits at spaces outside brackets."""
    tokens: list[str] = []
    depth = 0
    word = ""
    for character in source:
        if character in "([<":
            depth += 1
        elif character in ")]>":
            depth -= 1
        if character == " " and depth == 0:
            if word:
                tokens.append(word)
            word = ""
        else:
            word += character
    if word:
        tokens.append(word)
    return tokens


def _optional(token: str) -> bool:
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


class Lexicon:
    """The words of all patterns in one automaton for characters and one for sounds."""

    def __init__(self, concepts: Mapping[str, Sequence[str]], plain_latin: Iterable[str]) -> None:
        self._names: dict[str, int] = {}
        self._words: list[frozenset[str]] = []
        self._plain_latin = frozenset(word.lower() for word in plain_latin)
        self._patterns: list[Pattern] = []
        self._expanded: dict[str, tuple[str, ...]] = {}
        for name in concepts:
            self._expand(name, concepts, ())
        for name, words in self._expanded.items():
            self._intern(f"<{name}>", words)
        self._built = False

    def _expand(self, name: str, concepts: Mapping[str, Sequence[str]], above: tuple[str, ...]) -> tuple[str, ...]:
        if name in self._expanded:
            return self._expanded[name]
        if name in above:
            raise PatternError(f"concept '{name}' is made of itself ({' > '.join((*above, name))}); break the circle")
        if name not in concepts:
            raise PatternError(f"there is no concept named '{name}'; write it in concepts, or correct the spelling")
        words: list[str] = []
        for line in concepts[name]:
            for inner in re.findall(r"<([^>]+)>", line):
                self._expand(inner, concepts, (*above, name))
            words.extend(template.expand(line, self._expanded, limit=5000))
        self._expanded[name] = tuple(dict.fromkeys(w.lower() for w in words))
        return self._expanded[name]

    @property
    def concepts(self) -> Mapping[str, tuple[str, ...]]:
        """Every named concept with its words written out."""
        return self._expanded

    def _intern(self, name: str, words: Iterable[str]) -> int:
        if name not in self._names:
            self._names[name] = len(self._words)
            self._words.append(frozenset(words))
        return self._names[name]

    def _concept(self, token: str) -> int:
        if re.fullmatch(r"<[^<>]+>", token):
            if token not in self._names:
                raise PatternError(
                    f"there is no concept named '{token[1:-1]}'; write it in concepts, or correct the spelling"
                )
            return self._names[token]
        return self._intern(token, (w.lower() for w in template.expand(token, self._expanded, limit=20000) if w))

    def add(self, label: str, source: str, kind: str) -> Pattern:
        """Compiles a pattern and takes its words in. Raises PatternError or TemplateError."""
        weak = False
        gap = NEAR
        elements: list[Element] = []
        forbidden: list[int] = []
        for token in _tokens(source):
            if token == "~":  # noqa: S105
                weak = True
            elif token == "+":  # noqa: S105
                gap = 0
            elif token == "..":  # noqa: S105
                gap = WIDE
            elif token == "...":  # noqa: S105
                gap = SAME_SENTENCE
            elif token == "&":  # noqa: S105
                gap = -1
            elif _optional(token):
                # What may be left out need not be found: it only makes room.
                gap = max(gap, *(len(word) for word in template.expand(token, self._expanded)))
            elif token.startswith("!"):
                forbidden.append(self._concept(token[1:]))
            else:
                elements.append(Element(self._concept(token), gap))
                gap = NEAR
        if not elements:
            raise PatternError(f"pattern '{source}' has no words in it")
        pattern = Pattern(label, source, tuple(elements), tuple(forbidden), weak, kind)
        self._patterns.append(pattern)
        self._built = False
        return pattern

    def build(self) -> None:
        """Makes the automata. Called once, after the last `add`."""
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
        uses: dict[int, int] = {}
        for pattern in self._patterns:
            for element in pattern.elements:
                uses[element.concept] = uses.get(element.concept, 0) + 1
        self._by_rarest: dict[int, list[Pattern]] = {}
        for pattern in self._patterns:
            rarest = min(pattern.elements, key=lambda e: (uses[e.concept], e.concept)).concept
            self._by_rarest.setdefault(rarest, []).append(pattern)
        self._built = True

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
                pieces.append(latin.group())
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
        assert self._built
        scan = Scan(normal)
        found: dict[tuple[int, int, int], Occurrence] = {}
        units = normal.units
        encoded = "".join(self._written_code(u.text) for u in units)
        for last, (length, concepts) in self._written.iter(encoded):
            first = last - length + 1
            if units[first].sentence != units[last].sentence:
                continue
            occurrence = Occurrence(first, last + 1, Channel.WRITTEN)
            for concept in concepts:
                found[(concept, first, last + 1)] = occurrence
        self._scan_sounds(normal, found)
        self._scan_initials(normal, found)
        for (concept, _, _), occurrence in found.items():
            scan.occurrences.setdefault(concept, []).append(occurrence)
        for list_ in scan.occurrences.values():
            list_.sort(key=lambda o: (o.start, o.end))
        return scan

    def _scan_sounds(self, normal: Normal, found: dict[tuple[int, int, int], Occurrence]) -> None:
        units = normal.units
        first_codes: list[str] = []
        second_codes: list[str] = []
        owner: list[int] = []
        differs = False
        for index, unit in enumerate(units):
            if len(unit.text) > 1 and unit.text not in self._plain_latin:
                for syllable in sounds.spell(unit.text):
                    letter = sounds.code_of_syllable(syllable) or "\ufffd"
                    first_codes.append(letter)
                    second_codes.append(letter)
                    owner.append(index)
                continue
            if len(unit.text) > 1:
                letter = other = "\ufffd"
            else:
                letter, other = sounds.code(unit.text), sounds.second_code(unit.text)
            differs = differs or letter != other
            first_codes.append(letter)
            second_codes.append(other)
            owner.append(index)
        for codes in [first_codes, second_codes] if differs else [first_codes]:
            for last, (length, concepts, spelled) in self._sounding.iter("".join(codes)):
                first = last - length + 1
                start, end = owner[first], owner[last] + 1
                if units[start].sentence != units[end - 1].sentence:
                    continue
                surface = "".join(u.text for u in units[start:end])
                if surface in spelled:
                    continue
                if (
                    length == 2
                    and len(surface) == 2
                    and (surface in _common_words() or not any(sounds.sounds_like(surface, word) for word in spelled))
                ):
                    continue
                occurrence = Occurrence(start, end, Channel.SOUND)
                for concept in concepts:
                    found.setdefault((concept, start, end), occurrence)

    def _scan_initials(self, normal: Normal, found: dict[tuple[int, int, int], Occurrence]) -> None:
        for index, unit in enumerate(normal.units):
            if 2 <= len(unit.text) <= 5 and "a" <= unit.text[0] <= "z" and unit.text not in self._plain_latin:
                for concept, _ in self._initials.get(unit.text, ()):
                    found.setdefault((concept, index, index + 1), Occurrence(index, index + 1, Channel.INITIALS))

    def matches(self, scan: Scan) -> list[Match]:
        """Every pattern that holds, each at its first place in each sentence."""
        found: list[Match] = []
        present = scan.occurrences
        for concept in present:
            for pattern in self._by_rarest.get(concept, ()):
                if all(e.concept in present for e in pattern.elements):
                    found.extend(self._match(pattern, scan))
        return found

    def _match(self, pattern: Pattern, scan: Scan) -> list[Match]:
        units = scan.normal.units
        matched: list[Match] = []
        done: set[int] = set()
        for first in scan.occurrences[pattern.elements[0].concept]:
            sentence = units[first.start].sentence
            if sentence in done:
                continue
            spans = self._follow(pattern, 1, (first,), scan, sentence)
            if spans is None or not _believable(spans):
                continue
            if any(
                units[o.start].sentence == sentence
                for concept in pattern.forbidden
                for o in scan.occurrences.get(concept, ())
            ):
                continue
            done.add(sentence)
            matched.append(Match(pattern, spans))
        return matched

    def _follow(
        self, pattern: Pattern, index: int, spans: tuple[Occurrence, ...], scan: Scan, sentence: int
    ) -> tuple[Occurrence, ...] | None:
        if index == len(pattern.elements):
            return spans
        element = pattern.elements[index]
        units = scan.normal.units
        before = spans[-1]
        for candidate in scan.occurrences[element.concept]:
            if units[candidate.start].sentence != sentence:
                continue
            if element.gap < 0:
                if any(candidate.start < s.end and s.start < candidate.end for s in spans):
                    continue
            elif not before.end <= candidate.start <= before.end + element.gap:
                continue
            rest = self._follow(pattern, index + 1, (*spans, candidate), scan, sentence)
            if rest is not None:
                return rest
        return None


def _believable(spans: Sequence[Occurrence]) -> bool:
    """A pattern of short words that all merely sound alike, or of one pair of initials, is chance."""
    written = [s for s in spans if s.channel is Channel.WRITTEN]
    if written:
        return True
    if any(s.channel is Channel.SOUND for s in spans):
        return sum(s.end - s.start for s in spans if s.channel is Channel.SOUND) >= 3 or len(spans) > 1
    return len(spans) > 1


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
