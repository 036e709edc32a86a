"""The wall clock of the engine, aware of zones. The media clock of a call is its transport's."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """The wall clock of the engine. A demo or a replay may start it at another moment; it always runs forward."""

    def __init__(self, starts_at: datetime | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        if starts_at is not None and starts_at.tzinfo is None:
            raise ValueError("the clock needs an aware datetime: give its UTC offset or zone")
        self._monotonic = monotonic
        self._begun = monotonic()
        self._starts_at = starts_at

    def now(self, zone: str = "UTC") -> datetime:
        """The time now in `zone` (IANA name)."""
        if self._starts_at is None:
            return datetime.now(UTC).astimezone(ZoneInfo(zone))
        passed = timedelta(seconds=self._monotonic() - self._begun)
        return (self._starts_at.astimezone(UTC) + passed).astimezone(ZoneInfo(zone))
