"""Bodies and answers about what waits for people: complaints with their days, callbacks, the queue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from compliance_filters.masking import mask_number
from voicebot.console.masking import mask_text
from voicebot.console.schemas import Answer, Body, Id, Page
from voicebot.store.complaint_records import Complaint, TierCount
from voicebot.store.records import Callback

TierName = Literal["service", "legal", "regulator_liaison"]


class ComplaintsQuery(Page):
    tier: TierName | None = None
    """Only those that lie with this tier."""
    kind: Literal["complaint", "dispute", "stop_contact", "data_request"] | None = None
    case: Id | None = None
    """Only of this case."""
    overdue: bool = False
    """Only those whose day has gone by."""
    closed: bool = False
    """Closed ones as well."""


class ResolutionBody(Body):
    """What came of it."""

    resolution: str = Field(min_length=1, max_length=2000)


class CallbacksQuery(Page):
    open: bool = True
    """Only those that are still owed."""


class ComplaintAnswer(Answer):
    id: str
    reference: str
    """Ten digits, as the caller was told."""
    kind: str
    tier: str
    state: str
    respond_by: date
    answer_by: date
    overdue: bool
    case: str | None
    call: str
    number: str | None
    """Masked for operators and agents."""
    words: str
    """What the caller said; masked likewise."""
    received_at: datetime
    responded_at: datetime | None
    escalated_at: datetime | None
    extensions: int
    closed_at: datetime | None
    closed_by: str | None
    resolution: str

    @classmethod
    def of(cls, complaint: Complaint, today: date, *, unmasked: bool, name: str = "") -> ComplaintAnswer:
        number = complaint.number
        names = (name,) if name else ()
        return cls(
            id=complaint.id,
            reference=complaint.reference,
            kind=complaint.kind.value,
            tier=complaint.tier.value,
            state=complaint.state.value,
            respond_by=complaint.respond_by,
            answer_by=complaint.answer_by,
            overdue=complaint.overdue(today),
            case=complaint.case_id,
            call=complaint.call_id,
            number=number if unmasked or number is None else mask_number(number),
            words=complaint.words if unmasked else mask_text(complaint.words, names),
            received_at=complaint.received_at,
            responded_at=complaint.responded_at,
            escalated_at=complaint.escalated_at,
            extensions=complaint.extensions,
            closed_at=complaint.closed_at,
            closed_by=complaint.closed_by,
            resolution=complaint.resolution if unmasked else mask_text(complaint.resolution, names),
        )


class TierAnswer(Answer):
    tier: str
    open: int
    overdue: int

    @classmethod
    def of(cls, count: TierCount) -> TierAnswer:
        return cls(tier=count.tier.value, open=count.open, overdue=count.overdue)


class ComplaintList(Answer):
    complaints: list[ComplaintAnswer]
    """The most pressing first."""
    tiers: list[TierAnswer]


class CallbackAnswer(Answer):
    id: str
    at: datetime
    state: str
    because: str
    """asked_for_human is an agent's to make; asked_by_caller is made by the engine."""
    case: str | None
    call: str | None
    number: str | None
    """Masked for operators."""
    outcome: str

    @classmethod
    def of(cls, callback: Callback, *, unmasked: bool) -> CallbackAnswer:
        number = callback.number
        return cls(
            id=callback.id,
            at=callback.at,
            state=callback.state.value,
            because=callback.because,
            case=callback.case_id,
            call=callback.call_id,
            number=number if unmasked or number is None else mask_number(number),
            outcome=callback.outcome,
        )


class CallbackList(Answer):
    callbacks: list[CallbackAnswer]


class QueuedAnswer(Answer):
    handoff: str
    call: str
    ahead: int
    """Callers with the same wish who are served before."""
    skill: str
    urgent: bool
    because: str
    since: datetime


class Queue(Answer):
    waiting: list[QueuedAnswer]
    """All workers' callers, the next first."""
