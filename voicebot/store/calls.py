"""Calls: one row from the first ring to the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.database import Database
from voicebot.store.events import happened
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.number import e164
from voicebot.store.outgoing import EventKind
from voicebot.store.records import Call
from voicebot.store.rows import insert_once, number_index


@dataclass(frozen=True)
class ChangeCall:
    """New values of a call; None leaves a field as it is."""

    call_id: str
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    case_id: str | None = None
    evidence_path: str | None = None
    evidence_digest: str | None = None
    flow: str | None = None
    flow_hash: str | None = None
    pack_hash: str | None = None
    carrier_call_id: str | None = None
    disposition: str | None = None
    cause: str | None = None
    guard_hits: int | None = None


async def _begin(connection: AsyncConnection, call: Call) -> None:
    number = None if call.number is None else e164(call.number)
    index = None if call.number is None else number_index(connection, call.number)
    await insert_once(connection, models.Call, vars(call) | {"number": number, "number_index": index})


async def _change(connection: AsyncConnection, change: ChangeCall) -> None:
    values = {name: value for name, value in vars(change).items() if value is not None and name != "call_id"}
    if not values:
        return
    table = models.Call
    if change.ended_at is not None:
        open_call = (table.id == change.call_id, table.direction == "inbound", table.ended_at.is_(None))
        if (await connection.execute(select(table.id).where(*open_call))).first() is not None:
            await happened(connection, EventKind.CALL_ENDED, change.call_id, change.ended_at)
    await connection.execute(update(table).where(table.id == change.call_id).values(**values))


_BEGIN = Kept("call.begin", Call, _begin)
_CHANGE = Kept("call.change", ChangeCall, _change)


class CallRepository:
    """See `voicebot.store.protocols.Calls`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def begin(self, call: Call) -> None:
        await self._keeper.keep(_BEGIN, call)

    async def update(
        self,
        call_id: str,
        *,
        answered_at: datetime | None = None,
        case_id: str | None = None,
        evidence_path: str | None = None,
        flow: str | None = None,
        flow_hash: str | None = None,
        pack_hash: str | None = None,
        carrier_call_id: str | None = None,
    ) -> None:
        await self._keeper.keep(
            _CHANGE,
            ChangeCall(
                call_id,
                answered_at=answered_at,
                case_id=case_id,
                evidence_path=evidence_path,
                flow=flow,
                flow_hash=flow_hash,
                pack_hash=pack_hash,
                carrier_call_id=carrier_call_id,
            ),
        )

    async def finish(
        self,
        call_id: str,
        *,
        ended_at: datetime,
        disposition: str | None = None,
        cause: str | None = None,
        evidence_path: str | None = None,
        evidence_digest: str | None = None,
        guard_hits: int = 0,
    ) -> None:
        await self._keeper.keep(
            _CHANGE,
            ChangeCall(
                call_id,
                ended_at=ended_at,
                guard_hits=guard_hits or None,
                disposition=disposition,
                cause=cause,
                evidence_path=evidence_path,
                evidence_digest=evidence_digest,
            ),
        )

    async def get(self, call_id: str) -> Call | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(models.Call).where(models.Call.id == call_id))).first()
            return call_record(row) if row else None

    async def list(
        self, *, case_id: str | None = None, live: bool | None = None, limit: int = 100, before: datetime | None = None
    ) -> Sequence[Call]:
        statement = select(models.Call).order_by(models.Call.started_at.desc(), models.Call.id.desc()).limit(limit)
        if case_id is not None:
            statement = statement.where(models.Call.case_id == case_id)
        if live is not None:
            ended = models.Call.ended_at
            statement = statement.where(ended.is_(None) if live else ended.is_not(None))
        if before is not None:
            statement = statement.where(models.Call.started_at < before)
        async with self._database.read() as connection:
            return [call_record(row) for row in await connection.execute(statement)]


def call_record(row: Row[Any]) -> Call:
    return Call(
        id=row.id,
        direction=row.direction,
        flow=row.flow,
        flow_hash=row.flow_hash,
        pack_hash=row.pack_hash,
        carrier=row.carrier,
        carrier_call_id=row.carrier_call_id,
        number=row.number,
        case_id=row.case_id,
        attempt_id=row.attempt_id,
        worker_id=row.worker_id,
        started_at=row.started_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        cause=row.cause,
        disposition=row.disposition,
        evidence_path=row.evidence_path,
        evidence_digest=row.evidence_digest,
        answers_attempt_id=row.answers_attempt_id,
        guard_hits=row.guard_hits,
    )
