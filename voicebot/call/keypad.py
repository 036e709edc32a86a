"""Keys into entries: complete by `#`, by length, or by a gap. Pure."""

from __future__ import annotations


class Keypad:
    """Collects the keys of one entry.

    `*` clears what was pressed so far; `#` ends the entry. With no length asked for, every key is an entry of its own.
    """

    def __init__(self, gap_seconds: float) -> None:
        self.gap_seconds = gap_seconds
        self._pressed = ""

    @property
    def empty(self) -> bool:
        """No entry is under way."""
        return not self._pressed

    def press(self, digit: str, wanted: int) -> str | None:
        """Takes a key. Returns the entry that it completes, None while more is waited for."""
        if digit == "*" and (self._pressed or wanted > 0):
            self._pressed = ""
            return None
        if digit == "#" and (self._pressed or wanted > 0):
            return self.flush() or None
        self._pressed += digit
        if wanted <= 1 or len(self._pressed) >= wanted:
            return self.flush()
        return None

    def flush(self) -> str:
        """Ends the entry as it stands."""
        entry, self._pressed = self._pressed, ""
        return entry
