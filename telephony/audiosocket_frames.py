"""AudioSocket on the wire: one byte of kind, two of length, big-endian, and a payload.

Source: Asterisk documentation, "AudioSocket" (channel drivers). Pure: bytes in, in whatever pieces, frames out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

PAYLOAD_LIMIT: Final = 0xFFFF
"""Bytes that the length can say."""
FRAME_BYTES: Final = 320
"""20 ms at 8 kHz; Asterisk takes one such frame at a time."""


class Kind(IntEnum):
    """What a frame carries."""

    HANG_UP = 0x00
    UUID = 0x01
    DTMF = 0x03
    AUDIO = 0x10
    """Signed 16-bit little-endian mono at 8 kHz."""
    ERROR = 0xFF


@dataclass(frozen=True)
class Frame:
    """One frame."""

    kind: int
    """A `Kind`, or a number that this version does not know."""
    payload: bytes = b""

    def encode(self) -> bytes:
        """The frame as it goes over the wire. Raises ValueError when it does not fit."""
        if len(self.payload) > PAYLOAD_LIMIT or not 0 <= self.kind <= 0xFF:
            raise ValueError(f"an AudioSocket frame has one byte of kind and at most {PAYLOAD_LIMIT} bytes of payload")
        return bytes((self.kind,)) + len(self.payload).to_bytes(2, "big") + self.payload


class FrameDecoder:
    """Cuts a stream of bytes into frames. Every stream of bytes is one of frames, so there is no error here."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. An unfinished one, at most 64 KiB of it, waits for more."""
        self._rest += data
        frames = []
        at = 0
        while len(self._rest) - at >= 3:
            end = at + 3 + int.from_bytes(self._rest[at + 1 : at + 3], "big")
            if len(self._rest) < end:
                break
            frames.append(Frame(self._rest[at], bytes(self._rest[at + 3 : end])))
            at = end
        del self._rest[:at]
        return frames
