"""Remembers on disk which versions of flows were proven, so that a worker that starts again is ready in seconds.

A proof holds for one version of a flow, which is a hash over it, its parts and its lines, and for one prover: the files
of this engine that read, check and guard. When any of them changes, everything is proven anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import compliance_filters
from voicebot import dialog, understanding
from voicebot.speech.settings import default_cache_directory

log = logging.getLogger(__name__)

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class RememberedProofs:
    """A file with one proven version a line. Where it cannot be kept, everything is proven each time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = frozenset(_lines(file))

    @classmethod
    def of_this_engine(cls) -> RememberedProofs:
        """The file of this very prover, in the cache directory."""
        return cls(default_cache_directory() / "proofs" / prover())

    def knows(self, version: str) -> bool:
        return version in self._known

    def learn(self, version: str) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # One short line in one write: of several workers each adds its own.
            with open(
                os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w", encoding="ascii"
            ) as kept:
                kept.write(f"{version}\n")
        except OSError as error:
            log.warning("a proof is not remembered", extra={"file": str(self._file), "reason": str(error)})


def prover() -> str:
    """SHA-256 over the files that decide whether a flow is proven: code, rule packs and trained models."""
    digest = hashlib.sha256()
    for package in (dialog, understanding, compliance_filters):
        root = Path(next(iter(package.__path__)))
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{package.__name__}/{path.relative_to(root)}\n".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _lines(file: Path) -> Iterator[str]:
    """Nothing from a file that somebody else could have written."""
    try:
        found = file.stat()
        if found.st_uid != os.geteuid() or found.st_mode & _WRITABLE_BY_OTHERS:
            log.warning("proofs are not believed: others may write them", extra={"file": str(file)})
            return
        yield from file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return
