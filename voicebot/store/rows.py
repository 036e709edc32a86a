"""Statements that both databases understand, and the columns that are found by a keyed fingerprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store.columns import ring_of
from voicebot.store.models import Base
from voicebot.store.number import e164


async def insert_once(connection: AsyncConnection, model: type[Base], values: Mapping[str, Any]) -> bool:
    """Inserts a row unless one with the same key is there. Whether it was inserted."""
    module = postgresql if connection.dialect.name == "postgresql" else sqlite
    result = await connection.execute(module.insert(model).values(**values).on_conflict_do_nothing())
    return result.rowcount > 0


async def upsert(
    connection: AsyncConnection,
    model: type[Base],
    values: Mapping[str, Any],
    *,
    key: Sequence[str],
    keep: Sequence[str] = (),
) -> None:
    """Inserts a row, or changes the one with the same key columns except for those in `keep`."""
    module = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = module.insert(model).values(**values)
    changed = {name: statement.excluded[name] for name in values if name not in key and name not in keep}
    await connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed))


def number_index(connection: AsyncConnection, number: str) -> str:
    """The keyed fingerprint that a number is looked up by. Without keys a plain hash: enough to find, not to hide."""
    normal = e164(number)
    keys = ring_of(connection.dialect)
    return keys.blind_index(normal, "number") if keys else sha256(normal.encode()).hexdigest()


async def lock(connection: AsyncConnection, what: str) -> None:
    """Holds a name until the transaction ends. SQLite needs nothing: its writers come one at a time anyway."""
    if connection.dialect.name == "postgresql":
        key = int.from_bytes(sha256(what.encode()).digest()[:8], "big", signed=True)
        await connection.exec_driver_sql("SELECT pg_advisory_xact_lock($1)", (key,))
