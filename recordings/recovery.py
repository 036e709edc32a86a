"""Finalises evidence that a crash left open, and brings home what was spooled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recordings.canonical import Fault
from recordings.cipher import KeyFault, KeyRing
from recordings.container import read_audio_header, read_chunks
from recordings.folder import audio_name, call_folders, is_held, part_numbers, timeline_name
from recordings.header import GENESIS
from recordings.manifest import MANIFEST, CallSummary, Manifest, Part
from recordings.parts import bring
from recordings.timeline import read_timeline_header
from recordings.verify import Broken, Scan, scan_audio, scan_timeline


@dataclass(frozen=True)
class Recovery:
    """What became of one folder."""

    path: Path
    recovered: bool
    message: str
    """What was done, or why it could not be."""


def recover(root: Path, keys: KeyRing | None = None, spool: Path | None = None) -> Iterator[Recovery]:
    """Recovers every call below `root` that was left open and is not being recorded by a live process.

    An unfinished last write is cut off; nothing else is changed. Evidence that is broken in any other way is left as it
    is and reported. `keys` is needed for calls that were sealed: their manifest is signed.
    """
    if spool is not None:
        yield from _bring_home(root, spool)
    for folder in call_folders(root):
        # In this order: a worker lets its files go only after the manifest is there.
        if any(is_held(folder / audio_name(number)) for number in part_numbers(folder)):
            continue
        if (folder / MANIFEST).exists():
            continue
        try:
            yield _finalise(folder, keys)
        except (Broken, KeyFault) as error:
            yield Recovery(folder, False, f"left as it is: {error}")
        except OSError as error:
            yield Recovery(folder, False, f"left as it is: {error.filename}: {error.strerror}")


def _bring_home(root: Path, spool: Path) -> Iterator[Recovery]:
    for folder in list(call_folders(spool)):
        if any(is_held(folder / audio_name(number)) for number in part_numbers(folder)):
            continue
        home = root / folder.relative_to(spool)
        try:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The manifest goes last: with it the call counts as whole.
            for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
                bring(path, home / path.name)
            folder.rmdir()
        except OSError as error:
            yield Recovery(folder, False, f"still in the spool: {error.filename}: {error.strerror}")
        else:
            yield Recovery(home, True, "brought home from the spool")


def _drop_unborn_part(folder: Path) -> None:
    """Removes a last part whose worker died while it was making the two files: nothing was recorded in it yet."""
    number = max(part_numbers(folder))
    audio, timeline = folder / audio_name(number), folder / timeline_name(number)
    try:
        with audio.open("rb") as file:
            _, chain = read_audio_header(file)
            unborn = not timeline.exists() and next(read_chunks(file, chain), None) is None
        if timeline.exists():
            with timeline.open("rb") as file:
                read_timeline_header(file)
    except Fault as fault:
        unborn = fault.torn and fault.where == "header"
    if unborn:
        audio.unlink()
        timeline.unlink(missing_ok=True)


def _finalise(folder: Path, keys: KeyRing | None) -> Recovery:
    parts: list[Part] = []
    torn = end_frame = first_entry = 0
    previous = (GENESIS, GENESIS)
    head: Scan | None = None
    _drop_unborn_part(folder)
    for number in part_numbers(folder):
        audio_path, timeline_path = folder / audio_name(number), folder / timeline_name(number)
        audio, timeline = scan_audio(audio_path, keys), scan_timeline(timeline_path, keys, first_entry)
        for path, scan, before in ((audio_path, audio, previous[0]), (timeline_path, timeline, previous[1])):
            if scan.fault is not None and not scan.fault.torn:
                raise Broken(f"{path.name} {scan.fault.where}", scan.fault.reason)
            if scan.header.previous != before:
                raise Broken(
                    f"{path.name} header", "it does not follow the part before it; is a part still in the spool?"
                )
            if scan.fault is not None:
                torn += path.stat().st_size - scan.good_bytes
                os.truncate(path, scan.good_bytes)
        parts.append(
            Part(
                number=number,
                audio_file=audio_path.name,
                audio_bytes=audio.good_bytes,
                chunks=audio.count,
                audio_chain=audio.chain,
                timeline_file=timeline_path.name,
                timeline_bytes=timeline.good_bytes,
                entries=timeline.count,
                timeline_chain=timeline.chain,
            )
        )
        previous = (audio.chain, timeline.chain)
        first_entry += timeline.count
        end_frame = max(end_frame, audio.end_frame)
        head = head or audio
    if head is None:
        folder.rmdir()
        return Recovery(folder, True, "the worker died before anything was recorded; the empty folder was removed")
    header = head.header
    if header.key_id is not None and keys is None:
        raise KeyFault(f"it is sealed with key {header.key_id}; give its key file with --keys, to sign the manifest")
    manifest = Manifest(
        call_id=header.call_id,
        sample_rate=header.sample_rate,
        started_at=header.started_at,
        closed_at=datetime.now(UTC),
        duration_seconds=end_frame / header.sample_rate,
        parts=tuple(parts),
        key_id=header.key_id,
        summary=CallSummary(disposition="interrupted"),
        recovered=True,
        torn_bytes=torn,
    )
    manifest.write(folder, keys)
    return Recovery(
        folder,
        True,
        f"{manifest.duration_seconds:.1f} s of audio and {first_entry} entries are whole, {torn} torn bytes cut off",
    )
