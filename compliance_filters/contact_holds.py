"""Rules about whether at all: holds, whose number it is, notices, consents, our own number, the emergency stop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from compliance_filters.contact_facts import DialFacts, Direction, HoldKind, Owner, PastContact, RuleOutcome
from compliance_filters.contact_rule import Rule, day_of, next_day, zone_of


class Holds(Rule):
    """Reasons on the case or the number not to call at all."""

    kind: Literal["holds"]
    kinds: tuple[HoldKind, ...]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.holds is None:
            return self.unknown("whether the case is held")
        standing = [
            h
            for h in facts.holds
            if h.kind in self.kinds and h.number in {None, facts.number} and (h.until is None or at < h.until)
        ]
        if not standing:
            return self.outcome(False, "nothing holds the case")
        endless = any(h.until is None for h in standing)
        until = None if endless else max(h.until for h in standing if h.until is not None)
        return self.outcome(True, "held: " + ", ".join(sorted({h.kind.value for h in standing})), until=until)


class ThirdParty(Rule):
    """A contact may be called only when the debtor is lost, with a reviewer's approval, and seldom."""

    kind: Literal["third_party"]
    lost_after_failed_attempts: Annotated[int, Field(ge=1)]
    calls_per_day: Annotated[int, Field(ge=0)] = 1
    calls_ever: Annotated[int, Field(ge=0)] | None = None
    needs_reviewer: bool = True

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.owner is None:
            return self.unknown("whose number it is")
        if facts.owner is not Owner.THIRD_PARTY:
            return self.outcome(False, f"the number is the {facts.owner.value}'s")
        if facts.failed_attempts_in_a_row is None:
            return self.unknown("how often the debtor was tried in vain")
        lost = facts.own_number_invalid or facts.failed_attempts_in_a_row >= self.lost_after_failed_attempts
        counts = {"failed": facts.failed_attempts_in_a_row, "needed": self.lost_after_failed_attempts}
        if not lost:
            return self.outcome(True, "the debtor is not lost: contacts may not be called", counts)
        if self.needs_reviewer and not facts.reviewed_by:
            return self.outcome(True, "nobody has approved the call to a contact", counts)
        zone = zone_of(facts)
        if zone is None:
            return self.unknown("the debtor's time zone")
        calls = [c for c in history if c.to is Owner.THIRD_PARTY and c.direction is Direction.OUTBOUND]
        if self.calls_ever is not None and len(calls) >= self.calls_ever:
            return self.outcome(True, "the contact has been called as often as is allowed", {"n": len(calls)})
        today = [c for c in calls if day_of(c.at, zone) >= day_of(at, zone)]
        return self.outcome(
            len(today) >= self.calls_per_day, "a contact was called today", {"n": len(today)}, next_day(at, zone)
        )


class Notice(Rule):
    """A sold debt, or one given to an agency, needs a notice to the debtor before the first call."""

    kind: Literal["notice"]
    of: Literal["assignment", "agency"]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        concerned = facts.assigned if self.of == "assignment" else facts.by_agency
        noticed = facts.assignment_notice_at if self.of == "assignment" else facts.agency_notice_at
        if concerned is None:
            return self.unknown(f"whether there is an {self.of}")
        if not concerned:
            return self.outcome(False, f"there is no {self.of}")
        if noticed is None:
            return self.outcome(True, f"the debtor was not told of the {self.of}; send the notice and record it")
        return self.outcome(at < noticed, f"the debtor was told on {noticed:%Y-%m-%d}", until=noticed)


class CallerNumber(Rule):
    """Only registered numbers call."""

    kind: Literal["caller_number"]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.caller_number is None:
            return self.unknown("the number to call from")
        if facts.registered_callers is None:
            return self.unknown("the register of our numbers")
        known = facts.caller_number in facts.registered_callers
        return self.outcome(not known, "the calling number is " + ("registered" if known else "not registered"))


class Consent(Rule):
    """A recorded consent without which nothing is dialled."""

    kind: Literal["consent"]
    needs: str

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.consents is None:
            return self.unknown("which consents the person gave")
        given = self.needs in facts.consents
        return self.outcome(not given, f"consent '{self.needs}' is {'on record' if given else 'not on record'}")


class Reachable(Rule):
    """The emergency stop, and the dependencies without which nothing is dialled."""

    kind: Literal["reachable"]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.halted is None:
            return self.unknown("whether the emergency stop is on")
        if facts.halted:
            return self.outcome(True, "the emergency stop is on")
        if facts.person_id is None:
            return self.unknown("who the person is")
        return self.outcome(False, "everything that must answer has answered")
