"""The table of complaints, disputes and wishes not to be called."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from voicebot.store.columns import Sealed
from voicebot.store.models import ID, NAME, WORD, Base


class Complaint(Base):
    __tablename__ = "complaint"
    __table_args__ = (
        Index("ix_complaint_state_answer_by", "state", "answer_by"),
        Index("ix_complaint_reference", "reference"),
    )
    id: Mapped[str] = mapped_column(String(240), primary_key=True)
    reference: Mapped[str] = mapped_column(WORD)
    kind: Mapped[str] = mapped_column(WORD)
    tier: Mapped[str] = mapped_column(WORD)
    state: Mapped[str] = mapped_column(WORD)
    respond_by: Mapped[date]
    answer_by: Mapped[date]
    call_id: Mapped[str] = mapped_column(NAME)
    case_id: Mapped[str | None] = mapped_column(ID, index=True)
    number: Mapped[str | None] = mapped_column(Sealed("complaint.number"))
    words: Mapped[str] = mapped_column(Sealed("complaint.words"))
    jurisdiction: Mapped[str] = mapped_column(WORD)
    received_at: Mapped[datetime]
    extensions: Mapped[int]
    escalated_at: Mapped[datetime | None]
    responded_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(NAME)
    resolution: Mapped[str] = mapped_column(Sealed("complaint.resolution"))
