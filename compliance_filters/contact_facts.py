"""What must be known before a number may be dialled. None always means unknown, and unknown refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum


class Owner(Enum):
    """Whose number it is."""

    DEBTOR = "debtor"
    GUARANTOR = "guarantor"
    THIRD_PARTY = "third_party"


class Direction(Enum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"


class HoldKind(Enum):
    """What stops contact, in the order in which it is asked about."""

    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    ILLEGAL_DEBT = "illegal_debt"
    LEGAL_HOLD = "legal_hold"
    DISPUTE = "dispute"
    COMPLAINT = "complaint"
    DECEASED = "deceased"
    INCAPACITY = "incapacity"
    MINOR = "minor"
    SELF_HARM = "self_harm"
    VULNERABLE = "vulnerable"
    DO_NOT_CALL = "do_not_call"
    STOP_CONTACT = "stop_contact"
    CEASE_WRITTEN = "cease_written"
    LAWYER = "lawyer"
    WRONG_NUMBER = "wrong_number"
    THIRD_PARTY_REFUSED = "third_party_refused"
    AGREEMENT = "agreement"
    PROMISE = "promise"
    PAYMENT_CLAIMED = "payment_claimed"
    PAYMENT = "payment"
    """Money came in: whoever has just paid is left alone for a while."""
    DORMANT = "dormant"
    BREATHING_SPACE = "breathing_space"


@dataclass(frozen=True)
class Hold:
    """One reason not to call, on the person or on a number."""

    kind: HoldKind
    until: datetime | None = None
    """When it ends; None means until somebody lifts it."""
    number: str | None = None
    """E.164 number it is limited to; None means the person, whatever the number."""


@dataclass(frozen=True)
class Interval:
    """A span of time, end excluded."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class DailyInterval:
    """Minutes of every local day, end excluded; one that ends before it begins runs past midnight."""

    start_minute: int
    end_minute: int

    def holds(self, minute: int) -> bool:
        if self.start_minute <= self.end_minute:
            return self.start_minute <= minute < self.end_minute
        return minute >= self.start_minute or minute < self.end_minute


@dataclass(frozen=True)
class AgreedTime:
    """The debtor agreed to be called at a time that the law would not allow by itself."""

    span: Interval
    recorded_at: datetime
    source: str
    """Where the proof is: a recording, a letter."""


@dataclass(frozen=True)
class DialFacts:
    """One number of one case, just before it may be dialled."""

    number: str
    """E.164."""
    owner: Owner | None = None
    person_id: str | None = None
    """The debtor across all campaigns, numbers and cases."""
    debt_id: str | None = None
    timezone: str | None = None
    """IANA zone of the debtor, from the account: never guessed from an area code."""
    residence: str | None = None
    """State or region of residence, for overlays such as US states (two letters)."""
    holds: tuple[Hold, ...] | None = None
    """Everything that stops contact; an empty tuple says that there is nothing, None that nobody knows."""
    consents: frozenset[str] | None = None
    """Recorded consents that are in force: ai_voice, education_message, ..."""
    callback_at: datetime | None = None
    """When the person asked to be called back."""
    blocked: tuple[Interval, ...] = ()
    blocked_daily: tuple[DailyInterval, ...] = ()
    """Times the person called inconvenient, in local minutes of the day."""
    agreed: tuple[AgreedTime, ...] = ()
    conservative: bool = False
    """True when the campaign runs on the conservative profile: lunch and holidays are left alone."""
    visit_on: date | None = None
    """Local day on which somebody visits."""
    failed_attempts_in_a_row: int | None = None
    """Attempts to the debtor's own numbers without reaching him, for calls to a contact."""
    own_number_invalid: bool = False
    reviewed_by: str | None = None
    """Who approved the call to a contact."""
    assigned: bool | None = None
    """True when the debt was sold or assigned to somebody else."""
    assignment_notice_at: datetime | None = None
    by_agency: bool | None = None
    """True when an outside agency collects for the creditor."""
    agency_notice_at: datetime | None = None
    caller_number: str | None = None
    registered_callers: frozenset[str] | None = None
    caller_calls: tuple[datetime, ...] | None = None
    """When that caller number was shown during the last 24 hours, all campaigns together."""
    caller_review_until: datetime | None = None
    """Until when a reviewer let the caller number go on beyond its daily limit."""
    whitelisted: bool = False
    """Lifts frequency limits of carriers only; never hours, never a wish not to be called."""
    halted: bool | None = None
    """True while the emergency stop is on."""


@dataclass(frozen=True)
class PastContact:
    """One attempt or one inbound call in the past."""

    at: datetime
    number: str
    direction: Direction = Direction.OUTBOUND
    effective: bool = False
    """It became a conversation of substance with the debtor."""
    debt_id: str | None = None
    to: Owner = Owner.DEBTOR


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule said."""

    id: str
    verdict: str
    """allow or refuse."""
    why: str
    counts: dict[str, int] = field(default_factory=dict)
    until: datetime | None = None
    """When a refusing rule would allow again if nothing else happens; None when only a person can lift it."""


@dataclass(frozen=True)
class Decision:
    """May the number be dialled now, by which rules, and when next."""

    allowed: bool
    rules: tuple[RuleOutcome, ...]
    next_allowed: datetime | None
    """The next time it is allowed, or `at` itself when it is; None when a person must act first."""
    pack_hash: str
    overrides_hash: str | None = None
    """Of the local changes of rules that applied; None when none did."""

    @property
    def refused_by(self) -> tuple[str, ...]:
        return tuple(r.id for r in self.rules if r.verdict == "refuse")
