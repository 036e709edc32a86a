"""How a promise stands against what came in since: kept, kept in part, or not. Pure but for reading the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Protocol
from zoneinfo import ZoneInfo

from voicebot.store.news_records import Payment
from voicebot.store.protocols import NewsDesk, Promises
from voicebot.store.records import Case, CaseStatus, Promise, PromiseState

SPOKEN_OF = timedelta(days=60)
"""How long after its day a promise is still spoken of."""
_READ = 200
"""Promises and payments of one case that are looked at."""


class Kept(Enum):
    """How a promise stands."""

    KEPT = "kept"
    PARTLY = "partly"
    BROKEN = "broken"
    """Nothing came in. Before its day is over that is no fault yet."""


@dataclass(frozen=True)
class PromiseStanding:
    """A promise, and what came in since it was made."""

    promise: Promise
    kept: Kept
    paid: Decimal
    """Booked since, in the promise's currency."""
    changes: int
    """How often the case's promises were moved before this one."""
    due: bool
    """Whether its day has come to an end where the debtor is."""

    def facts(self) -> Mapping[str, object]:
        """For the flow. Before its day is over, nothing is said of whether it was kept, unless it was."""
        known: dict[str, object] = {
            "promise.amount": self.promise.amount,
            "promise.date": self.promise.due_on,
            "promise.paid": self.paid,
            "promise.changes": self.changes,
        }
        if self.due or self.kept is Kept.KEPT:
            known["promise.status"] = self.kept.value
        return known


class PromiseBook(Protocol):
    """The repositories in which promises and payments stand."""

    @property
    def promises(self) -> Promises: ...
    @property
    def news(self) -> NewsDesk: ...


def standing_of(
    promise: Promise, case: Case, payments: Sequence[Payment], at: datetime, *, changes: int = 0
) -> PromiseStanding:
    """Sets payments against a promise: those made after it was given, in its currency.

    What was paid on the very day counts when it was booked after the promise: before, both sides knew of it.
    """
    made = _local_day(promise.recorded_at, case)
    paid = sum(
        (
            payment.amount
            for payment in payments
            if payment.currency == promise.currency
            and (payment.paid_on > made or (payment.paid_on == made and payment.recorded_at >= promise.recorded_at))
        ),
        Decimal(0),
    )
    settled = case.status is CaseStatus.SETTLED or case.debt.amount_due <= 0
    kept = Kept.PARTLY if paid > 0 else Kept.BROKEN
    if settled or paid >= promise.amount:
        kept = Kept.KEPT
    return PromiseStanding(promise, kept, paid, changes, _local_day(at, case) > promise.due_on)


async def latest_promise(book: PromiseBook, case: Case, at: datetime) -> PromiseStanding | None:
    """How the case's latest promise stands; None when there is none that is still spoken of."""
    promises = await book.promises.list(case_id=case.id, limit=_READ)
    if (latest := _spoken_of(promises, case, at)) is None:
        return None
    payments = await book.news.payments(case.id, limit=_READ)
    return standing_of(latest, case, payments, at, changes=_moves(promises))


async def promise_as_of(book: PromiseBook, case: Case, at: datetime) -> PromiseStanding | None:
    """How it stood when a call was held, from what the store knows since: what was promised or booked later is left
    out, and a promise that a later one took the place of is open still."""
    known = await book.promises.list(case_id=case.id, limit=_READ)
    promises = [promise for promise in known if promise.recorded_at < at]
    if promises and len(promises) < len(known) and promises[0].state is PromiseState.CANCELLED:
        promises[0] = replace(promises[0], state=PromiseState.OPEN)
    if (latest := _spoken_of(promises, case, at)) is None:
        return None
    booked = await book.news.payments(case.id, limit=_READ)
    payments = [payment for payment in booked if payment.recorded_at < at]
    debt = case.debt
    later = [one.amount for one in booked if one.recorded_at >= at and one.currency == debt.currency]
    if later:
        # What settled the case since had not come in then.
        debt = replace(debt, amount_due=debt.amount_due + sum(later))
        case = replace(case, status=CaseStatus.OPEN, debt=debt)
    return standing_of(latest, case, payments, at, changes=_moves(promises))


def _spoken_of(promises: Sequence[Promise], case: Case, at: datetime) -> Promise | None:
    """The newest that was not moved, unless its day is long gone."""
    latest = next((promise for promise in promises if promise.state is not PromiseState.CANCELLED), None)
    return latest if latest is not None and latest.due_on >= _local_day(at - SPOKEN_OF, case) else None


def _moves(promises: Sequence[Promise]) -> int:
    return sum(promise.state is PromiseState.CANCELLED for promise in promises)


def _local_day(at: datetime, case: Case) -> date:
    return at.astimezone(ZoneInfo(case.time_zone)).date()
