"""What the store gives and takes: frozen values, free of SQLAlchemy.

Ids are made by whoever makes the record (`new_id`), so that writing a record twice is the same as writing it once.
Every datetime carries a time zone; the store gives them back in UTC.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voicebot.store.news_records import CaseSpan, Payment


_TICKS = 4096
"""Parts of a millisecond that an id tells apart."""


class _Ticks:
    """Parts of a millisecond since 1970, each given out once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest = 0

    def next(self) -> int:
        with self._lock:
            self._newest = max(self._newest + 1, time.time_ns() * _TICKS // 1_000_000)
            return self._newest


_ticks = _Ticks()


def new_id() -> str:
    """A fresh id, 32 hexadecimal digits, that sorts after every id this process made before.

    UUID version 7 (RFC 9562 section 5.7) with the part of the millisecond in front of the random bits (section 6.2,
    method 3). While the clock is set back, ids go on from the newest one.
    """
    milliseconds, part = divmod(_ticks.next(), _TICKS)
    value = (milliseconds << 80) | (0x7 << 76) | (part << 64) | (0b10 << 62) | secrets.randbits(62)
    return uuid.UUID(int=value).hex


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class NumberState(Enum):
    """Whether a number may be dialled for this debtor."""

    VALID = "valid"
    INVALID = "invalid"
    """An empty or wrong number, as the carrier said."""
    WRONG_PERSON = "wrong_person"
    """Somebody else answered and said so."""
    STOP = "stop"
    """The person asked not to be called on it."""


class AgeBand(Enum):
    UNKNOWN = "unknown"
    MINOR = "minor"
    """Under 18: never called."""
    ADULT = "adult"
    ELDERLY = "elderly"
    """60 and over: slower speech, simpler words."""


class CaseStatus(Enum):
    OPEN = "open"
    SETTLED = "settled"
    """Paid in full."""
    CLOSED = "closed"
    """Withdrawn, written off, or taken back by the creditor."""


@dataclass(frozen=True)
class PhoneNumber:
    """A number a debtor may be reached on."""

    number: str
    """E.164, such as +8613800000000."""
    state: NumberState = NumberState.VALID
    label: str = ""
    """mobile, home, work, ... as the creditor wrote it."""
    preferred: int = 0
    """Order in which numbers are tried, lowest first."""
    approved_by: str | None = None
    """Who approved calls to a third party's number; None when nobody did."""


@dataclass(frozen=True)
class Debtor:
    """A person who owes; may have several cases."""

    name: str
    id: str = field(default_factory=new_id)
    external_id: str | None = None
    """The creditor's own customer number: cases with the same one share the debtor."""
    surname: str | None = None
    """None when it is not known apart from the name."""
    honorific: str | None = None
    """How the person is addressed: 先生, 女士, ...; None when it is not known."""
    id_last_four: str | None = None
    """Last four characters of the identity document, for right-party verification; the last may be X."""
    age_band: AgeBand = AgeBand.UNKNOWN
    numbers: tuple[PhoneNumber, ...] = ()
    """In the order in which they are tried."""


@dataclass(frozen=True)
class Debt:
    """What is owed, as the creditor's ledger says."""

    creditor: str
    """Name as it is spoken once the right party is verified."""
    amount_due: Decimal
    """Due now, everything included and payments taken off, in `currency`; at most four decimal places."""
    due_date: date
    currency: str = "CNY"
    """ISO 4217."""
    product: str | None = None
    principal: Decimal | None = None
    """As the creditor stated it, before the payments of `paid`."""
    minimum_due: Decimal | None = None
    """As the creditor stated it, before the payments of `paid`."""
    paid: Decimal = Decimal(0)
    """Payments since the creditor last stated the debt; `amount_due` is without them."""

    def days_overdue(self, today: date) -> int:
        """Whole days after the due date; 0 until then."""
        return max(0, (today - self.due_date).days)


@dataclass(frozen=True)
class Flag:
    """Something that every later decision about a case must know."""

    name: str
    """dispute, stop_contact, deceased, wrong_number, vulnerable, complaint, lawyer, bankruptcy, ..."""
    set_at: datetime
    note: str = ""
    set_by: str = ""
    """Call id, user, or import that set it."""


@dataclass(frozen=True)
class Consent:
    """A yes or a no that the debtor gave, and where it is written down."""

    kind: str
    """call, robot_call, recording, sms, hours, third_party, ..."""
    granted: bool
    at: datetime
    source: str = ""
    """Contract, call id, web form."""


@dataclass(frozen=True)
class Case:
    """One debt of one debtor, and everything needed to decide whether, when and how to call."""

    debtor: Debtor
    debt: Debt
    id: str = field(default_factory=new_id)
    external_id: str | None = None
    """The creditor's contract number; importing it again changes the case in place of adding one."""
    status: CaseStatus = CaseStatus.OPEN
    time_zone: str = "Asia/Shanghai"
    """IANA name of the debtor's zone."""
    language: str = "zh-CN"
    """BCP 47."""
    dialect: str | None = None
    jurisdiction: str = "cn"
    """Rule pack: cn, us, uk_eu, hk, tw."""
    residence: str | None = None
    """State the debtor lives in, two letters for the United States; None when it is not known."""
    risk_tier: str | None = None
    payday: int | None = None
    """Day of the month on which income arrives, 1-31."""
    preferred_hours: tuple[str, ...] = ()
    """Spans of the debtor's local day they asked to be called in, such as 18:00-20:00."""
    flags: tuple[Flag, ...] = ()
    """Those in force."""
    consents: tuple[Consent, ...] = ()
    """Latest of each kind."""
    created_at: datetime = field(default_factory=utc_now)
    closed_at: datetime | None = None
    """When the case was settled or closed: retention counts from here."""

    def has_flag(self, name: str) -> bool:
        return any(flag.name == name for flag in self.flags)

    def first_valid_number(self) -> str | None:
        """The number to try first, None when none may be dialled."""
        return next((entry.number for entry in self.debtor.numbers if entry.state is NumberState.VALID), None)


@dataclass(frozen=True)
class BulkResult:
    """What `cases.add_many` did, in cases."""

    added: int
    changed: int
    unchanged: int


class AttemptState(Enum):
    BEGUN = "begun"
    """Recorded; the number is being dialled or the call is live."""
    ENDED = "ended"
    REFUSED = "refused"
    """The contact policy said no; nothing was dialled."""
    INTERRUPTED = "interrupted"
    """The worker died while it was open. It counts as an attempt, because the telephone may have rung."""


@dataclass(frozen=True)
class Attempt:
    """One dial of one number, recorded before it is made."""

    id: str
    idempotency_key: str
    """The same key is never dialled twice."""
    case_id: str
    debtor_id: str
    number: str
    """E.164."""
    caller_id: str | None
    worker_id: str
    state: AttemptState
    begun_at: datetime
    ended_at: datetime | None = None
    cause: str | None = None
    """A value of telephony.carrier.Cause."""
    disposition: str | None = None
    call_id: str | None = None
    campaign_id: str | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    """Why it was allowed or refused: rules, counts, and when it next becomes allowed. JSON values."""


@dataclass(frozen=True)
class BegunAttempt:
    """Answer of `attempts.begin`."""

    attempt: Attempt
    created: bool
    """False when the key was known: the attempt is the first one's, and must not be dialled again."""


@dataclass(frozen=True)
class ContactHistory:
    """What a contact policy needs to know of a debtor, read in the transaction that records the attempt."""

    case: Case
    attempts: tuple[Attempt, ...]
    """Of this debtor, across all cases and campaigns, newest first; refused ones left out."""
    number_attempts: tuple[Attempt, ...]
    """Of the number that is to be dialled, whoever it belongs to, newest first; refused ones left out."""
    suppressed: tuple[Suppression, ...]
    """Do-not-call entries in force for the number or the debtor."""
    promises: tuple[Promise, ...]
    """Open promises of the debtor."""
    number: str = ""
    """The number that is to be dialled, E.164."""
    caller_id: str | None = None
    """The number that is to be shown, E.164; None for the carrier's own."""
    caller_calls: tuple[datetime, ...] = ()
    """When that number was shown on calls during the last 24 hours, newest first."""
    at: datetime | None = None
    """When the dial is to begin; None in a history that was not read for a dial."""
    inbound: tuple[Call, ...] = ()
    """Calls the debtor's cases made to us during the last 31 days, newest first."""
    callbacks: tuple[Callback, ...] = ()
    """Open agreements on a time to call this case, earliest first."""
    other_flags: tuple[Flag, ...] = ()
    """Flags in force on the debtor's other cases."""
    spans: tuple[CaseSpan, ...] = ()
    """Times that were agreed or ruled out for this case, and visits; earliest first."""
    payments: tuple[Payment, ...] = ()
    """Payments of the debtor that were recorded during the last 31 days, newest first."""
    halted: bool | None = None
    """Whether the emergency stop is on; None when nobody knows."""
    caller_review_until: datetime | None = None
    """Until when an officer let the number that is to be shown go on beyond its daily limit."""


@dataclass(frozen=True)
class Permission:
    """What a contact policy answered."""

    allowed: bool
    explanation: Mapping[str, Any] = field(default_factory=dict)
    """JSON values; kept with the attempt or the refusal."""


@dataclass(frozen=True)
class Call:
    """One live session, in or out."""

    direction: str
    """inbound or outbound."""
    flow: str
    started_at: datetime
    worker_id: str
    id: str = field(default_factory=new_id)
    flow_hash: str = ""
    """SHA-256 of the flow's text and its lines, hexadecimal."""
    pack_hash: str = ""
    """SHA-256 of the rule pack that guarded it, hexadecimal."""
    carrier: str = ""
    carrier_call_id: str = ""
    """SIP Call-ID or Twilio SID."""
    number: str | None = None
    """The other side's number, E.164; None when withheld."""
    case_id: str | None = None
    attempt_id: str | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    cause: str | None = None
    """A value of telephony.carrier.Cause."""
    disposition: str | None = None
    evidence_path: str | None = None
    """Folder of the evidence, relative to the evidence root."""
    evidence_digest: str | None = None
    """Digest of the evidence manifest, hexadecimal: ties the folder to this row."""
    answers_attempt_id: str | None = None
    """Of an inbound call: the missed attempt that it returns."""
    guard_hits: int = 0
    """Lines that the guard did not let pass as they were written."""


class PromiseState(Enum):
    OPEN = "open"
    KEPT = "kept"
    PARTLY = "partly"
    """Some of it was paid by the end of its days of grace."""
    BROKEN = "broken"
    CANCELLED = "cancelled"
    """Another promise took its place, or it has no object any more."""


@dataclass(frozen=True)
class Promise:
    """A promise to pay that was read back and confirmed."""

    case_id: str
    amount: Decimal
    due_on: date
    id: str = field(default_factory=new_id)
    call_id: str | None = None
    currency: str = "CNY"
    partial: bool = False
    words: str = ""
    """What the caller said, raw."""
    state: PromiseState = PromiseState.OPEN
    recorded_at: datetime = field(default_factory=utc_now)


class CallbackState(Enum):
    OPEN = "open"
    DONE = "done"
    """It was called, or an agent says so."""
    CANCELLED = "cancelled"


FOR_AN_AGENT = "asked_for_human"
"""`Callback.because` of one that a human promised to make: no machine calls in their place."""


@dataclass(frozen=True)
class Callback:
    """A time at which somebody asked to be called."""

    at: datetime
    id: str = field(default_factory=new_id)
    case_id: str | None = None
    """None for a caller who was not recognised."""
    call_id: str | None = None
    number: str | None = None
    """E.164; None takes the case's first valid number."""
    because: str = ""
    """asked_by_caller, or FOR_AN_AGENT."""
    state: CallbackState = CallbackState.OPEN
    recorded_at: datetime = field(default_factory=utc_now)
    tries: int = 0
    """How often the contact policy refused it."""
    next_at: datetime | None = None
    """When it may be tried again after that; None takes `at`."""
    ended_at: datetime | None = None
    outcome: str = ""
    """What came of it, or why it waits for an agent."""


@dataclass(frozen=True)
class PlanRequest:
    """A wish for instalments: a request, never an approval."""

    case_id: str
    id: str = field(default_factory=new_id)
    call_id: str | None = None
    instalments: int | None = None
    reason: str | None = None
    recorded_at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True)
class Suppression:
    """A number or a debtor that is not to be contacted."""

    reason: str
    """stop_contact, deceased, lawyer, regulator, household, ..."""
    id: str = field(default_factory=new_id)
    number: str | None = None
    """E.164. Either this or `debtor_id` is given."""
    debtor_id: str | None = None
    since: datetime = field(default_factory=utc_now)
    until: datetime | None = None
    """None holds for good."""
    source: str = ""
    """Call id, user, or import that asked for it."""
