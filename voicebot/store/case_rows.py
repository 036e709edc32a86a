"""A case as rows of its tables, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
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
)
from voicebot.store.rows import number_index


def debtor_row(debtor: Debtor) -> dict[str, Any]:
    return {
        "id": debtor.id,
        "external_id": debtor.external_id,
        "name": debtor.name,
        "surname": debtor.surname,
        "honorific": debtor.honorific,
        "id_last_four": debtor.id_last_four,
        "age_band": debtor.age_band.value,
    }


def number_row(connection: AsyncConnection, debtor_id: str, entry: PhoneNumber, order: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "debtor_id": debtor_id,
        "number": e164(entry.number),
        "number_index": number_index(connection, entry.number),
        "state": entry.state.value,
        "label": entry.label,
        "preferred": entry.preferred or order,
        "approved_by": entry.approved_by,
    }


def case_row(case: Case, debtor_id: str) -> dict[str, Any]:
    return {
        "id": case.id,
        "external_id": case.external_id,
        "debtor_id": debtor_id,
        "status": case.status.value,
        "creditor": case.debt.creditor,
        "product": case.debt.product,
        "amount_due": case.debt.amount_due + case.debt.paid,
        "paid": case.debt.paid,
        "principal": case.debt.principal,
        "minimum_due": case.debt.minimum_due,
        "currency": case.debt.currency,
        "due_date": case.debt.due_date,
        "time_zone": case.time_zone,
        "language": case.language,
        "dialect": case.dialect,
        "jurisdiction": case.jurisdiction,
        "residence": case.residence,
        "risk_tier": case.risk_tier,
        "payday": case.payday,
        "preferred_hours": list(case.preferred_hours),
        "created_at": case.created_at,
        "closed_at": case.closed_at,
    }


def kept_of(entry: PhoneNumber) -> list[str]:
    """Columns of a known number that an entry leaves as they are: what was learnt outlives an import without it."""
    learnt = {"state": entry.state is NumberState.VALID, "label": not entry.label, "approved_by": True}
    return ["id", *(column for column, keep in learnt.items() if keep)]


def consent_row(case_id: str, consent: Consent) -> dict[str, Any]:
    return {
        "id": new_id(),
        "case_id": case_id,
        "kind": consent.kind,
        "granted": consent.granted,
        "at": consent.at,
        "source": consent.source,
    }


async def assemble(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Case]:
    """Cases from their rows, in the same order, with what belongs to them read in the caller's transaction."""
    if not rows:
        return []
    debtor_ids, case_ids = {row.debtor_id for row in rows}, [row.id for row in rows]
    debtors = {
        row.id: row for row in await connection.execute(select(models.Debtor).where(models.Debtor.id.in_(debtor_ids)))
    }
    numbers: dict[str, list[PhoneNumber]] = defaultdict(list)
    ordered = select(models.Number).where(models.Number.debtor_id.in_(debtor_ids))
    for entry in await connection.execute(ordered.order_by(models.Number.preferred, models.Number.id)):
        number = PhoneNumber(entry.number, NumberState(entry.state), entry.label, entry.preferred, entry.approved_by)
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
            amount_due=row.amount_due - row.paid,
            paid=row.paid,
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
        residence=row.residence,
        risk_tier=row.risk_tier,
        payday=row.payday,
        preferred_hours=tuple(row.preferred_hours),
        flags=tuple(flags),
        consents=tuple(consents),
        created_at=row.created_at,
        closed_at=row.closed_at,
    )
