"""What a call may leave behind: promises, wishes for instalments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.database import Database
from voicebot.store.events import happened
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.outgoing import EventKind
from voicebot.store.records import PlanRequest, Promise, PromiseState, utc_now
from voicebot.store.rows import insert_once


async def _add_promise(connection: AsyncConnection, promise: Promise) -> None:
    """A promise takes the place of the open ones that the case has."""
    if not await insert_once(connection, models.Promise, vars(promise) | {"state": promise.state.value}):
        return
    await happened(connection, EventKind.PROMISE_RECORDED, promise.id, promise.recorded_at)
    table = models.Promise
    earlier = select(table.id).where(
        table.case_id == promise.case_id,
        table.id != promise.id,
        table.state == PromiseState.OPEN.value,
        table.recorded_at <= promise.recorded_at,
    )
    for (promise_id,) in (await connection.execute(earlier)).all():
        await settle_promise(connection, promise_id, PromiseState.CANCELLED, promise.recorded_at)


async def settle_promise(connection: AsyncConnection, promise_id: str, state: PromiseState, at: datetime) -> None:
    """Sets a promise's state in the caller's transaction, and says that it changed."""
    table = models.Promise
    changed = await connection.execute(
        update(table).where(table.id == promise_id, table.state != state.value).values(state=state.value)
    )
    if changed.rowcount and state is not PromiseState.OPEN:
        await happened(connection, EventKind.PROMISE_SETTLED, promise_id, at)


async def _add_plan(connection: AsyncConnection, plan: PlanRequest) -> None:
    await insert_once(connection, models.PlanRequest, vars(plan))


_PROMISE = Kept("promise.add", Promise, _add_promise)
_PLAN = Kept("plan.add", PlanRequest, _add_plan)


class PromiseRepository:
    """See `voicebot.store.protocols.Promises`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def add(self, promise: Promise) -> None:
        await self._keeper.keep(_PROMISE, promise)

    async def list(
        self, *, case_id: str | None = None, state: PromiseState | None = None, limit: int = 100
    ) -> Sequence[Promise]:
        statement = select(models.Promise).order_by(models.Promise.recorded_at.desc()).limit(limit)
        if case_id is not None:
            statement = statement.where(models.Promise.case_id == case_id)
        if state is not None:
            statement = statement.where(models.Promise.state == state.value)
        async with self._database.read() as connection:
            return [promise_record(row) for row in await connection.execute(statement)]

    async def set_state(self, promise_id: str, state: PromiseState) -> None:
        async with self._database.write() as connection:
            await settle_promise(connection, promise_id, state, utc_now())

    async def get(self, promise_id: str) -> Promise | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(models.Promise).where(models.Promise.id == promise_id))).first()
            return promise_record(row) if row else None


class PlanRepository:
    """See `voicebot.store.protocols.Plans`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def add(self, plan: PlanRequest) -> None:
        await self._keeper.keep(_PLAN, plan)

    async def list(self, *, case_id: str | None = None, limit: int = 100) -> Sequence[PlanRequest]:
        statement = select(models.PlanRequest).order_by(models.PlanRequest.recorded_at.desc()).limit(limit)
        if case_id is not None:
            statement = statement.where(models.PlanRequest.case_id == case_id)
        async with self._database.read() as connection:
            return [
                PlanRequest(
                    id=row.id,
                    case_id=row.case_id,
                    call_id=row.call_id,
                    instalments=row.instalments,
                    reason=row.reason,
                    recorded_at=row.recorded_at,
                )
                for row in await connection.execute(statement)
            ]


def promise_record(row: Row[Any]) -> Promise:
    return Promise(
        id=row.id,
        case_id=row.case_id,
        call_id=row.call_id,
        amount=row.amount,
        currency=row.currency,
        due_on=row.due_on,
        partial=row.partial,
        words=row.words,
        state=PromiseState(row.state),
        recorded_at=row.recorded_at,
    )
