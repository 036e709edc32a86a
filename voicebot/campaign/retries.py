"""What becomes of a member when its dial is over. Pure: the store writes what is decided here."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from voicebot.campaign.choosing import Band, rank
from voicebot.campaign.dispositions import RetryRule, Then, rule_of
from voicebot.campaign.plan import CampaignPlan, Retry
from voicebot.store.campaign_records import NOT_PERMITTED, Member, MemberState, Settlement
from voicebot.store.records import Attempt, AttemptState, Case, CaseStatus, NumberState

LEAST_WAIT = timedelta(minutes=1)
LEEWAY = timedelta(seconds=5)
"""Past the moment from which the contact policy allows a dial: it counts from when an attempt was recorded, the person
from when it rang, and on a busy machine that is a moment later, one time more than another."""
MORNING = time(9, 0)
"""When a day that was promised counts as over, on the day after its grace."""


def after_attempt(
    plan: CampaignPlan,
    member: Member,
    attempt: Attempt,
    case: Case,
    *,
    promised_on: date | None,
    callback_at: datetime | None,
    at: datetime,
) -> Settlement:
    """What follows an attempt that is over.

    `promised_on` is the day of the latest open promise, `callback_at` the earliest agreed callback that lies ahead.
    """
    if attempt.state is AttemptState.REFUSED:
        if case.status is not CaseStatus.OPEN:
            return Settlement(MemberState.DONE, f"the case is {case.status.value}", counts=False)
        return after_refusal(attempt.policy)
    disposition = attempt.disposition or "abandoned"
    rule = rule_of(disposition)
    ended = attempt.ended_at or at
    over = _end_of(plan, member, case, disposition, rule)
    if over is not None:
        return over
    if rule.then is Then.PROMISE and promised_on is not None:
        again = _after_promise(plan.retry, promised_on, case.time_zone)
        return _wait(case, plan, max(again, ended + LEAST_WAIT), f"promised for {promised_on}", disposition, rule)
    if rule.then is Then.CALLBACK and callback_at is not None:
        when = max(callback_at, ended + LEAST_WAIT)
        return _wait(case, plan, when, "callback as agreed", disposition, rule, band=Band.CALLBACK)
    return _again(plan, member, attempt, case, disposition, rule, ended)


def _end_of(plan: CampaignPlan, member: Member, case: Case, disposition: str, rule: RetryRule) -> Settlement | None:
    """The end of a member, when this was its last attempt."""
    attempts = member.attempts + (1 if rule.counts else 0)
    if case.status is not CaseStatus.OPEN:
        state, reason = MemberState.DONE, f"the case is {case.status.value}"
    elif rule.then in (Then.STOP, Then.DONE):
        state, reason = MemberState.DONE, disposition
    elif rule.then is Then.HOLD:
        state, reason = MemberState.HELD, disposition
    elif attempts >= plan.retry.attempts_at_most:
        state, reason = MemberState.DONE, f"{attempts} attempts are the campaign's limit"
    else:
        return None
    return _over(state, reason, disposition, rule)


def _again(
    plan: CampaignPlan, member: Member, attempt: Attempt, case: Case, disposition: str, rule: RetryRule, ended: datetime
) -> Settlement:
    came = member.tries.get(disposition, 0) + 1
    limit = plan.retry.at_most.get(disposition, rule.at_most)
    hours = plan.retry.after_hours.get(disposition)
    when = ended + (timedelta(hours=hours) if hours is not None else max(rule.after, LEAST_WAIT))
    step = None
    if rule.then is Then.NEXT_NUMBER:
        step = place_of(case, attempt.number) + 1
        if number_for(case, step) is None:
            return _over(MemberState.DONE, f"{disposition}, and there is no other number", disposition, rule)
    elif came > limit:
        return _over(MemberState.DONE, f"{disposition} came {came} times", disposition, rule)
    return _wait(case, plan, when, disposition, disposition, rule, number_step=step)


def after_refusal(explanation: Any) -> Settlement:
    """What follows a dial that the contact policy refused: nothing rang, so nothing is counted."""
    rules = explanation.get("rules") or ()
    refused = [str(rule["id"]) for rule in rules if isinstance(rule, dict) and rule.get("verdict") == "refuse"]
    reason = f"{NOT_PERMITTED}: {', '.join(refused) or explanation.get('because') or 'no reason was given'}"
    later = explanation.get("next_allowed")
    if isinstance(later, str):
        moment = datetime.fromisoformat(later)
        return Settlement(MemberState.WAITING, reason, next_at=moment + LEEWAY, counts=False)
    return Settlement(MemberState.HELD, reason, counts=False)


def given_back(reason: str, *, at: datetime, wait: timedelta = LEAST_WAIT) -> Settlement:
    """What follows a dial that never began: the member keeps its place."""
    return Settlement(MemberState.WAITING, reason, next_at=at + wait, counts=False)


def number_for(case: Case, step: int) -> str | None:
    """The first number that may be dialled from a place of the debtor's list on; None when there is none."""
    return next((entry.number for entry in case.debtor.numbers[step:] if entry.state is NumberState.VALID), None)


def place_of(case: Case, number: str) -> int:
    """The place of a number in the debtor's list; -1 when it is not there any more."""
    return next((place for place, entry in enumerate(case.debtor.numbers) if entry.number == number), -1)


def _after_promise(retry: Retry, promised_on: date, time_zone: str) -> datetime:
    day = promised_on + timedelta(days=retry.grace_days + 1)
    return datetime.combine(day, MORNING, ZoneInfo(time_zone))


def _wait(
    case: Case,
    plan: CampaignPlan,
    when: datetime,
    reason: str,
    disposition: str,
    rule: RetryRule,
    *,
    band: Band = Band.AGAIN,
    number_step: int | None = None,
) -> Settlement:
    return Settlement(
        MemberState.WAITING,
        reason,
        next_at=when,
        rank=rank(case, plan.priority, band),
        counts=rule.counts,
        disposition=disposition,
        number_step=number_step,
    )


def _over(state: MemberState, reason: str, disposition: str, rule: RetryRule) -> Settlement:
    return Settlement(state, reason, counts=rule.counts, disposition=disposition)
