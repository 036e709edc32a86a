"""What must not be lost, on disk before the database has it: sealed JSON lines, one file a process."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from recordings.cipher import KeyFault, KeyRing
from voicebot.store.records import new_id

_CONTEXT = "journal"
_TRIM_BYTES = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pending:
    """Something that the database does not have yet."""

    n: int
    operation: str
    """Name of a kept operation, such as promise.add."""
    value: bytes
    """Its argument as JSON."""


class Journal:
    """Appends, and remembers what was done. Threads may share it.

    A file belongs to one live process, which holds a lock on it; the files of dead ones are taken over by the next that
    opens the folder. Without a folder what is pending lives in memory only.
    """

    def __init__(self, folder: Path | None, keys: KeyRing | None = None) -> None:
        """Raises OSError when the folder cannot be written."""
        self._keys = keys
        self._pending: dict[int, Pending] = {}
        self._next = 1
        self._folder = folder
        self._file: int | None = None
        self._lock = threading.Lock()
        self.path: Path | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path = folder / f"{new_id()}.journal"
            self._file = _create_locked(self.path)
            self._adopt(folder)

    def __len__(self) -> int:
        return len(self._pending)

    def pending(self) -> list[Pending]:
        """Oldest first."""
        return list(self._pending.values())

    def append(self, operation: str, value: bytes) -> Pending:
        """Writes ahead; on disk when it returns. Raises OSError."""
        with self._lock:
            entry = Pending(self._next, operation, value)
            line: dict[str, object] = {"n": entry.n, "operation": operation}
            if self._keys is None:
                line["value"] = value.decode("utf-8")
            else:
                line["sealed"] = base64.b64encode(self._keys.seal(value, _CONTEXT)).decode("ascii")
            self._write(line, sync=True)
            self._next += 1
            self._pending[entry.n] = entry
            return entry

    def done(self, n: int) -> None:
        """Forgets an entry. If the process dies before this is on disk it is done again, which changes nothing."""
        with self._lock:
            self._pending.pop(n, None)
            if self._file is None:
                return
            if not self._pending and os.fstat(self._file).st_size > _TRIM_BYTES:
                os.ftruncate(self._file, 0)
            else:
                # On a full disk this fails and the entry is done once more after a restart, which changes nothing.
                with contextlib.suppress(OSError):
                    self._write({"done": n}, sync=False)

    def reject(self, entry: Pending, reason: str) -> None:
        """Sets aside an entry that the database will never take, for a person to look at."""
        _log.error("journal entry was refused by the database", extra={"operation": entry.operation, "reason": reason})
        if self._folder is not None:
            value = entry.value if self._keys is None else self._keys.seal(entry.value, _CONTEXT)
            line = {"operation": entry.operation, "reason": reason, "value": base64.b64encode(value).decode("ascii")}
            with (self._folder / "rejected.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.done(entry.n)

    def close(self) -> None:
        """Lets the file go; it is removed when nothing in it is pending."""
        if self._file is None or self.path is None:
            return
        if not self._pending:
            self.path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None

    def _write(self, line: dict[str, object], *, sync: bool) -> None:
        if self._file is None:
            return
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        size = os.fstat(self._file).st_size
        try:
            if os.write(self._file, data) != len(data):
                raise OSError(28, "the disk is full", str(self.path))
            if sync:
                os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, size)
            raise

    def _adopt(self, folder: Path) -> None:
        for path in sorted(folder.glob("*.journal")):
            if path == self.path:
                continue
            try:
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for entry in self._read(path):
                    self.append(entry.operation, entry.value)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                # Its process lives.
                continue
            finally:
                os.close(file)

    def _read(self, path: Path) -> list[Pending]:
        found: dict[int, Pending] = {}
        for text in path.read_bytes().splitlines():
            try:
                line = json.loads(text)
                if "done" in line:
                    found.pop(line["done"], None)
                    continue
                if "sealed" in line:
                    if self._keys is None:
                        raise KeyFault("it is sealed, and the store was opened without keys")
                    value = self._keys.unseal(base64.b64decode(line["sealed"]), _CONTEXT)
                else:
                    value = line["value"].encode("utf-8")
                found[line["n"]] = Pending(line["n"], line["operation"], value)
            except (ValueError, KeyError, TypeError):
                # The last line of a process that died while it wrote: nobody was told that it is kept.
                _log.warning("journal line is torn", extra={"path": str(path)})
        return list(found.values())


def _create_locked(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file
