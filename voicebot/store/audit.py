"""The audit log: appended, chained, never changed. Triggers in the database refuse what the code does not offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from recordings.canonical import canonical
from voicebot.store import models
from voicebot.store.access_records import AuditEntry, AuditReport
from voicebot.store.database import Database
from voicebot.store.records import utc_now
from voicebot.store.rows import insert_once, lock

GENESIS = "0" * 64
_PAGE = 1000


class AuditRepository:
    """See `voicebot.store.protocols.Audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(
        self,
        actor: str,
        action: str,
        subject: str,
        data: Mapping[str, Any] | None = None,
        *,
        at: datetime | None = None,
    ) -> AuditEntry:
        async with self._database.write() as connection:
            return await append_entry(connection, actor, action, subject, data, at=at)

    async def list(self, *, limit: int = 100, before: int | None = None) -> Sequence[AuditEntry]:
        statement = select(models.Audit).order_by(models.Audit.sequence.desc()).limit(limit)
        if before is not None:
            statement = statement.where(models.Audit.sequence < before)
        async with self._database.read() as connection:
            return [_entry(row) for row in await connection.execute(statement)]

    async def verify(self) -> AuditReport:
        previous, sequence = GENESIS, 0
        while True:
            page = (
                select(models.Audit)
                .where(models.Audit.sequence > sequence)
                .order_by(models.Audit.sequence)
                .limit(_PAGE)
            )
            async with self._database.read() as connection:
                entries = [_entry(row) for row in await connection.execute(page)]
            if not entries:
                return AuditReport(True, sequence)
            for entry in entries:
                sequence += 1
                if entry.sequence != sequence:
                    return AuditReport(False, sequence - 1, sequence, f"entry {sequence} is missing")
                if entry.previous_hash != previous or _link(vars(entry)) != entry.hash:
                    return AuditReport(
                        False, sequence - 1, sequence, "the chain breaks: it, or one before, was changed"
                    )
                previous = entry.hash


async def append_entry(
    connection: AsyncConnection,
    actor: str,
    action: str,
    subject: str,
    data: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> AuditEntry:
    """Appends in the caller's transaction: what was done and the word of it stand or fall together."""
    await lock(connection, "audit")
    newest = select(models.Audit).order_by(models.Audit.sequence.desc()).limit(1)
    last = (await connection.execute(newest)).first()
    values: dict[str, Any] = {
        "sequence": 1 if last is None else last.sequence + 1,
        "at": at or utc_now(),
        "actor": actor,
        "action": action,
        "subject": subject,
        "data": dict(data or {}),
        "previous_hash": GENESIS if last is None else last.hash,
    }
    values["hash"] = _link(values)
    await insert_once(connection, models.Audit, values)
    return AuditEntry(**values)


def _link(values: Mapping[str, Any]) -> str:
    body = {name: value for name, value in values.items() if name != "hash"}
    return sha256(canonical(body | {"at": values["at"].astimezone(UTC).isoformat()})).hexdigest()


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        sequence=row.sequence,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        data=row.data,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
