"""Complaints, disputes and wishes not to be called, with their deadlines. Each step is in the audit log with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import complaint_models
from voicebot.store.audit import append_entry
from voicebot.store.complaint_records import Complaint, ComplaintKind, ComplaintState, Tier, TierCount
from voicebot.store.database import Database
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.number import e164
from voicebot.store.records import utc_now
from voicebot.store.rows import insert_once

_TABLE = complaint_models.Complaint
_ENUMS = ("kind", "tier", "state")
_LONGEST_WORDS = 4000


@dataclass(frozen=True)
class NoteComplaint:
    """More that the caller said of it."""

    complaint_id: str
    words: str


async def _add(connection: AsyncConnection, complaint: Complaint) -> None:
    values = vars(complaint) | {name: getattr(complaint, name).value for name in _ENUMS}
    values["number"] = None if complaint.number is None else e164(complaint.number)
    if await insert_once(connection, _TABLE, values):
        told = {"kind": complaint.kind.value, "tier": complaint.tier.value, "answer_by": str(complaint.answer_by)}
        await append_entry(
            connection,
            f"call:{complaint.call_id}",
            "complaint.taken",
            f"complaint:{complaint.reference}",
            told,
            at=complaint.received_at,
        )


async def _note(connection: AsyncConnection, note: NoteComplaint) -> None:
    row = (await connection.execute(select(_TABLE.words).where(_TABLE.id == note.complaint_id))).first()
    # What is kept may be applied twice: words that are there already are not written again.
    if row is None or note.words in row.words.split("\n"):
        return
    words = f"{row.words}\n{note.words}".strip()[:_LONGEST_WORDS]
    await connection.execute(update(_TABLE).where(_TABLE.id == note.complaint_id).values(words=words))


_ADD = Kept("complaint.add", Complaint, _add)
_NOTE = Kept("complaint.note", NoteComplaint, _note)


class ComplaintRepository:
    """See `voicebot.store.protocols.Complaints`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def add(self, complaint: Complaint) -> None:
        await self._keeper.keep(_ADD, complaint)

    async def note(self, complaint_id: str, words: str) -> None:
        await self._keeper.keep(_NOTE, NoteComplaint(complaint_id, words))

    async def get(self, complaint_id: str) -> Complaint | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(_TABLE).where(_TABLE.id == complaint_id))).first()
            return _complaint(row) if row else None

    async def find(self, reference: str) -> Sequence[Complaint]:
        statement = select(_TABLE).where(_TABLE.reference == reference).order_by(_TABLE.received_at, _TABLE.id)
        async with self._database.read() as connection:
            return [_complaint(row) for row in await connection.execute(statement)]

    async def list(
        self,
        *,
        open_only: bool = True,
        tier: Tier | None = None,
        kind: ComplaintKind | None = None,
        case_id: str | None = None,
        overdue_on: date | None = None,
        limit: int = 100,
    ) -> Sequence[Complaint]:
        statement = select(_TABLE).order_by(_TABLE.answer_by, _TABLE.received_at, _TABLE.id).limit(limit)
        if open_only:
            statement = statement.where(_TABLE.state != ComplaintState.CLOSED.value)
        if tier is not None:
            statement = statement.where(_TABLE.tier == tier.value)
        if kind is not None:
            statement = statement.where(_TABLE.kind == kind.value)
        if case_id is not None:
            statement = statement.where(_TABLE.case_id == case_id)
        if overdue_on is not None:
            statement = statement.where(_overdue(overdue_on))
        async with self._database.read() as connection:
            return [_complaint(row) for row in await connection.execute(statement)]

    async def counts(self, today: date) -> Sequence[TierCount]:
        late = func.sum(case((_overdue(today), 1), else_=0))
        statement = (
            select(_TABLE.tier, func.count(), late)
            .where(_TABLE.state != ComplaintState.CLOSED.value)
            .group_by(_TABLE.tier)
        )
        async with self._database.read() as connection:
            found = {Tier(tier): (count, overdue) for tier, count, overdue in await connection.execute(statement)}
        return [TierCount(tier, *found.get(tier, (0, 0))) for tier in Tier]

    async def respond(self, complaint_id: str, *, by: str, at: datetime | None = None) -> bool:
        at = at or utc_now()
        return await self._change(
            complaint_id,
            (ComplaintState.OPEN,),
            {"state": ComplaintState.RESPONDED.value, "responded_at": at},
            by=by,
            action="complaint.responded",
            at=at,
        )

    async def extend(
        self, complaint_id: str, answer_by: date, *, expecting: int, by: str, reason: str, at: datetime | None = None
    ) -> bool:
        return await self._change(
            complaint_id,
            (ComplaintState.OPEN, ComplaintState.RESPONDED),
            {"answer_by": answer_by, "extensions": expecting + 1},
            by=by,
            action="complaint.extended",
            at=at or utc_now(),
            told={"answer_by": str(answer_by), "reason": reason},
            extensions=expecting,
        )

    async def move(
        self, complaint_id: str, tier: Tier, *, expecting: Tier, by: str, at: datetime | None = None
    ) -> bool:
        at = at or utc_now()
        return await self._change(
            complaint_id,
            (ComplaintState.OPEN, ComplaintState.RESPONDED),
            {"tier": tier.value, "escalated_at": at},
            by=by,
            action="complaint.moved",
            at=at,
            told={"from": expecting.value, "to": tier.value},
            tier=expecting.value,
        )

    async def close(self, complaint_id: str, *, by: str, resolution: str, at: datetime | None = None) -> bool:
        at = at or utc_now()
        return await self._change(
            complaint_id,
            (ComplaintState.OPEN, ComplaintState.RESPONDED),
            {"state": ComplaintState.CLOSED.value, "closed_at": at, "closed_by": by, "resolution": resolution},
            by=by,
            action="complaint.closed",
            at=at,
        )

    async def _change(
        self,
        complaint_id: str,
        states: tuple[ComplaintState, ...],
        values: dict[str, Any],
        *,
        by: str,
        action: str,
        at: datetime,
        told: dict[str, Any] | None = None,
        **expecting: Any,
    ) -> bool:
        conditions = [getattr(_TABLE, name) == value for name, value in expecting.items()]
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(_TABLE.id == complaint_id, _TABLE.state.in_([one.value for one in states]), *conditions)
                .values(**values)
            )
            if not result.rowcount:
                return False
            row = (await connection.execute(select(_TABLE.reference).where(_TABLE.id == complaint_id))).one()
            await append_entry(connection, by, action, f"complaint:{row.reference}", told, at=at)
        return True


def _overdue(today: date) -> Any:
    """As `Complaint.overdue`, for the database."""
    waiting = _TABLE.state == ComplaintState.OPEN.value
    unclosed = _TABLE.state != ComplaintState.CLOSED.value
    return unclosed & or_(_TABLE.answer_by < today, waiting & (_TABLE.respond_by < today))


def _complaint(row: Row[Any]) -> Complaint:
    values = dict(row._mapping)
    return Complaint(
        **{
            **values,
            "kind": ComplaintKind(values["kind"]),
            "tier": Tier(values["tier"]),
            "state": ComplaintState(values["state"]),
        }
    )
