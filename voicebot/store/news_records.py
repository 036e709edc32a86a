"""What others tell the store about cases it has: payments, flags, numbers, consents, times; and the emergency stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from voicebot.store.records import NumberState, new_id, utc_now


class SpanKind(Enum):
    """What a span of time means for calls."""

    AGREED = "agreed"
    """The debtor agreed to be called in it, even outside the lawful hours."""
    BLOCKED = "blocked"
    """The debtor does not want to be called in it."""
    VISIT = "visit"
    """Somebody visits: nobody calls on its day."""


@dataclass(frozen=True)
class CaseSpan:
    """A span of time of a case, as it is stored."""

    kind: SpanKind
    starts_at: datetime
    ends_at: datetime
    """Excluded."""
    source: str = ""
    """Where it is written down: a recording, a letter."""
    recorded_at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True)
class Payment:
    """Money that the creditor booked for a case, as it is stored."""

    case_id: str
    reference: str
    """The creditor's own: the same one for the same case is the same payment."""
    amount: Decimal
    paid_on: date
    currency: str = "CNY"
    """ISO 4217."""
    id: str = field(default_factory=new_id)
    recorded_at: datetime = field(default_factory=utc_now)
    recorded_by: str = ""
    """User, or import that brought it."""


@dataclass(frozen=True)
class Halt:
    """The emergency stop: while one is in force, nobody is dialled, by any worker."""

    reason: str
    by: str
    since: datetime
    id: str = field(default_factory=new_id)
    lifted_at: datetime | None = None
    """None while it is in force."""
    lifted_by: str | None = None
    lifted_because: str | None = None


# News. `case` is a case's id, or the creditor's contract number; a time without a zone is one of the case's own zone.
@dataclass(frozen=True)
class PaymentNews:
    """Money came in."""

    case: str
    reference: str
    amount: Decimal
    paid_on: date
    currency: str | None = None
    """ISO 4217; None takes the case's."""


@dataclass(frozen=True)
class FlagNews:
    """Something that every later decision must know came up, or is over."""

    case: str
    flag: str
    in_force: bool = True
    """False lifts it."""
    since: datetime | None = None
    """When it came up, or when it was lifted; None is now."""
    note: str = ""
    allows_more: bool = False
    """It holds nothing back but lets the bot say more: setting it is an officer's, lifting it is not."""


@dataclass(frozen=True)
class NumberNews:
    """Something was learnt of a number; one that the debtor does not have yet is added."""

    case: str
    number: str
    """E.164."""
    state: NumberState | None = None
    """None leaves it; of a new number, VALID."""
    label: str | None = None
    """Whose it is; None leaves it."""
    approved_by: str | None = None
    """Who approved calls to a third party's number; None leaves it."""


@dataclass(frozen=True)
class ConsentNews:
    """The debtor said yes or no, or was sent a notice."""

    case: str
    kind: str
    at: datetime
    granted: bool = True
    source: str = ""


@dataclass(frozen=True)
class SpanNews:
    """A time was agreed or ruled out, or a visit was booked; or that is taken back."""

    case: str
    kind: SpanKind
    starts_at: datetime
    ends_at: datetime
    source: str = ""
    in_force: bool = True
    """False takes it back."""


News = PaymentNews | FlagNews | NumberNews | ConsentNews | SpanNews


class TakenAs(Enum):
    """What came of one piece of news."""

    NEW = "new"
    CHANGED = "changed"
    KNOWN = "known"
    """It was known already; nothing changed."""
    REFUSED = "refused"


@dataclass(frozen=True)
class Taken:
    """Answer of `news.take` to one piece of news."""

    outcome: TakenAs
    case_id: str | None = None
    """None when the case is not known."""
    field: str = ""
    """Of a refused one: which part of it is wrong."""
    why: str = ""
    """Of a refused one: what is wrong, and how to mend it."""
    needs_officer: bool = False
    """Of a refused one: it would allow more calls, and only an officer may say so."""
