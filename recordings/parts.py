"""The files of one call, part after part: a new part in the next place whenever a disk refuses."""

from __future__ import annotations

import contextlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from recordings.cipher import KeyRing
from recordings.container import AudioFile, Side
from recordings.folder import audio_name, timeline_name
from recordings.header import GENESIS, PartHeader
from recordings.manifest import CallSummary, Manifest, Part
from recordings.timeline import Entry, TimelineFile

SALT_BYTES = 16


class PartWriter:
    """Writes to the first place that takes it. Used by the writer thread only.

    A file that failed once is never written again: its key and counters would meet other content.
    """

    def __init__(
        self, places: list[Path], call_id: str, sample_rate: int, keys: KeyRing | None, started_at: datetime
    ) -> None:
        self._places = places
        self._at = 0
        self._call_id = call_id
        self._rate = sample_rate
        self._keys = keys
        self._started_at = started_at
        self._audio: AudioFile | None = None
        self._timeline: TimelineFile | None = None
        self._done: list[tuple[Path, Part]] = []
        self._previous = (GENESIS, GENESIS)
        self._end_frame = 0
        self._held: list[int] = []

    @property
    def places(self) -> int:
        return len(self._places)

    @property
    def place(self) -> Path:
        return self._places[self._at]

    @property
    def exhausted(self) -> bool:
        """Whether every place has refused."""
        return self._at >= len(self._places)

    def start_over(self) -> None:
        """Tries the first place again next time."""
        self._at = 0

    def ensure_open(self) -> None:
        """Opens the next part unless one is open. Raises OSError."""
        if self._audio is not None and self._timeline is not None:
            return
        place, number = self.place, len(self._done)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        audio = AudioFile(place / audio_name(number), self._header(number, self._previous[0]), self._keys)
        try:
            self._held.append(audio.keep_held())
            timeline = TimelineFile(place / timeline_name(number), self._header(number, self._previous[1]), self._keys)
        except OSError:
            audio.close()
            audio.path.unlink(missing_ok=True)
            raise
        self._audio, self._timeline = audio, timeline

    def write_audio(self, side: Side, first_frame: int, pcm: bytes) -> None:
        """Raises OSError; then nothing of it was written."""
        assert self._audio is not None
        self._audio.write(side, first_frame, pcm)

    def write_entries(self, entries: list[Entry]) -> None:
        """Raises OSError; then none of them was written."""
        assert self._timeline is not None
        self._timeline.write(entries)

    def fail(self) -> str:
        """Ends the part that was refused and goes on to the next place. Says which place it was."""
        refused = str(self.place)
        self._end_part()
        self._at += 1
        return refused

    def finish(self, summary: CallSummary, *, lost_seconds: float, lost_entries: int) -> tuple[Manifest, str | None]:
        """Closes the files and writes the manifest. With it, what kept it out of the first place, if anything."""
        try:
            return self._finish(summary, lost_seconds, lost_entries)
        finally:
            # Only now may another process take the call for one that is over.
            for descriptor in self._held:
                os.close(descriptor)
            self._held.clear()

    def _finish(self, summary: CallSummary, lost_seconds: float, lost_entries: int) -> tuple[Manifest, str | None]:
        fault: str | None = None
        try:
            for file in (self._audio, self._timeline):
                if file is not None:
                    file.sync()
        except OSError as error:
            fault = error.strerror or type(error).__name__
        self._end_part()
        manifest = Manifest(
            call_id=self._call_id,
            sample_rate=self._rate,
            started_at=self._started_at,
            closed_at=datetime.now(UTC),
            duration_seconds=self._end_frame / self._rate,
            parts=tuple(part for _, part in self._done),
            key_id=self._keys.active.id if self._keys else None,
            summary=summary,
            lost_seconds=lost_seconds,
            lost_entries=lost_entries,
        )
        if not self._done:
            return manifest, fault or "no folder took any of it"
        home = self._places[0]
        try:
            gather(home, [(place, part) for place, part in self._done if place != home])
            manifest.write(home, self._keys)
        except OSError as error:
            fault = error.strerror or type(error).__name__
            self._leave_manifest(manifest)
        return manifest, fault

    def _leave_manifest(self, manifest: Manifest) -> None:
        """Puts the manifest beside the last part that was written, for recovery to find."""
        try:
            manifest.write(self._done[-1][0], self._keys)
        except OSError:
            # Recovery makes a manifest from the files; only the summary is lost, and the caller still has it.
            return

    def _header(self, number: int, previous: str) -> PartHeader:
        return PartHeader(
            call_id=self._call_id,
            part=number,
            previous=previous,
            sample_rate=self._rate,
            started_at=self._started_at,
            key_id=self._keys.active.id if self._keys else None,
            salt=os.urandom(SALT_BYTES) if self._keys else b"",
        )

    def _end_part(self) -> None:
        audio, timeline = self._audio, self._timeline
        self._audio = self._timeline = None
        if audio is None or timeline is None:
            return
        audio.close()
        timeline.close()
        for file in (audio, timeline):
            # A disk that refused even to cut off the torn tail may allow it now; if not, recovery cuts it.
            with contextlib.suppress(OSError):
                os.truncate(file.path, file.size)
        self._end_frame = max(self._end_frame, audio.end_frame)
        self._previous = (audio.chain.hex(), timeline.chain)
        part = Part(
            number=len(self._done),
            audio_file=audio.path.name,
            audio_bytes=audio.size,
            chunks=audio.chunks,
            audio_chain=audio.chain.hex(),
            timeline_file=timeline.path.name,
            timeline_bytes=timeline.size,
            entries=timeline.entries,
            timeline_chain=timeline.chain,
        )
        self._done.append((audio.path.parent, part))


def gather(home: Path, elsewhere: list[tuple[Path, Part]]) -> None:
    """Brings parts from the spool into the call's folder; each is removed there once it lies here. Raises OSError."""
    if elsewhere:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for place, part in elsewhere:
        for name in (part.audio_file, part.timeline_file):
            bring(place / name, home / name)
        if not any(place.iterdir()):
            place.rmdir()


def bring(source: Path, target: Path) -> None:
    """Moves a file between disks so that a crash leaves it whole in one of the two. Raises OSError."""
    beside = target.with_name(f".{target.name}.new")
    try:
        shutil.copyfile(source, beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.chmod(0o600)
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    source.unlink()
