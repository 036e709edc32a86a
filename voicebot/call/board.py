"""The live calls of this worker: what the console shows and what it may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class TimelineEntry:
    """One thing that happened in a call. The same entry goes to the evidence, to the console and to the terminal."""

    call_id: str
    sequence: int
    """0, 1, 2, ... within the call, without gaps."""
    media_seconds: float
    """On the call's media clock: 0.0 when the call was answered."""
    at: datetime
    kind: str
    """call.ringing, call.answered, turn.heard, line.said, line.heard, guard.verdict, dialog.decision, dtmf, handoff.*,
    promise, disclosure, limit, call.ended, ..."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """JSON values only. Personal data stands in fields that the masking filter knows: text, number, name, amount."""


@dataclass(frozen=True)
class LiveCall:
    """One call as the console lists it."""

    call_id: str
    case_id: str | None
    direction: str
    flow: str
    state: str
    """Dialog state, or ringing, bridged, ended."""
    started_at: datetime
    disposition: str | None = None


@dataclass(frozen=True)
class PlaceCall:
    """A request to call the debtor of a case now."""

    case_id: str
    flow: str
    to: str | None = None
    """Number to dial; None takes the case's first usable number."""
    idempotency_key: str | None = None
    """The same key never dials twice: the first call's id is returned again."""
    caller_id: str | None = None
    """Number shown to the person called, E.164; None takes the carrier's own."""
    campaign_id: str | None = None
    """Campaign that asked for it."""


class PlacementRefused(Exception):
    """The call was not placed. `reason` is a stable word (unknown_case, unknown_flow, draining, not_permitted,
    overloaded, no_number), `message` says what to do about it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class CallPlacer(Protocol):
    """What places calls: the engine, seen from the console and the campaign."""

    async def place(self, request: PlaceCall) -> str:
        """Records the attempt, begins to dial and returns the call's id at once. Raises PlacementRefused."""
        ...

    async def hang_up(self, call_id: str) -> bool:
        """Ends a live call. False when there is no such live call here."""
        ...


class CallBoard:
    """Live calls and what happens in them, for any number of watchers. A slow watcher loses entries, never a call."""

    def __init__(self, backlog: int = 1000) -> None:
        self._calls: dict[str, LiveCall] = {}
        self._watchers: set[asyncio.Queue[TimelineEntry]] = set()
        self._backlog = backlog

    def put(self, call: LiveCall) -> None:
        """Adds a call or replaces what is known of it."""
        self._calls[call.call_id] = call

    def remove(self, call_id: str) -> None:
        self._calls.pop(call_id, None)

    def get(self, call_id: str) -> LiveCall | None:
        return self._calls.get(call_id)

    def live(self) -> list[LiveCall]:
        return sorted(self._calls.values(), key=lambda call: call.started_at)

    def publish(self, entry: TimelineEntry) -> None:
        for queue in self._watchers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(entry)

    async def watch(self, call_id: str | None = None) -> AsyncIterator[TimelineEntry]:
        """Entries as they happen, of one call or of all, until the watcher stops asking."""
        queue: asyncio.Queue[TimelineEntry] = asyncio.Queue(self._backlog)
        self._watchers.add(queue)
        try:
            while True:
                entry = await queue.get()
                if call_id is None or entry.call_id == call_id:
                    yield entry
        finally:
            self._watchers.discard(queue)
