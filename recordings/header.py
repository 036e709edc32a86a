"""What stands at the head of every evidence file of a call."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recordings.canonical import Fault

FORMAT = 1
GENESIS = "0" * 64
"""Stands for the file before the first one."""


@dataclass(frozen=True)
class PartHeader:
    """Header of one file. A call has one part unless a disk failed while it ran."""

    call_id: str
    part: int
    """0, 1, 2, ..."""
    previous: str
    """Chain value at the end of the part before, hexadecimal."""
    sample_rate: int
    """Hz, of both sides."""
    started_at: datetime
    key_id: str | None
    """Key of the ring that seals the file; None leaves it readable."""
    salt: bytes
    """Random bytes that make the file's key its own; empty when not sealed."""

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "call_id": self.call_id,
            "part": self.part,
            "previous": self.previous,
            "sample_rate": self.sample_rate,
            "started_at": self.started_at.isoformat(),
            "key_id": self.key_id,
            "salt": base64.b64encode(self.salt).decode(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PartHeader:
        """Raises Fault."""
        try:
            if value["format"] != FORMAT:
                raise Fault("header", f"format {value['format']} is not known to this version")
            return cls(
                call_id=str(value["call_id"]),
                part=int(value["part"]),
                previous=str(value["previous"]),
                sample_rate=int(value["sample_rate"]),
                started_at=datetime.fromisoformat(value["started_at"]),
                key_id=value["key_id"],
                salt=base64.b64decode(value["salt"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Fault("header", f"a field is missing or malformed ({error})") from None
