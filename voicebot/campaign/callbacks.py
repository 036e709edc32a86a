"""Makes the callbacks that callers asked for, at the time they named, under the contact policy like every other dial.

A callback of a case that a campaign holds is the campaign's to make; one that a human promised is a human's. What is
due is handed over as durable work, whose key follows from the callback's id and from how often it was refused, and so
does the key of the dial: whoever dials it, and however often a worker dies on the way, it is dialled once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from voicebot.call.board import CallPlacer, PlaceCall, PlacementRefused
from voicebot.campaign.work import Kind, Work
from voicebot.store.errors import StoreUnavailable
from voicebot.store.protocols import Attempts, Callbacks, Calls, Cases
from voicebot.store.records import Attempt, AttemptState, Callback, CallbackState, Case, NumberState

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
LATEST = timedelta(hours=4)
"""A callback this late is not the agreed one any more: it waits for an agent."""
_HERE = frozenset({"draining", "overloaded", "store_unavailable", "no_carrier"})
_FLOWS = {"en-US": "reminder_first_us"}
_FLOW = "reminder_first"


class CallbackStore(Protocol):
    """The repositories that callbacks are made from."""

    @property
    def attempts(self) -> Attempts: ...
    @property
    def callbacks(self) -> Callbacks: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def cases(self) -> Cases: ...


class CallbackRunner:
    """One a worker."""

    def __init__(
        self,
        store: CallbackStore,
        placer: CallPlacer,
        work: Work,
        *,
        now: Callable[[], datetime],
        room: Callable[[], int],
    ) -> None:
        """`room` says how many more calls this worker can carry."""
        self._store = store
        self._placer = placer
        self._work = work
        self._now = now
        self._room = room
        work.handle(Kind.CALLBACK, self._make)

    async def run(self, stop: asyncio.Event) -> None:
        """Looks again and again until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except StoreUnavailable as away:
                log.warning("callbacks rest: the store is away", extra={"reason": str(away)})
            except Exception:
                log.exception("a look at the callbacks failed; the next one follows")
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Hands on what is due, as far as there is room for the calls."""
        at, room = self._now(), self._room()
        if room <= 0:
            return
        for callback in await self._store.callbacks.to_dial(at, since=at - LATEST, limit=room):
            await self._work.hand(Kind.CALLBACK, _key(callback), callback.id, callback.tries)

    async def _make(self, callback_id: str, tries: int) -> str:
        """Dials one, if it is still to be dialled: much may have happened since it was handed over."""
        at = self._now()
        found = await self._store.callbacks.to_dial(at, since=at - LATEST, only=callback_id)
        callback = next((each for each in found if each.tries == tries), None)
        if callback is None:
            return "it is not to be made any more"
        case = await self._store.cases.get(callback.case_id or "")
        number = self._number(case, callback) if case is not None else None
        if case is None or number is None:
            await self._leave_to_an_agent(callback, "no number of the case may be dialled")
            return "no_number"
        order = PlaceCall(case_id=case.id, flow=await self._flow(case), to=number, idempotency_key=_key(callback))
        try:
            call_id = await self._placer.place(order)
        except PlacementRefused as refused:
            # What only this worker cannot do is asked for again: the row stays as it is.
            if refused.reason not in _HERE:
                await self._refused(callback, case, order, refused)
            return refused.reason
        await self._store.callbacks.set_state(
            callback.id, CallbackState.DONE, outcome=f"call:{call_id}", at=self._now()
        )
        return "placed"

    async def _refused(self, callback: Callback, case: Case, order: PlaceCall, refused: PlacementRefused) -> None:
        """Puts off what the contact policy allows later; what only a person can decide waits for one."""
        attempt = await self._attempt(case.id, order.idempotency_key or "")
        later = attempt.policy.get("next_allowed") if attempt is not None else None
        if isinstance(later, str) and (moment := datetime.fromisoformat(later)) <= callback.at + LATEST:
            await self._store.callbacks.postpone(callback.id, tries=callback.tries, next_at=moment)
        else:
            await self._leave_to_an_agent(callback, refused.message)

    async def _attempt(self, case_id: str, key: str) -> Attempt | None:
        attempts = await self._store.attempts.list(case_id=case_id)
        return next((one for one in attempts if one.idempotency_key == key and one.state is AttemptState.REFUSED), None)

    async def _leave_to_an_agent(self, callback: Callback, why: str) -> None:
        log.warning("a callback waits for an agent", extra={"callback": callback.id, "reason": why})
        await self._store.callbacks.postpone(callback.id, tries=callback.tries, next_at=None, outcome=why[:200])

    def _number(self, case: Case, callback: Callback) -> str | None:
        """The number the caller named, where it is one of the case's that may be dialled; without one, its first."""
        valid = [entry.number for entry in case.debtor.numbers if entry.state is NumberState.VALID]
        if callback.number is not None:
            return callback.number if callback.number in valid else None
        return next(iter(valid), None)

    async def _flow(self, case: Case) -> str:
        """The flow with which the case was called last; the first reminder of its language where it never was."""
        calls = await self._store.calls.list(case_id=case.id, limit=20)
        last = next((call.flow for call in calls if call.direction == "outbound"), None)
        return last or _FLOWS.get(case.language, _FLOW)


def _key(callback: Callback) -> str:
    """Of the work and of the dial: another one after each refusal."""
    return f"callback:{callback.id}:{callback.tries}"
