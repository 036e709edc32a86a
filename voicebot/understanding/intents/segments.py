"""Where a turn falls into parts that mean different things: at punctuation, and where a recogniser wrote none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from voicebot.understanding.answers import compact, read_answer
from voicebot.understanding.intents.catalogue import NONE

Score = Mapping[str, float]
_CLAUSE = re.compile(r"[，,。！!？?；;\n]+")
_LEAST = 3  # characters of a part that can mean something
_MOST = 4  # parts of one turn
_UNBROKEN = 6  # characters from which a clause may hold two
_TRIES = 10  # places of one turn at which a division is tried: bounds the time of a turn
_SURE = 0.45
"""Probability that each half must have of its own meaning for a division to count."""
_CUE = re.compile(
    r"(?<=[了吧吗呢啊呀嘛么呗啦喇的行好])(?=[一-鿿])"
    r"|(?=我|你|您|他|她|这|能不能|可不可以|可以|不过|但|可是|而且|还有|然后|再|叫|让|给我|把|怎么|什么|先|以后|别|不要|"
    r"老公|老婆|公司|利息|征信|现在|要不|明天|今天|到底|请|麻烦|帮我|剩)"
    r"| (?=[a-z])"
)
_NO_MEANING = frozenset({NONE, "asr_noise", "silence", "dtmf_choice"})


def clauses(clean: str) -> list[str]:
    """The parts of a turn between its punctuation that can carry an intent of their own."""
    parts = [part.strip() for part in _CLAUSE.split(clean) if part.strip()]
    return [part for part in parts if len(compact(part)) >= _LEAST and read_answer(part) is None]


class Segmenter:
    """Divides turns. Holds the light scorer, by which it judges whether two halves mean different things."""

    def __init__(self, light: Callable[[str], Score]) -> None:
        self._light = light

    def parts(self, clean: str) -> list[str]:
        """The parts of a turn that can carry an intent of their own; none where the turn is a single one."""
        found: list[str] = []
        left = _TRIES
        for clause in clauses(clean):
            pieces, left = self._divided(clause, left)
            found.extend(pieces)
        if len(found) == 1 and len(compact(found[0])) == len(compact(clean)):
            return []
        return found[:_MOST]

    def _divided(self, clause: str, left: int) -> tuple[list[str], int]:
        """The clause's pieces, and how many tries are left for the rest of the turn."""
        if len(compact(clause)) < _UNBROKEN or not left:
            return [clause], left
        places = {match.end() for match in _CUE.finditer(clause)}
        middle = len(clause) / 2
        tried = sorted(
            (place for place in places if _LEAST <= place <= len(clause) - _LEAST), key=lambda at: abs(at - middle)
        )[:left]
        best, chosen = _SURE * _SURE, None
        for place in sorted(tried):
            halves = clause[:place].strip(), clause[place:].strip()
            one, sure = self._best(halves[0])
            if sure < _SURE or one in _NO_MEANING:
                continue
            other, certain = self._best(halves[1])
            if other == one or certain < _SURE or other in _NO_MEANING:
                continue
            if sure * certain > best:
                best, chosen = sure * certain, halves
        left -= len(tried)
        if chosen is None:
            return [clause], left
        pieces: list[str] = []
        for half in chosen:
            further, left = self._divided(half, left) if half is max(chosen, key=len) else ([half], left)
            pieces.extend(further)
        return pieces, left

    def _best(self, text: str) -> tuple[str, float]:
        return max(self._light(text).items(), key=lambda item: item[1])
