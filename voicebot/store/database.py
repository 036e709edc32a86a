"""The engine behind the store: one transaction at a time to those who ask, and errors an operator can act on."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from recordings.cipher import KeyRing
from voicebot.store.columns import give_ring
from voicebot.store.errors import StoreRefused, StoreUnavailable

BUSY_SECONDS = 5.0
"""How long a writer waits for another one on SQLite, and anybody for a connection to PostgreSQL."""
STATEMENT_SECONDS = 30.0
_FAILURES = (
    DBAPIError,
    PoolTimeout,
    NoSuchModuleError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    sqlite3.Error,
    OSError,
)
_REMEDIES = (
    (r"no such table|no such column|(relation|column) .*does not exist", "Its tables are old: run voicebot db upgrade"),
    (r"locked|busy", "Another process kept it too long; look for a stuck one, or use PostgreSQL for many workers"),
    (
        r"read-?only|unable to open|permission denied",
        "Give the service's user write permission on the file and its folder",
    ),
    (r"\bfull\b|no space", "Free space on its disk"),
    (r"malformed|not a database", "The file is damaged: stop the service and restore it from its backup"),
    (r"password|authentication", "Check user and password in database_url"),
    (r"does not exist", "Create the database and the user named in database_url"),
)


def database_url(url: str) -> URL:
    """The URL with the driver that the store uses. Raises StoreUnavailable for one it does not understand."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreUnavailable(
            "database_url is not a URL; examples: sqlite:///var/voicebot.db, postgresql://voicebot@localhost/voicebot"
        ) from error
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    backend = parsed.drivername.split("+")[0]
    if backend not in drivers:
        raise StoreUnavailable(f"database_url begins with {backend}://; only sqlite:// and postgresql:// are supported")
    return parsed.set(drivername=drivers[backend])


class Database:
    """Transactions on one engine."""

    def __init__(self, url: str, keys: KeyRing | None) -> None:
        self.url = database_url(url)
        self.name = self.url.render_as_string(hide_password=True)
        """The URL without its password, for messages."""
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._engine()
        give_ring(self.engine.dialect, keys)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that writes; on SQLite it is the only one from its first step. Raises StoreUnavailable."""
        async with self._transaction(writes=True) as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that only reads. Raises StoreUnavailable."""
        async with self._transaction(writes=False) as connection:
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def _transaction(self, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        # Not engine.begin(): the option must be on the connection before its transaction begins.
        try:
            async with self.engine.connect() as idle:
                connection = await idle.execution_options(writes=writes)
                async with connection.begin():
                    yield connection
        except _FAILURES as error:
            if _is_refusal(error):
                raise StoreRefused(f"database {self.name} refused the value: {_reason(error)}") from error
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        reason = _reason(error)
        return StoreUnavailable(f"database {self.name} is not available: {reason}. {_remedy(reason)}")

    def _engine(self) -> AsyncEngine:
        try:
            return self._sqlite_engine() if self.is_sqlite else self._postgresql_engine()
        except OSError as error:
            raise self._unavailable(error) from error

    def _sqlite_engine(self) -> AsyncEngine:
        in_memory = self.url.database in (None, "", ":memory:")
        if not in_memory:
            Path(str(self.url.database)).expanduser().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        options: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
        engine = create_async_engine(self.url, connect_args={"timeout": BUSY_SECONDS}, **options)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine

    def _postgresql_engine(self) -> AsyncEngine:
        return create_async_engine(
            self.url,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            connect_args={
                "timeout": BUSY_SECONDS,
                "command_timeout": STATEMENT_SECONDS,
                "server_settings": {"application_name": "voicebot", "timezone": "UTC"},
            },
        )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own way of beginning transactions would begin them late, and as readers.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
        "journal_mode=WAL",
        # An attempt that was recorded must be there after the power went: WAL with NORMAL could lose the last one.
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _reason(error: Exception) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _is_refusal(error: Exception) -> bool:
    """Whether the database is there and will say the same again: SQLSTATE classes 22 (data) and 23 (integrity)."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    return isinstance(error, IntegrityError | DataError) or str(state)[:2] in ("22", "23")


def _remedy(reason: str) -> str:
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, reason, re.IGNORECASE):
            return remedy
    return "Start the database or mend database_url; the store connects again by itself"
