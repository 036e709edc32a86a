"""Numbers and debtors that are not to be contacted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.database import Database
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.number import e164
from voicebot.store.records import Suppression, utc_now
from voicebot.store.rows import insert_once, number_index


async def _add(connection: AsyncConnection, suppression: Suppression) -> None:
    number = suppression.number
    values = vars(suppression) | {
        "number": None if number is None else e164(number),
        "number_index": None if number is None else number_index(connection, number),
    }
    await insert_once(connection, models.Suppression, values)


_ADD = Kept("suppression.add", Suppression, _add)


class SuppressionRepository:
    """See `voicebot.store.protocols.Suppressions`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def add(self, suppression: Suppression) -> None:
        if suppression.number is None and suppression.debtor_id is None:
            raise ValueError("a suppression needs a number or a debtor")
        await self._keeper.keep(_ADD, suppression)

    async def active(
        self, *, number: str | None = None, debtor_id: str | None = None, at: datetime | None = None
    ) -> Sequence[Suppression]:
        async with self._database.read() as connection:
            return await active_suppressions(connection, number, debtor_id, at or utc_now())

    async def lift(self, suppression_id: str, *, at: datetime | None = None) -> bool:
        table = models.Suppression
        at = at or utc_now()
        async with self._database.write() as connection:
            result = await connection.execute(
                update(table)
                .where(table.id == suppression_id, table.until.is_(None) | (table.until > at))
                .values(until=at)
            )
            return result.rowcount > 0


async def active_suppressions(
    connection: AsyncConnection, number: str | None, debtor_id: str | None, at: datetime
) -> list[Suppression]:
    """Entries in force at a time, read in the caller's transaction."""
    table = models.Suppression
    whose = []
    if number is not None:
        whose.append(table.number_index == number_index(connection, number))
    if debtor_id is not None:
        whose.append(table.debtor_id == debtor_id)
    if not whose:
        return []
    statement = select(table).where(or_(*whose), table.since <= at, table.until.is_(None) | (table.until > at))
    return [_suppression(row) for row in await connection.execute(statement.order_by(table.since))]


def _suppression(row: Row[Any]) -> Suppression:
    return Suppression(
        id=row.id,
        number=row.number,
        debtor_id=row.debtor_id,
        reason=row.reason,
        source=row.source,
        since=row.since,
        until=row.until,
    )
