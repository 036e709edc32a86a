"""Cases, their debtors and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.bulk import add_many
from voicebot.store.case_rows import assemble, case_row, consent_row, debtor_row, kept_of, number_row
from voicebot.store.database import Database
from voicebot.store.errors import UnknownCase
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.records import (
    BulkResult,
    Case,
    CaseStatus,
    Debtor,
    NumberState,
    new_id,
    utc_now,
)
from voicebot.store.rows import insert_once, number_index, upsert


@dataclass(frozen=True)
class SetFlag:
    id: str
    case_id: str
    name: str
    note: str
    by: str
    at: datetime


@dataclass(frozen=True)
class SetNumberState:
    number: str
    state: NumberState
    case_id: str | None


async def _set_flag(connection: AsyncConnection, flag: SetFlag) -> None:
    table = models.CaseFlag
    in_force = select(table.id).where(
        table.case_id == flag.case_id, table.name == flag.name, table.cleared_at.is_(None) | (table.set_at >= flag.at)
    )
    if (await connection.execute(in_force)).first() is None:
        await insert_once(
            connection,
            table,
            {
                "id": flag.id,
                "case_id": flag.case_id,
                "name": flag.name,
                "note": flag.note,
                "set_at": flag.at,
                "set_by": flag.by,
            },
        )


async def _set_number_state(connection: AsyncConnection, change: SetNumberState) -> None:
    table = models.Number
    statement = update(table).where(table.number_index == number_index(connection, change.number))
    if change.case_id is not None:
        owner = select(models.Case.debtor_id).where(models.Case.id == change.case_id).scalar_subquery()
        statement = statement.where(table.debtor_id == owner)
    await connection.execute(statement.values(state=change.state.value))


_FLAG = Kept("case.set_flag", SetFlag, _set_flag)
_NUMBER_STATE = Kept("number.set_state", SetNumberState, _set_number_state)


class CaseRepository:
    """See `voicebot.store.protocols.Cases`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def add(self, case: Case) -> Case:
        async with self._database.write() as connection:
            debtor_id = await _put_debtor(connection, case.debtor, case.external_id)
            case_id = await _put_case(connection, case, debtor_id)
            stored = await case_by_id(connection, case_id)
        assert stored is not None
        return stored

    async def add_many(self, cases: Sequence[Case]) -> BulkResult:
        async with self._database.write() as connection:
            return await add_many(connection, cases)

    async def get(self, case_id: str) -> Case | None:
        async with self._database.read() as connection:
            return await case_by_id(connection, case_id)

    async def by_contract(self, external_id: str) -> Case | None:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(models.Case).where(models.Case.external_id == external_id))).all()
            return next(iter(await assemble(connection, rows)), None)

    async def find_by_number(self, number: str) -> Sequence[Case]:
        async with self._database.read() as connection:
            owners = select(models.Number.debtor_id).where(
                models.Number.number_index == number_index(connection, number),
                models.Number.state != NumberState.WRONG_PERSON.value,
            )
            statement = (
                select(models.Case)
                .where(models.Case.debtor_id.in_(owners), models.Case.status == CaseStatus.OPEN.value)
                .order_by(models.Case.id.desc())
            )
            return await assemble(connection, (await connection.execute(statement)).all())

    async def list(
        self,
        *,
        status: CaseStatus | None = CaseStatus.OPEN,
        flag: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Sequence[Case]:
        statement = select(models.Case).order_by(models.Case.id).limit(limit)
        if status is not None:
            statement = statement.where(models.Case.status == status.value)
        if after is not None:
            statement = statement.where(models.Case.id > after)
        if flag is not None:
            flagged = select(models.CaseFlag.case_id).where(
                models.CaseFlag.name == flag, models.CaseFlag.cleared_at.is_(None)
            )
            statement = statement.where(models.Case.id.in_(flagged))
        async with self._database.read() as connection:
            return await assemble(connection, (await connection.execute(statement)).all())

    async def set_flag(
        self, case_id: str, name: str, *, note: str = "", by: str = "", at: datetime | None = None
    ) -> None:
        await self._keeper.keep(_FLAG, SetFlag(new_id(), case_id, name, note, by, at or utc_now()))

    async def clear_flag(self, case_id: str, name: str, *, by: str = "", at: datetime | None = None) -> None:
        table = models.CaseFlag
        async with self._database.write() as connection:
            await connection.execute(
                update(table)
                .where(table.case_id == case_id, table.name == name, table.cleared_at.is_(None))
                .values(cleared_at=at or utc_now(), cleared_by=by)
            )

    async def set_number_state(self, number: str, state: NumberState, *, case_id: str | None = None) -> None:
        await self._keeper.keep(_NUMBER_STATE, SetNumberState(number, state, case_id))

    async def set_status(self, case_id: str, status: CaseStatus, *, at: datetime | None = None) -> None:
        closed_at = None if status is CaseStatus.OPEN else at or utc_now()
        async with self._database.write() as connection:
            result = await connection.execute(
                update(models.Case).where(models.Case.id == case_id).values(status=status.value, closed_at=closed_at)
            )
            if result.rowcount == 0:
                raise UnknownCase(case_id)


async def case_by_id(connection: AsyncConnection, case_id: str) -> Case | None:
    """A case with everything that belongs to it, read in the caller's transaction."""
    rows = (await connection.execute(select(models.Case).where(models.Case.id == case_id))).all()
    cases = await assemble(connection, rows)
    return cases[0] if cases else None


async def _put_debtor(connection: AsyncConnection, debtor: Debtor, of_case: str | None) -> str:
    table = models.Debtor
    if debtor.external_id is not None:
        known = select(table.id).where(table.external_id == debtor.external_id)
    else:
        # Without a customer number the debtor of a known case stays the same person: caps are counted per person.
        known = select(models.Case.debtor_id).where(models.Case.external_id == (of_case or ""))
    debtor_id = (await connection.execute(known)).scalar_one_or_none() or debtor.id
    await upsert(
        connection,
        table,
        debtor_row(replace(debtor, id=debtor_id)),
        key=["id"],
        keep=["external_id"] if debtor.external_id is None else [],
    )
    for order, entry in enumerate(debtor.numbers):
        keep = kept_of(entry)
        row = number_row(connection, debtor_id, entry, order)
        await upsert(connection, models.Number, row, key=["debtor_id", "number_index"], keep=keep)
    return debtor_id


async def _put_case(connection: AsyncConnection, case: Case, debtor_id: str) -> str:
    table = models.Case
    known = select(table).where(
        table.external_id == case.external_id if case.external_id is not None else table.id == case.id
    )
    before = (await connection.execute(known)).first()
    case_id = case.id if before is None else str(before.id)
    row = case_row(replace(case, id=case_id), debtor_id)
    if before is not None and not case.debt.paid and before.amount_due == case.debt.amount_due:
        # The creditor states what it stated before: the payments since then still count.
        row["paid"] = before.paid
    await upsert(connection, table, row, key=["id"], keep=["created_at"])
    for flag in case.flags:
        await _set_flag(connection, SetFlag(new_id(), case_id, flag.name, flag.note, flag.set_by, flag.set_at))
    for consent in case.consents:
        await insert_once(connection, models.CaseConsent, consent_row(case_id, consent))
    return case_id
