"""Whatever is done to finished evidence is found: any byte changed, any piece dropped, repeated or moved, any cut."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings import CallEvidence, KeyRing, Side, verify
from recordings.container import read_audio_header, read_chunks
from recordings.manifest import CallSummary
from recordings.writer import WriterThread

Record = Callable[..., Awaitable[Path]]
STARTED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
FILES = ["audio-0.vba", "timeline-0.jsonl", "manifest.json"]


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing.generate()


@pytest.fixture(scope="module", params=["sealed", "plain"])
def original(request: pytest.FixtureRequest, ring: KeyRing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished call with several chunks a side and several entries."""
    root = tmp_path_factory.mktemp("evidence")
    writer = WriterThread(0.01)

    async def recorded() -> Path:
        keys = ring if request.param == "sealed" else None
        evidence = CallEvidence.open(root, "call", keys=keys, started_at=STARTED, writer=writer)
        for piece in range(6):
            for side in Side:
                evidence.write_audio(side, bytes([piece + 1, side]) * 12, piece * 0.02)
            evidence.write_entry("turn.heard", piece * 0.02, STARTED, {"text": f"第{piece}句"})
        await evidence.close(CallSummary(disposition="promise", case_id="c"))
        return evidence.folder

    folder = asyncio.run(recorded())
    writer.stop()
    return folder


def tampered(original: Path, name: str, content: bytes) -> Path:
    """A copy of the call with one file replaced."""
    copy = original.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original, copy)
    (copy / name).write_bytes(content)
    return copy


def chunk_bounds(path: Path) -> list[int]:
    """Offsets between the chunks of an audio file, and its end."""
    with path.open("rb") as file:
        _, chain = read_audio_header(file)
        start = file.tell()
        return [start, *(chunk.end for chunk in read_chunks(file, chain))]


def line_bounds(path: Path) -> list[int]:
    bounds, offset = [], 0
    for line in path.read_bytes().splitlines(keepends=True):
        offset += len(line)
        bounds.append(offset)
    return bounds


def test_untouched_evidence_is_valid(original: Path, ring: KeyRing) -> None:
    assert verify(original, ring).valid
    assert verify(original).valid
    assert all(verify(original / name, ring).valid for name in FILES)
    assert verify(original).digest == verify(original / "manifest.json").digest


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_found(original: Path, ring: KeyRing, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    content = bytearray((original / name).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    copy = tampered(original, name, bytes(content))
    for keys in (ring, None):
        found = verify(copy, keys)
        assert not found.valid
        assert found.broken_at
        assert found.reason


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cut_and_any_addition_is_found(original: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    content = (original / name).read_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    assert not verify(tampered(original, name, content[:cut])).valid
    assert not verify(tampered(original, name, content + data.draw(st.binary(min_size=1, max_size=40)))).valid


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_pieces_dropped_repeated_or_moved_are_found(original: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES[:2]))
    path = original / name
    content = path.read_bytes()
    bounds = chunk_bounds(path) if name == FILES[0] else line_bounds(path)
    pieces = [content[begin:end] for begin, end in itertools.pairwise(bounds)]
    head = content[: bounds[0]]
    at = data.draw(st.integers(0, len(pieces) - 1))
    to = data.draw(st.integers(0, len(pieces) - 1).filter(lambda place: place != at))
    moved = list(pieces)
    moved[at], moved[to] = moved[to], moved[at]
    repeated = [*pieces[: at + 1], *pieces[at:]]
    for changed in (pieces[:at] + pieces[at + 1 :], repeated, moved):
        assert not verify(tampered(original, name, head + b"".join(changed))).valid


@pytest.mark.parametrize("name", FILES)
def test_a_file_taken_away_is_found(original: Path, name: str) -> None:
    copy = tampered(original, name, b"")
    (copy / name).unlink()
    assert not verify(copy).valid


async def test_files_of_another_call_are_found(record: Record, keys: KeyRing) -> None:
    one, other = await record(keys, "one"), await record(keys, "other")
    for name in FILES:
        assert not verify(tampered(one, name, (other / name).read_bytes()), keys).valid


async def test_evidence_forged_whole_by_another_key_is_found(record: Record, keys: KeyRing) -> None:
    forged = await record(KeyRing.generate(), "forged")
    found = verify(forged, keys)
    assert not found.valid
    assert "not in the ring" in str(found.reason)


async def test_a_signature_made_again_without_the_key_is_found(record: Record, keys: KeyRing) -> None:
    folder = await record(keys)
    path = folder / "manifest.json"
    document = json.loads(path.read_bytes())
    forger = KeyRing.generate()
    other = json.loads((await record(forger, "call-2") / "manifest.json").read_bytes())
    document["signature"]["public_key"] = other["signature"]["public_key"]
    path.write_bytes(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    assert "signature does not fit" in str(verify(folder).reason)


async def test_evidence_that_was_never_sealed_fails_when_a_seal_is_asked_for(record: Record, keys: KeyRing) -> None:
    folder = await record(None)
    assert verify(folder, keys).valid
    assert not verify(folder, keys, require_seal=True).valid


async def test_a_file_without_its_manifest_is_not_called_valid(record: Record, tmp_path: Path) -> None:
    folder = await record(None)
    loose = tmp_path / "audio-0.vba"
    shutil.copy(folder / "audio-0.vba", loose)
    found = verify(loose)
    assert not found.valid
    assert "16 pieces" in str(found.reason) or "whole over" in str(found.reason)


def test_a_folder_without_evidence_says_so(tmp_path: Path) -> None:
    found = verify(tmp_path)
    assert (found.valid, found.reason) == (False, "there is no evidence here")
    assert not verify(tmp_path / "missing.vba").valid
