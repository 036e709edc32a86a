"""Says whether evidence is what was written, and if not, where it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recordings.canonical import Fault
from recordings.cipher import KeyFault, KeyRing
from recordings.container import open_chunk, part_cipher, read_audio_header, read_chunks
from recordings.folder import call_folders, is_held, part_numbers
from recordings.header import GENESIS, PartHeader
from recordings.manifest import MANIFEST, Manifest, Part, read_manifest
from recordings.timeline import open_line, read_lines, read_timeline_header


@dataclass(frozen=True)
class Verification:
    """What `voicebot evidence verify` prints."""

    path: Path
    valid: bool
    broken_at: str | None = None
    """File and place, such as audio-0.vba chunk 12; None when valid."""
    reason: str | None = None
    """What is wrong there, for a person."""
    digest: str | None = None
    """Digest of the manifest, to compare with the one the store keeps."""
    call_id: str | None = None
    recovered: bool = False
    """True for a call whose worker died: whole up to there."""


@dataclass(frozen=True)
class Scan:
    """What one file was found to hold, as far as it is whole."""

    header: PartHeader
    count: int
    """Chunks or entries."""
    chain: str
    good_bytes: int
    end_frame: int = 0
    fault: Fault | None = None
    """The first thing that does not fit."""


def verify(path: Path, keys: KeyRing | None = None, *, require_seal: bool = False) -> Verification:
    """Verifies the evidence of one call: its folder, its manifest, or one file of it.

    Without `keys` the chains and the signature are proven; with `keys` also every seal, and that the ring made the
    signature. `require_seal` finds evidence that was never sealed invalid.
    """
    try:
        if path.name == MANIFEST:
            path = path.parent
        if path.is_dir():
            return _verify_folder(path, keys, require_seal)
        if (path.parent / MANIFEST).exists():
            return _verify_file_of_folder(path, keys, require_seal)
        return _verify_loose_file(path, keys, require_seal)
    except Broken as broken:
        return Verification(path, False, broken.where, broken.reason)
    except KeyFault as error:
        return Verification(path, False, MANIFEST, str(error))
    except OSError as error:
        return Verification(path, False, str(error.filename or path), f"cannot be read: {error.strerror}")


def verify_all(root: Path, keys: KeyRing | None = None, *, require_seal: bool = False) -> Iterator[Verification]:
    """Verifies every call below a folder."""
    for folder in call_folders(root):
        yield verify(folder, keys, require_seal=require_seal)


class Broken(Exception):
    """A file of a call does not hold: which and where, and why."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def _verify_folder(folder: Path, keys: KeyRing | None, require_seal: bool) -> Verification:
    manifest = _manifest(folder, keys, require_seal)
    expected = {name for part in manifest.parts for name in (part.audio_file, part.timeline_file)}
    extra = [f"audio-{number}.vba" for number in part_numbers(folder) if f"audio-{number}.vba" not in expected]
    if extra:
        raise Broken(extra[0], "the manifest does not know this file: it was added, or the manifest is another call's")
    audio_chain = timeline_chain = GENESIS
    first_entry = 0
    for place, part in enumerate(manifest.parts):
        if part.number != place:
            raise Broken(MANIFEST, f"part {place} is missing")
        _hold_against(folder, manifest, part, keys, (audio_chain, timeline_chain), first_entry)
        audio_chain, timeline_chain = part.audio_chain, part.timeline_chain
        first_entry += part.entries
    return _valid(folder, manifest)


def _verify_file_of_folder(path: Path, keys: KeyRing | None, require_seal: bool) -> Verification:
    manifest = _manifest(path.parent, keys, require_seal)
    audio_chain = timeline_chain = GENESIS
    first_entry = 0
    for part in manifest.parts:
        if path.name in (part.audio_file, part.timeline_file):
            _hold_against(path.parent, manifest, part, keys, (audio_chain, timeline_chain), first_entry, only=path.name)
            return _valid(path, manifest)
        audio_chain, timeline_chain = part.audio_chain, part.timeline_chain
        first_entry += part.entries
    raise Broken(path.name, "the manifest beside it does not know this file")


def _verify_loose_file(path: Path, keys: KeyRing | None, require_seal: bool) -> Verification:
    """A file without its manifest: its own chain can be proven, but not that its end is the end."""
    scan = scan_timeline(path, keys) if path.suffix == ".jsonl" else scan_audio(path, keys)
    if scan.fault is not None:
        raise Broken(f"{path.name} {scan.fault.where}", scan.fault.reason)
    if require_seal and scan.header.key_id is None:
        raise Broken(path.name, "it is not sealed")
    raise Broken(
        path.name,
        f"its chain is whole over {scan.count} pieces, but without {MANIFEST} beside it nobody can tell whether its "
        "end was cut off",
    )


def _manifest(folder: Path, keys: KeyRing | None, require_seal: bool) -> Manifest:
    path = folder / MANIFEST
    if not path.exists():
        numbers = part_numbers(folder)
        if not numbers:
            raise Broken(str(folder), "there is no evidence here")
        if any(is_held(folder / f"audio-{number}.vba") for number in numbers):
            raise Broken(MANIFEST, "the call is still being recorded; verify it when it has ended")
        raise Broken(
            MANIFEST, "there is no manifest: the worker died, or it was taken away; run: voicebot evidence recover"
        )
    try:
        manifest = read_manifest(path, keys)
    except Fault as fault:
        raise Broken(fault.where, fault.reason) from None
    if require_seal and manifest.key_id is None:
        raise Broken(MANIFEST, "the evidence is not sealed, and a seal was asked for")
    return manifest


def _hold_against(
    folder: Path,
    manifest: Manifest,
    part: Part,
    keys: KeyRing | None,
    previous: tuple[str, str],
    first_entry: int,
    only: str | None = None,
) -> None:
    """Reads both files of a part (or `only` one) and compares what they hold with what the manifest says."""
    if only in (None, part.audio_file):
        path = folder / part.audio_file
        _compare(
            path,
            manifest,
            scan_audio(_present(path), keys),
            part.chunks,
            part.audio_bytes,
            part.audio_chain,
            previous[0],
        )
    if only in (None, part.timeline_file):
        path = folder / part.timeline_file
        scan = scan_timeline(_present(path), keys, first_entry)
        _compare(path, manifest, scan, part.entries, part.timeline_bytes, part.timeline_chain, previous[1])


def _present(path: Path) -> Path:
    if not path.exists():
        raise Broken(path.name, "the file is missing; if it lies in the spool, run: voicebot evidence recover")
    return path


def _compare(path: Path, manifest: Manifest, scan: Scan, count: int, size: int, chain: str, previous: str) -> None:
    if scan.fault is not None:
        raise Broken(f"{path.name} {scan.fault.where}", scan.fault.reason)
    header = scan.header
    if (header.call_id, header.key_id, header.sample_rate) != (manifest.call_id, manifest.key_id, manifest.sample_rate):
        raise Broken(f"{path.name} header", "it belongs to another call than the manifest")
    if header.previous != previous:
        raise Broken(f"{path.name} header", "it does not follow the part before it")
    if scan.count != count:
        raise Broken(
            f"{path.name} end", f"{scan.count} pieces are there, the manifest counts {count}: the end was changed"
        )
    if scan.chain != chain or path.stat().st_size != size:
        raise Broken(f"{path.name} end", "its chain or its size is not the one in the manifest")


def _valid(path: Path, manifest: Manifest) -> Verification:
    return Verification(path, True, digest=manifest.digest, call_id=manifest.call_id, recovered=manifest.recovered)


def scan_audio(path: Path, keys: KeyRing | None) -> Scan:
    """Reads an audio file as far as it is whole. Raises Broken when even its header is not, KeyFault, OSError."""
    with path.open("rb") as file:
        try:
            header, start = read_audio_header(file)
        except Fault as fault:
            raise Broken(f"{path.name} {fault.where}", fault.reason) from fault
        cipher = part_cipher(header, keys, "audio")
        count, chain, good, end_frame = 0, start.hex(), file.tell(), 0
        try:
            for chunk in read_chunks(file, start):
                if keys is not None or header.key_id is None:
                    open_chunk(chunk, cipher)
                count, chain, good = chunk.index + 1, chunk.chain.hex(), chunk.end
                end_frame = max(end_frame, chunk.first_frame + chunk.frames)
        except Fault as fault:
            return Scan(header, count, chain, good, end_frame, fault)
    return Scan(header, count, chain, good, end_frame)


def scan_timeline(path: Path, keys: KeyRing | None, first_entry: int | None = None) -> Scan:
    """Reads a timeline as far as it is whole. As `scan_audio`; `first_entry` None takes the first number it finds."""
    with path.open("rb") as file:
        try:
            header, start = read_timeline_header(file)
        except Fault as fault:
            raise Broken(f"{path.name} {fault.where}", fault.reason) from fault
        cipher = part_cipher(header, keys, "timeline")
        count, chain, good = 0, start, file.tell()
        try:
            for line in read_lines(file, start, first_entry):
                if keys is not None or header.key_id is None:
                    open_line(line, header, cipher)
                count, chain, good = count + 1, line.chain, line.end
        except Fault as fault:
            return Scan(header, count, chain, good, fault=fault)
    return Scan(header, count, chain, good)
