"""What makes a match harmless: that it is denied, quoted, called false, or part of an ordinary word.

The words are lists of a language, `excuses` in its vocabulary: `deny`, `quote`, `mention`, `turn`, `refute`, `answer`,
`renounce`, `whole`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compliance_filters.lexicon import Lexicon
from compliance_filters.patterns import Match, Pattern, Scan

_SIGNS_OF_DENIAL = "没不未无别"
_ASKS = set("?？")
_ADDRESSES = {"你", "您", "you", "your"}


class Excuses:
    """Reads the excuses of a language in a text. Holds no state of a call."""

    def __init__(self, lexicon: Lexicon, words: Mapping[str, Sequence[str]]) -> None:
        """Adds the words to a lexicon that is still being made. Raises PatternError or TemplateError."""
        self._kinds: dict[str, Pattern] = {
            kind: lexicon.add(f"excuse:{kind}", f"({'|'.join(found)})", "word")
            for kind, found in words.items()
            if found
        }

    def hold(self, match: Match, of_category: Sequence[Match], scan: Scan) -> bool:
        """True when a match is excused; `of_category` are the matches of the categories' own `excused_by`."""
        units = scan.normal.units
        sentence = units[match.start].sentence
        if any(e.pattern.label == match.pattern.label and units[e.start].sentence == sentence for e in of_category):
            return True
        if any(start == match.end for start, _ in self._words("mention", scan)):
            return True
        return self._denied(match, scan) or self._quoted(match, scan) or self._refuted(match, scan)

    def asked_and_refuted(self, end: int, scan: Scan) -> bool:
        """True when the sentence that ends before unit `end` is a question which the next one calls false, or helps
        against: "will my child be barred from school? There is no truth in it."."""
        units = scan.normal.units
        if not 0 < end < len(units) or not set(scan.normal.original[units[end - 1].end : units[end].start]) & _ASKS:
            return False
        return any(
            start >= end and units[start].sentence == units[end].sentence
            for kind in ("refute", "answer")
            for start, _ in self._words(kind, scan)
        )

    def renounced(self, first: int, end: int, scan: Scan) -> bool:
        """True when in units `first` to `end` the speaker says that he does not do, know or decide it."""
        return any(first <= start < end for start, _ in self._words("renounce", scan))

    def without_ordinary_words(self, matches: list[Match], scan: Scan) -> list[Match]:
        """The matches without those that lie in an ordinary word which holds a bad one."""
        ordinary = self._words("whole", scan) if matches else []
        return [match for match in matches if not any(_inside(match, *word) for word in ordinary)]

    def _words(self, kind: str, scan: Scan) -> list[tuple[int, int]]:
        pattern = self._kinds.get(kind)
        if pattern is None:
            return []
        return [(o.start, o.end) for o in scan.occurrences.get(pattern.elements[0].concept, ())]

    def _denied(self, match: Match, scan: Scan) -> bool:
        units = scan.normal.units
        last = match.spans[-1]
        turns = self._words("turn", scan)
        for start, end in self._words("deny", scan):
            if any(start < s.end and s.start < end for s in match.spans) and not _runs_into(start, match, scan):
                continue
            if end > last.end or units[start].clause != units[last.start].clause:
                continue
            if any(end <= t[0] < last.start for t in turns):
                continue
            return True
        return False

    def _refuted(self, match: Match, scan: Scan) -> bool:
        """True when what was said, not what the listener said, is called false afterwards: "... is a fraud"."""
        units = scan.normal.units
        return any(
            start >= match.end
            and units[start].sentence == units[match.start].sentence
            and not any(end_of_denial == start for _, end_of_denial in self._words("deny", scan))
            and not any(unit.text in _ADDRESSES for unit in units[match.end : start])
            for start, _ in self._words("refute", scan)
        )

    def _quoted(self, match: Match, scan: Scan) -> bool:
        units = scan.normal.units
        return any(
            end <= match.start and units[start].clause == units[match.spans[-1].start].clause
            for start, end in self._words("quote", scan)
        )


def _runs_into(start: int, match: Match, scan: Scan) -> bool:
    """True for a denial whose end is the beginning of a phrase: 没有 before 有执法权."""
    before = "".join(unit.text for unit in scan.normal.units[start : match.start])
    return len(match.spans) == 1 and any(sign in before for sign in _SIGNS_OF_DENIAL)


def _inside(match: Match, start: int, end: int) -> bool:
    return any(
        start <= span.start and span.end <= end and (start, end) != (span.start, span.end) for span in match.spans
    )
