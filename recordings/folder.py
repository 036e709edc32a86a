"""Where a call's evidence lies: one folder a call, in one folder a day, and a spool for when the disk says no."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

_AUDIO = re.compile(r"audio-(\d+)\.vba")


def call_folder(root: Path, call_id: str, started_at: datetime) -> Path:
    """The folder of a call below the root: day in UTC, then the call's id with what a file system dislikes quoted.

    An id that is there already (a carrier may give one twice) gets a number behind it, so that nothing is written over.
    """
    name = quote(call_id, safe="-_@+=,")[:200] or "unnamed"
    day = root / started_at.astimezone(UTC).strftime("%Y-%m-%d")
    folder, number = day / name, 2
    while folder.exists():
        folder, number = day / f"{name}~{number}", number + 1
    return folder


def audio_name(part: int) -> str:
    return f"audio-{part}.vba"


def timeline_name(part: int) -> str:
    return f"timeline-{part}.jsonl"


def part_numbers(folder: Path) -> list[int]:
    """Numbers of the parts whose audio lies in a folder, ascending."""
    if not folder.is_dir():
        return []
    found = (_AUDIO.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match.group(1)) for match in found if match)


def call_folders(root: Path) -> Iterator[Path]:
    """Every folder below the root, or the root itself, that holds evidence of a call, in order of name."""
    for current, folders, files in os.walk(root):
        folders.sort()
        if any(_AUDIO.fullmatch(name) for name in files) or "manifest.json" in files:
            folders.clear()
            yield Path(current)


def hold(descriptor: int) -> None:
    """Marks an open file as being written, until it is closed or the process dies."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(path: Path) -> bool:
    """Whether a live process writes the file."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
