"""How promises are followed up: when, by what, and with which flows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from voicebot.campaign.choosing import Band, rank
from voicebot.campaign.plan import Arm, CallerPool, CampaignPlan, Choice, Pacing, Retry
from voicebot.store.campaign_records import Member, MemberState
from voicebot.store.outgoing import FollowUp, StepKind
from voicebot.store.records import Case, Promise

CAMPAIGN = "promise-follow-ups"
"""Name and id of the campaign that dials follow-ups: it is paused, watched and reported like any other."""
REMINDER = "promise_reminder"
"""Template of the message on the day."""
_NOBODY = Choice(jurisdictions=frozenset({"-"}))
"""Its members are put in one by one; a `resume` of it must take in nobody."""


class RemindBy(Enum):
    """What reminds a debtor on the promised day."""

    MESSAGE = "message"
    CALL = "call"
    """Where the contact policy lets a call be made before the day is over; a message otherwise."""
    NOTHING = "nothing"


@dataclass(frozen=True)
class FollowUpPlan:
    """The same for every promise."""

    remind_by: RemindBy = RemindBy.MESSAGE
    remind_at: time = time(10, 0)
    """Where the debtor is, on the promised day."""
    grace_days: int = 1
    """Days after the promised day that a payment may take to be booked."""
    check_at: time = time(8, 0)
    """Where the debtor is, on the day after the days of grace."""
    flows: Mapping[str, str] = field(default_factory=lambda: {"zh-CN": "promise_followup"})
    """Flow of the call about a broken promise, by the case's language."""
    reminder_flows: Mapping[str, str] = field(default_factory=dict)
    """Flow of the reminding call, by the case's language."""
    callers: tuple[str, ...] = ()
    """Numbers shown, E.164; without any, the carrier's own."""
    concurrency: int = 10
    """Follow-up calls at the same time, on all workers together."""
    attempts_at_most: int = 3
    """Attempts to reach the debtor about one promise."""

    def campaign(self) -> CampaignPlan:
        """The plan of the campaign that dials follow-ups."""
        flows = sorted({*self.flows.values(), *self.reminder_flows.values()}) or ["promise_followup"]
        return CampaignPlan(
            arms=tuple(Arm(flow=flow) for flow in flows),
            choice=_NOBODY,
            callers=CallerPool(numbers=self.callers),
            retry=Retry(attempts_at_most=self.attempts_at_most, grace_days=self.grace_days),
            pacing=Pacing(concurrency=self.concurrency),
        )

    def steps(self, promise: Promise, case: Case) -> tuple[FollowUp, ...]:
        """What is done about a promise that was just recorded. A reminder whose time has passed is left out."""
        zone = ZoneInfo(case.time_zone)
        check = datetime.combine(promise.due_on + timedelta(days=self.grace_days + 1), self.check_at, zone)
        steps = [FollowUp(promise.id, case.id, StepKind.CHECK, check)]
        remind = datetime.combine(promise.due_on, self.remind_at, zone)
        if self.remind_by is not RemindBy.NOTHING and remind > promise.recorded_at:
            steps.insert(0, FollowUp(promise.id, case.id, StepKind.REMIND, remind))
        return tuple(steps)

    def member(self, case: Case, flow: str, at: datetime) -> Member:
        """A case's place in the campaign of follow-ups."""
        return Member(
            campaign_id=CAMPAIGN,
            case_id=case.id,
            debtor_id=case.debtor.id,
            flow=flow,
            rank=rank(case, self.campaign().priority, Band.FIRST),
            state=MemberState.READY,
            entered_at=at,
        )


def end_of_day(day: date, case: Case) -> datetime:
    """The first instant after a day where the debtor is."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(case.time_zone))
