"""After `kill -9` all but the last second is readable; recovery makes it verifiable and touches nothing live."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recordings import CallEvidence, KeyRing, Side, read_audio, read_entries, recover, verify
from recordings.writer import WriterThread

STARTED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

CHILD = """
import asyncio, sys, time
from datetime import UTC, datetime
from pathlib import Path
from recordings import CallEvidence, KeyRing, Side

async def main():
    keys = KeyRing.load(Path(sys.argv[2]))
    started = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    calls = [CallEvidence.open(Path(sys.argv[1]), f"call-{n}", keys=keys, started_at=started) for n in range(3)]
    begun = time.monotonic()
    piece = 0
    while True:
        await asyncio.sleep(max(0.0, begun + piece * 0.02 - time.monotonic()))
        for call in calls:
            for side in Side:
                call.write_audio(side, bytes([piece % 250 + 1, 0]) * 160, piece * 0.02)
        if piece % 5 == 0:
            for call in calls:
                call.write_entry("turn.heard", piece * 0.02, datetime.now(UTC), {"piece": piece})
        piece += 1
        sys.stdout.write(f"{piece * 0.02}\\n")
        sys.stdout.flush()

asyncio.run(main())
"""


def test_kill_loses_at_most_the_last_second(tmp_path: Path, keys: KeyRing) -> None:
    key_file = tmp_path / "keys.json"
    keys = KeyRing.load_or_create(key_file)
    root = tmp_path / "evidence"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(root), str(key_file)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    recorded = 0.0
    while recorded < 2.5:
        recorded = float(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    recorded = max([recorded, *(float(line) for line in child.stdout.read().splitlines())])
    child.wait()
    child.stdout.close()

    folders = sorted(root.glob("*/*"))
    assert len(folders) == 3
    for folder in folders:
        audio, rate = read_audio(folder, keys)
        assert len(audio) / rate >= recorded - 1.0
        assert list(read_entries(folder, keys))[-1].media_seconds >= recorded - 1.1
        assert (audio[::160, 0] == audio[::160, 1]).all()
        assert "run: voicebot evidence recover" in str(verify(folder, keys).reason)

    assert [each.recovered for each in recover(root, keys)] == [True, True, True]
    for folder in folders:
        found = verify(folder, keys)
        assert (found.valid, found.recovered) == (True, True)
    assert list(recover(root, keys)) == []


@pytest.fixture
def abandoned(tmp_path: Path, keys: KeyRing) -> Path:
    """Evidence whose worker vanished: never closed, and no longer held."""
    writer = WriterThread(0.01)
    evidence = CallEvidence.open(tmp_path / "evidence", "gone", keys=keys, started_at=STARTED, writer=writer)
    for piece in range(4):
        evidence.write_audio(Side.CALLER, bytes([piece + 1, 0]) * 160, piece * 0.1)
        evidence.write_entry("turn.heard", piece * 0.1, STARTED, {"n": piece})
    writer.stop()
    copy = tmp_path / "copy" / "2026-11-20" / "gone"
    copy.mkdir(parents=True)
    for path in evidence.folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


@pytest.mark.parametrize("name", ["audio-0.vba", "timeline-0.jsonl"])
def test_every_torn_end_is_tolerated_and_cut_off(abandoned: Path, keys: KeyRing, name: str) -> None:
    """Whatever byte the crash came at, what was written before it is recovered."""
    path = abandoned / name
    whole = path.read_bytes()
    header = len(whole) // 3
    for end in range(header, len(whole), 7):
        path.write_bytes(whole[:end])
        (abandoned / "manifest.json").unlink(missing_ok=True)
        read = len(list(read_entries(abandoned, keys))), len(read_audio(abandoned, keys)[0])
        found = list(recover(abandoned.parent.parent, keys))
        assert [each.recovered for each in found] == [True], found
        assert verify(abandoned, keys).valid
        assert (len(list(read_entries(abandoned, keys))), len(read_audio(abandoned, keys)[0])) == read


def test_a_worker_that_died_while_making_its_files_leaves_nothing_to_trip_over(abandoned: Path, keys: KeyRing) -> None:
    (abandoned / "timeline-0.jsonl").unlink()
    audio = abandoned / "audio-0.vba"
    audio.write_bytes(audio.read_bytes()[:20])
    found = list(recover(abandoned.parent.parent, keys))
    assert [each.recovered for each in found] == [True]
    assert not abandoned.exists()


def test_broken_evidence_is_left_as_it_is(abandoned: Path, keys: KeyRing) -> None:
    path = abandoned / "audio-0.vba"
    content = bytearray(path.read_bytes())
    content[-500] ^= 1
    path.write_bytes(content)
    found = list(recover(abandoned.parent.parent, keys))
    assert [each.recovered for each in found] == [False]
    assert "chunk" in found[0].message
    assert path.read_bytes() == content
    assert not (abandoned / "manifest.json").exists()


def test_sealed_evidence_is_not_finalised_without_its_key(abandoned: Path) -> None:
    found = list(recover(abandoned.parent.parent, None))
    assert [each.recovered for each in found] == [False]
    assert "--keys" in found[0].message


async def test_a_live_call_is_left_alone(tmp_path: Path, keys: KeyRing, writer: WriterThread) -> None:
    evidence = CallEvidence.open(tmp_path, "live", keys=keys, started_at=STARTED, writer=writer)
    evidence.write_audio(Side.CALLER, b"\1\0" * 160, 0.0)
    writer.stop()
    assert list(recover(tmp_path, keys)) == []
    writer.add(evidence)
    manifest = await evidence.close()
    assert not manifest.recovered
    assert list(recover(tmp_path, keys)) == []
    assert verify(evidence.folder, keys).valid
