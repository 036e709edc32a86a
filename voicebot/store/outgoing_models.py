"""The tables of what goes out beside calls; the others are in `voicebot.store.models`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voicebot.store.columns import Sealed
from voicebot.store.models import HASH, ID, NAME, WORD, Base


class Event(Base):
    __tablename__ = "event"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(WORD)
    subject: Mapped[str] = mapped_column(NAME)
    at: Mapped[datetime]


class Message(Base):
    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_state_due_at", "state", "due_at"),
        Index("ix_message_debtor_id_sent_at", "debtor_id", "sent_at"),
    )
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    key: Mapped[str] = mapped_column(NAME, unique=True)
    inbound: Mapped[bool]
    template: Mapped[str] = mapped_column(NAME)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("debt_case.id"), index=True)
    debtor_id: Mapped[str | None] = mapped_column(ForeignKey("debtor.id"))
    call_id: Mapped[str | None] = mapped_column(NAME)
    promise_id: Mapped[str | None] = mapped_column(ID)
    plan_id: Mapped[str | None] = mapped_column(ID)
    number: Mapped[str | None] = mapped_column(Sealed("message.number"))
    number_index: Mapped[str | None] = mapped_column(HASH)
    text: Mapped[str | None] = mapped_column(Sealed("message.text"))
    state: Mapped[str] = mapped_column(WORD)
    reason: Mapped[str] = mapped_column(String(500))
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    tries: Mapped[int]
    sender: Mapped[str | None] = mapped_column(WORD)
    provider_id: Mapped[str | None] = mapped_column(NAME, index=True)
    policy: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    claimed_by: Mapped[str | None] = mapped_column(NAME)
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class FollowUp(Base):
    __tablename__ = "follow_up"
    __table_args__ = (
        UniqueConstraint("promise_id", "kind"),
        Index("ix_follow_up_state_due_at", "state", "due_at"),
    )
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    promise_id: Mapped[str] = mapped_column(ForeignKey("promise.id", ondelete="CASCADE"))
    case_id: Mapped[str] = mapped_column(ForeignKey("debt_case.id"), index=True)
    kind: Mapped[str] = mapped_column(WORD)
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(WORD)
    outcome: Mapped[str] = mapped_column(String(500))
    done_at: Mapped[datetime | None]


class Delivery(Base):
    __tablename__ = "webhook_delivery"
    __table_args__ = (Index("ix_webhook_delivery_state_due_at", "state", "due_at"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    event_id: Mapped[str] = mapped_column(NAME, unique=True)
    kind: Mapped[str] = mapped_column(WORD)
    payload: Mapped[Any] = mapped_column(Sealed("webhook_delivery.payload", as_json=True))
    state: Mapped[str] = mapped_column(WORD)
    due_at: Mapped[datetime]
    tries: Mapped[int]
    last_status: Mapped[int | None]
    last_error: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Verification(Base):
    __tablename__ = "verification"
    debtor_id: Mapped[str] = mapped_column(ForeignKey("debtor.id", ondelete="CASCADE"), primary_key=True)
    number_index: Mapped[str] = mapped_column(HASH, primary_key=True)
    at: Mapped[datetime]
    call_id: Mapped[str] = mapped_column(NAME)
