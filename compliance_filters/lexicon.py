"""The words and patterns of a pack: concepts by name, and which patterns hold in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from compliance_filters import template
from compliance_filters.automata import Automata
from compliance_filters.normalise import Normal
from compliance_filters.patterns import (
    NEAR,
    SAME_SENTENCE,
    WIDE,
    Element,
    Match,
    Occurrence,
    Pattern,
    PatternError,
    Scan,
    believable,
    may_be_left_out,
    tokens,
)


class Lexicon:
    """Concepts, the patterns made of them, and where they hold."""

    def __init__(self, concepts: Mapping[str, Sequence[str]], plain_latin: Iterable[str]) -> None:
        self._names: dict[str, int] = {}
        self._words: list[frozenset[str]] = []
        self._plain_latin = tuple(plain_latin)
        self._patterns: list[Pattern] = []
        self._expanded: dict[str, tuple[str, ...]] = {}
        for name in concepts:
            self._expand(name, concepts, ())
        for name, words in self._expanded.items():
            self._intern(f"<{name}>", words)
        self._automata: Automata | None = None

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
        for token in tokens(source):
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
            elif may_be_left_out(token):
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
        self._automata = None
        return pattern

    def build(self) -> None:
        """Makes the automata. Called once, after the last `add`."""
        self._automata = Automata(self._words, self._plain_latin)
        uses: dict[int, int] = {}
        for pattern in self._patterns:
            for element in pattern.elements:
                uses[element.concept] = uses.get(element.concept, 0) + 1
        # Under the concept of a pattern that the fewest patterns use: all the concepts it needs, and the pattern.
        self._by_rarest: dict[int, list[tuple[frozenset[int], Pattern]]] = {}
        for pattern in self._patterns:
            needed = frozenset(element.concept for element in pattern.elements)
            rarest = min(needed, key=lambda concept: (uses[concept], concept))
            self._by_rarest.setdefault(rarest, []).append((needed, pattern))

    def holds(self, concept: str, scan: Scan) -> bool:
        """True when a text has a word of a named concept. False for a concept that the pack lacks."""
        return self._names.get(f"<{concept}>", -1) in scan.occurrences

    @property
    def size(self) -> int:
        """Number of different words in the automaton."""
        return self._built().size

    def scan(self, normal: Normal) -> Scan:
        """Finds every word of every concept."""
        return self._built().scan(normal)

    def _built(self) -> Automata:
        assert self._automata is not None, "build() comes before reading"
        return self._automata

    def matches(self, scan: Scan) -> list[Match]:
        """Every pattern that holds, each at its first place in each sentence."""
        found: list[Match] = []
        present = scan.occurrences.keys()
        for concept in present:
            for needed, pattern in self._by_rarest.get(concept, ()):
                if needed <= present:
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
            if spans is None or not believable(spans):
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
