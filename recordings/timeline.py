"""The timeline of a call: one JSON object a line, each chained to the one before, sealed when the call has a key.

The first line holds the file's header. A later line is ``{"entry":{...},"hash":"...","n":7}``, or
``{"hash","n","sealed"}`` with the entry under AES-256-GCM in base64. `hash` is SHA-256 of the hash before it and the
line without its hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recordings.canonical import Fault, canonical, parse_object
from recordings.cipher import KeyRing
from recordings.container import append_whole, part_cipher
from recordings.header import PartHeader


@dataclass(frozen=True)
class Entry:
    """One thing that happened in a call."""

    n: int
    """0, 1, 2, ... within the call, without gaps."""
    kind: str
    """turn.heard, line.said, guard.verdict, promise, disclosure, call.ended, evidence.moved, ..."""
    media_seconds: float
    """On the call's media clock: 0.0 when the call was answered."""
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    """JSON values."""

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "media_seconds": self.media_seconds,
            "at": self.at.isoformat(),
            "data": dict(self.data),
        }


@dataclass(frozen=True)
class Line:
    """One line of the file, proven against the chain but not opened."""

    n: int
    body: Mapping[str, Any]
    end: int
    """Offset in the file after the line, bytes."""
    chain: str


class TimelineFile:
    """Appends entries to a new timeline. After an OSError it is cut back to its last whole line and closed for good."""

    def __init__(self, path: Path, header: PartHeader, keys: KeyRing | None) -> None:
        self.path = path
        self._cipher = part_cipher(header, keys, "timeline")
        self.entries = 0
        self.size = 0
        self.chain = header.previous
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            self._append([{"header": header.to_json()}])
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def write(self, entries: list[Entry]) -> None:
        """Appends entries in one write. Raises OSError, with the file left valid and none of them in it."""
        bodies: list[dict[str, Any]] = []
        for entry in entries:
            body: dict[str, Any] = {"n": entry.n}
            if self._cipher is None:
                body["entry"] = entry.to_json()
            else:
                sealed = self._cipher.encrypt(_nonce(entry.n), canonical(entry.to_json()), _bound(entry.n))
                body["sealed"] = base64.b64encode(sealed).decode()
            bodies.append(body)
        self._append(bodies)
        self.entries += len(entries)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, bodies: list[dict[str, Any]]) -> None:
        chain, lines = self.chain, []
        for body in bodies:
            chain = _link(chain, body)
            lines.append(canonical({**body, "hash": chain}) + b"\n")
        data = b"".join(lines)
        try:
            append_whole(self._descriptor, data, self.size)
        except OSError:
            self.close()
            raise
        self.size += len(data)
        self.chain = chain


def read_timeline_header(file: BinaryIO) -> tuple[PartHeader, str]:
    """The header and the chain value that the first entry follows. Raises Fault."""
    text = file.readline()
    if not text.endswith(b"\n"):
        raise Fault("header", "the file ends inside its header", torn=True)
    line = parse_object(text[:-1], "header")
    found = line.pop("hash", None)
    if set(line) != {"header"} or not isinstance(line["header"], dict):
        raise Fault("header", "the first line is not a header")
    header = PartHeader.from_json(line["header"])
    if _link(header.previous, line) != found:
        raise Fault("header", "the header was changed: its SHA-256 differs")
    return header, found


def read_lines(file: BinaryIO, chain: str, first: int | None) -> Iterator[Line]:
    """Lines after the header, each proven against the chain. Raises Fault at the first that does not fit.

    `first` is the number that the first line must have; None takes the one it has.
    """
    n, offset = first, file.tell()
    while text := file.readline():
        where = "first entry" if n is None else f"entry {n}"
        if not text.endswith(b"\n"):
            raise Fault(where, "the file ends inside the entry", torn=True)
        body = parse_object(text[:-1], where)
        found = body.pop("hash", None)
        if n is None and isinstance(body.get("n"), int):
            n = body["n"]
        if n is None or body.get("n") != n:
            raise Fault(where, f"entry {body.get('n')} stands in its place: entries were dropped, repeated or moved")
        chain = _link(chain, body)
        if chain != found:
            raise Fault(where, "the chain breaks: the entry, or one before it, was changed")
        offset += len(text)
        yield Line(n, body, offset, chain)
        n += 1


def open_line(line: Line, header: PartHeader, cipher: AESGCM | None) -> Entry:
    """The entry of a line. Raises Fault when the seal does not fit or there is no key to open it with."""
    where = f"entry {line.n}"
    if header.key_id is not None:
        if cipher is None:
            raise Fault(where, "it is sealed, and no key was given to open it")
        try:
            sealed = base64.b64decode(line.body.get("sealed", ""), validate=True)
            value = parse_object(cipher.decrypt(_nonce(line.n), sealed, _bound(line.n)), where)
        except (InvalidTag, binascii.Error, TypeError):
            raise Fault(where, "the seal does not fit: another key, or forged content") from None
    else:
        value = line.body.get("entry", {})
    try:
        return Entry(
            n=line.n,
            kind=value["kind"],
            media_seconds=value["media_seconds"],
            at=datetime.fromisoformat(value["at"]),
            data=value["data"],
        )
    except (KeyError, TypeError, ValueError):
        raise Fault(where, "a field is missing or malformed") from None


def _link(chain: str, body: Mapping[str, Any]) -> str:
    return hashlib.sha256(chain.encode("ascii") + canonical(body)).hexdigest()


def _nonce(n: int) -> bytes:
    return n.to_bytes(12, "big")


def _bound(n: int) -> bytes:
    return b"entry %d" % n
