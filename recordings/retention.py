"""How long evidence is kept. Pure: policy, dates and facts in, a decision with its reason out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT_UNTIL_SETTLED = frozenset({"promise", "plan", "complaint", "dispute", "oral_agreement"})
"""What a call may hold that proves something until the debt is settled."""


@dataclass(frozen=True)
class RetentionPolicy:
    """Of one rule pack."""

    days: int = 1826
    """Days from the end of the case, or of the call when it belongs to none."""
    floor_days: int = 183
    """Days from the end of the call before which nothing is deleted, whatever else is asked."""

    def __post_init__(self) -> None:
        if self.days < self.floor_days:
            raise ValueError(
                f"evidence must be kept for at least {self.floor_days} days; {self.days} is less. Ask for more days"
            )


@dataclass(frozen=True)
class Facts:
    """What is known of one call's evidence and its case."""

    ended_at: datetime
    has_case: bool = False
    case_closed_at: datetime | None = None
    """None while the case is open, or when the call has none."""
    settled: bool = False
    """Whether the debt was paid in full."""
    reasons_to_keep: tuple[str, ...] = ()
    """As the manifest says."""
    on_hold: bool = False
    """A legal hold."""


@dataclass(frozen=True)
class Fate:
    """What is to become of it."""

    delete: bool
    reason: str
    """For an officer, and for the certificate of deletion."""
    due: datetime | None = None
    """When it may be deleted; None while nobody can say."""


def decide(policy: RetentionPolicy, facts: Facts, now: datetime) -> Fate:
    """Whether evidence is to be deleted now."""
    if facts.on_hold:
        return Fate(False, "it is under a legal hold")
    if facts.has_case and facts.case_closed_at is None:
        return Fate(False, "its case is open")
    proves = sorted(KEPT_UNTIL_SETTLED.intersection(facts.reasons_to_keep))
    if proves and facts.has_case and not facts.settled:
        return Fate(False, f"it proves a {', '.join(proves)} and the debt is not settled")
    since = facts.case_closed_at if facts.has_case and facts.case_closed_at else facts.ended_at
    due = max(since + timedelta(days=policy.days), facts.ended_at + timedelta(days=policy.floor_days))
    if now < due:
        return Fate(False, f"its time ends on {due.date().isoformat()}", due)
    return Fate(True, f"kept for {policy.days} days since {since.date().isoformat()}", due)
