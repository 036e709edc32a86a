"""How many messages one person is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MessageCaps:
    """How many messages one person is sent at most, on all cases together."""

    per_day: int = 2
    """On one day where the person is."""
    per_week: int = 5
    """In any seven days."""
