"""Many cases in one transaction: what is new is added, what changed is changed, what is the same is not touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.case_rows import assemble, case_row, consent_row, debtor_row, kept_of, number_row
from voicebot.store.number import e164
from voicebot.store.records import BulkResult, Case, NumberState, PhoneNumber


async def add_many(connection: AsyncConnection, cases: Sequence[Case]) -> BulkResult:
    """Brings cases with external ids into the store. Raises ValueError for one without, or for two with the same id."""
    wanted = {case.external_id for case in cases}
    if None in wanted or len(wanted) != len(cases):
        raise ValueError("every case of a batch needs an external id of its own")
    stored = await _stored(connection, [str(name) for name in wanted])
    debtors = await _debtor_ids(connection, cases, stored)
    new: list[Case] = []
    changed: list[Case] = []
    for case in cases:
        before = stored.get(str(case.external_id))
        settled = _settled(case, before, debtors)
        if before is None:
            new.append(settled)
        elif not _says_the_same(before, settled):
            changed.append(settled)
    await _write(connection, [*new, *changed])
    return BulkResult(len(new), len(changed), len(cases) - len(new) - len(changed))


async def _stored(connection: AsyncConnection, names: Sequence[str]) -> dict[str, Case]:
    rows = (await connection.execute(select(models.Case).where(models.Case.external_id.in_(names)))).all()
    return {str(case.external_id): case for case in await assemble(connection, rows)}


async def _debtor_ids(connection: AsyncConnection, cases: Sequence[Case], stored: Mapping[str, Case]) -> dict[str, str]:
    """Ids of debtors by the creditor's customer number: of those who are known, and of the first of the new ones."""
    table = models.Debtor
    names = {case.debtor.external_id for case in cases if case.debtor.external_id is not None}
    known = await connection.execute(select(table.external_id, table.id).where(table.external_id.in_(names)))
    found = {str(row.external_id): str(row.id) for row in known}
    for case in cases:
        if case.debtor.external_id is not None:
            before = stored.get(str(case.external_id))
            # A debtor who gets a customer number later stays the same person, with the same history.
            mine = before.debtor.id if before is not None and before.debtor.external_id is None else case.debtor.id
            found.setdefault(case.debtor.external_id, mine)
    return found


def _settled(case: Case, before: Case | None, debtors: Mapping[str, str]) -> Case:
    """The case with the ids it has, or will have, in the store, and with what only the store knows of it."""
    name = case.debtor.external_id
    debtor_id = debtors[name] if name is not None else before.debtor.id if before is not None else case.debtor.id
    kept_name = name if name is not None or before is None else before.debtor.external_id
    numbers = tuple(
        PhoneNumber(e164(entry.number), entry.state, entry.label, entry.preferred or order)
        for order, entry in enumerate(case.debtor.numbers)
    )
    settled = replace(case, debtor=replace(case.debtor, id=debtor_id, external_id=kept_name, numbers=numbers))
    if before is None:
        return settled
    if before.debt.amount_due + before.debt.paid == case.debt.amount_due:
        # The creditor states what it stated before: the payments since then still count.
        owed = replace(settled.debt, amount_due=before.debt.amount_due, paid=before.debt.paid)
        settled = replace(settled, debt=owed)
    return replace(
        settled, id=before.id, status=before.status, created_at=before.created_at, closed_at=before.closed_at
    )


def _says_the_same(before: Case, now: Case) -> bool:
    """Whether storing `now` would change nothing; flags and what was learnt of a number are not imported."""
    known = {entry.number: entry for entry in before.debtor.numbers}
    for entry in now.debtor.numbers:
        there = known.get(entry.number)
        if there is None or there.preferred != entry.preferred or entry.label not in ("", there.label):
            return False
        if entry.state not in (there.state, NumberState.VALID):
            return False
    given = {(consent.kind, consent.granted, consent.at) for consent in now.consents}
    if not given <= {(consent.kind, consent.granted, consent.at) for consent in before.consents}:
        return False
    same_debtor = replace(now.debtor, numbers=before.debtor.numbers)
    return replace(now, debtor=same_debtor, consents=before.consents, flags=before.flags) == before


async def _write(connection: AsyncConnection, cases: Sequence[Case]) -> None:
    await _upsert(connection, models.Debtor, [debtor_row(case.debtor) for case in cases], key=["id"])
    numbers: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for case in cases:
        for order, entry in enumerate(case.debtor.numbers):
            row = number_row(connection, case.debtor.id, entry, order)
            numbers.setdefault(tuple(kept_of(entry)), []).append(row)
    for keep, rows in numbers.items():
        await _upsert(connection, models.Number, rows, key=["debtor_id", "number_index"], keep=keep)
    await _upsert(
        connection,
        models.Case,
        [case_row(case, case.debtor.id) for case in cases],
        key=["id"],
        keep=["created_at", "status", "closed_at"],
    )
    consents = [consent_row(case.id, consent) for case in cases for consent in case.consents]
    await _upsert(connection, models.CaseConsent, consents, key=["case_id", "kind", "at"], keep=["id"])


async def _upsert(
    connection: AsyncConnection,
    model: type[models.Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    keep: Sequence[str] = (),
) -> None:
    unique = list({tuple(row[name] for name in key): row for row in rows}.values())
    if not unique:
        return
    module = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = module.insert(model)
    changed = {name: statement.excluded[name] for name in unique[0] if name not in key and name not in keep}
    await connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), unique)
