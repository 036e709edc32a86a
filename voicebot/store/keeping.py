"""Kept operations: written ahead to the journal, applied to the database now or as soon as it is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from recordings.cipher import KeyFault
from voicebot.store.database import Database
from voicebot.store.errors import StoreRefused, StoreUnavailable
from voicebot.store.journal import Journal, Pending

RETRY_SECONDS = 2.0
"""Pause between two tries while the database is away."""
PATIENCE_SECONDS = 1.5
"""How long a caller waits for a slow database: a call goes on speaking, the write is safe on disk."""
CLOSE_SECONDS = 5.0

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_known: dict[str, Kept[Any]] = {}


class Kept(Generic[_T]):
    """An operation with one argument. Applying it twice must leave what applying it once leaves."""

    def __init__(self, name: str, kind: type[_T], apply: Callable[[AsyncConnection, _T], Awaitable[None]]) -> None:
        assert name not in _known, name
        self.name = name
        self.adapter = TypeAdapter(kind)
        self.apply = apply
        _known[name] = self


class Keeper:
    """Brings kept operations into the database in the order in which they were given, by one background task."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._replaying = asyncio.Lock()
        self._away = False
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """Operations that the database does not have yet."""
        return len(self._journal)

    async def keep(self, operation: Kept[_T], value: _T) -> None:
        """Returns when it is in the database, or when it is on disk and the database is away or slow.

        Raises StoreUnavailable only when neither takes it.
        """
        text = operation.adapter.dump_json(value)
        try:
            entry = await asyncio.to_thread(self._journal.append, operation.name, text)
        except OSError as error:
            _log.error("journal cannot be written", extra={"reason": error.strerror})
            await self._apply(Pending(0, operation.name, text))
            return
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._replay_until_empty(), name="store-journal")
        if not self._away:
            settled = self._waiting[entry.n] = asyncio.get_running_loop().create_future()
            await asyncio.wait({settled}, timeout=PATIENCE_SECONDS)
            self._waiting.pop(entry.n, None)

    async def replay(self) -> int:
        """Tries now to bring in what is pending, and gives the number that still is. Never raises StoreUnavailable."""
        with suppress(StoreUnavailable):
            await self._replay()
        if self.pending and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._replay_until_empty(), name="store-journal")
        return self.pending

    async def close(self) -> None:
        """Tries a last time; what is still pending stays on disk for the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._replay()
        self._journal.close()

    async def _replay_until_empty(self) -> None:
        while self.pending:
            try:
                await self._replay()
            except StoreUnavailable as error:
                if not self._away:
                    _log.warning("database is away, writes are kept", extra={"reason": str(error)})
                self._away = True
                self._release()
                await asyncio.sleep(RETRY_SECONDS)

    async def _replay(self) -> None:
        async with self._replaying:
            while entries := self._journal.pending():
                for entry in entries:
                    await self._bring_in(entry)
                    self._release(entry.n)
            self._away = False

    async def _bring_in(self, entry: Pending) -> None:
        try:
            await self._apply(entry)
        except (StoreRefused, ValueError, KeyError, KeyFault) as error:
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            await asyncio.to_thread(self._journal.reject, entry, reason)
        else:
            await asyncio.to_thread(self._journal.done, entry.n)

    async def _apply(self, entry: Pending) -> None:
        operation = _known[entry.operation]
        value = operation.adapter.validate_json(entry.value)
        async with self._database.write() as connection:
            await operation.apply(connection, value)

    def _release(self, n: int | None = None) -> None:
        """Lets go on who waits for one entry, or everybody."""
        for number in list(self._waiting) if n is None else [n]:
            future = self._waiting.pop(number, None)
            if future is not None and not future.done():
                future.set_result(None)
