"""What a campaign is told: whom, with which flow, from which numbers, when, how fast, how often."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from voicebot.campaign.dispositions import RULES
from voicebot.store.records import Case

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_SEARCHED_DAYS = 400


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Arm(_Part):
    """One of the flows that are compared."""

    flow: str
    weight: int = Field(1, ge=1, le=1000)
    """Share of the cases, against the other arms."""


class CallerPool(_Part):
    """Numbers that may be shown to the people called. Without any, the carrier's own is shown."""

    numbers: tuple[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{5,14}$")], ...] = ()
    """E.164, each registered for this use."""
    calls_per_day: int = Field(500, ge=1, le=500)
    """Calls shown from each number in a day, by all campaigns together; then it rests until the next."""


class Calendar(_Part):
    """When this campaign dials at all. The contact policy judges each debtor in their own zone besides."""

    time_zone: str = "Asia/Shanghai"
    days: tuple[Day, ...] = _DAYS
    hours: tuple[Annotated[str, Field(pattern=_SPAN)], ...] = ("08:00-21:00",)
    """Spans of the day in that zone."""
    closed_on: frozenset[date] = frozenset()

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("not a time zone of the IANA database, such as Asia/Shanghai") from error
        return value

    @field_validator("hours")
    @classmethod
    def _forward(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for span in value:
            start, end = span.split("-")
            if start >= end:
                raise ValueError(f"{span} ends before it begins; write two spans for a night")
        return value

    def local_day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.time_zone)).date()

    def is_open(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.time_zone))
        clock = f"{local:%H:%M}"
        return self._dials_on(local.date()) and any(
            span.split("-")[0] <= clock < span.split("-")[1] for span in self.hours
        )

    def next_open(self, at: datetime) -> datetime | None:
        """The first instant from `at` on at which it is open; None when there is none within a year."""
        if self.is_open(at):
            return at
        zone = ZoneInfo(self.time_zone)
        today = at.astimezone(zone).date()
        for offset in range(_SEARCHED_DAYS):
            day = today + timedelta(days=offset)
            for start in sorted(span.split("-")[0] for span in self.hours):
                moment = datetime.combine(day, time.fromisoformat(start), zone)
                if moment > at and self.is_open(moment):
                    return moment.astimezone(at.tzinfo)
        return None

    def _dials_on(self, day: date) -> bool:
        return _DAYS[day.weekday()] in self.days and day not in self.closed_on


class Retry(_Part):
    """How often, and how soon again."""

    attempts_at_most: int = Field(6, ge=1, le=30)
    """Attempts on one case in this campaign."""
    after_hours: dict[str, Annotated[float, Field(gt=0, le=24 * 90)]] = {}
    """By disposition, in place of the usual wait."""
    at_most: dict[str, Annotated[int, Field(ge=0, le=30)]] = {}
    """By disposition, in place of the usual number of times it may come."""
    grace_days: int = Field(1, ge=0, le=30)
    """Days after a promised day before anybody calls again."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if strange := sorted({*self.after_hours, *self.at_most} - set(RULES)):
            raise ValueError(
                f"no attempt ends as {', '.join(strange)}; the dispositions are {', '.join(sorted(RULES))}"
            )
        return self


class Pacing(_Part):
    """How fast, on all workers together."""

    concurrency: int = Field(10, ge=1, le=2000)
    """Calls that ring or talk at the same time."""
    calls_per_second: float = Field(1.0, gt=0, le=100)
    calls_per_free_agent: float | None = Field(None, gt=0, le=20)
    """For flows that hand off much: live calls for each human agent who is free. None does not look at agents."""


class Priority(_Part):
    """Who comes first among those who may be called now."""

    risk: tuple[str, ...] = ("high", "A", "medium", "B", "low", "C")
    """Risk tiers, the most pressing first; others come after them, larger amounts before smaller ones."""
    first_contact_hours: float = Field(24, gt=0, le=24 * 30)
    """First calls that are nearly as late as this come before everything but agreed callbacks."""


class Breakers(_Part):
    """When the campaign pauses itself. Each looks at its latest attempts."""

    window: int = Field(50, ge=10, le=1000)
    """Attempts looked at; with fewer, nothing is judged."""
    fault_share: float = Field(0.3, gt=0, le=1)
    """Share of carrier and engine faults."""
    least_answer_share: float = Field(0.02, ge=0, le=1)
    """Share of attempts that anybody or anything answered."""
    answer_drop: float = Field(0.33, ge=0, le=1)
    """The same against the three windows before: less than such a part of their share is a collapse; 0 is none."""
    complaint_share: float = Field(0.1, gt=0, le=1)
    """Share of complaints, wishes not to be called, and anger."""
    guard_share: float = Field(0.05, gt=0, le=1)
    """Share of calls in which the guard stopped a line."""


class Choice(_Part):
    """Which cases take part. What is left out does not narrow."""

    jurisdictions: frozenset[str] = frozenset()
    creditors: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    risk_tiers: frozenset[str] = frozenset()
    days_overdue_from: int | None = None
    """Negative before the due date."""
    days_overdue_to: int | None = None
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None

    def takes(self, case: Case, today: date) -> bool:
        overdue = (today - case.debt.due_date).days
        amount = case.debt.amount_due
        return (
            all(
                not wanted or value in wanted
                for wanted, value in (
                    (self.jurisdictions, case.jurisdiction),
                    (self.creditors, case.debt.creditor),
                    (self.products, case.debt.product),
                    (self.languages, case.language),
                    (self.risk_tiers, case.risk_tier),
                )
            )
            and (self.days_overdue_from is None or overdue >= self.days_overdue_from)
            and (self.days_overdue_to is None or overdue <= self.days_overdue_to)
            and (self.amount_from is None or amount >= self.amount_from)
            and (self.amount_to is None or amount <= self.amount_to)
        )


class CampaignPlan(_Part):
    """Everything an operator says about a campaign."""

    arms: tuple[Arm, ...] = Field(min_length=1)
    choice: Choice = Choice()
    callers: CallerPool = CallerPool()
    calendar: Calendar = Calendar()
    retry: Retry = Retry()
    pacing: Pacing = Pacing()
    priority: Priority = Priority()
    breakers: Breakers = Breakers()
