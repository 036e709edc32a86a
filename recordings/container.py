"""The audio file of a call: chunks of one side's PCM, each placed by its frame, each chained to the one before.

Layout, integers big-endian::

    "VBAUDIO1"  u32 length  header as canonical JSON  32 bytes SHA-256 of all before
    "CHNK"  u32 index  u8 side  u64 first frame  u32 frames  u32 length  payload  32 bytes chain

A chunk's chain value is SHA-256 of the value before it, the chunk's own header and its payload. The payload is 16-bit
little-endian PCM, sealed with AES-256-GCM when the header names a key (the nonce is the index; the key belongs to this
file alone). Gaps between chunks are silence; where chunks overlap the later one counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recordings.canonical import Fault, canonical, parse_object
from recordings.cipher import KeyRing
from recordings.folder import hold
from recordings.header import PartHeader

MAGIC = b"VBAUDIO1"
CHAIN_BYTES = 32
FRAME_BYTES = 2
_CHUNK = struct.Struct(">4sIBQII")
_CHUNK_MAGIC = b"CHNK"
_LONGEST_HEADER = 1 << 16
_LONGEST_PAYLOAD = 1 << 24


class Side(IntEnum):
    """A channel of the recording; the number is the channel of the exported file."""

    CALLER = 0
    ENGINE = 1
    """The bot, or after a handoff the human agent."""


@dataclass(frozen=True)
class Chunk:
    """A piece of one side's audio, as it lies in the file."""

    index: int
    side: Side
    first_frame: int
    """Frames since media began."""
    frames: int
    payload: bytes
    """PCM, or what seals it."""
    head: bytes
    """The chunk's own header: what the seal is bound to."""
    end: int
    """Offset in the file after the chunk, bytes."""
    chain: bytes


class AudioFile:
    """Appends chunks to a new audio file. An OSError closes it for good, cut back to its last whole chunk."""

    def __init__(self, path: Path, header: PartHeader, keys: KeyRing | None) -> None:
        self.path = path
        self._cipher = part_cipher(header, keys, "audio")
        body = canonical(header.to_json())
        prefix = MAGIC + struct.pack(">I", len(body)) + body
        self.chain = hashlib.sha256(prefix).digest()
        self.chunks = 0
        self.end_frame = 0
        self.size = 0
        # The file gets its name once it is locked, so that recovery never takes a live call for an abandoned one.
        beside = path.with_name(f".{path.name}.new")
        self._descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            hold(self._descriptor)
            self._append(prefix + self.chain)
            os.link(beside, path)
        except OSError:
            self.close()
            raise
        finally:
            beside.unlink(missing_ok=True)

    def keep_held(self) -> int:
        """A descriptor that goes on marking the file as live after `close`, until it is closed itself."""
        return os.dup(self._descriptor)

    def write(self, side: Side, first_frame: int, pcm: bytes) -> None:
        """Appends one chunk. Raises OSError, with the file left valid."""
        frames = len(pcm) // FRAME_BYTES
        length = len(pcm) + (16 if self._cipher else 0)
        head = _CHUNK.pack(_CHUNK_MAGIC, self.chunks, side, first_frame, frames, length)
        payload = self._cipher.encrypt(_nonce(self.chunks), pcm, head) if self._cipher else pcm
        chain = hashlib.sha256(self.chain + head + payload).digest()
        self._append(head + payload + chain)
        self.chain = chain
        self.chunks += 1
        self.end_frame = max(self.end_frame, first_frame + frames)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, data: bytes) -> None:
        try:
            append_whole(self._descriptor, data, self.size)
        except OSError:
            self.close()
            raise
        self.size += len(data)


def append_whole(descriptor: int, data: bytes, size: int) -> None:
    """Writes all of `data` at `size`, or nothing: on an error the file is cut back to `size` and the error goes on."""
    view = memoryview(data)
    try:
        written = 0
        while written < len(data):
            written += os.pwrite(descriptor, view[written:], size + written)
    except OSError:
        # If even this fails, the error that began it says more, and readers tolerate the torn tail.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def part_cipher(header: PartHeader, keys: KeyRing | None, purpose: str) -> AESGCM | None:
    """The cipher of one file, None when it is not sealed or there are no keys to open it with. Raises KeyFault."""
    if header.key_id is None or keys is None:
        return None
    return AESGCM(keys.derive(header.key_id, f"evidence {purpose}", header.salt))


def read_audio_header(file: BinaryIO) -> tuple[PartHeader, bytes]:
    """The header and the chain value that the first chunk follows. Raises Fault."""
    prefix = file.read(len(MAGIC) + 4)
    if len(prefix) < len(MAGIC) + 4:
        raise Fault("header", "the file ends inside its header", torn=True)
    if prefix[: len(MAGIC)] != MAGIC:
        raise Fault("header", "this is not an audio file of this format")
    (length,) = struct.unpack(">I", prefix[len(MAGIC) :])
    if length > _LONGEST_HEADER:
        raise Fault("header", "the header's length was changed")
    body, chain = file.read(length), file.read(CHAIN_BYTES)
    if len(body) < length or len(chain) < CHAIN_BYTES:
        raise Fault("header", "the file ends inside its header", torn=True)
    if hashlib.sha256(prefix + body).digest() != chain:
        raise Fault("header", "the header was changed: its SHA-256 differs")
    return PartHeader.from_json(parse_object(body, "header")), chain


def read_chunks(file: BinaryIO, chain: bytes) -> Iterator[Chunk]:
    """Chunks in order, each proven against the chain.

    Raises Fault at the first that does not fit; it is `torn` when the file ends in it.
    """
    index = 0
    offset = file.tell()
    while head := file.read(_CHUNK.size):
        where = f"chunk {index}"
        if len(head) < _CHUNK.size:
            raise Fault(where, "the file ends inside the chunk", torn=True)
        magic, number, side, first_frame, frames, length = _CHUNK.unpack(head)
        if magic != _CHUNK_MAGIC or side > 1 or length > _LONGEST_PAYLOAD:
            raise Fault(where, "no chunk begins here: bytes were changed, inserted or taken away")
        if number != index:
            raise Fault(where, f"chunk {number} stands in its place: chunks were dropped, repeated or moved")
        payload, found = file.read(length), file.read(CHAIN_BYTES)
        if len(payload) < length or len(found) < CHAIN_BYTES:
            raise Fault(where, "the file ends inside the chunk", torn=True)
        chain = hashlib.sha256(chain + head + payload).digest()
        if chain != found:
            raise Fault(where, "the chain breaks: the chunk, or one before it, was changed")
        offset += len(head) + length + CHAIN_BYTES
        yield Chunk(index, Side(side), first_frame, frames, payload, head, offset, chain)
        index += 1


def open_chunk(chunk: Chunk, cipher: AESGCM | None) -> bytes:
    """The PCM of a chunk. Raises Fault when the seal does not fit."""
    if cipher is None:
        pcm = chunk.payload
    else:
        try:
            pcm = cipher.decrypt(_nonce(chunk.index), chunk.payload, chunk.head)
        except InvalidTag:
            raise Fault(f"chunk {chunk.index}", "the seal does not fit: another key, or forged content") from None
    if len(pcm) != chunk.frames * FRAME_BYTES:
        raise Fault(f"chunk {chunk.index}", "the number of frames differs from the audio")
    return pcm


def _nonce(index: int) -> bytes:
    return index.to_bytes(12, "big")
