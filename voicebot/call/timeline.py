"""Everything that happens in a call, in order: to the evidence, to the console, to whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from voicebot.call.board import TimelineEntry

TimelineSink = Callable[[TimelineEntry], None]
"""Where entries go. It must not block and must not raise."""


class Timeline:
    """The one source of a call's entries: it numbers them and stamps both clocks."""

    def __init__(
        self, call_id: str, media_seconds: Callable[[], float], now: Callable[[], datetime], *sinks: TimelineSink
    ) -> None:
        self.call_id = call_id
        self.media_seconds = media_seconds
        self.now = now
        self._sinks = sinks
        self._sequence = 0

    def add(self, kind: str, *, media_seconds: float | None = None, **data: Any) -> TimelineEntry:
        """Writes one entry; `data` holds JSON values only."""
        entry = TimelineEntry(
            call_id=self.call_id,
            sequence=self._sequence,
            media_seconds=round(self.media_seconds() if media_seconds is None else media_seconds, 3),
            at=self.now(),
            kind=kind,
            data=data,
        )
        self._sequence += 1
        for sink in self._sinks:
            sink(entry)
        return entry
