"""A world for a campaign: people who answer, or do not, by a rule that every process computes alike."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from voicebot.call.board import PlaceCall, PlacementRefused
from voicebot.campaign.work import Handler, Kind
from voicebot.store import AttemptRefused, Store
from voicebot.store.protocols import Permit
from voicebot.store.records import new_id

OUTCOMES = ("no_answer", "no_answer", "busy", "ptp", "third_party", "wrong_number", "voicemail", "hung_up", "cease")


def outcome_of(key: str) -> str:
    return OUTCOMES[hashlib.sha256(key.encode()).digest()[0] % len(OUTCOMES)]


class SimulatedCalls:
    """Places calls as the engine does: the attempt first, then the dial, which is one line of a file."""

    def __init__(
        self,
        store: Store,
        worker_id: str,
        now: Callable[[], datetime],
        *,
        dialled: Path | None = None,
        on_dial: Callable[[], None] = lambda: None,
        permit: Permit | None = None,
        talk_seconds: float = 0.0,
        outcome: Callable[[str], str] = outcome_of,
    ) -> None:
        self.placed: list[PlaceCall] = []
        self.ended: list[str] = []
        self.refuse: PlacementRefused | None = None
        self._store = store
        self._worker_id = worker_id
        self._now = now
        self._dialled = dialled
        self._on_dial = on_dial
        self._permit = permit
        self._talk_seconds = talk_seconds
        self._outcome = outcome
        self._talks: dict[str, asyncio.Task[None]] = {}

    @property
    def live(self) -> int:
        return len(self._talks)

    async def place(self, request: PlaceCall) -> str:
        if self.refuse is not None:
            raise self.refuse
        key = request.idempotency_key or ""
        call_id = new_id()
        try:
            begun = await self._store.attempts.begin(
                idempotency_key=key,
                case_id=request.case_id,
                number=request.to or "",
                worker_id=self._worker_id,
                caller_id=request.caller_id,
                campaign_id=request.campaign_id,
                call_id=call_id,
                permit=self._permit,
                at=self._now(),
            )
        except AttemptRefused as refused:
            raise PlacementRefused("not_permitted", "not now") from refused
        if not begun.created:
            return begun.attempt.call_id or call_id
        self.placed.append(request)
        if self._dialled is not None:
            with self._dialled.open("a", encoding="ascii") as file:
                file.write(f"{key} {request.to} {self._now().isoformat()}\n")
                file.flush()
                os.fsync(file.fileno())
        self._on_dial()
        self._talks[call_id] = asyncio.create_task(self._talk(call_id, begun.attempt.id, key))
        return call_id

    async def _talk(self, call_id: str, attempt_id: str, key: str) -> None:
        try:
            if self._talk_seconds:
                await asyncio.sleep(self._talk_seconds)
            await self._store.attempts.finish(attempt_id, disposition=self._outcome(key), at=self._now())
        finally:
            self._talks.pop(call_id, None)

    async def settled(self) -> None:
        """Waits for all talks to be over."""
        await asyncio.gather(*list(self._talks.values()))

    async def hang_up(self, call_id: str) -> bool:
        self.ended.append(call_id)
        return call_id in self._talks


class Passing:
    """Does what is handed over at once, without a durable memory: the rules of whoever hands it are what is tested."""

    def __init__(self) -> None:
        self.lost: list[tuple[Kind, tuple[Any, ...]]] = []
        """What was handed over and never begun, while `lose` held."""
        self.lose = False
        self.keys: list[str] = []
        self._handlers: dict[Kind, Handler] = {}

    def handle(self, kind: Kind, handler: Handler) -> None:
        self._handlers[kind] = handler

    async def hand(self, kind: Kind, key: str, *order: Any) -> None:
        self.keys.append(key)
        if self.lose:
            self.lost.append((kind, order))
            return
        await self._handlers[kind](*order)

    async def late(self) -> None:
        """Begins what was lost after all."""
        for kind, order in self.lost:
            await self._handlers[kind](*order)

    async def prune(self, older_than: timedelta) -> int:
        return 0


class VirtualClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)
