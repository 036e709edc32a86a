"""A disk that refuses is told to the caller; the call goes on, what was written stays valid, the timeline says so.

The full disk is the kernel's own: a limit on the size of files, at which a write is cut short and the next one fails.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recordings import (
    CallEvidence,
    CallSummary,
    EvidenceProblem,
    KeyRing,
    ProblemKind,
    Side,
    read_audio,
    read_entries,
    recover,
    verify,
)
from recordings import recorder as recorder_module
from recordings.writer import WriterThread

STARTED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "RETRY_SECONDS", 0.0)


def speak(evidence: CallEvidence, seconds: range, pause: float = 0.0) -> None:
    for second in seconds:
        evidence.write_audio(Side.CALLER, bytes([second + 1, 0]) * 8000, second * (1.0 + pause))
        evidence.write_entry("turn.heard", float(second), STARTED, {"second": second})


async def test_a_full_disk_moves_the_recording_to_the_spool_and_nothing_is_lost(
    tmp_path: Path, keys: KeyRing, writer: WriterThread
) -> None:
    problems: list[EvidenceProblem] = []
    evidence = CallEvidence.open(
        tmp_path / "evidence",
        "full",
        keys=keys,
        started_at=STARTED,
        spool=tmp_path / "spool",
        on_problem=problems.append,
        writer=writer,
    )
    with files_limited_to(70_000):
        speak(evidence, range(6))
        writer.stop()
    writer.add(evidence)
    speak(evidence, range(6, 8))
    manifest = await evidence.close(CallSummary(disposition="promise"))
    await asyncio.sleep(0)

    assert [problem.kind for problem in problems] == [ProblemKind.MOVED]
    assert "takes no more" in problems[0].message
    assert "File too large" in problems[0].message
    assert len(manifest.parts) == 2
    assert (manifest.lost_seconds, manifest.lost_entries) == (0.0, 0)
    assert verify(evidence.folder, keys).valid
    audio, _ = read_audio(evidence.folder, keys)
    assert [int(audio[second * 8000 + 4000, 0]) for second in range(8)] == list(range(1, 9))
    kinds = [entry.kind for entry in read_entries(evidence.folder, keys)]
    assert kinds.count("turn.heard") == 8
    assert kinds.count("evidence.moved") == 1
    assert not list((tmp_path / "spool").rglob("*.vba"))


async def test_a_folder_that_cannot_be_made_sends_the_whole_call_to_the_spool(
    tmp_path: Path, keys: KeyRing, writer: WriterThread
) -> None:
    (tmp_path / "evidence").write_text("a file where the folder should be")
    problems: list[EvidenceProblem] = []
    spool = tmp_path / "spool"
    evidence = CallEvidence.open(
        tmp_path / "evidence",
        "nowhere",
        keys=keys,
        started_at=STARTED,
        spool=spool,
        on_problem=problems.append,
        writer=writer,
    )
    speak(evidence, range(2))
    manifest = await evidence.close(CallSummary(disposition="promise"))
    await asyncio.sleep(0)
    assert [problem.kind for problem in problems] == [ProblemKind.MOVED, ProblemKind.NOT_FINALISED]
    assert "voicebot evidence recover" in problems[-1].message
    assert manifest.duration_seconds == 2.0

    (tmp_path / "evidence").unlink()
    assert [each.recovered for each in recover(tmp_path / "evidence", keys, spool)] == [True]
    found = verify(evidence.folder, keys)
    assert found.valid
    assert found.digest == manifest.digest
    assert not list(spool.rglob("*.vba"))


@pytest.mark.usefixtures("quick_retry")
async def test_with_no_place_left_audio_waits_in_memory_until_there_is_one(
    tmp_path: Path, keys: KeyRing, writer: WriterThread
) -> None:
    root = tmp_path / "evidence"
    root.write_text("a file where the folder should be")
    problems: list[EvidenceProblem] = []
    evidence = CallEvidence.open(
        root, "later", keys=keys, started_at=STARTED, on_problem=problems.append, writer=writer
    )
    speak(evidence, range(2))
    writer.stop()
    root.unlink()
    writer.add(evidence)
    speak(evidence, range(2, 3))
    manifest = await evidence.close()
    assert problems[0].kind is ProblemKind.NOWHERE
    assert manifest.lost_seconds == 0.0
    assert len(read_audio(evidence.folder, keys)[0]) == 3 * 8000
    assert verify(evidence.folder, keys).valid


@pytest.mark.usefixtures("quick_retry")
async def test_what_memory_cannot_hold_is_lost_and_counted(
    tmp_path: Path, writer: WriterThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LONGEST_BACKLOG_BYTES", 2 * 16_000)
    root = tmp_path / "evidence"
    root.write_text("a file where the folder should be")
    problems: list[EvidenceProblem] = []
    evidence = CallEvidence.open(
        root, "lossy", keys=None, started_at=STARTED, on_problem=problems.append, writer=writer
    )
    speak(evidence, range(5), pause=0.5)
    writer.stop()
    root.unlink()
    writer.add(evidence)
    manifest = await evidence.close()
    await asyncio.sleep(0)
    assert manifest.lost_seconds == 3.0
    assert ProblemKind.LOST in [problem.kind for problem in problems]
    lost = [entry.data for entry in read_entries(evidence.folder, None) if entry.kind == "evidence.lost"]
    assert lost == [{"audio_seconds": 3.0}]
    assert verify(evidence.folder).valid


async def test_a_call_that_no_disk_ever_took_still_closes(tmp_path: Path, writer: WriterThread) -> None:
    root = tmp_path / "evidence"
    root.write_text("a file where the folder should be")
    problems: list[EvidenceProblem] = []
    evidence = CallEvidence.open(
        root, "never", keys=None, started_at=STARTED, on_problem=problems.append, writer=writer
    )
    speak(evidence, range(2))
    manifest = await evidence.close()
    await asyncio.sleep(0)
    assert (manifest.lost_seconds, manifest.lost_entries, manifest.parts) == (2.0, 2, ())
    assert problems[-1].kind is ProblemKind.NOT_FINALISED


async def test_one_refusing_call_does_not_hold_up_the_others(tmp_path: Path, writer: WriterThread) -> None:
    (tmp_path / "bad").write_text("a file where the folder should be")
    bad = CallEvidence.open(tmp_path / "bad", "bad", keys=None, started_at=STARTED, writer=writer)
    good = CallEvidence.open(tmp_path / "good", "good", keys=None, started_at=STARTED, writer=writer)
    for evidence in (bad, good):
        speak(evidence, range(3))
    await good.close()
    await bad.close()
    assert verify(good.folder).valid
