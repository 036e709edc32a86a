"""Kept operations: written ahead to the journal, applied to the database now or as soon as it is back."""

from __future__ import annotations

import asyncio
import logging
import time
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
    """Brings kept operations into the database, in the order in which they were given."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._lock = asyncio.Lock()
        self._away_until = 0.0
        self._retry: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """Operations that the database does not have yet."""
        return len(self._journal)

    async def keep(self, operation: Kept[_T], value: _T) -> None:
        """Returns when it is in the database, or on disk because the database is away.

        Raises StoreUnavailable only when neither takes it.
        """
        text = operation.adapter.dump_json(value)
        async with self._lock:
            try:
                await asyncio.to_thread(self._journal.append, operation.name, text)
            except OSError as error:
                _log.error("journal cannot be written", extra={"reason": error.strerror})
                await self._apply(Pending(0, operation.name, text))
                return
            if time.monotonic() >= self._away_until:
                with suppress(StoreUnavailable):
                    await self._replay()
        if self.pending:
            self._retry_later()

    async def replay(self) -> int:
        """Tries now to bring in what is pending, and gives the number that still is. Never raises StoreUnavailable."""
        async with self._lock:
            with suppress(StoreUnavailable):
                await self._replay()
        if self.pending:
            self._retry_later()
        return self.pending

    async def close(self) -> None:
        """Tries a last time; what is still pending stays on disk for the next start."""
        if self._retry is not None:
            self._retry.cancel()
            with suppress(asyncio.CancelledError):
                await self._retry
        async with self._lock:
            with suppress(StoreUnavailable):
                await self._replay()
        self._journal.close()

    def _retry_later(self) -> None:
        if self._retry is None or self._retry.done():
            self._retry = asyncio.create_task(self._retry_until_done(), name="store-journal")

    async def _retry_until_done(self) -> None:
        while self.pending:
            await asyncio.sleep(RETRY_SECONDS)
            async with self._lock:
                with suppress(StoreUnavailable):
                    await self._replay()
        _log.info("journal is empty again")

    async def _replay(self) -> None:
        for entry in self._journal.pending():
            try:
                await self._apply(entry)
            except StoreUnavailable as error:
                self._away_until = time.monotonic() + RETRY_SECONDS
                _log.warning("database is away, writes are kept", extra={"pending": self.pending, "reason": str(error)})
                raise
            except (StoreRefused, ValueError, KeyError, KeyFault) as error:
                self._journal.reject(entry, f"{type(error).__name__}: {str(error).splitlines()[0]}")
            else:
                self._journal.done(entry.n)

    async def _apply(self, entry: Pending) -> None:
        operation = _known[entry.operation]
        value = operation.adapter.validate_json(entry.value)
        async with self._database.write() as connection:
            await operation.apply(connection, value)
