"""What every rule before dialling carries, and how days are counted where the debtor is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict

from compliance_filters.contact_facts import DialFacts, RuleOutcome


class Rule(BaseModel):
    """What every rule of a pack carries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    source: str
    """The text it rests on."""
    evidence: str
    """P primary text read, S secondary, W weak, M memory, D design, SEED claimed by an article only."""

    def outcome(
        self, refused: bool, why: str, counts: dict[str, int] | None = None, until: datetime | None = None
    ) -> RuleOutcome:
        return RuleOutcome(self.id, "refuse" if refused else "allow", why, counts or {}, until if refused else None)

    def unknown(self, fact: str) -> RuleOutcome:
        return self.outcome(True, f"{fact} is not known; record it, then try again")


def zone_of(facts: DialFacts) -> ZoneInfo | None:
    """The debtor's zone; None when it is not known, or not one."""
    if not facts.timezone:
        return None
    try:
        return ZoneInfo(facts.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The day that the debtor's calendar shows."""
    return moment.astimezone(zone).date()


def next_day(at: datetime, zone: ZoneInfo) -> datetime:
    """When the debtor's next day begins."""
    opening = datetime.combine(day_of(at, zone) + timedelta(days=1), time(0), zone).astimezone(UTC)
    # Where midnight does not exist, the day begins at the first minute that does.
    while day_of(opening, zone) <= day_of(at, zone):
        opening += timedelta(minutes=15)
    return opening
