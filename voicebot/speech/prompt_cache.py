"""Fixed lines rendered ahead and kept on disk, at telephone rate."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import numpy as np
import soxr

from voicebot.speech.protocols import SpeechRequest, Synthesiser

PIECE_SECONDS = 0.2
"""Length of the pieces a kept line is given out in."""


class PromptCache:
    """A `Synthesiser` in front of another: what was warmed comes from disk, the rest is spoken and resampled live.

    Only what `warm` names is ever written: a line with a debtor's name or amount in it never reaches the disk. Several
    processes may share the folder.
    """

    def __init__(
        self, synthesiser: Synthesiser, directory: Path, *, sample_rate: int = 8000, limit_bytes: int = 256_000_000
    ) -> None:
        self.name = synthesiser.name
        self.languages: Sequence[str] = synthesiser.languages
        self.licence_note = synthesiser.licence_note
        self.sample_rate = sample_rate
        self._synthesiser = synthesiser
        self._directory = directory
        self._limit_bytes = limit_bytes
        self.hits = 0
        self.misses = 0

    async def warm(self, lines: Iterable[SpeechRequest]) -> int:
        """Renders the lines not there yet; says how many it rendered. Raises `OSError` when it cannot write."""
        await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True)
        rendered = 0
        for request in dict.fromkeys(lines):
            path = self._path(request)
            if await asyncio.to_thread(path.exists):
                continue
            sound = b"".join([piece async for piece in self._live(request)])
            await asyncio.to_thread(_write, path, sound)
            rendered += 1
        await asyncio.to_thread(self._evict)
        return rendered

    async def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        """Signed 16-bit PCM at the cache's rate."""
        kept = await asyncio.to_thread(_read, self._path(request))
        if kept is not None:
            self.hits += 1
            step = int(PIECE_SECONDS * self.sample_rate) * 2
            for start in range(0, len(kept), step):
                yield kept[start : start + step]
            return
        self.misses += 1
        async for piece in self._live(request):
            yield piece

    async def close(self) -> None:
        """Closes the synthesiser behind it."""
        await self._synthesiser.close()

    async def _live(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        if self._synthesiser.sample_rate == self.sample_rate:
            async for piece in self._synthesiser.speak(request):
                yield piece
            return
        resampler = soxr.ResampleStream(self._synthesiser.sample_rate, self.sample_rate, 1, dtype="int16")
        empty = np.zeros(0, np.int16)
        async for piece in self._synthesiser.speak(request):
            if out := resampler.resample_chunk(np.frombuffer(piece, "<i2")).astype("<i2").tobytes():
                yield out
        if out := resampler.resample_chunk(empty, last=True).astype("<i2").tobytes():
            yield out

    def _path(self, request: SpeechRequest) -> Path:
        parts = (
            self._synthesiser.name,
            getattr(self._synthesiser, "fingerprint", ""),
            request.voice or "",
            request.language,
            f"{request.rate:.3f}",
            str(self.sample_rate),
            request.text,
        )
        digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
        return self._directory / f"{digest}.pcm"

    def _evict(self) -> None:
        """Drops the lines longest unused until the rest fits."""
        found = []
        for path in self._directory.glob("*.pcm"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        excess = sum(size for _, size, _ in found) - self._limit_bytes
        for _, size, path in sorted(found):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= size


def _read(path: Path) -> bytes | None:
    """The line, marked as used now; None when it is not kept."""
    try:
        sound = path.read_bytes()
    except FileNotFoundError:
        return None
    with contextlib.suppress(
        OSError
    ):  # another process dropped it, or the folder is read-only: it was read all the same
        os.utime(path)
    return sound


def _write(path: Path, sound: bytes) -> None:
    """Whole or not at all: another call may be reading."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".line-", delete=False) as scratch:
        try:
            scratch.write(sound)
            scratch.close()
            Path(scratch.name).replace(path)
        except OSError:
            Path(scratch.name).unlink(missing_ok=True)
            raise
