"""One JSON text for one value, so that a hash of the text is a hash of the value; and what breaks when it is not."""

from __future__ import annotations

import json
from typing import Any


class Fault(Exception):
    """Evidence that is not what was written: where, and why."""

    def __init__(self, where: str, reason: str, *, torn: bool = False) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        """The part of the file: header, chunk 12, line 3."""
        self.reason = reason
        self.torn = torn
        """True when a write was cut off by a crash: what lies before it is whole."""


def canonical(value: Any) -> bytes:
    """UTF-8, keys sorted, no blanks. Raises TypeError or ValueError for what is not JSON (NaN among them)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "strict")


def parse_object(text: bytes, where: str) -> dict[str, Any]:
    """The object of a canonical text. Raises Fault for any other text, even one that means the same."""
    try:
        value = json.loads(text)
        same = canonical(value) == text
    except (ValueError, RecursionError):
        raise Fault(where, "this is not JSON in UTF-8: bytes were changed") from None
    if not same or not isinstance(value, dict):
        raise Fault(where, "the text is not written as the engine writes it: bytes were changed")
    return value
