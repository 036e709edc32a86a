"""One worker that makes callbacks, in a process of its own, to be killed. Its clock stands still.

It holds where it is told to, says so over a pipe, and goes no further; without a place to hold it ends when every
callback is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from datetime import UTC, datetime, timedelta
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path

from tests.campaign.simulated import SimulatedCalls
from voicebot.call.board import PlaceCall
from voicebot.campaign.callbacks import CallbackRunner
from voicebot.campaign.durable import DurableWork
from voicebot.store import Store
from voicebot.store.records import CallbackState

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
_AGAIN = timedelta(seconds=1)
"""A worker that shows no life for so long has lost what it had in hand."""


class Hold(Enum):
    """Where a worker stands still."""

    BEFORE_THE_RECORD = "before the record"
    AFTER_THE_DIAL = "after the dial"


class HoldingCalls(SimulatedCalls):
    """Places calls, and goes no further than a place."""

    def __init__(self, store: Store, worker: str, dialled: Path, hold: Hold | None, told: Connection) -> None:
        super().__init__(store, worker, lambda: AT, dialled=dialled)
        self._hold = hold
        self._told = told

    async def place(self, request: PlaceCall) -> str:
        if self._hold is Hold.BEFORE_THE_RECORD:
            await self._stand()
        call_id = await super().place(request)
        if self._hold is Hold.AFTER_THE_DIAL:
            await self._stand()
        return call_id

    async def _stand(self) -> None:
        self._told.send_bytes(b"held")
        await asyncio.Event().wait()


async def work(database: str, dialled: Path, worker: str, hold: Hold | None, told: Connection) -> None:
    async with await Store.open(database, migrate=False) as store:
        await store.attempts.interrupt(worker, at=AT)
        durable = DurableWork(database, worker, again=_AGAIN)
        calls = HoldingCalls(store, worker, dialled, hold, told)
        runner = CallbackRunner(store, calls, durable, now=lambda: AT, room=lambda: 5)
        await durable.start()
        told.send_bytes(b"began")
        while await store.callbacks.list(state=CallbackState.OPEN):
            await runner.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.05)
        await calls.settled()
        await durable.close()


def run(database: str, dialled: Path, worker: str, hold: Hold | None, told: Connection) -> None:
    """What the process does."""
    # The library warns of what a killed worker left open; the tests look at the store.
    warnings.simplefilter("ignore")
    asyncio.run(work(database, dialled, worker, hold, told))
