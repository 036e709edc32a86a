"""Evidence of an invented call, for the tests of the room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recordings import CallEvidence, CallSummary, KeyRing, Side
from recordings.writer import WriterThread

STARTED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing.generate()


@pytest.fixture
def writer() -> Iterator[WriterThread]:
    """A writer that flushes often, so that tests with a crash or a full disk are short."""
    thread = WriterThread(flush_seconds=0.02)
    yield thread
    thread.stop()


@pytest.fixture
def record(tmp_path: Path, writer: WriterThread) -> Callable[..., Awaitable[Path]]:
    """Records a short call with two sides and a few entries, and gives its folder."""

    async def recorded(keys: KeyRing | None, call_id: str = "call-1", pieces: int = 8) -> Path:
        evidence = CallEvidence.open(tmp_path / "evidence", call_id, keys=keys, started_at=STARTED, writer=writer)
        for piece in range(pieces):
            for side in Side:
                # A gap after each piece makes each its own chunk.
                evidence.write_audio(side, bytes([piece + 1, side + 1]) * 40, piece * 0.02)
            evidence.write_entry("turn.heard", piece * 0.02, STARTED, {"text": f"第{piece}句", "n": piece})
        await evidence.close(CallSummary(disposition="promise", pack_hash="ab" * 32))
        return evidence.folder

    return recorded
