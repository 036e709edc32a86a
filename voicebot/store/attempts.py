"""Attempts: recorded before they are dialled, never twice for one key, and only if the contact policy permits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.agent_records import AgentState
from voicebot.store.brakes import halted, reviewed_until
from voicebot.store.callbacks import callback_record
from voicebot.store.calls import call_record
from voicebot.store.cases import case_by_id
from voicebot.store.database import Database
from voicebot.store.errors import AttemptRefused, UnknownCase
from voicebot.store.events import happened
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.news import payment_record
from voicebot.store.news_records import CaseSpan, Payment, SpanKind
from voicebot.store.number import e164
from voicebot.store.outcomes import promise_record
from voicebot.store.outgoing import EventKind
from voicebot.store.protocols import Permit
from voicebot.store.records import (
    Attempt,
    AttemptState,
    BegunAttempt,
    CallbackState,
    Case,
    ContactHistory,
    Flag,
    Permission,
    PromiseState,
    new_id,
    utc_now,
)
from voicebot.store.rows import insert_once, lock, number_index
from voicebot.store.suppressions import active_suppressions

HISTORY = timedelta(days=400)
"""How far back a contact policy may look."""
HISTORY_ROWS = 2000
INBOUND = timedelta(days=31)
PAYMENTS = timedelta(days=31)


@dataclass(frozen=True)
class FinishAttempt:
    attempt_id: str
    cause: str | None
    disposition: str | None
    call_id: str | None
    at: datetime


async def _finish(connection: AsyncConnection, end: FinishAttempt) -> None:
    table = models.Attempt
    values = {
        name: value
        for name, value in (("cause", end.cause), ("disposition", end.disposition), ("call_id", end.call_id))
        if value is not None
    }
    ended = await connection.execute(
        update(table)
        .where(table.id == end.attempt_id, table.state == AttemptState.BEGUN.value)
        .values(state=AttemptState.ENDED.value, ended_at=end.at, **values)
    )
    if ended.rowcount:
        await happened(connection, EventKind.ATTEMPT_ENDED, end.attempt_id, end.at)


_FINISH = Kept("attempt.finish", FinishAttempt, _finish)


class AttemptRepository:
    """See `voicebot.store.protocols.Attempts`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def begin(
        self,
        *,
        idempotency_key: str,
        case_id: str,
        number: str,
        worker_id: str,
        caller_id: str | None = None,
        campaign_id: str | None = None,
        call_id: str | None = None,
        permit: Permit | None = None,
        at: datetime | None = None,
    ) -> BegunAttempt:
        table = models.Attempt
        at = at or utc_now()
        async with self._database.write() as connection:
            # In this order in every transaction, so that two of them never wait for each other.
            await lock(connection, f"key {idempotency_key}")
            known = await connection.execute(select(table).where(table.idempotency_key == idempotency_key))
            if row := known.first():
                attempt, created = attempt_record(row), False
            else:
                attempt, created = (
                    await self._record(
                        connection,
                        Attempt(
                            id=new_id(),
                            idempotency_key=idempotency_key,
                            case_id=case_id,
                            debtor_id="",
                            number=e164(number),
                            caller_id=caller_id,
                            worker_id=worker_id,
                            state=AttemptState.BEGUN,
                            begun_at=at,
                            call_id=call_id,
                            campaign_id=campaign_id,
                        ),
                        permit,
                    ),
                    True,
                )
        if attempt.state is AttemptState.REFUSED:
            raise AttemptRefused(attempt)
        return BegunAttempt(attempt, created)

    async def finish(
        self,
        attempt_id: str,
        *,
        cause: str | None = None,
        disposition: str | None = None,
        call_id: str | None = None,
        at: datetime | None = None,
    ) -> None:
        await self._keeper.keep(_FINISH, FinishAttempt(attempt_id, cause, disposition, call_id, at or utc_now()))

    async def get(self, attempt_id: str) -> Attempt | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(models.Attempt).where(models.Attempt.id == attempt_id))).first()
            return attempt_record(row) if row else None

    async def history(
        self, case_id: str, number: str, *, caller_id: str | None = None, at: datetime | None = None
    ) -> ContactHistory:
        async with self._database.read() as connection:
            case = await case_by_id(connection, case_id)
            if case is None:
                raise UnknownCase(case_id)
            wish = Attempt(
                "", "", case_id, case.debtor.id, e164(number), caller_id, "", AttemptState.BEGUN, at or utc_now()
            )
            return await read_history(connection, case, wish)

    async def list(self, *, case_id: str | None = None, limit: int = 100) -> Sequence[Attempt]:
        statement = select(models.Attempt).order_by(models.Attempt.begun_at.desc(), models.Attempt.id.desc())
        if case_id is not None:
            statement = statement.where(models.Attempt.case_id == case_id)
        async with self._database.read() as connection:
            return [attempt_record(row) for row in await connection.execute(statement.limit(limit))]

    async def open_ones(self, worker_id: str | None = None) -> Sequence[Attempt]:
        async with self._database.read() as connection:
            return await _open_ones(connection, worker_id)

    async def interrupt(self, worker_id: str, *, at: datetime | None = None) -> Sequence[Attempt]:
        at = at or utc_now()
        async with self._database.write() as connection:
            attempts = await _open_ones(connection, worker_id)
            await connection.execute(
                update(models.Attempt)
                .where(models.Attempt.worker_id == worker_id, models.Attempt.state == AttemptState.BEGUN.value)
                .values(state=AttemptState.INTERRUPTED.value, ended_at=at, disposition="interrupted")
            )
            for attempt in attempts:
                await happened(connection, EventKind.ATTEMPT_ENDED, attempt.id, at)
            live = select(models.Call.id).where(models.Call.worker_id == worker_id, models.Call.ended_at.is_(None))
            for (call_id,) in (await connection.execute(live.where(models.Call.direction == "inbound"))).all():
                await happened(connection, EventKind.CALL_ENDED, call_id, at)
            await connection.execute(
                update(models.Handoff)
                .where(models.Handoff.call_id.in_(live), models.Handoff.closed_at.is_(None))
                .values(closed_at=at, outcome="interrupted")
            )
            await connection.execute(
                update(models.Call)
                .where(models.Call.worker_id == worker_id, models.Call.ended_at.is_(None))
                .values(ended_at=at, disposition="interrupted")
            )
            held = (AgentState.RINGING.value, AgentState.BUSY.value)
            await connection.execute(
                update(models.Agent)
                .where(models.Agent.claimed_by == worker_id, models.Agent.state.in_(held))
                .values(state=AgentState.FREE.value, state_since=at, claimed_by=None)
            )
        return [_interrupted(attempt, at) for attempt in attempts]

    async def _record(self, connection: AsyncConnection, wish: Attempt, permit: Permit | None) -> Attempt:
        case = await case_by_id(connection, wish.case_id)
        if case is None:
            raise UnknownCase(wish.case_id)
        await lock(connection, f"debtor {case.debtor.id}")
        await lock(connection, f"number {wish.number}")
        await lock(connection, f"caller {wish.caller_id}")
        permission = Permission(True)
        if permit is not None:
            permission = permit(await read_history(connection, case, wish))
        state = AttemptState.BEGUN if permission.allowed else AttemptState.REFUSED
        values: dict[str, Any] = vars(wish) | {
            "debtor_id": case.debtor.id,
            "number_index": number_index(connection, wish.number),
            "state": state.value,
            "policy": dict(permission.explanation),
            "ended_at": None if permission.allowed else wish.begun_at,
        }
        await insert_once(connection, models.Attempt, values)
        return attempt_record(
            (await connection.execute(select(models.Attempt).where(models.Attempt.id == wish.id))).one()
        )


async def read_history(connection: AsyncConnection, case: Case, wish: Attempt) -> ContactHistory:
    """What a contact policy must know before `wish`, read in the caller's transaction."""
    table = models.Attempt
    recent = (
        select(table)
        .where(table.begun_at >= wish.begun_at - HISTORY, table.state != AttemptState.REFUSED.value)
        .order_by(table.begun_at.desc())
        .limit(HISTORY_ROWS)
    )
    of_debtor = await connection.execute(recent.where(table.debtor_id == case.debtor.id))
    of_number = await connection.execute(recent.where(table.number_index == number_index(connection, wish.number)))
    promises = await connection.execute(
        select(models.Promise)
        .join(models.Case, models.Case.id == models.Promise.case_id)
        .where(models.Case.debtor_id == case.debtor.id, models.Promise.state == PromiseState.OPEN.value)
    )
    of_person = select(models.Case.id).where(models.Case.debtor_id == case.debtor.id)
    inbound = await connection.execute(
        select(models.Call)
        .where(
            models.Call.case_id.in_(of_person),
            models.Call.direction == "inbound",
            models.Call.started_at >= wish.begun_at - INBOUND,
        )
        .order_by(models.Call.started_at.desc())
        .limit(HISTORY_ROWS)
    )
    callbacks = await connection.execute(
        select(models.Callback)
        .where(models.Callback.case_id == case.id, models.Callback.state == CallbackState.OPEN.value)
        .order_by(models.Callback.at)
    )
    # Read again under the lock: a flag may have been set while this transaction waited for it.
    current = await case_by_id(connection, case.id)
    return ContactHistory(
        case=current or case,
        attempts=tuple(attempt_record(row) for row in of_debtor),
        number_attempts=tuple(attempt_record(row) for row in of_number),
        suppressed=tuple(await active_suppressions(connection, wish.number, case.debtor.id, wish.begun_at)),
        promises=tuple(promise_record(row) for row in promises),
        number=wish.number,
        caller_id=wish.caller_id,
        caller_calls=await _shown(connection, wish),
        at=wish.begun_at,
        inbound=tuple(call_record(row) for row in inbound),
        callbacks=tuple(callback_record(row) for row in callbacks),
        other_flags=await _other_flags(connection, current or case),
        spans=await _spans(connection, case.id),
        payments=await _payments(connection, case.debtor.id, wish.begun_at),
        halted=await halted(connection),
        caller_review_until=await reviewed_until(connection, wish.caller_id),
    )


async def _other_flags(connection: AsyncConnection, case: Case) -> tuple[Flag, ...]:
    table = models.CaseFlag
    others = select(models.Case.id).where(models.Case.debtor_id == case.debtor.id, models.Case.id != case.id)
    found = select(table).where(table.case_id.in_(others), table.cleared_at.is_(None)).order_by(table.set_at)
    return tuple(Flag(row.name, row.set_at, row.note, row.set_by) for row in await connection.execute(found))


async def _spans(connection: AsyncConnection, case_id: str) -> tuple[CaseSpan, ...]:
    table = models.CaseSpan
    found = select(table).where(table.case_id == case_id).order_by(table.starts_at)
    return tuple(
        CaseSpan(SpanKind(row.kind), row.starts_at, row.ends_at, row.source, row.recorded_at)
        for row in await connection.execute(found)
    )


async def _payments(connection: AsyncConnection, debtor_id: str, at: datetime) -> tuple[Payment, ...]:
    table = models.Payment
    of_person = select(models.Case.id).where(models.Case.debtor_id == debtor_id)
    found = select(table).where(table.case_id.in_(of_person), table.recorded_at >= at - PAYMENTS)
    return tuple(payment_record(row) for row in await connection.execute(found.order_by(table.recorded_at.desc())))


async def _shown(connection: AsyncConnection, wish: Attempt) -> tuple[datetime, ...]:
    table = models.Attempt
    shown = table.caller_id.is_(None) if wish.caller_id is None else table.caller_id == wish.caller_id
    statement = select(table.begun_at).where(
        shown,
        table.begun_at >= wish.begun_at - timedelta(days=1),
        table.state != AttemptState.REFUSED.value,
    )
    return tuple(row.begun_at for row in await connection.execute(statement.order_by(table.begun_at.desc())))


async def _open_ones(connection: AsyncConnection, worker_id: str | None) -> list[Attempt]:
    statement = select(models.Attempt).where(models.Attempt.state == AttemptState.BEGUN.value)
    if worker_id is not None:
        statement = statement.where(models.Attempt.worker_id == worker_id)
    return [attempt_record(row) for row in await connection.execute(statement.order_by(models.Attempt.begun_at))]


def _interrupted(attempt: Attempt, at: datetime) -> Attempt:
    changed: dict[str, Any] = {"state": AttemptState.INTERRUPTED, "ended_at": at, "disposition": "interrupted"}
    return Attempt(**vars(attempt) | changed)


def attempt_record(row: Row[Any]) -> Attempt:
    """An attempt from its row."""
    return Attempt(
        id=row.id,
        idempotency_key=row.idempotency_key,
        case_id=row.case_id,
        debtor_id=row.debtor_id,
        number=row.number,
        caller_id=row.caller_id,
        worker_id=row.worker_id,
        state=AttemptState(row.state),
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        cause=row.cause,
        disposition=row.disposition,
        call_id=row.call_id,
        campaign_id=row.campaign_id,
        policy=row.policy,
    )
