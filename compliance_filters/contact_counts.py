"""Rules about how often: per day, per span of time, after a conversation, by where the person lives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from compliance_filters.contact_facts import DialFacts, Direction, PastContact, RuleOutcome
from compliance_filters.contact_rule import Rule, day_of, next_day, zone_of


class PerDay(Rule):
    """At most so many contacts on one local calendar day."""

    kind: Literal["per_day"]
    at_most: Annotated[int, Field(ge=0)]
    of: Literal["effective", "attempts_to_number", "attempts"]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        zone = zone_of(facts)
        if zone is None:
            return self.unknown("the debtor's time zone")
        today = day_of(at, zone)
        counted = [
            c
            for c in history
            if c.direction is Direction.OUTBOUND
            and day_of(c.at, zone) >= today
            and (self.of != "effective" or c.effective)
            and (self.of != "attempts_to_number" or c.number == facts.number)
        ]
        n = len(counted)
        last = max((c.at for c in counted), default=at)
        return self.outcome(
            n >= self.at_most,
            f"{n} of {self.at_most} today",
            {"n": n, "at_most": self.at_most},
            next_day(max(last, at), zone),
        )


class Limit(BaseModel):
    """So many in so long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_most: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(gt=0)]
    profile: Literal["any", "conservative"] = "any"


class Rolling(Rule):
    """At most so many attempts in any span of so many seconds, whatever number they came from."""

    kind: Literal["rolling"]
    limits: tuple[Limit, ...]
    per: Literal["number", "person", "debt"] = "number"
    carrier_limit: bool = False
    """True for limits of carriers, which a whitelisting lifts."""

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if self.carrier_limit and facts.whitelisted:
            return self.outcome(False, "the number is whitelisted with the carrier")
        if self.per == "debt" and facts.debt_id is None:
            return self.unknown("the debt")
        times = sorted(
            c.at
            for c in history
            if c.direction is Direction.OUTBOUND
            and (self.per != "number" or c.number == facts.number)
            and (self.per != "debt" or c.debt_id in {facts.debt_id, None})
        )
        counts: dict[str, int] = {}
        until: datetime | None = None
        for limit in self.limits:
            if limit.profile == "conservative" and not facts.conservative:
                continue
            span = timedelta(seconds=limit.seconds)
            recent = [t for t in times if t > at - span]
            counts[f"in_{limit.seconds:.0f}_s"] = len(recent)
            if len(recent) >= limit.at_most:
                frees = (recent[-limit.at_most] if limit.at_most else at) + span
                until = frees if until is None else max(until, frees)
        return self.outcome(
            until is not None, ", ".join(f"{v} {k}" for k, v in counts.items()) or "none", counts, until
        )


class AfterConversation(Rule):
    """After a conversation, the person is left alone for so many local days, its own day included."""

    kind: Literal["after_conversation"]
    days: Annotated[int, Field(ge=1)]
    inbound_counts: bool = True
    outbound_counts: bool = True
    per: Literal["person", "debt"] = "person"

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        zone = zone_of(facts)
        if zone is None:
            return self.unknown("the debtor's time zone")
        talks = [
            c.at
            for c in history
            if c.effective
            and (self.inbound_counts if c.direction is Direction.INBOUND else self.outbound_counts)
            and (self.per != "debt" or facts.debt_id is None or c.debt_id in {facts.debt_id, None})
        ]
        if not talks:
            return self.outcome(False, "no conversation yet")
        free = day_of(max(talks), zone) + timedelta(days=self.days)
        opening = datetime.combine(free, time(0), zone).astimezone(UTC)
        while day_of(opening, zone) < free:
            opening += timedelta(minutes=15)
        return self.outcome(day_of(at, zone) < free, f"last conversation on {day_of(max(talks), zone)}", until=opening)


class Overlay(Rule):
    """Stricter limits where the person lives."""

    kind: Literal["overlay"]
    states: dict[str, Limit]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.residence is None:
            return self.unknown("the state the person lives in")
        limit = self.states.get(facts.residence)
        if limit is None:
            return self.outcome(False, f"no stricter limit in {facts.residence}")
        inner = Rolling(
            id=self.id, source=self.source, evidence=self.evidence, kind="rolling", limits=(limit,), per="debt"
        )
        return inner.check(facts, history, at)


class CallerLimit(Rule):
    """No number of ours calls more than so often a day without a reviewer."""

    kind: Literal["caller_limit"]
    calls_per_day: Annotated[int, Field(ge=0)]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.caller_number is None:
            return self.unknown("the number to call from")
        if facts.caller_calls is None:
            return self.unknown("how often the calling number called today")
        zone = zone_of(facts)
        if zone is None:
            return self.unknown("the debtor's time zone")
        # A clock that was set back must not free a number: what lies ahead of it counts too.
        today = sum(day_of(shown, zone) >= day_of(at, zone) for shown in facts.caller_calls)
        counts = {"n": today, "at_most": self.calls_per_day}
        reviewed = facts.caller_review_until is not None and at < facts.caller_review_until
        over = today >= self.calls_per_day and not reviewed
        return self.outcome(over, "calls from this number today; more needs a reviewer", counts, next_day(at, zone))
