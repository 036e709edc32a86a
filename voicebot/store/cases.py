"""Cases, their debtors and numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.database import Database
from voicebot.store.errors import UnknownCase
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.number import e164
from voicebot.store.records import (
    AgeBand,
    Case,
    CaseStatus,
    Consent,
    Debt,
    Debtor,
    Flag,
    NumberState,
    PhoneNumber,
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
            debtor_id = await _put_debtor(connection, case.debtor)
            case_id = await _put_case(connection, case, debtor_id)
            stored = await case_by_id(connection, case_id)
        assert stored is not None
        return stored

    async def get(self, case_id: str) -> Case | None:
        async with self._database.read() as connection:
            return await case_by_id(connection, case_id)

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
            return await _assemble(connection, (await connection.execute(statement)).all())

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
            return await _assemble(connection, (await connection.execute(statement)).all())

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
    cases = await _assemble(connection, rows)
    return cases[0] if cases else None


async def _put_debtor(connection: AsyncConnection, debtor: Debtor) -> str:
    table = models.Debtor
    debtor_id = debtor.id
    if debtor.external_id is not None:
        known = select(table.id).where(table.external_id == debtor.external_id)
        debtor_id = (await connection.execute(known)).scalar_one_or_none() or debtor_id
    await upsert(
        connection,
        table,
        {
            "id": debtor_id,
            "external_id": debtor.external_id,
            "name": debtor.name,
            "surname": debtor.surname,
            "honorific": debtor.honorific,
            "id_last_four": debtor.id_last_four,
            "age_band": debtor.age_band.value,
        },
        key=["id"],
    )
    for order, entry in enumerate(debtor.numbers):
        # What was learnt of a number by calling it outlives a second import that knows nothing of it.
        keep = ["id", "state"] if entry.state is NumberState.VALID else ["id"]
        await upsert(
            connection,
            models.Number,
            {
                "id": new_id(),
                "debtor_id": debtor_id,
                "number": e164(entry.number),
                "number_index": number_index(connection, entry.number),
                "state": entry.state.value,
                "label": entry.label,
                "preferred": entry.preferred or order,
            },
            key=["debtor_id", "number_index"],
            keep=keep,
        )
    return debtor_id


async def _put_case(connection: AsyncConnection, case: Case, debtor_id: str) -> str:
    table = models.Case
    case_id = case.id
    if case.external_id is not None:
        known = select(table.id).where(table.external_id == case.external_id)
        case_id = (await connection.execute(known)).scalar_one_or_none() or case_id
    await upsert(
        connection,
        table,
        {
            "id": case_id,
            "external_id": case.external_id,
            "debtor_id": debtor_id,
            "status": case.status.value,
            "creditor": case.debt.creditor,
            "product": case.debt.product,
            "amount_due": case.debt.amount_due,
            "principal": case.debt.principal,
            "minimum_due": case.debt.minimum_due,
            "currency": case.debt.currency,
            "due_date": case.debt.due_date,
            "time_zone": case.time_zone,
            "language": case.language,
            "dialect": case.dialect,
            "jurisdiction": case.jurisdiction,
            "risk_tier": case.risk_tier,
            "payday": case.payday,
            "preferred_hours": list(case.preferred_hours),
            "created_at": case.created_at,
            "closed_at": case.closed_at,
        },
        key=["id"],
        keep=["created_at"],
    )
    for flag in case.flags:
        await _set_flag(connection, SetFlag(new_id(), case_id, flag.name, flag.note, flag.set_by, flag.set_at))
    for consent in case.consents:
        await insert_once(
            connection,
            models.CaseConsent,
            {
                "id": new_id(),
                "case_id": case_id,
                "kind": consent.kind,
                "granted": consent.granted,
                "at": consent.at,
                "source": consent.source,
            },
        )
    return case_id


async def _assemble(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Case]:
    if not rows:
        return []
    debtor_ids, case_ids = {row.debtor_id for row in rows}, [row.id for row in rows]
    debtors = {
        row.id: row for row in await connection.execute(select(models.Debtor).where(models.Debtor.id.in_(debtor_ids)))
    }
    numbers: dict[str, list[PhoneNumber]] = defaultdict(list)
    ordered = select(models.Number).where(models.Number.debtor_id.in_(debtor_ids))
    for entry in await connection.execute(ordered.order_by(models.Number.preferred, models.Number.id)):
        number = PhoneNumber(entry.number, NumberState(entry.state), entry.label, entry.preferred)
        numbers[entry.debtor_id].append(number)
    flags: dict[str, list[Flag]] = defaultdict(list)
    in_force = select(models.CaseFlag).where(
        models.CaseFlag.case_id.in_(case_ids), models.CaseFlag.cleared_at.is_(None)
    )
    for set_flag in await connection.execute(in_force.order_by(models.CaseFlag.set_at)):
        flags[set_flag.case_id].append(Flag(set_flag.name, set_flag.set_at, set_flag.note, set_flag.set_by))
    consents: dict[str, dict[str, Consent]] = defaultdict(dict)
    given = select(models.CaseConsent).where(models.CaseConsent.case_id.in_(case_ids)).order_by(models.CaseConsent.at)
    for consent in await connection.execute(given):
        latest = Consent(consent.kind, consent.granted, consent.at, consent.source)
        consents[consent.case_id][consent.kind] = latest
    return [
        _case(row, debtors[row.debtor_id], numbers[row.debtor_id], flags[row.id], list(consents[row.id].values()))
        for row in rows
    ]


def _case(
    row: Row[Any], debtor: Row[Any], numbers: Sequence[PhoneNumber], flags: Sequence[Flag], consents: Sequence[Consent]
) -> Case:
    return Case(
        id=row.id,
        external_id=row.external_id,
        debtor=Debtor(
            id=debtor.id,
            external_id=debtor.external_id,
            name=debtor.name,
            surname=debtor.surname,
            honorific=debtor.honorific,
            id_last_four=debtor.id_last_four,
            age_band=AgeBand(debtor.age_band),
            numbers=tuple(numbers),
        ),
        debt=Debt(
            creditor=row.creditor,
            amount_due=row.amount_due,
            due_date=row.due_date,
            currency=row.currency,
            product=row.product,
            principal=row.principal,
            minimum_due=row.minimum_due,
        ),
        status=CaseStatus(row.status),
        time_zone=row.time_zone,
        language=row.language,
        dialect=row.dialect,
        jurisdiction=row.jurisdiction,
        risk_tier=row.risk_tier,
        payday=row.payday,
        preferred_hours=tuple(row.preferred_hours),
        flags=tuple(flags),
        consents=tuple(consents),
        created_at=row.created_at,
        closed_at=row.closed_at,
    )
