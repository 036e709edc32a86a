"""A day with its time of day as one stretch of text, and the words around it: 明天 with 下午三点."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from voicebot.understanding.slots import times
from voicebot.understanding.slots.span import ClockSpan, DaySpan

CLAUSE = re.compile(r"[，,。！!？?；;\s]+")
"""What parts one clause from the next."""


@dataclass(frozen=True)
class Moment:
    """A day, a time of day, or both, and where they stand."""

    start: int
    end: int
    """Character range in the text, end excluded."""
    day: DaySpan | None
    clock: ClockSpan | None
    head: str = ""
    """What stands before it: back to the beginning of its clause, or to the moment before."""
    tail: str = ""
    """What is said of it: up to the end of its clause, or to the next moment."""

    @property
    def exact(self) -> bool:
        """Whether it names one day."""
        return self.day is not None and self.day.day is not None and not self.day.vague


def find_moments(text: str, days: Sequence[DaySpan], clocks: Sequence[ClockSpan]) -> list[Moment]:
    """Joins days with clocks, and a part of day (下午) with the clock that follows it in the same breath."""
    merged = _join_clocks(text, clocks)
    moments: list[Moment] = []
    for day in days:
        follower = _follower(text, day, merged)
        if follower is None:
            moments.append(Moment(day.start, day.end, day, None))
        else:
            merged.remove(follower)
            moments.append(Moment(min(day.start, follower.start), max(day.end, follower.end), day, follower))
    moments += [Moment(clock.start, clock.end, None, clock) for clock in merged]
    return _with_surroundings(text, sorted(moments, key=lambda moment: moment.start))


def clause_around(text: str, start: int, end: int) -> tuple[int, int]:
    """From where to where the clause goes that holds a stretch of the text."""
    left = max((match.end() for match in CLAUSE.finditer(text, 0, start)), default=0)
    right = next((match.start() for match in CLAUSE.finditer(text, end)), len(text))
    return left, right


def clause_of(text: str, start: int, end: int) -> str:
    """The clause that holds a stretch of the text."""
    left, right = clause_around(text, start, end)
    return text[left:right]


def _with_surroundings(text: str, moments: Sequence[Moment]) -> list[Moment]:
    found = []
    for place, moment in enumerate(moments):
        after = moments[place + 1].start if place + 1 < len(moments) else len(text)
        before = moments[place - 1].end if place else 0
        found.append(
            replace(
                moment,
                head=CLAUSE.split(text[before : moment.start])[-1],
                tail=CLAUSE.split(text[moment.end : after])[0],
            )
        )
    return found


def _follower(text: str, day: DaySpan, clocks: Sequence[ClockSpan]) -> ClockSpan | None:
    """The clock that belongs to a day: right after it, else right before it."""
    for clock in clocks:
        if 0 <= clock.start - day.end <= 2 and not CLAUSE.search(text[day.end : clock.start]):
            return clock
    return next((clock for clock in clocks if 0 <= day.start - clock.end <= 1 and clock.after_minutes is None), None)


def _join_clocks(text: str, clocks: Sequence[ClockSpan]) -> list[ClockSpan]:
    kept: list[ClockSpan] = []
    for clock in clocks:
        before = kept[-1] if kept else None
        if (
            before is not None
            and before.clock is None
            and before.after_minutes is None
            and clock.clock is not None
            and clock.start - before.end <= 4
        ):
            part = {"早": "早上", "晚": "晚上"}.get(before.part or "", before.part)
            again = times.find_times(f"{part}{text[clock.start : clock.end]}", 0)
            if again and again[0].clock is not None:
                kept[-1] = replace(again[0], start=before.start, end=clock.end)
                continue
        kept.append(clock)
    return kept
