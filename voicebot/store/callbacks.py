"""Times at which somebody asked to be called, and whether they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.campaign_records import MemberState
from voicebot.store.database import Database
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.records import FOR_AN_AGENT, Callback, CallbackState, utc_now
from voicebot.store.rows import insert_once

_TABLE = models.Callback
_IN_A_QUEUE = (MemberState.WAITING.value, MemberState.READY.value, MemberState.DIALLING.value)


@dataclass(frozen=True)
class CallbacksMade:
    """A case was called: its callbacks until a time are done."""

    case_id: str
    until: datetime
    at: datetime
    outcome: str


async def _add(connection: AsyncConnection, callback: Callback) -> None:
    await insert_once(connection, _TABLE, vars(callback) | {"state": callback.state.value})


async def _made(connection: AsyncConnection, made: CallbacksMade) -> None:
    await connection.execute(
        update(_TABLE)
        .where(
            _TABLE.case_id == made.case_id,
            _TABLE.at <= made.until,
            _TABLE.state == CallbackState.OPEN.value,
            _TABLE.because != FOR_AN_AGENT,
        )
        .values(state=CallbackState.DONE.value, ended_at=made.at, outcome=made.outcome)
    )


_ADD = Kept("callback.add", Callback, _add)
_MADE = Kept("callback.made", CallbacksMade, _made)


class CallbackRepository:
    """See `voicebot.store.protocols.Callbacks`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def add(self, callback: Callback) -> None:
        await self._keeper.keep(_ADD, callback)

    async def made(self, case_id: str, *, until: datetime, outcome: str, at: datetime | None = None) -> None:
        await self._keeper.keep(_MADE, CallbacksMade(case_id, until, at or utc_now(), outcome))

    async def get(self, callback_id: str) -> Callback | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(_TABLE).where(_TABLE.id == callback_id))).first()
            return callback_record(row) if row else None

    async def list(
        self, *, case_id: str | None = None, state: CallbackState | None = None, limit: int = 100
    ) -> Sequence[Callback]:
        statement = select(_TABLE).order_by(_TABLE.recorded_at.desc()).limit(limit)
        if case_id is not None:
            statement = statement.where(_TABLE.case_id == case_id)
        if state is not None:
            statement = statement.where(_TABLE.state == state.value)
        return await self._read(statement)

    async def due(self, at: datetime, *, limit: int = 100) -> Sequence[Callback]:
        statement = select(_TABLE).where(_TABLE.state == CallbackState.OPEN.value, _TABLE.at <= at)
        return await self._read(statement.order_by(_TABLE.at).limit(limit))

    async def to_dial(
        self, at: datetime, *, since: datetime, only: str | None = None, limit: int = 100
    ) -> Sequence[Callback]:
        queued = exists().where(
            models.CampaignMember.case_id == _TABLE.case_id, models.CampaignMember.state.in_(_IN_A_QUEUE)
        )
        statement = select(_TABLE).where(
            _TABLE.state == CallbackState.OPEN.value,
            _TABLE.case_id.is_not(None),
            _TABLE.because != FOR_AN_AGENT,
            _TABLE.outcome == "",
            _TABLE.at >= since,
            func.coalesce(_TABLE.next_at, _TABLE.at) <= at,
            ~queued,
        )
        if only is not None:
            statement = statement.where(_TABLE.id == only)
        return await self._read(statement.order_by(_TABLE.at).limit(limit))

    async def postpone(self, callback_id: str, *, tries: int, next_at: datetime | None, outcome: str = "") -> bool:
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(_TABLE.id == callback_id, _TABLE.tries == tries, _TABLE.state == CallbackState.OPEN.value)
                .values(tries=tries + 1, next_at=next_at, outcome=outcome)
            )
            return result.rowcount > 0

    async def set_state(
        self, callback_id: str, state: CallbackState, *, outcome: str = "", at: datetime | None = None
    ) -> bool:
        ended_at = None if state is CallbackState.OPEN else at or utc_now()
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(_TABLE.id == callback_id, _TABLE.state != state.value)
                .values(state=state.value, outcome=outcome, ended_at=ended_at)
            )
            return result.rowcount > 0

    async def _read(self, statement: Any) -> Sequence[Callback]:
        async with self._database.read() as connection:
            return [callback_record(row) for row in await connection.execute(statement)]


def callback_record(row: Row[Any]) -> Callback:
    """A callback from its row."""
    values = dict(row._mapping)
    return Callback(**{**values, "state": CallbackState(values["state"])})
