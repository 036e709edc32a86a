"""One clock for all processes of a simulated campaign: the wall's pace, and jumps over the hours when nobody rings."""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from voicebot.call.clock import Clock

_OFFSET = struct.Struct("<d")


class SharedClock(Clock):
    """Reads an offset that stands in a file: whoever maps the file sees a jump at once. Only one process jumps."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        with file.open("r+b") as opened:
            self._offset = mmap.mmap(opened.fileno(), _OFFSET.size)

    @classmethod
    def create(cls, file: Path, starts_at: datetime) -> SharedClock:
        file.write_bytes(_OFFSET.pack(starts_at.timestamp() - time.time()))
        return cls(file)

    def now(self, zone: str = "UTC") -> datetime:
        (offset,) = _OFFSET.unpack(self._offset[:])
        return datetime.fromtimestamp(time.time() + offset, UTC).astimezone(ZoneInfo(zone))

    def jump(self, to: datetime) -> None:
        """Goes on from a later moment. Raises ValueError for an earlier one: a clock of this kind never steps back."""
        if to < self.now():
            raise ValueError("the clock can only jump forward")
        self._offset[:] = _OFFSET.pack(to.timestamp() - time.time())
