"""Complaints, disputes and wishes not to be called: who answers them, and by when. From the rule pack; pure.

What a pack does not say takes the stricter house values of this module, marked D (design) in docs/compliance.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compliance_filters.pack import PackError, RulePack
from compliance_filters.working_days import Calendar, after_working_days, country_in, working_day_before

TIERS = ("service", "legal", "regulator_liaison")


class Deadline(BaseModel):
    """A span from the day on which something came in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[int, Field(ge=1, le=400)] | None = None
    """Calendar days; one that ends on a day of rest ends on the working day before it."""
    working_days: Annotated[int, Field(ge=1, le=400)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Deadline:
        if (self.days is None) == (self.working_days is None):
            raise ValueError("give either days or working_days")
        return self

    def end(self, received: date, calendar: Calendar, country: str | None = None) -> date:
        """The last day of it: a working day, and never one before it came in."""
        if self.working_days is not None:
            return after_working_days(received, self.working_days, calendar, country)
        assert self.days is not None
        return max(working_day_before(received + timedelta(days=self.days), calendar, country), received)


class Matter(BaseModel):
    """How one kind is handled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[str, ...] = ()
    """Ids of the rules it rests on."""
    tier: str = Field(pattern=f"^({'|'.join(TIERS)})$")
    """Where it begins."""
    respond: Deadline
    """Until a person has got in touch."""
    answer: tuple[Deadline, ...] = Field(min_length=1)
    """Until the answer; the later ones are for a matter that was put off so often, all counted from the first day."""


def _matter(tier: str, respond: int, *days: int) -> Matter:
    return Matter(
        tier=tier, respond=Deadline(working_days=respond), answer=tuple(Deadline(days=count) for count in days)
    )


_HOUSE: Mapping[str, Matter] = {
    "complaint": _matter("service", 3, 15, 30),
    "dispute": _matter("legal", 3, 20),
    "stop_contact": Matter(tier="service", respond=Deadline(working_days=1), answer=(Deadline(working_days=1),)),
    "data_request": _matter("legal", 3, 15),
}


class ComplaintRules(BaseModel):
    """The `complaints` part of a pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calendar: Calendar = Calendar.WEEKDAYS
    matters: Mapping[str, Matter] = Field(default_factory=dict)
    """complaint, dispute, stop_contact, data_request."""
    regulator_words: tuple[str, ...] = ()
    """A complaint in which one of these is said begins with the liaison."""

    def matter(self, kind: str) -> Matter:
        return self.matters.get(kind) or _HOUSE[kind]

    def tier(self, kind: str, words: str) -> str:
        """Who is to answer: names of regulators lead to the liaison."""
        said = words.casefold()
        if kind == "complaint" and any(word.casefold() in said for word in self.regulator_words):
            return "regulator_liaison"
        return self.matter(kind).tier


@dataclass(frozen=True)
class DueDays:
    """By when something is owed, days of the case's own zone."""

    respond_by: date
    answer_by: date


def complaint_rules_of(pack: RulePack) -> ComplaintRules:
    """Raises PackError when the pack's part on complaints cannot be read."""
    try:
        rules = ComplaintRules.model_validate(dict(pack.complaints))
    except ValidationError as wrong:
        raise PackError(
            [f"pack {pack.pack}, complaints.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors()]
        ) from wrong
    if unknown := sorted(set(rules.matters) - set(_HOUSE)):
        known = ", ".join(_HOUSE)
        raise PackError([f"pack {pack.pack}, complaints.matters: no {', '.join(unknown)}; the matters are {known}"])
    return rules


def due_days(rules: ComplaintRules, kind: str, received_at: datetime, zone: str, *, extensions: int = 0) -> DueDays:
    """When a matter of a kind is due. `received_at` is aware, `zone` the IANA name of the case's zone."""
    matter = rules.matter(kind)
    day = received_at.astimezone(ZoneInfo(zone)).date()
    country = country_in(zone)
    answer = matter.answer[min(extensions, len(matter.answer) - 1)].end(day, rules.calendar, country)
    return DueDays(min(matter.respond.end(day, rules.calendar, country), answer), answer)
