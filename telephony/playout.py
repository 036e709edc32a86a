"""What the far end was really played: the books between what a call was given to say and what its line took.

Pure: no clock, no loop. Positions are seconds of audio handed to the media port since the call began; pauses between
utterances do not count. The transport feeds it and passes on the reports that it returns.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

ROUNDING_SECONDS = 0.005
"""Slack when a mark's audio is compared with what was announced; less than any frame."""
SEAM_SECONDS = 0.015
"""Speech runs on without a seam: less than a frame between two chunks is a matter of when one looked, not a pause."""


@dataclass(frozen=True)
class MarkReport:
    """What became of the audio of one mark."""

    mark: str
    played: bool
    """True when all of it was played to its end."""
    played_seconds: float
    """How much of it was played before it ended or was cut."""


@dataclass(frozen=True)
class PlayedAudio:
    """A chunk that has left for the far end."""

    pcm: bytes
    media_seconds: float
    """Where it began on the port's media clock."""


@dataclass
class _Chunk:
    pcm: bytes
    start: float
    end: float
    interruptible: bool


@dataclass
class _Stretch:
    """The audio of one mark, from its first chunk to the mark itself."""

    mark: str | None
    start: float
    sent: float = 0.0
    lost: float = 0.0
    announced: float | None = None
    interrupted: bool = False

    def report(self) -> MarkReport:
        assert self.mark is not None
        played = self.sent - self.lost
        if self.announced is not None:
            played = min(played, self.announced)
        short = self.announced is not None and played < self.announced - ROUNDING_SECONDS
        return MarkReport(self.mark, not (self.interrupted or short), max(0.0, played))


class PlayoutLedger:
    """Follows sent audio, marks and cuts, and says of each mark once what became of it.

    Order of calls is order of audio: `begin` (optional), `sent`..., `mark`, then either `reached` or `cut`.
    """

    def __init__(self) -> None:
        self._position = 0.0
        self._chunks: deque[_Chunk] = deque()
        self._open = _Stretch(None, 0.0)
        self._waiting: dict[str, _Stretch] = {}
        self._settled: set[str] = set()
        self._media_end = 0.0

    @property
    def sent_seconds(self) -> float:
        """Audio handed to the port so far."""
        return self._position

    @property
    def holds_uninterruptible(self) -> bool:
        """True while audio that must be heard to its end is on its way and not yet played."""
        return any(not chunk.interruptible for chunk in self._chunks)

    def begin(self, mark: str) -> list[MarkReport]:
        """Says that what is sent from now on belongs to `mark`. An unfinished predecessor is reported as cut."""
        reports = self._abandon()
        self._settled.discard(mark)
        self._open = _Stretch(mark, self._position)
        return reports

    def anchor(self, played_position: float) -> None:
        """Takes over the port's own count while nothing is on its way: a clear may have come a frame too late."""
        if not self._chunks and not self._waiting:
            self._position = played_position
            if self._open.sent == 0:
                self._open.start = played_position

    def sent(self, pcm: bytes, seconds: float, *, interruptible: bool = True) -> None:
        """Notes a chunk that was handed to the port."""
        if self._open.interrupted:
            # Its mark would have come before new audio, so it never will: this audio belongs to the next mark.
            self._open = _Stretch(None, self._position)
        chunk = _Chunk(pcm, self._position, self._position + seconds, interruptible)
        self._chunks.append(chunk)
        self._position = chunk.end
        self._open.sent += seconds

    def mark(self, mark: str, announced_seconds: float | None = None) -> tuple[bool, list[MarkReport]]:
        """Ends the stretch of `mark`. Returns whether the port is to be asked for it, and what is known already."""
        if mark in self._settled:
            self._settled.discard(mark)
            return False, []
        stretch, self._open = self._open, _Stretch(None, self._position)
        reports = []
        if stretch.mark is not None and stretch.mark != mark:
            stretch.interrupted = True
            reports.append(stretch.report())
            stretch = _Stretch(mark, self._position)
        stretch.mark = mark
        stretch.announced = announced_seconds
        if stretch.interrupted or (announced_seconds is not None and not stretch.report().played):
            stretch.interrupted = True
            return False, [*reports, stretch.report()]
        self._waiting[mark] = stretch
        return True, reports

    def reached(self, mark: str, played: bool) -> list[MarkReport]:
        """The port says that a mark was reached or thrown away. Unknown and settled marks are ignored."""
        stretch = self._waiting.pop(mark, None)
        if stretch is None:
            return []
        if not played:
            stretch.interrupted = True
        return [stretch.report()]

    def cut(self, played_position: float) -> list[MarkReport]:
        """Everything after `played_position` was thrown away, or will never be sent: settles every mark under way."""
        reports = []
        for stretch in self._waiting.values():
            self._lose(stretch, played_position)
            stretch.interrupted = stretch.lost > ROUNDING_SECONDS
            reports.append(stretch.report())
        self._waiting.clear()
        self._lose(self._open, played_position)
        self._open.interrupted = True
        # What was thrown away takes no place on the port's own count of what it played.
        self._position = min(self._position, max(played_position, 0.0))
        if self._open.mark is not None:
            reports.append(self._open.report())
            self._settled.add(self._open.mark)
            self._open = _Stretch(None, self._position)
        self._chunks.clear()
        return reports

    def played(self, played_position: float, media_seconds: float) -> list[PlayedAudio]:
        """Chunks that were played since it was last asked, given the port's position and the media time of that."""
        done = []
        while self._chunks and self._chunks[0].end <= played_position + ROUNDING_SECONDS:
            chunk = self._chunks.popleft()
            seconds = chunk.end - chunk.start
            begun = media_seconds - max(0.0, played_position - chunk.start)
            if abs(begun - self._media_end) < SEAM_SECONDS:
                begun = self._media_end
            begun = max(begun, self._media_end)
            self._media_end = begun + seconds
            done.append(PlayedAudio(chunk.pcm, begun))
        return done

    def _abandon(self) -> list[MarkReport]:
        if self._open.mark is None:
            return []
        self._open.interrupted = True
        self._settled.add(self._open.mark)
        return [self._open.report()]

    def _lose(self, stretch: _Stretch, played_position: float) -> None:
        end = stretch.start + stretch.sent
        stretch.lost = min(stretch.sent, max(0.0, end - max(played_position, stretch.start)))
