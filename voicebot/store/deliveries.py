"""Notices to other systems: kept until they are delivered or given up, and listed either way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.engine import Row

from voicebot.store import outgoing_models as models
from voicebot.store.database import Database
from voicebot.store.outgoing import Delivery, DeliveryState
from voicebot.store.rows import insert_once, lock

_TABLE = models.Delivery


class DeliveryRepository:
    """See `voicebot.store.outgoing_protocols.Deliveries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, delivery: Delivery) -> None:
        values = vars(delivery) | {"state": delivery.state.value, "payload": dict(delivery.payload)}
        async with self._database.write() as connection:
            await insert_once(connection, _TABLE, values)

    async def claim(self, at: datetime, *, lease: timedelta, limit: int = 20) -> Sequence[Delivery]:
        due = (_TABLE.state == DeliveryState.WAITING.value, _TABLE.due_at <= at)
        async with self._database.read() as connection:
            if (await connection.execute(select(_TABLE.id).where(*due).limit(1))).first() is None:
                return []
        async with self._database.write() as connection:
            await lock(connection, "webhook deliveries")
            rows = (await connection.execute(select(_TABLE).where(*due).order_by(_TABLE.due_at).limit(limit))).all()
            await connection.execute(
                update(_TABLE)
                .where(_TABLE.id.in_([row.id for row in rows]))
                .values(due_at=at + lease, tries=_TABLE.tries + 1)
            )
        return [_record(row, tries=row.tries + 1) for row in rows]

    async def delivered(self, delivery_id: str, status: int, *, at: datetime) -> None:
        await self._change(
            delivery_id, state=DeliveryState.DELIVERED.value, last_status=status, last_error="", ended_at=at
        )

    async def failed(
        self, delivery_id: str, *, status: int | None, error: str, again_at: datetime | None, at: datetime
    ) -> None:
        values: dict[str, Any] = {"last_status": status, "last_error": error[:500]}
        if again_at is None:
            values |= {"state": DeliveryState.DEAD.value, "ended_at": at}
        else:
            values["due_at"] = again_at
        await self._change(delivery_id, **values)

    async def retry(self, delivery_id: str | None = None, *, at: datetime) -> int:
        whose = _TABLE.state == DeliveryState.DEAD.value
        if delivery_id is not None:
            whose = (_TABLE.id == delivery_id) & (_TABLE.state != DeliveryState.DELIVERED.value)
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE).where(whose).values(state=DeliveryState.WAITING.value, due_at=at, tries=0, ended_at=None)
            )
            return result.rowcount

    async def list(self, *, state: DeliveryState | None = None, limit: int = 100) -> Sequence[Delivery]:
        statement = select(_TABLE).order_by(_TABLE.id.desc()).limit(limit)
        if state is not None:
            statement = statement.where(_TABLE.state == state.value)
        async with self._database.read() as connection:
            return [_record(row) for row in await connection.execute(statement)]

    async def get(self, delivery_id: str) -> Delivery | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(_TABLE).where(_TABLE.id == delivery_id))).first()
        return None if row is None else _record(row)

    async def counts(self) -> dict[DeliveryState, int]:
        statement = select(_TABLE.state, func.count()).group_by(_TABLE.state)
        async with self._database.read() as connection:
            return {DeliveryState(state): int(count) for state, count in await connection.execute(statement)}

    async def _change(self, delivery_id: str, **values: Any) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                update(_TABLE)
                .where(_TABLE.id == delivery_id, _TABLE.state != DeliveryState.DELIVERED.value)
                .values(**values)
            )


def _record(row: Row[Any], *, tries: int | None = None) -> Delivery:
    return Delivery(
        id=row.id,
        event_id=row.event_id,
        kind=row.kind,
        payload=row.payload,
        state=DeliveryState(row.state),
        due_at=row.due_at,
        tries=row.tries if tries is None else tries,
        last_status=row.last_status,
        last_error=row.last_error,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
