"""The rules before dialling, one function a kind of rule. A pack names the kind and its parameters.

Each answers for one instant, from facts and history alone. What lies in the future of that instant (a clock that
stepped
back) counts as having happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from compliance_filters.contact_facts import (
    DialFacts,
    Direction,
    HoldKind,
    Owner,
    PastContact,
    RuleOutcome,
)


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
    if not facts.timezone:
        return None
    try:
        return ZoneInfo(facts.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _clock(text: str) -> time:
    hours, _, minutes = text.partition(":")
    return time(int(hours) % 24, int(minutes or 0))


def _inside(moment: datetime, windows: Iterable[tuple[str, str]]) -> bool:
    minute = moment.hour * 60 + moment.minute
    for start, end in windows:
        opens = int(start[:2]) * 60 + int(start[3:5])
        closes = int(end[:2]) * 60 + int(end[3:5])
        if opens <= minute < closes:
            return True
    return False


def _next_opening(
    at: datetime, zone: ZoneInfo, windows: Sequence[tuple[str, str]], closed: Callable[[date], bool]
) -> datetime | None:
    """The first instant not before `at` that lies in a window of an open day, daylight saving included."""
    day = at.astimezone(zone).date()
    for ahead in range(400):
        here = day + timedelta(days=ahead)
        if closed(here):
            continue
        for start, _ in sorted(windows):
            opening = datetime.combine(here, _clock(start), zone).astimezone(UTC)
            candidate = max(opening, at)
            # An opening that falls into the hour a clock change leaves out moves to the end of that hour.
            for _ in range(9):
                local = candidate.astimezone(zone)
                if local.date() == here and _inside(local, windows):
                    return candidate
                if candidate > opening + timedelta(hours=2) or candidate == at:
                    break
                candidate += timedelta(minutes=15)
    return None


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _tomorrow(at: datetime, zone: ZoneInfo) -> datetime:
    opening = datetime.combine(day_of(at, zone) + timedelta(days=1), time(0), zone).astimezone(UTC)
    # Where midnight does not exist, the day begins at the first minute that does.
    while day_of(opening, zone) <= day_of(at, zone):
        opening += timedelta(minutes=15)
    return opening


class Window(Rule):
    """Hours of the debtor's own day in which a dial may begin."""

    kind: Literal["window"]
    windows: tuple[tuple[str, str], ...]
    profile: Literal["any", "conservative"] = "any"
    holidays_off: bool = False
    agreed_times: bool = True
    """Whether a recorded agreement with the debtor opens other hours."""

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if self.profile == "conservative" and not facts.conservative:
            return self.outcome(False, "the campaign does not run on the conservative profile")
        zone = zone_of(facts)
        if zone is None:
            return self.unknown("the debtor's time zone")
        local = at.astimezone(zone)
        said = f"it is {local:%Y-%m-%d %H:%M} where the debtor is"
        if self.agreed_times and any(a.span.start <= at < a.span.end and a.recorded_at <= at for a in facts.agreed):
            return self.outcome(False, f"{said}; the debtor agreed to this time")
        try:
            open_now = not self._closed(local.date()) and _inside(local, self.windows)
            opening = None if open_now else _next_opening(at, zone, self.windows, self._closed)
        except NotImplementedError:
            return self.unknown(f"the holiday calendar of {local.year}")
        hours = ", ".join(f"{a}-{b}" for a, b in self.windows)
        return self.outcome(not open_now, f"{said}; hours are {hours}", until=opening)

    def _closed(self, day: date) -> bool:
        if not self.holidays_off:
            return False
        import chinese_calendar

        return bool(chinese_calendar.is_holiday(day))


class PersonTimes(Rule):
    """The times the person asked for, and the times the person ruled out."""

    kind: Literal["person_times"]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.callback_at is not None and at < facts.callback_at:
            return self.outcome(True, "the person asked to be called back later", until=facts.callback_at)
        for span in facts.blocked:
            if span.start <= at < span.end:
                return self.outcome(True, "the person ruled this time out", until=span.end)
        if facts.blocked_daily:
            zone = zone_of(facts)
            if zone is None:
                return self.unknown("the debtor's time zone")
            moment = at
            for _ in range(24 * 60 * 2):
                local = moment.astimezone(zone)
                if not any(b.holds(local.hour * 60 + local.minute) for b in facts.blocked_daily):
                    break
                moment = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
            else:
                return self.outcome(True, "the person ruled out every hour of the day")
            if moment != at:
                return self.outcome(True, "the person ruled this time of day out", until=moment)
        return self.outcome(False, "nothing the person said stands against this time")


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
            _tomorrow(max(last, at), zone),
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


class VisitDay(Rule):
    """No call on a day on which somebody visits."""

    kind: Literal["visit_day"]

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.visit_on is None:
            return self.outcome(False, "no visit is booked")
        zone = zone_of(facts)
        if zone is None:
            return self.unknown("the debtor's time zone")
        same = day_of(at, zone) == facts.visit_on
        return self.outcome(same, f"a visit is booked on {facts.visit_on}", until=_tomorrow(at, zone))


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
            len(today) >= self.calls_per_day, "a contact was called today", {"n": len(today)}, _tomorrow(at, zone)
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
    """Only registered numbers call, and none more than so often a day without a reviewer."""

    kind: Literal["caller_number"]
    calls_per_day: Annotated[int, Field(ge=0)] | None = None

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.caller_number is None:
            return self.unknown("the number to call from")
        if self.calls_per_day is None:
            if facts.registered_callers is None:
                return self.unknown("the register of our numbers")
            known = facts.caller_number in facts.registered_callers
            return self.outcome(not known, "the calling number is " + ("registered" if known else "not registered"))
        if facts.caller_calls_today is None:
            return self.unknown("how often the calling number called today")
        counts = {"n": facts.caller_calls_today, "at_most": self.calls_per_day}
        reviewed = facts.caller_review_until is not None and at < facts.caller_review_until
        over = facts.caller_calls_today >= self.calls_per_day and not reviewed
        zone = zone_of(facts)
        until = _tomorrow(at, zone) if zone else None
        return self.outcome(over, "calls from this number today; more needs a reviewer", counts, until)


class Consent(Rule):
    """A recorded consent without which nothing is dialled."""

    kind: Literal["consent"]
    needs: str

    def check(self, facts: DialFacts, history: Sequence[PastContact], at: datetime) -> RuleOutcome:
        if facts.consents is None:
            return self.unknown("which consents the person gave")
        given = self.needs in facts.consents
        return self.outcome(not given, f"consent '{self.needs}' is {'on record' if given else 'not on record'}")


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


AnyRule = Annotated[
    Window
    | PersonTimes
    | PerDay
    | Rolling
    | AfterConversation
    | Holds
    | VisitDay
    | ThirdParty
    | Notice
    | CallerNumber
    | Consent
    | Overlay
    | Reachable,
    Field(discriminator="kind"),
]


class ContactRules(BaseModel):
    """The `contact` part of a rule pack: rules in the order in which they are asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[AnyRule, ...] = Field(min_length=1)


def checks(rule: Any) -> Callable[[DialFacts, Sequence[PastContact], datetime], RuleOutcome]:
    """The function of a rule."""
    checked: Callable[[DialFacts, Sequence[PastContact], datetime], RuleOutcome] = rule.check
    return checked
