"""Events: written in the transaction in which something happened, read and dealt with soon after by any worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import outgoing_models as models
from voicebot.store.database import Database
from voicebot.store.outgoing import Event, EventKind
from voicebot.store.records import new_id
from voicebot.store.rows import insert_once


async def happened(connection: AsyncConnection, kind: EventKind, subject: str, at: datetime) -> None:
    """Writes an event in the caller's transaction: there when what it tells of is there, and never without it."""
    await insert_once(connection, models.Event, {"id": new_id(), "kind": kind.value, "subject": subject, "at": at})


class EventRepository:
    """See `voicebot.store.outgoing_protocols.Events`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, *, limit: int = 100) -> Sequence[Event]:
        statement = select(models.Event).order_by(models.Event.id).limit(limit)
        async with self._database.read() as connection:
            return [
                Event(EventKind(row.kind), row.subject, row.at, row.id) for row in await connection.execute(statement)
            ]

    async def done(self, event_id: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(models.Event).where(models.Event.id == event_id))
