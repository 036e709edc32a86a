"""News about cases, a batch in one transaction: taken twice it changes nothing the second time.

A batch holds the locks of its debtors until it is committed, as the transaction of a dial does: no dial that begins
after `take` has answered was judged without the news.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from sqlalchemy import delete, or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models, outgoing_models
from voicebot.store.database import Database
from voicebot.store.events import happened
from voicebot.store.news_records import (
    ConsentNews,
    FlagNews,
    News,
    NumberNews,
    Payment,
    PaymentNews,
    SpanNews,
    Taken,
    TakenAs,
)
from voicebot.store.number import dialable
from voicebot.store.outgoing import EventKind, StepState
from voicebot.store.records import CaseStatus, NumberState, PromiseState, new_id, utc_now
from voicebot.store.rows import insert_once, lock, number_index

_SPOKEN_FOR = frozenset({NumberState.STOP.value, NumberState.WRONG_PERSON.value})
"""States that a person's word has brought about."""


class _Refusal(Exception):
    def __init__(self, field: str, why: str, *, needs_officer: bool = False) -> None:
        super().__init__(why)
        self.field = field
        self.why = why
        self.needs_officer = needs_officer


class NewsRepository:
    """See `voicebot.store.protocols.NewsDesk`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self, news: Sequence[News], *, by: str, looser: bool = False, at: datetime | None = None
    ) -> Sequence[Taken]:
        at = at or utc_now()
        async with self._database.write() as connection:
            cases = await _cases(connection, {one.case for one in news})
            for debtor in sorted({case.debtor_id for case in cases.values()}):
                await lock(connection, f"debtor {debtor}")
            return [await _take(connection, one, cases.get(one.case), by, looser, at) for one in news]

    async def payments(self, case_id: str, *, limit: int = 100) -> Sequence[Payment]:
        table = models.Payment
        statement = select(table).where(table.case_id == case_id).order_by(table.paid_on.desc(), table.id.desc())
        async with self._database.read() as connection:
            return [payment_record(row) for row in await connection.execute(statement.limit(limit))]


async def _cases(connection: AsyncConnection, names: set[str]) -> dict[str, Row[Any]]:
    """The case of each id or contract number that is known; an id comes before a contract of the same name."""
    table = models.Case
    rows = (await connection.execute(select(table).where(or_(table.id.in_(names), table.external_id.in_(names))))).all()
    return {row.external_id: row for row in rows if row.external_id} | {row.id: row for row in rows}


async def _take(
    connection: AsyncConnection, one: News, case: Row[Any] | None, by: str, looser: bool, at: datetime
) -> Taken:
    if case is None:
        why = f"no case has the contract number or the id {one.case}; import the case first"
        return Taken(TakenAs.REFUSED, None, "case", why)
    try:
        match one:
            case PaymentNews():
                outcome = await _pay(connection, one, case, by, at)
            case FlagNews():
                outcome = await _flag(connection, one, case, by, looser, at)
            case NumberNews():
                outcome = await _number(connection, one, case, looser)
            case ConsentNews():
                outcome = await _consent(connection, one, case, at)
            case SpanNews():
                outcome = await _span(connection, one, case, looser, at)
    except _Refusal as refusal:
        return Taken(TakenAs.REFUSED, case.id, refusal.field, refusal.why, refusal.needs_officer)
    return Taken(outcome, case.id)


async def _pay(connection: AsyncConnection, one: PaymentNews, case: Row[Any], by: str, at: datetime) -> TakenAs:
    if one.currency not in (None, case.currency):
        raise _Refusal("currency", f"the case is kept in {case.currency}; book the payment in it")
    if one.paid_on > at.astimezone(ZoneInfo(case.time_zone)).date():
        raise _Refusal("paid_on", f"{one.paid_on} lies ahead; a payment is reported when it was made")
    table = models.Payment
    known = select(table).where(table.case_id == case.id, table.reference == one.reference)
    before = (await connection.execute(known)).first()
    if before is not None:
        if (before.amount, before.paid_on) != (one.amount, one.paid_on):
            why = f"{one.reference} is known with another amount or day; give each payment a reference of its own"
            raise _Refusal("reference", why)
        return TakenAs.KNOWN
    values = {
        "id": new_id(),
        "case_id": case.id,
        "reference": one.reference,
        "amount": one.amount,
        "currency": case.currency,
        "paid_on": one.paid_on,
        "recorded_at": at,
        "recorded_by": by[:200],
    }
    await insert_once(connection, table, values)
    # Read again: an earlier payment of the same batch may have changed it.
    now = (await connection.execute(select(models.Case).where(models.Case.id == case.id))).one()
    paid = min(now.amount_due, now.paid + one.amount)
    changed: dict[str, Any] = {"paid": paid}
    if paid == now.amount_due and now.status == CaseStatus.OPEN.value:
        changed |= {"status": CaseStatus.SETTLED.value, "closed_at": at}
    await connection.execute(update(models.Case).where(models.Case.id == case.id).values(**changed))
    if await _is_followed_up(connection, case.id):
        await happened(connection, EventKind.PAYMENT_TAKEN, case.id, at)
    return TakenAs.NEW


async def _is_followed_up(connection: AsyncConnection, case_id: str) -> bool:
    """Whether a payment may decide a promise of the case. A ledger of a million payments is no million events."""
    promise, step = models.Promise, outgoing_models.FollowUp
    for asked in (
        select(promise.id).where(promise.case_id == case_id, promise.state == PromiseState.OPEN.value),
        select(step.id).where(step.case_id == case_id, step.state == StepState.WAITING.value),
    ):
        if (await connection.execute(asked.limit(1))).first() is not None:
            return True
    return False


async def _flag(
    connection: AsyncConnection, one: FlagNews, case: Row[Any], by: str, looser: bool, at: datetime
) -> TakenAs:
    table = models.CaseFlag
    since = at if one.since is None else _local(one.since, case)
    if since > at:
        raise _Refusal("since", f"{since:%Y-%m-%d} lies ahead; a flag is reported when it came up")
    standing = (table.case_id == case.id, table.name == one.flag, table.cleared_at.is_(None))
    if one.in_force:
        # A flag that was lifted later than this news came up stays lifted: an old table is no new reason.
        seen = select(table.id).where(
            table.case_id == case.id, table.name == one.flag, table.cleared_at.is_(None) | (table.cleared_at >= since)
        )
        if (await connection.execute(seen)).first() is not None:
            return TakenAs.KNOWN
        if one.allows_more and not looser:
            _needs_an_officer("flag", "what lets the bot say more")
        row = {
            "id": new_id(),
            "case_id": case.id,
            "name": one.flag,
            "note": one.note,
            "set_at": since,
            "set_by": by[:200],
        }
        await insert_once(connection, table, row)
        return TakenAs.NEW
    suppressed = models.Suppression
    person = (
        suppressed.debtor_id == case.debtor_id,
        suppressed.reason == one.flag,
        suppressed.until.is_(None) | (suppressed.until > at),
    )
    found = [
        (await connection.execute(select(table.id).where(*standing, table.set_at <= since))).first(),
        (await connection.execute(select(suppressed.id).where(*person, suppressed.since <= since))).first(),
    ]
    if not any(found):
        return TakenAs.KNOWN
    if not looser and not one.allows_more:
        _needs_an_officer("in_force", "lifting a flag")
    await connection.execute(update(table).where(*standing, table.set_at <= since).values(cleared_at=at, cleared_by=by))
    await connection.execute(update(suppressed).where(*person, suppressed.since <= since).values(until=at))
    return TakenAs.CHANGED


async def _number(connection: AsyncConnection, one: NumberNews, case: Row[Any], looser: bool) -> TakenAs:
    table = models.Number
    number = dialable(one.number, case.jurisdiction)
    if number is None:
        raise _Refusal("number", "not a telephone number of the case's country; write it as E.164: +8613800000000")
    index = number_index(connection, number)
    mine = (table.debtor_id == case.debtor_id, table.number_index == index)
    before = (await connection.execute(select(table).where(*mine))).first()
    said = {
        "state": one.state.value if one.state else None,
        "label": one.label,
        "approved_by": one.approved_by,
    }
    given = {name: value for name, value in said.items() if value is not None}
    if before is None:
        if one.approved_by and not looser:
            _needs_an_officer("approved_by", "approving calls to a third party")
        last = select(table.preferred).where(table.debtor_id == case.debtor_id).order_by(table.preferred.desc())
        place = (await connection.execute(last.limit(1))).scalar_one_or_none()
        values = {"state": NumberState.VALID.value, "label": "", "approved_by": None} | given
        row = {"id": new_id(), "debtor_id": case.debtor_id, "number": number, "number_index": index}
        await insert_once(connection, table, row | values | {"preferred": 0 if place is None else place + 1})
        return TakenAs.NEW
    changed = {name: value for name, value in given.items() if getattr(before, name) != value}
    if not changed:
        return TakenAs.KNOWN
    if not looser:
        if before.state in _SPOKEN_FOR and changed.get("state") == NumberState.VALID.value:
            _needs_an_officer("state", f"making a number valid that is {before.state}")
        if before.label and "label" in changed:
            _needs_an_officer("label", f"saying anew whose a number is that is labelled {before.label}")
        if "approved_by" in changed:
            _needs_an_officer("approved_by", "approving calls to a third party")
    await connection.execute(update(table).where(*mine).values(**changed))
    return TakenAs.CHANGED


async def _consent(connection: AsyncConnection, one: ConsentNews, case: Row[Any], at: datetime) -> TakenAs:
    given_at = _local(one.at, case)
    if given_at > at:
        raise _Refusal("on", "it lies ahead; a consent or a notice is reported when it was given")
    table = models.CaseConsent
    mine = (table.case_id == case.id, table.kind == one.kind, table.at == given_at)
    before = (await connection.execute(select(table).where(*mine))).first()
    if before is None:
        row = {"id": new_id(), "case_id": case.id, "kind": one.kind, "granted": one.granted, "at": given_at}
        await insert_once(connection, table, row | {"source": one.source})
        return TakenAs.NEW
    if (before.granted, before.source) == (one.granted, one.source):
        return TakenAs.KNOWN
    await connection.execute(update(table).where(*mine).values(granted=one.granted, source=one.source))
    return TakenAs.CHANGED


async def _span(connection: AsyncConnection, one: SpanNews, case: Row[Any], looser: bool, at: datetime) -> TakenAs:
    table = models.CaseSpan
    starts_at, ends_at = _local(one.starts_at, case), _local(one.ends_at, case)
    mine = (
        table.case_id == case.id,
        table.kind == one.kind.value,
        table.starts_at == starts_at,
        table.ends_at == ends_at,
    )
    there = (await connection.execute(select(table.id).where(*mine))).first() is not None
    if there == one.in_force:
        return TakenAs.KNOWN
    if not one.in_force:
        if not looser:
            _needs_an_officer("in_force", "taking a time back")
        await connection.execute(delete(table).where(*mine))
        return TakenAs.CHANGED
    row = {
        "id": new_id(),
        "case_id": case.id,
        "kind": one.kind.value,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "source": one.source,
        "recorded_at": at,
    }
    await insert_once(connection, table, row)
    return TakenAs.NEW


def _local(moment: datetime, case: Row[Any]) -> datetime:
    """A time that names no zone is one of the debtor's day."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(case.time_zone))


def _needs_an_officer(field: str, what: str) -> NoReturn:
    why = f"{what} allows more calls: an officer does it by API, or an import with --looser"
    raise _Refusal(field, why, needs_officer=True)


def payment_record(row: Row[Any]) -> Payment:
    """A payment from its row."""
    return Payment(
        id=row.id,
        case_id=row.case_id,
        reference=row.reference,
        amount=row.amount,
        currency=row.currency,
        paid_on=row.paid_on,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )
