"""When to hand audio to a carrier that buffers: never more than a little ahead of what its listener hears.

Pure: the caller brings the time, in seconds of any clock that does not step back.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_SLACK = 1e-6  # seconds: a wake-up computed in floating point may come this much early


@dataclass(frozen=True)
class DueAudio:
    """A piece to hand over now."""

    pcm: bytes
    """At most one chunk."""


@dataclass(frozen=True)
class DueMark:
    """Everything sent before this mark has been handed over; the carrier may now be asked to report it."""

    id: int
    """Unique in this queue, unlike the name."""
    name: str


Due = DueAudio | DueMark


@dataclass
class _HandedMark:
    id: int
    name: str
    plays_at: float


class Pacing:
    """The queue of one port between `send` and the carrier, and the clock of what the carrier plays.

    A piece is due when the carrier holds less than `ahead_seconds` of unplayed audio once it has it. A mark is due as
    soon as what precedes it has been handed over, and stays open until `answer`, `reached` or `clear` closes it.
    """

    def __init__(self, sample_rate: int, *, chunk_seconds: float = 0.02, ahead_seconds: float = 0.06) -> None:
        self._bytes_per_second = 2 * sample_rate
        self._chunk_bytes = 2 * round(chunk_seconds * sample_rate)
        self._ahead = max(ahead_seconds, chunk_seconds)
        self._queue: deque[bytearray | str] = deque()
        self._handed: deque[_HandedMark] = deque()
        self._marks_handed = 0
        self._plays_until = float("-inf")
        self._handed_seconds = 0.0

    def send(self, pcm: bytes) -> None:
        """Queues audio behind what is queued already."""
        if not pcm:
            return
        if self._queue and isinstance(self._queue[-1], bytearray):
            self._queue[-1] += pcm
        else:
            self._queue.append(bytearray(pcm))

    def mark(self, name: str) -> None:
        """Queues a mark behind what is queued already. The same name may be used again."""
        self._queue.append(name)

    def due(self, now: float) -> list[Due]:
        """What is to be handed to the carrier now, in order. Counts it as handed over."""
        out: list[Due] = []
        while self._queue:
            head = self._queue[0]
            if isinstance(head, str):
                self._queue.popleft()
                self._marks_handed += 1
                self._handed.append(_HandedMark(self._marks_handed, head, max(self._plays_until, now)))
                out.append(DueMark(self._marks_handed, head))
                continue
            piece = bytes(head[: self._chunk_bytes])
            seconds = len(piece) / self._bytes_per_second
            plays_until = max(self._plays_until, now) + seconds
            if plays_until - now > self._ahead + _SLACK:
                break
            del head[: self._chunk_bytes]
            if not head:
                self._queue.popleft()
            self._plays_until = plays_until
            self._handed_seconds += seconds
            out.append(DueAudio(piece))
        return out

    def wakes_at(self, now: float) -> float | None:
        """When `due` will next have something; None when only a new `send` or `mark` can change that."""
        if not self._queue:
            return None
        head = self._queue[0]
        if isinstance(head, str):
            return now
        seconds = min(len(head), self._chunk_bytes) / self._bytes_per_second
        return max(now, self._plays_until + seconds - self._ahead)

    def mark_plays_at(self) -> float | None:
        """When, by our own clock, the oldest open mark has been played; None when no mark is open."""
        return self._handed[0].plays_at if self._handed else None

    def reached(self, now: float) -> list[str]:
        """Closes the marks that have been played by `now`, for carriers that do not report any themselves."""
        names = []
        while self._handed and self._handed[0].plays_at <= now + _SLACK:
            names.append(self._handed.popleft().name)
        return names

    def answer(self, mark_id: int) -> str | None:
        """Closes an open mark on the carrier's report and returns its name; None when it is not open any more."""
        for handed in self._handed:
            if handed.id == mark_id:
                self._handed.remove(handed)
                return handed.name
        return None

    def clear(self, now: float) -> list[str]:
        """Empties queue and carrier. Returns the marks that will now never be played, oldest first."""
        lost = [handed.name for handed in self._handed]
        lost += [item for item in self._queue if isinstance(item, str)]
        self._handed.clear()
        self._queue.clear()
        self._handed_seconds -= max(0.0, self._plays_until - now)
        self._plays_until = now
        return lost

    def played_seconds(self, now: float) -> float:
        """Seconds of audio that the listener has been played; pauses and what was cleared do not count."""
        return self._handed_seconds - max(0.0, self._plays_until - now)
