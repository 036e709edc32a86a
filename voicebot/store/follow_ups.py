"""Follow-ups of promises: one row a step, and one transaction for everything that a step comes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models as tables
from voicebot.store import outgoing_models as models
from voicebot.store.campaign_records import Member, MemberState
from voicebot.store.database import Database
from voicebot.store.messages import add_message
from voicebot.store.outcomes import settle_promise
from voicebot.store.outgoing import FollowUp, StepKind, StepResult, StepState
from voicebot.store.rows import insert_once

_TABLE = models.FollowUp
_QUEUED = (MemberState.WAITING.value, MemberState.READY.value)


class FollowUpRepository:
    """See `voicebot.store.outgoing_protocols.FollowUps`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, steps: Sequence[FollowUp]) -> None:
        async with self._database.write() as connection:
            for step in steps:
                await insert_once(connection, _TABLE, _row(step))

    async def due(self, at: datetime, *, only: str | None = None, limit: int = 100) -> Sequence[FollowUp]:
        statement = (
            select(_TABLE)
            .where(_TABLE.state == StepState.WAITING.value, _TABLE.due_at <= at)
            .order_by(_TABLE.due_at)
            .limit(limit)
        )
        if only is not None:
            statement = statement.where(_TABLE.id == only)
        async with self._database.read() as connection:
            return [_record(row) for row in await connection.execute(statement)]

    async def list(
        self,
        *,
        case_id: str | None = None,
        promise_id: str | None = None,
        state: StepState | None = None,
        limit: int = 100,
    ) -> Sequence[FollowUp]:
        statement = select(_TABLE).order_by(_TABLE.due_at.desc(), _TABLE.id.desc()).limit(limit)
        if case_id is not None:
            statement = statement.where(_TABLE.case_id == case_id)
        if promise_id is not None:
            statement = statement.where(_TABLE.promise_id == promise_id)
        if state is not None:
            statement = statement.where(_TABLE.state == state.value)
        async with self._database.read() as connection:
            return [_record(row) for row in await connection.execute(statement)]

    async def take(self, step: FollowUp, result: StepResult, *, at: datetime) -> bool:
        async with self._database.write() as connection:
            waits = result.again_at is not None
            values: dict[str, Any] = {"outcome": result.outcome[:500]}
            if waits:
                values["due_at"] = result.again_at
            else:
                values |= {"state": result.state.value, "done_at": at}
            # The row is taken first: of two workers one finds it waiting, and the other writes nothing.
            taken = await connection.execute(
                update(_TABLE)
                .where(_TABLE.id == step.id, _TABLE.state == StepState.WAITING.value, _TABLE.due_at == step.due_at)
                .values(**values)
            )
            if taken.rowcount == 0:
                return False
            if not waits:
                await _write(connection, step, result, at)
            return True

    async def hasten(self, promise_id: str, *, at: datetime) -> int:
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(
                    _TABLE.promise_id == promise_id,
                    _TABLE.state == StepState.WAITING.value,
                    _TABLE.kind != StepKind.REMIND.value,
                    _TABLE.due_at > at,
                )
                .values(due_at=at)
            )
            return result.rowcount

    async def drop(self, promise_id: str, outcome: str, *, at: datetime) -> int:
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(_TABLE.promise_id == promise_id, _TABLE.state == StepState.WAITING.value)
                .values(state=StepState.DROPPED.value, outcome=outcome[:500], done_at=at)
            )
            return result.rowcount


async def _write(connection: AsyncConnection, step: FollowUp, result: StepResult, at: datetime) -> None:
    if result.promise is not None:
        await settle_promise(connection, step.promise_id, result.promise, at)
    for later in result.follow_ups:
        await insert_once(connection, _TABLE, _row(later))
    if result.message is not None:
        await add_message(connection, result.message)
    if result.release_from is not None:
        await _leave(connection, step.case_id, result.outcome, at, campaign_id=result.release_from)
    if result.member is not None:
        await _enter(connection, result.member, result.outcome, at)


async def _leave(
    connection: AsyncConnection, case_id: str, reason: str, at: datetime, *, campaign_id: str | None = None
) -> None:
    """Takes the case out of one campaign's queue, or its debtor out of the queues of all."""
    member = tables.CampaignMember
    if campaign_id is None:
        owner = select(tables.Case.debtor_id).where(tables.Case.id == case_id).scalar_subquery()
        whose = member.debtor_id == owner
    else:
        whose = (member.case_id == case_id) & (member.campaign_id == campaign_id)
    await connection.execute(
        update(member)
        .where(whose, member.state.in_(_QUEUED))
        .values(state=MemberState.DONE.value, reason=reason[:500], ended_at=at)
    )


async def _enter(connection: AsyncConnection, wanted: Member, reason: str, at: datetime) -> None:
    """Puts a case into a campaign's queue, anew if it was there before; a dial that is going on is left alone."""
    member = tables.CampaignMember
    await _leave(connection, wanted.case_id, reason, at)
    same = (member.campaign_id == wanted.campaign_id, member.case_id == wanted.case_id)
    known = (await connection.execute(select(member.state).where(*same))).scalar_one_or_none()
    values = vars(wanted) | {"state": wanted.state.value, "tries": dict(wanted.tries), "reason": reason[:500]}
    if known is None:
        await insert_once(connection, member, values)
        return
    values = {name: value for name, value in values.items() if name not in ("id", "campaign_id", "case_id")}
    await connection.execute(
        update(member)
        .where(*same, or_(member.key.is_(None), member.state != MemberState.DIALLING.value))
        .values(**values)
    )


def _row(step: FollowUp) -> dict[str, Any]:
    return vars(step) | {"kind": step.kind.value, "state": step.state.value}


def _record(row: Row[Any]) -> FollowUp:
    return FollowUp(
        id=row.id,
        promise_id=row.promise_id,
        case_id=row.case_id,
        kind=StepKind(row.kind),
        due_at=row.due_at,
        state=StepState(row.state),
        outcome=row.outcome,
        done_at=row.done_at,
    )
