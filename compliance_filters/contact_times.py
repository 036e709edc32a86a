"""Rules about the time of day: lawful hours, the times the person named, days of visits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from compliance_filters.contact_facts import DialFacts, PastContact, RuleOutcome
from compliance_filters.contact_rule import Rule, day_of, next_day, zone_of

Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-4]):[0-5][0-9]$")]
"""A time of the day, 00:00 to 24:00."""


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


class Window(Rule):
    """Hours of the debtor's own day in which a dial may begin."""

    kind: Literal["window"]
    windows: tuple[tuple[Clock, Clock], ...]
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
        return self.outcome(same, f"a visit is booked on {facts.visit_on}", until=next_day(at, zone))
