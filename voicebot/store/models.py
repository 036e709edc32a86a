"""The tables. The migrations beside this file bring a database to what stands here; a test holds them together."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, MetaData, String, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from voicebot.store.columns import Money, Sealed, UtcDateTime

ID = String(64)
WORD = String(40)
NAME = String(200)
HASH = String(64)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        date: Date,
        Decimal: Money,
        dict[str, Any]: JSON,
    }


class Debtor(Base):
    __tablename__ = "debtor"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    external_id: Mapped[str | None] = mapped_column(NAME, unique=True)
    name: Mapped[str] = mapped_column(Sealed("debtor.name"))
    surname: Mapped[str | None] = mapped_column(Sealed("debtor.surname"))
    honorific: Mapped[str | None] = mapped_column(NAME)
    id_last_four: Mapped[str | None] = mapped_column(Sealed("debtor.id_last_four"))
    age_band: Mapped[str] = mapped_column(WORD)


class Number(Base):
    __tablename__ = "phone_number"
    __table_args__ = (UniqueConstraint("debtor_id", "number_index"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    debtor_id: Mapped[str] = mapped_column(ForeignKey("debtor.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(Sealed("phone_number.number"))
    number_index: Mapped[str] = mapped_column(HASH, index=True)
    state: Mapped[str] = mapped_column(WORD)
    label: Mapped[str] = mapped_column(NAME)
    preferred: Mapped[int]
    approved_by: Mapped[str | None] = mapped_column(NAME)


class Case(Base):
    __tablename__ = "debt_case"
    __table_args__ = (Index("ix_debt_case_status_id", "status", "id"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    external_id: Mapped[str | None] = mapped_column(NAME, unique=True)
    debtor_id: Mapped[str] = mapped_column(ForeignKey("debtor.id"), index=True)
    status: Mapped[str] = mapped_column(WORD)
    creditor: Mapped[str] = mapped_column(NAME)
    product: Mapped[str | None] = mapped_column(NAME)
    amount_due: Mapped[Decimal]
    paid: Mapped[Decimal] = mapped_column(server_default=text("0"))
    principal: Mapped[Decimal | None]
    minimum_due: Mapped[Decimal | None]
    currency: Mapped[str] = mapped_column(String(3))
    due_date: Mapped[date]
    time_zone: Mapped[str] = mapped_column(NAME)
    language: Mapped[str] = mapped_column(WORD)
    dialect: Mapped[str | None] = mapped_column(WORD)
    jurisdiction: Mapped[str] = mapped_column(WORD)
    residence: Mapped[str | None] = mapped_column(WORD)
    risk_tier: Mapped[str | None] = mapped_column(WORD)
    payday: Mapped[int | None]
    preferred_hours: Mapped[Any] = mapped_column(JSON)
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class CaseFlag(Base):
    __tablename__ = "case_flag"
    __table_args__ = (Index("ix_case_flag_case_id_name", "case_id", "name"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(NAME, index=True)
    note: Mapped[str] = mapped_column(Sealed("case_flag.note"))
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(NAME)
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[str | None] = mapped_column(NAME)


class CaseConsent(Base):
    __tablename__ = "case_consent"
    __table_args__ = (UniqueConstraint("case_id", "kind", "at"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(WORD)
    granted: Mapped[bool]
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(NAME)


class CaseSpan(Base):
    __tablename__ = "case_span"
    __table_args__ = (UniqueConstraint("case_id", "kind", "starts_at", "ends_at"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(WORD)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(NAME)
    recorded_at: Mapped[datetime]


class Payment(Base):
    __tablename__ = "payment"
    __table_args__ = (UniqueConstraint("case_id", "reference"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id"))
    reference: Mapped[str] = mapped_column(NAME)
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    paid_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(NAME)


class Attempt(Base):
    __tablename__ = "attempt"
    __table_args__ = (
        Index("ix_attempt_debtor_id_begun_at", "debtor_id", "begun_at"),
        Index("ix_attempt_number_index_begun_at", "number_index", "begun_at"),
        Index("ix_attempt_case_id_begun_at", "case_id", "begun_at"),
        Index("ix_attempt_state_worker_id", "state", "worker_id"),
        Index("ix_attempt_campaign_id_begun_at", "campaign_id", "begun_at"),
        Index("ix_attempt_caller_id_begun_at", "caller_id", "begun_at"),
    )
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(NAME, unique=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id"))
    debtor_id: Mapped[str] = mapped_column(ForeignKey("debtor.id"))
    campaign_id: Mapped[str | None] = mapped_column(ID, index=True)
    call_id: Mapped[str | None] = mapped_column(NAME)
    number: Mapped[str] = mapped_column(Sealed("attempt.number"))
    number_index: Mapped[str] = mapped_column(HASH)
    caller_id: Mapped[str | None] = mapped_column(NAME)
    worker_id: Mapped[str] = mapped_column(NAME)
    state: Mapped[str] = mapped_column(WORD)
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    cause: Mapped[str | None] = mapped_column(WORD)
    disposition: Mapped[str | None] = mapped_column(WORD)
    policy: Mapped[dict[str, Any]]


class Call(Base):
    __tablename__ = "call"
    __table_args__ = (Index("ix_call_ended_at_worker_id", "ended_at", "worker_id"),)
    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    direction: Mapped[str] = mapped_column(WORD)
    flow: Mapped[str] = mapped_column(NAME)
    flow_hash: Mapped[str] = mapped_column(HASH)
    pack_hash: Mapped[str] = mapped_column(HASH)
    carrier: Mapped[str] = mapped_column(NAME)
    carrier_call_id: Mapped[str] = mapped_column(NAME)
    number: Mapped[str | None] = mapped_column(Sealed("call.number"))
    number_index: Mapped[str | None] = mapped_column(HASH, index=True)
    case_id: Mapped[str | None] = mapped_column(ID, index=True)
    attempt_id: Mapped[str | None] = mapped_column(ID, index=True)
    worker_id: Mapped[str] = mapped_column(NAME)
    started_at: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cause: Mapped[str | None] = mapped_column(WORD)
    disposition: Mapped[str | None] = mapped_column(WORD)
    evidence_path: Mapped[str | None] = mapped_column(String(500))
    evidence_digest: Mapped[str | None] = mapped_column(HASH)
    answers_attempt_id: Mapped[str | None] = mapped_column(ID)
    guard_hits: Mapped[int] = mapped_column(server_default=text("0"))


class Promise(Base):
    __tablename__ = "promise"
    __table_args__ = (Index("ix_promise_state_due_on", "state", "due_on"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id"), index=True)
    call_id: Mapped[str | None] = mapped_column(NAME)
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    due_on: Mapped[date]
    partial: Mapped[bool]
    words: Mapped[str] = mapped_column(Sealed("promise.words"))
    state: Mapped[str] = mapped_column(WORD)
    recorded_at: Mapped[datetime]


class Callback(Base):
    __tablename__ = "callback"
    __table_args__ = (Index("ix_callback_state_at", "state", "at"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("debt_case.id"), index=True)
    call_id: Mapped[str | None] = mapped_column(NAME)
    at: Mapped[datetime]
    number: Mapped[str | None] = mapped_column(Sealed("callback.number"))
    because: Mapped[str] = mapped_column(NAME)
    state: Mapped[str] = mapped_column(WORD)
    recorded_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    next_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(NAME, server_default=text("''"))


class PlanRequest(Base):
    __tablename__ = "plan_request"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id"), index=True)
    call_id: Mapped[str | None] = mapped_column(NAME)
    instalments: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(Sealed("plan_request.reason"))
    recorded_at: Mapped[datetime]


class Handoff(Base):
    __tablename__ = "handoff"
    __table_args__ = (Index("ix_handoff_closed_at_opened_at", "closed_at", "opened_at"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    call_id: Mapped[str] = mapped_column(NAME, index=True)
    case_id: Mapped[str | None] = mapped_column(ID)
    because: Mapped[str] = mapped_column(NAME)
    skill: Mapped[str] = mapped_column(WORD)
    urgent: Mapped[bool]
    brief: Mapped[Any] = mapped_column(Sealed("handoff.brief", as_json=True))
    agent_id: Mapped[str | None] = mapped_column(NAME)
    outcome: Mapped[str | None] = mapped_column(WORD)
    opened_at: Mapped[datetime]
    assigned_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    talk_seconds: Mapped[float | None]


class Agent(Base):
    __tablename__ = "agent"
    __table_args__ = (Index("ix_agent_state_state_since", "state", "state_since"),)
    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    name: Mapped[str] = mapped_column(NAME)
    endpoint: Mapped[str] = mapped_column(NAME)
    state: Mapped[str] = mapped_column(WORD)
    state_since: Mapped[datetime]
    claimed_by: Mapped[str | None] = mapped_column(NAME)


class AgentSkill(Base):
    __tablename__ = "agent_skill"
    agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    skill: Mapped[str] = mapped_column(WORD, primary_key=True)


class ApiToken(Base):
    __tablename__ = "api_token"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    label: Mapped[str] = mapped_column(NAME)
    roles: Mapped[Any] = mapped_column(JSON)
    secret_hash: Mapped[str] = mapped_column(HASH)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Audit(Base):
    __tablename__ = "audit"
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(NAME)
    action: Mapped[str] = mapped_column(NAME)
    subject: Mapped[str] = mapped_column(NAME)
    data: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(HASH)
    hash: Mapped[str] = mapped_column(HASH)


class Suppression(Base):
    __tablename__ = "suppression"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[str | None] = mapped_column(Sealed("suppression.number"))
    number_index: Mapped[str | None] = mapped_column(HASH, index=True)
    debtor_id: Mapped[str | None] = mapped_column(ForeignKey("debtor.id"), index=True)
    reason: Mapped[str] = mapped_column(NAME)
    source: Mapped[str] = mapped_column(NAME)
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class Campaign(Base):
    __tablename__ = "campaign"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(NAME, unique=True)
    state: Mapped[str] = mapped_column(WORD, index=True)
    because: Mapped[str] = mapped_column(NAME)
    plan: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    running_since: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    next_slot_at: Mapped[datetime | None]


class CampaignMember(Base):
    __tablename__ = "campaign_member"
    __table_args__ = (
        UniqueConstraint("campaign_id", "case_id"),
        # Choosing reads the front of these two and nothing else, however long the queue is.
        Index("ix_campaign_member_campaign_id_state_rank", "campaign_id", "state", "rank"),
        Index("ix_campaign_member_campaign_id_state_next_at", "campaign_id", "state", "next_at"),
        Index("ix_campaign_member_campaign_id_first_by", "campaign_id", "first_by"),
        Index("ix_campaign_member_state_claimed_by", "state", "claimed_by"),
    )
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id"), index=True)
    debtor_id: Mapped[str] = mapped_column(ForeignKey("debtor.id"), index=True)
    state: Mapped[str] = mapped_column(WORD)
    rank: Mapped[int] = mapped_column(BigInteger)
    next_at: Mapped[datetime | None]
    first_by: Mapped[datetime | None]
    entered_at: Mapped[datetime]
    attempts: Mapped[int]
    tries: Mapped[Any] = mapped_column(JSON)
    number_step: Mapped[int]
    flow: Mapped[str] = mapped_column(NAME)
    key: Mapped[str | None] = mapped_column(NAME, unique=True)
    caller: Mapped[str | None] = mapped_column(NAME)
    claimed_by: Mapped[str | None] = mapped_column(NAME)
    claimed_at: Mapped[datetime | None]
    disposition: Mapped[str | None] = mapped_column(WORD)
    reason: Mapped[str] = mapped_column(String(500))
    ended_at: Mapped[datetime | None]


class CallerUse(Base):
    __tablename__ = "caller_use"
    number: Mapped[str] = mapped_column(NAME, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int]


class CallerReview(Base):
    __tablename__ = "caller_review"
    number: Mapped[str] = mapped_column(NAME, primary_key=True)
    until: Mapped[datetime]
    by: Mapped[str] = mapped_column(NAME)
    reason: Mapped[str] = mapped_column(String(500))


class Halt(Base):
    __tablename__ = "halt"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    reason: Mapped[str] = mapped_column(String(500))
    by: Mapped[str] = mapped_column(NAME)
    since: Mapped[datetime]
    lifted_at: Mapped[datetime | None] = mapped_column(index=True)
    lifted_by: Mapped[str | None] = mapped_column(NAME)
    lifted_because: Mapped[str | None] = mapped_column(String(500))


class Worker(Base):
    __tablename__ = "worker"
    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)
