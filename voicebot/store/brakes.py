"""The emergency stop of all workers, and reviews that let a caller number go on beyond its day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.campaign_records import NOT_PERMITTED, CampaignState, MemberState
from voicebot.store.database import Database
from voicebot.store.news_records import Halt
from voicebot.store.number import e164
from voicebot.store.records import new_id, utc_now
from voicebot.store.rows import insert_once, lock, upsert


class BrakeRepository:
    """See `voicebot.store.protocols.Brakes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def halt(self, reason: str, *, by: str, at: datetime | None = None) -> Halt:
        async with self._database.write() as connection:
            await lock(connection, "halt")
            standing = await _standing(connection)
            if standing is not None:
                return standing
            halt = Halt(reason, by, at or utc_now(), new_id())
            await insert_once(connection, models.Halt, vars(halt))
            return halt

    async def resume(self, because: str, *, by: str, at: datetime | None = None) -> Halt | None:
        table, member = models.Halt, models.CampaignMember
        async with self._database.write() as connection:
            await lock(connection, "halt")
            standing = await _standing(connection)
            if standing is None:
                return None
            lifted = {"lifted_at": at or utc_now(), "lifted_by": by, "lifted_because": because}
            await connection.execute(update(table).where(table.lifted_at.is_(None)).values(**lifted))
            # Whoever was chosen while it was on is held until a person acts; this is the act.
            alive = (CampaignState.RUNNING.value, CampaignState.PAUSED.value)
            held = (
                member.state == MemberState.HELD.value,
                member.reason.startswith(NOT_PERMITTED),
                member.campaign_id.in_(select(models.Campaign.id).where(models.Campaign.state.in_(alive))),
            )
            await connection.execute(update(member).where(*held).values(state=MemberState.READY.value))
            return standing

    async def standing(self) -> Halt | None:
        async with self._database.read() as connection:
            return await _standing(connection)

    async def list(self, *, limit: int = 20) -> Sequence[Halt]:
        statement = select(models.Halt).order_by(models.Halt.since.desc(), models.Halt.id.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_halt(row) for row in await connection.execute(statement)]

    async def review_caller(self, number: str, *, until: datetime, by: str, reason: str) -> None:
        row = {"number": e164(number), "until": until, "by": by, "reason": reason}
        async with self._database.write() as connection:
            await upsert(connection, models.CallerReview, row, key=["number"])


async def halted(connection: AsyncConnection) -> bool:
    """Whether the emergency stop is on, read in the caller's transaction."""
    return await _standing(connection) is not None


async def reviewed_until(connection: AsyncConnection, number: str | None) -> datetime | None:
    """Until when an officer let a caller number go on, read in the caller's transaction."""
    table = models.CallerReview
    return (await connection.execute(select(table.until).where(table.number == (number or "")))).scalar_one_or_none()


async def _standing(connection: AsyncConnection) -> Halt | None:
    row = (await connection.execute(select(models.Halt).where(models.Halt.lifted_at.is_(None)).limit(1))).first()
    return _halt(row) if row else None


def _halt(row: Row[Any]) -> Halt:
    return Halt(
        id=row.id,
        reason=row.reason,
        by=row.by,
        since=row.since,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
        lifted_because=row.lifted_because,
    )
