"""Records one call: two channels of audio by media time and a timeline, on disk within a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recordings.canonical import canonical
from recordings.cipher import KeyRing
from recordings.container import Side
from recordings.folder import call_folder
from recordings.manifest import CallSummary, Manifest
from recordings.parts import PartWriter
from recordings.placing import LONGEST_SECONDS, Placing
from recordings.problem import EvidenceProblem, ProblemKind
from recordings.timeline import Entry
from recordings.writer import WriterThread, shared_writer

RETRY_SECONDS = 2.0
"""Pause before the places are tried again when none took the recording."""
LONGEST_BACKLOG_BYTES = 16 * 1024 * 1024
"""Audio kept in memory while no disk takes it: about eight minutes of a telephone call."""
LONGEST_INBOX = 60_000
"""Pieces that wait for a disk that hangs without an error: ten minutes of both sides in pieces of 20 ms."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Closing:
    summary: CallSummary
    done: Future[Manifest]


@dataclass(frozen=True)
class _Audio:
    side: Side
    pcm: bytes
    media_seconds: float


class CallEvidence:
    """The evidence of one live call. `write_audio` and `write_entry` only put into memory; one thread writes."""

    def __init__(
        self,
        folder: Path,
        call_id: str,
        *,
        sample_rate: int,
        keys: KeyRing | None,
        started_at: datetime,
        spool: Path | None,
        on_problem: Callable[[EvidenceProblem], None] | None,
        writer: WriterThread,
    ) -> None:
        self.folder = folder
        """Where the evidence lies, or will lie once it is recovered from the spool."""
        self.call_id = call_id
        self._rate = sample_rate
        self._inbox: deque[_Audio | Entry | _Closing] = deque()
        self._sides = {side: Placing(sample_rate) for side in Side}
        self._audio: deque[tuple[Side, int, bytes]] = deque()
        self._entries: list[Entry] = []
        self._next_entry = 0
        self._backlog_bytes = 0
        self._lost_frames = 0
        self._overrun_frames = 0
        self._lost_entries = 0
        self._retry_at = 0.0
        self._last_media_seconds = 0.0
        self._closing: _Closing | None = None
        self._closed = False
        self._on_problem = on_problem
        self._loop = _running_loop()
        self._writer = writer
        places = [folder] if spool is None else [folder, spool / folder.parent.name / folder.name]
        self._parts = PartWriter(places, call_id, sample_rate, keys, started_at)

    @classmethod
    def open(
        cls,
        root: Path,
        call_id: str,
        *,
        sample_rate: int = 8000,
        keys: KeyRing | None,
        started_at: datetime,
        spool: Path | None = None,
        on_problem: Callable[[EvidenceProblem], None] | None = None,
        writer: WriterThread | None = None,
    ) -> CallEvidence:
        """Begins the evidence of a call below `root`. Returns at once; what the disk says comes through `on_problem`.

        `sample_rate` is in Hz, of both sides. `keys` None leaves the files readable. `spool` is a folder, best on
        another disk, for when the root refuses. `on_problem` is called on the event loop that was running here.
        """
        writer = writer or shared_writer()
        folder = call_folder(root, call_id, started_at)
        evidence = cls(
            folder,
            call_id,
            sample_rate=sample_rate,
            keys=keys,
            started_at=started_at,
            spool=spool,
            on_problem=on_problem,
            writer=writer,
        )
        writer.add(evidence)
        return evidence

    def write_audio(self, side: Side, pcm: bytes, media_seconds: float) -> None:
        """Takes in 16-bit little-endian mono PCM that begins at `media_seconds` on the call's media clock.

        Gaps become silence; what comes late or twice is put where its time says, the last one counts.
        Raises ValueError for half a sample or a time that no call has; after `close` it does nothing.
        """
        if len(pcm) % 2:
            raise ValueError(f"{len(pcm)} bytes are not whole 16-bit samples")
        if not -LONGEST_SECONDS <= media_seconds <= LONGEST_SECONDS:
            raise ValueError(f"media time {media_seconds} s is not one of a call (at most {LONGEST_SECONDS:.0f} s)")
        if self._closed:
            return
        if len(self._inbox) >= LONGEST_INBOX:
            self._overrun_frames += len(pcm) // 2
            return
        self._inbox.append(_Audio(side, pcm, media_seconds))

    def write_entry(self, kind: str, media_seconds: float, at: datetime, data: Mapping[str, Any]) -> None:
        """Appends to the timeline. Data that is not JSON is kept as its text, for evidence never refuses."""
        try:
            canonical(dict(data))
        except (TypeError, ValueError):
            data = {"unwritable": ascii(dict(data))}
        if not self._closed:
            # The number is given on the writing thread, where the engine's own notices get theirs.
            self._inbox.append(Entry(-1, kind, float(media_seconds), at, dict(data)))

    async def close(self, summary: CallSummary | None = None) -> Manifest:
        """Writes what is left and the manifest, and says what the evidence holds. A second call raises RuntimeError."""
        if self._closed:
            raise RuntimeError(f"the evidence of call {self.call_id} is already closed")
        self._closed = True
        closing = _Closing(summary or CallSummary(), Future())
        self._inbox.append(closing)
        self._writer.wake()
        return await asyncio.wrap_future(closing.done)

    def flush(self) -> bool:
        """Writes what has come in. For the writer thread; False after the close."""
        self._take_in()
        self._write()
        closing = self._closing
        if closing is None:
            return True
        try:
            manifest = self._finish(closing)
        except Exception as error:
            # Whoever waits for the close must hear of it, whatever it was.
            closing.done.set_exception(error)
            return False
        closing.done.set_result(manifest)
        return False

    def _take_in(self) -> None:
        while self._inbox:
            item = self._inbox.popleft()
            if isinstance(item, _Audio):
                self._sides[item.side].put(item.pcm, item.media_seconds)
                self._last_media_seconds = max(self._last_media_seconds, item.media_seconds)
            elif isinstance(item, Entry):
                self._number(item)
            else:
                self._closing = item
        for side, placing in self._sides.items():
            for frame, pcm in placing.take():
                self._audio.append((side, frame, pcm))
                self._backlog_bytes += len(pcm)

    def _number(self, entry: Entry) -> None:
        self._entries.append(Entry(self._next_entry, entry.kind, entry.media_seconds, entry.at, entry.data))
        self._next_entry += 1

    def _note(self, kind: str, **data: Any) -> None:
        self._number(Entry(-1, kind, self._last_media_seconds, datetime.now(UTC), data))

    def _write(self) -> None:
        if time.monotonic() < self._retry_at and self._closing is None:
            self._trim()
            return
        for _ in range(2 * self._parts.places):
            try:
                self._write_all()
                return
            except OSError as error:
                refused = self._parts.fail()
                reason = error.strerror or type(error).__name__
                if self._parts.exhausted:
                    break
                self._report(
                    ProblemKind.MOVED,
                    refused,
                    f"{refused} takes no more ({reason}); the call goes on and is recorded in {self._parts.place}. "
                    "Free space or mend the permissions, then run: voicebot evidence recover",
                )
                self._note("evidence.moved", reason=reason)
        self._parts.start_over()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self._report(
            ProblemKind.NOWHERE,
            str(self.folder),
            f"no folder takes the recording ({reason}); the call goes on, its audio is kept in memory and tried again "
            f"every {RETRY_SECONDS:.0f} s. Free space or mend the permissions of {self.folder.parent}",
        )
        self._trim()

    def _write_all(self) -> None:
        self._parts.ensure_open()
        while self._audio:
            side, frame, pcm = self._audio[0]
            self._parts.write_audio(side, frame, pcm)
            self._audio.popleft()
            self._backlog_bytes -= len(pcm)
        if self._entries:
            self._parts.write_entries(self._entries)
            self._entries = []

    def _trim(self) -> None:
        """Forgets the oldest audio when memory is full, and says so in the timeline."""
        lost = 0
        while self._backlog_bytes > LONGEST_BACKLOG_BYTES:
            _, _, pcm = self._audio.popleft()
            self._backlog_bytes -= len(pcm)
            lost += len(pcm) // 2
        if not lost:
            return
        self._lost_frames += lost
        seconds = round(lost / self._rate, 3)
        self._note("evidence.lost", audio_seconds=seconds)
        self._report(
            ProblemKind.LOST,
            str(self.folder),
            f"{seconds} s of audio are lost: no disk took them in time and memory is full",
        )

    def _finish(self, closing: _Closing) -> Manifest:
        self._lost_frames += self._overrun_frames + sum(len(pcm) // 2 for _, _, pcm in self._audio)
        self._lost_entries += len(self._entries)
        self._audio.clear()
        manifest, fault = self._parts.finish(
            closing.summary, lost_seconds=self._lost_frames / self._rate, lost_entries=self._lost_entries
        )
        if fault is not None:
            self._report(
                ProblemKind.NOT_FINALISED,
                str(self.folder),
                f"the evidence is not put together yet ({fault}). Free space or mend the permissions, then run: "
                "voicebot evidence recover",
            )
        return manifest

    def _report(self, kind: ProblemKind, place: str, message: str) -> None:
        _log.error("evidence problem", extra={"call_id": self.call_id, "problem": kind.value, "place": place})
        if self._on_problem is None:
            return
        problem = EvidenceProblem(kind, self.call_id, place, message, datetime.now(UTC))
        if self._loop is None:
            self._on_problem(problem)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_problem, problem)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
