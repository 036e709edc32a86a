"""Handoffs: who asked for a human, who was rung, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.agent_records import Handoff
from voicebot.store.database import Database
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.records import utc_now
from voicebot.store.rows import insert_once


@dataclass(frozen=True)
class AssignHandoff:
    handoff_id: str
    agent_id: str
    at: datetime


@dataclass(frozen=True)
class AnswerHandoff:
    handoff_id: str
    at: datetime


@dataclass(frozen=True)
class CloseHandoff:
    handoff_id: str
    outcome: str
    talk_seconds: float | None
    at: datetime


async def _open(connection: AsyncConnection, handoff: Handoff) -> None:
    # A list of pairs keeps the reading order whatever the database does with objects.
    await insert_once(connection, models.Handoff, vars(handoff) | {"brief": list(handoff.brief.items())})


async def _assign(connection: AsyncConnection, change: AssignHandoff) -> None:
    await _change(connection, change.handoff_id, agent_id=change.agent_id, assigned_at=change.at)


async def _answer(connection: AsyncConnection, change: AnswerHandoff) -> None:
    await _change(connection, change.handoff_id, answered_at=change.at)


async def _close(connection: AsyncConnection, change: CloseHandoff) -> None:
    await _change(
        connection, change.handoff_id, outcome=change.outcome, talk_seconds=change.talk_seconds, closed_at=change.at
    )


async def _change(connection: AsyncConnection, handoff_id: str, **values: Any) -> None:
    table = models.Handoff
    await connection.execute(update(table).where(table.id == handoff_id, table.closed_at.is_(None)).values(**values))


_OPEN = Kept("handoff.open", Handoff, _open)
_ASSIGN = Kept("handoff.assign", AssignHandoff, _assign)
_ANSWER = Kept("handoff.answer", AnswerHandoff, _answer)
_CLOSE = Kept("handoff.close", CloseHandoff, _close)


class HandoffRepository:
    """See `voicebot.store.protocols.Handoffs`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def open(self, handoff: Handoff) -> None:
        await self._keeper.keep(_OPEN, handoff)

    async def assign(self, handoff_id: str, agent_id: str, *, at: datetime | None = None) -> None:
        await self._keeper.keep(_ASSIGN, AssignHandoff(handoff_id, agent_id, at or utc_now()))

    async def answered(self, handoff_id: str, *, at: datetime | None = None) -> None:
        await self._keeper.keep(_ANSWER, AnswerHandoff(handoff_id, at or utc_now()))

    async def close(
        self, handoff_id: str, outcome: str, *, talk_seconds: float | None = None, at: datetime | None = None
    ) -> None:
        await self._keeper.keep(_CLOSE, CloseHandoff(handoff_id, outcome, talk_seconds, at or utc_now()))

    async def get(self, handoff_id: str) -> Handoff | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(models.Handoff).where(models.Handoff.id == handoff_id))).first()
            return _handoff(row) if row else None

    async def list(self, *, open_only: bool = False, limit: int = 100) -> Sequence[Handoff]:
        statement = select(models.Handoff).order_by(models.Handoff.opened_at.desc()).limit(limit)
        if open_only:
            statement = statement.where(models.Handoff.closed_at.is_(None))
        async with self._database.read() as connection:
            return [_handoff(row) for row in await connection.execute(statement)]


def _handoff(row: Row[Any]) -> Handoff:
    return Handoff(
        id=row.id,
        call_id=row.call_id,
        case_id=row.case_id,
        because=row.because,
        skill=row.skill,
        urgent=row.urgent,
        brief=dict(row.brief),
        agent_id=row.agent_id,
        outcome=row.outcome,
        opened_at=row.opened_at,
        assigned_at=row.assigned_at,
        answered_at=row.answered_at,
        closed_at=row.closed_at,
        talk_seconds=row.talk_seconds,
    )
