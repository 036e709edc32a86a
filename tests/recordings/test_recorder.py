"""The recorder keeps two channels by media time, writes while the call runs, and never refuses the call."""

from __future__ import annotations

import asyncio
import threading
import wave
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recordings import CallEvidence, CallSummary, KeyRing, Side, export_wav, read_audio, read_entries, verify
from recordings.writer import WriterThread

STARTED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def tone(value: int, milliseconds: int = 20) -> bytes:
    return np.full(8 * milliseconds, value, dtype="<i2").tobytes()


@pytest.mark.parametrize("sealed", [True, False])
async def test_what_was_written_is_read_back(tmp_path: Path, keys: KeyRing, writer: WriterThread, sealed: bool) -> None:
    ring = keys if sealed else None
    evidence = CallEvidence.open(tmp_path, "a@b", keys=ring, started_at=STARTED, writer=writer)
    evidence.write_audio(Side.CALLER, tone(100), 0.0)
    evidence.write_audio(Side.ENGINE, tone(200), 0.02)
    evidence.write_entry("turn.heard", 0.02, STARTED, {"text": "我下周五还两千"})
    manifest = await evidence.close(CallSummary(disposition="promise"))

    audio, rate = read_audio(evidence.folder, ring)
    assert rate == 8000
    assert audio[:160, 0].tolist() == [100] * 160
    assert audio[160:, 0].tolist() == [0] * 160
    assert audio[:160, 1].tolist() == [0] * 160
    assert audio[160:, 1].tolist() == [200] * 160
    assert [(entry.n, entry.kind, entry.data) for entry in read_entries(evidence.folder, ring)] == [
        (0, "turn.heard", {"text": "我下周五还两千"})
    ]
    assert manifest.duration_seconds == pytest.approx(0.04)
    assert manifest.summary.disposition == "promise"
    assert verify(evidence.folder, ring).valid


async def test_sealed_evidence_shows_nothing_of_what_was_said(
    tmp_path: Path, keys: KeyRing, writer: WriterThread
) -> None:
    evidence = CallEvidence.open(tmp_path, "c", keys=keys, started_at=STARTED, writer=writer)
    evidence.write_audio(Side.CALLER, b"SECRETPCM!" * 32, 0.0)
    evidence.write_entry("turn.heard", 0.0, STARTED, {"text": "王小样"})
    await evidence.close()
    everything = b"".join(path.read_bytes() for path in evidence.folder.iterdir())
    assert b"SECRETPCM!" not in everything
    assert "王小样".encode() not in everything
    assert keys.active.id.encode() in everything
    assert all(path.stat().st_mode & 0o077 == 0 for path in evidence.folder.glob("*-0.*"))


async def test_two_channels_stay_together_for_ten_minutes(tmp_path: Path, writer: WriterThread) -> None:
    """Both sides hear a mark each ten seconds; the caller's clock trembles and drifts, pieces are lost and come late.
    The marks must lie within 20 ms of one another."""
    evidence = CallEvidence.open(tmp_path, "long", keys=None, started_at=STARTED, writer=writer)
    silence, mark = tone(0), tone(9000)
    late: tuple[bytes, float] | None = None
    for piece in range(30_000):
        at = piece * 0.02
        pcm = mark if piece % 500 == 250 else silence
        evidence.write_audio(Side.ENGINE, pcm, at)
        drift = (piece % 200) * 0.00001 + (0.0007 if piece % 3 else -0.0007)
        if piece % 97 == 13 and pcm is silence:
            continue
        if piece % 89 == 7:
            late = (pcm, at + drift)
            continue
        evidence.write_audio(Side.CALLER, pcm, at + drift)
        if late is not None:
            evidence.write_audio(Side.CALLER, *late)
            late = None
    manifest = await evidence.close()
    audio, rate = read_audio(evidence.folder, None)
    assert manifest.duration_seconds == pytest.approx(600.0, abs=0.02)
    for begins in range(250 * 160, len(audio), 500 * 160):
        window = audio[begins - 800 : begins + 1600]
        caller, engine = (int(np.argmax(window[:, side] > 4000)) for side in (0, 1))
        assert (window[:, 0] > 4000).sum() >= 140
        assert abs(caller - engine) / rate <= 0.02


async def test_a_file_is_readable_while_the_call_runs(tmp_path: Path, keys: KeyRing, writer: WriterThread) -> None:
    evidence = CallEvidence.open(tmp_path, "live", keys=keys, started_at=STARTED, writer=writer)
    evidence.write_audio(Side.CALLER, tone(5), 0.0)
    evidence.write_entry("call.answered", 0.0, STARTED, {})
    writer.stop()
    assert read_audio(evidence.folder, keys)[0][0, 0] == 5
    found = verify(evidence.folder, keys)
    assert not found.valid
    assert "still being recorded" in str(found.reason)
    writer.add(evidence)
    await evidence.close()
    assert verify(evidence.folder, keys).valid


async def test_data_that_is_not_json_is_kept_as_text(tmp_path: Path, writer: WriterThread) -> None:
    evidence = CallEvidence.open(tmp_path, "odd", keys=None, started_at=STARTED, writer=writer)
    evidence.write_entry("odd", 0.0, STARTED, {"when": STARTED})
    evidence.write_entry("odd", 0.0, STARTED, {"text": "\ud800"})
    evidence.write_entry("odd", 0.0, STARTED, {"level": float("nan")})
    await evidence.close()
    kept = [entry.data["unwritable"] for entry in read_entries(evidence.folder, None)]
    assert ["2026" in kept[0], "ud800" in kept[1], "nan" in kept[2]] == [True, True, True]


async def test_wrong_audio_is_refused_where_it_is_written(tmp_path: Path, writer: WriterThread) -> None:
    evidence = CallEvidence.open(tmp_path, "wrong", keys=None, started_at=STARTED, writer=writer)
    with pytest.raises(ValueError, match="whole 16-bit samples"):
        evidence.write_audio(Side.CALLER, b"odd", 0.0)
    with pytest.raises(ValueError, match="not one of a call"):
        evidence.write_audio(Side.CALLER, b"\0\0", float("nan"))
    await evidence.close()
    with pytest.raises(RuntimeError, match="already closed"):
        await evidence.close()


async def test_a_call_id_given_twice_or_hostile_stays_below_the_root(tmp_path: Path, writer: WriterThread) -> None:
    root = tmp_path / "evidence"
    folders = []
    for call_id in ["../../etc/passwd", "../../etc/passwd", "", "x" * 500]:
        evidence = CallEvidence.open(root, call_id, keys=None, started_at=STARTED, writer=writer)
        evidence.write_entry("call.answered", 0.0, STARTED, {})
        await evidence.close()
        folders.append(evidence.folder)
    assert len(set(folders)) == 4
    assert all(folder.parent == root / "2026-11-20" and verify(folder).valid for folder in folders)


async def test_thirty_calls_are_written_by_one_thread(tmp_path: Path, keys: KeyRing, writer: WriterThread) -> None:
    before = threading.active_count()
    calls = [CallEvidence.open(tmp_path, f"call-{n}", keys=keys, started_at=STARTED, writer=writer) for n in range(30)]
    assert threading.active_count() == before + 1
    for piece in range(50):
        for call in calls:
            call.write_audio(Side.CALLER, tone(piece), piece * 0.02)
    manifests = await asyncio.gather(*(call.close() for call in calls))
    assert all(manifest.duration_seconds == 1.0 for manifest in manifests)


async def test_the_export_is_a_two_channel_wav(tmp_path: Path, keys: KeyRing, writer: WriterThread) -> None:
    evidence = CallEvidence.open(tmp_path, "e", keys=keys, started_at=STARTED, writer=writer, sample_rate=16000)
    evidence.write_audio(Side.CALLER, tone(7), 0.0)
    evidence.write_audio(Side.ENGINE, tone(8), 0.5)
    await evidence.close()
    export = export_wav(evidence.folder, tmp_path / "out.wav", keys)
    with wave.open(str(export.path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 16000)
        assert file.getnframes() == 16000 * 0.5 + 160
    assert export.seconds == pytest.approx(0.51)
