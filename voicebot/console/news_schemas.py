"""Bodies and answers about news of cases and the emergency stop."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from voicebot.campaign.case_form import Line
from voicebot.campaign.news_forms import PaymentForm
from voicebot.console.schemas import Answer, Body
from voicebot.store.news_records import Halt, Payment, Taken


class PaymentBody(PaymentForm):
    """Money that came in for a case."""

    reference: Line | None = None  # type: ignore[assignment]
    """The creditor's own reference of the payment: the same one again is the same payment. Left out, the
    Idempotency-Key stands for it."""


class NewsAnswer(Answer):
    case: str
    """Id of the case."""
    outcome: str
    """new, changed, or known: nothing changed."""

    @classmethod
    def of(cls, taken: Taken) -> Self:
        return cls(case=taken.case_id or "", outcome=taken.outcome.value)


class PaymentAnswer(Answer):
    reference: str
    amount: str | None
    """None where the role may not see it."""
    currency: str
    paid_on: date
    recorded_at: datetime

    @classmethod
    def of(cls, payment: Payment, *, unmasked: bool) -> Self:
        return cls(
            reference=payment.reference,
            amount=str(payment.amount) if unmasked else None,
            currency=payment.currency,
            paid_on=payment.paid_on,
            recorded_at=payment.recorded_at,
        )


class PaymentList(Answer):
    payments: list[PaymentAnswer]


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=500)
    """Why; kept in the audit log."""


class ReviewBody(ReasonBody):
    """A number of ours may call on beyond its daily limit."""

    number: str = Field(pattern=r"^\+[1-9][0-9]{4,14}$")
    """The calling number, E.164."""
    until: datetime
    """Until when, ISO 8601 with a time zone."""

    @field_validator("until")
    @classmethod
    def _zoned(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise PydanticCustomError("until", "it names no time zone; write 2026-11-20T22:00:00+08:00")
        return value


class HaltAnswer(Answer):
    halted: bool
    """Whether the emergency stop is on: nobody is dialled."""
    since: datetime | None
    by: str | None
    reason: str | None

    @classmethod
    def of(cls, halt: Halt | None) -> Self:
        if halt is None:
            return cls(halted=False, since=None, by=None, reason=None)
        return cls(halted=True, since=halt.since, by=halt.by, reason=halt.reason)
