"""Deletes evidence whose time is over: a certificate first, then the files. A legal hold stops it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from recordings.canonical import Fault, canonical, parse_object
from recordings.folder import audio_name, call_folders, is_held, part_numbers
from recordings.header import GENESIS
from recordings.manifest import MANIFEST, Manifest, read_manifest
from recordings.retention import Facts, Fate, RetentionPolicy, decide

HOLD = "hold.json"
CERTIFICATES = "deletions.jsonl"


@dataclass(frozen=True)
class Purged:
    """What was decided of one call's evidence, and done."""

    path: Path
    call_id: str | None
    fate: Fate
    deleted: bool
    """False also when it should be deleted but the run was a rehearsal."""


def place_hold(folder: Path, *, by: str, reason: str, at: datetime) -> None:
    """Puts a call's evidence under a legal hold. Raises FileExistsError when it is under one, and OSError."""
    with (folder / HOLD).open("x", encoding="utf-8") as file:
        json.dump({"by": by, "reason": reason, "at": at.isoformat()}, file, ensure_ascii=False)


def release_hold(folder: Path) -> bool:
    """Lifts a legal hold. False when there was none."""
    try:
        (folder / HOLD).unlink()
    except FileNotFoundError:
        return False
    return True


def purge(
    root: Path,
    policy: RetentionPolicy,
    case_facts: Callable[[Manifest], Facts],
    *,
    now: datetime,
    by: str,
    rehearse: bool = False,
) -> Iterator[Purged]:
    """Decides of every finished call below `root` and deletes what is due.

    `case_facts` says what is known of a call's case; the hold is looked up here. Evidence without a sound manifest is
    kept: nobody can tell how old it is.
    """
    for folder in list(call_folders(root)):
        if any(is_held(folder / audio_name(number)) for number in part_numbers(folder)):
            continue
        try:
            manifest = read_manifest(folder / MANIFEST)
        except (Fault, FileNotFoundError):
            yield Purged(folder, None, Fate(False, "its manifest is missing or broken: recover or examine it"), False)
            continue
        facts = case_facts(manifest)
        held = (folder / HOLD).exists()
        fate = decide(policy, Facts(**vars(facts) | {"on_hold": facts.on_hold or held}), now)
        if fate.delete and not rehearse:
            _certify(root, manifest, fate, now, by)
            _remove(folder, root)
        yield Purged(folder, manifest.call_id, fate, fate.delete and not rehearse)


def read_certificates(root: Path) -> Iterator[dict[str, Any]]:
    """Certificates of deletion, oldest first. Raises Fault where their chain breaks."""
    path = root / CERTIFICATES
    previous = GENESIS
    if not path.exists():
        return
    for number, text in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        where = f"{CERTIFICATES} line {number}"
        line = parse_object(text.rstrip(b"\n"), where)
        found = line.pop("hash", None)
        previous = _link(previous, line)
        if previous != found:
            raise Fault(where, "the chain breaks: the certificate, or one before it, was changed")
        yield line


def _certify(root: Path, manifest: Manifest, fate: Fate, now: datetime, by: str) -> None:
    certificate = {
        "call_id": manifest.call_id,
        "digest": manifest.digest,
        "started_at": manifest.started_at.isoformat(),
        "deleted_at": now.isoformat(),
        "reason": fate.reason,
        "by": by,
    }
    with (root / CERTIFICATES).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = file.read().splitlines()
        previous = json.loads(lines[-1])["hash"] if lines else GENESIS
        file.write(canonical(certificate | {"hash": _link(previous, certificate)}) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _link(previous: str, certificate: dict[str, Any]) -> str:
    return hashlib.sha256(previous.encode("ascii") + canonical(certificate)).hexdigest()


def _remove(folder: Path, root: Path) -> None:
    # The manifest goes last: what is interrupted here is seen as due again, and certified once more.
    for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
        path.unlink()
    folder.rmdir()
    if folder.parent != root and not any(folder.parent.iterdir()):
        folder.parent.rmdir()
