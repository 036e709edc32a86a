"""What a caller may hold us to: complaints, disputes, wishes not to be called; and by when they are answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum

from voicebot.store.records import utc_now


class ComplaintKind(Enum):
    """What was taken."""

    COMPLAINT = "complaint"
    DISPUTE = "dispute"
    """The debt or its amount is contested."""
    STOP_CONTACT = "stop_contact"
    """No more calls: of the debtor, of somebody else, or through a lawyer."""
    DATA_REQUEST = "data_request"
    """Access to, correction or deletion of personal data."""


class Tier(Enum):
    """Who answers for it, in the order of escalation."""

    SERVICE = "service"
    LEGAL = "legal"
    REGULATOR_LIAISON = "regulator_liaison"

    @property
    def above(self) -> Tier | None:
        """The tier that takes over what this one left too long; None for the last."""
        tiers = list(Tier)
        place = tiers.index(self) + 1
        return tiers[place] if place < len(tiers) else None


class ComplaintState(Enum):
    OPEN = "open"
    RESPONDED = "responded"
    """A person has spoken with whoever complained; the answer is still owed."""
    CLOSED = "closed"


@dataclass(frozen=True)
class Complaint:
    """One matter taken on one call."""

    id: str
    """Call and kind: taking the same matter twice on one call is taking it once."""
    reference: str
    """Ten digits, as the caller was told; matters of one call share it."""
    kind: ComplaintKind
    tier: Tier
    respond_by: date
    """Last day for a person to get in touch, in the case's own zone; a working day."""
    answer_by: date
    """Last day for the answer; a working day."""
    call_id: str
    case_id: str | None = None
    """None for a caller whose case is not known."""
    number: str | None = None
    """The caller's, E.164; None when withheld."""
    words: str = ""
    """What the caller said, raw, a line for each turn."""
    jurisdiction: str = "cn"
    state: ComplaintState = ComplaintState.OPEN
    received_at: datetime = field(default_factory=utc_now)
    extensions: int = 0
    """How often the answer was put off, with a reason told to the caller."""
    escalated_at: datetime | None = None
    """When it last moved up a tier."""
    responded_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    resolution: str = ""
    """What came of it."""

    def overdue(self, today: date) -> bool:
        """Whether a day of it has gone by without what was owed on it."""
        if self.state is ComplaintState.CLOSED:
            return False
        return today > self.answer_by or (self.state is ComplaintState.OPEN and today > self.respond_by)

    @property
    def next_due(self) -> date | None:
        """The next day on which something is owed; None once it is closed."""
        match self.state:
            case ComplaintState.OPEN:
                return min(self.respond_by, self.answer_by)
            case ComplaintState.RESPONDED:
                return self.answer_by
            case _:
                return None


@dataclass(frozen=True)
class TierCount:
    """How much lies with one tier."""

    tier: Tier
    open: int
    overdue: int
