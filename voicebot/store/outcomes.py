"""What a call may leave behind: promises, callbacks, wishes for instalments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.database import Database
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.records import Callback, CallbackState, PlanRequest, Promise, PromiseState
from voicebot.store.rows import insert_once


async def _add_promise(connection: AsyncConnection, promise: Promise) -> None:
    await insert_once(connection, models.Promise, vars(promise) | {"state": promise.state.value})


async def _add_callback(connection: AsyncConnection, callback: Callback) -> None:
    await insert_once(connection, models.Callback, vars(callback) | {"state": callback.state.value})


async def _add_plan(connection: AsyncConnection, plan: PlanRequest) -> None:
    await insert_once(connection, models.PlanRequest, vars(plan))


_PROMISE = Kept("promise.add", Promise, _add_promise)
_CALLBACK = Kept("callback.add", Callback, _add_callback)
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
            await connection.execute(
                update(models.Promise).where(models.Promise.id == promise_id).values(state=state.value)
            )


class CallbackRepository:
    """See `voicebot.store.protocols.Callbacks`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def add(self, callback: Callback) -> None:
        await self._keeper.keep(_CALLBACK, callback)

    async def list(self, *, case_id: str | None = None, limit: int = 100) -> Sequence[Callback]:
        statement = select(models.Callback).order_by(models.Callback.recorded_at.desc()).limit(limit)
        if case_id is not None:
            statement = statement.where(models.Callback.case_id == case_id)
        async with self._database.read() as connection:
            return [callback_record(row) for row in await connection.execute(statement)]

    async def due(self, at: datetime, *, limit: int = 100) -> Sequence[Callback]:
        statement = (
            select(models.Callback)
            .where(models.Callback.state == CallbackState.OPEN.value, models.Callback.at <= at)
            .order_by(models.Callback.at)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [callback_record(row) for row in await connection.execute(statement)]

    async def set_state(self, callback_id: str, state: CallbackState) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                update(models.Callback).where(models.Callback.id == callback_id).values(state=state.value)
            )


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


def callback_record(row: Row[Any]) -> Callback:
    """A callback from its row."""
    return Callback(
        id=row.id,
        case_id=row.case_id,
        call_id=row.call_id,
        at=row.at,
        number=row.number,
        because=row.because,
        state=CallbackState(row.state),
        recorded_at=row.recorded_at,
    )
