"""What each step after a promise comes to. Pure: the store writes what is decided here, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from voicebot.call.promise_facts import Kept, PromiseStanding
from voicebot.followup.plan import CAMPAIGN, REMINDER, FollowUpPlan, RemindBy, end_of_day
from voicebot.store.outgoing import FollowUp, Message, StepKind, StepResult, StepState
from voicebot.store.records import Case, CaseStatus, Permission, PromiseState

LONGEST_WAIT = timedelta(days=14)
"""A call that the contact policy would allow only later than this is not made any more."""
_STATES = {Kept.KEPT: PromiseState.KEPT, Kept.PARTLY: PromiseState.PARTLY, Kept.BROKEN: PromiseState.BROKEN}
_UNPAID = (PromiseState.BROKEN, PromiseState.PARTLY)


@dataclass(frozen=True)
class Situation:
    """What a step is decided on."""

    case: Case
    standing: PromiseStanding
    permission: Permission | None
    """What the contact policy says of a call now; None when the debtor has no number that may be dialled."""
    superseded: bool
    """Whether a later promise is open."""


def decide(step: FollowUp, now: Situation, plan: FollowUpPlan, at: datetime) -> StepResult:
    """What the step comes to."""
    if (over := _no_need(step, now)) is not None:
        return over
    steps: dict[StepKind, Callable[[], StepResult]] = {
        StepKind.REMIND: lambda: _remind(now, plan, at),
        StepKind.CHECK: lambda: _check(step, now, at),
        StepKind.CALL: lambda: _call(now, plan, at),
    }
    return steps[step.kind]()


def _no_need(step: FollowUp, now: Situation) -> StepResult | None:
    state = now.standing.promise.state
    expected = _UNPAID if step.kind is StepKind.CALL else (PromiseState.OPEN,)
    if state not in expected:
        return _dropped(f"the promise is {state.value}")
    if now.superseded:
        return _dropped("another promise took its place")
    if now.standing.kept is Kept.KEPT:
        return StepResult(
            "what was promised has come in", StepState.DONE, promise=PromiseState.KEPT, release_from=CAMPAIGN
        )
    if now.case.status is not CaseStatus.OPEN:
        return StepResult(
            f"the case is {now.case.status.value}",
            StepState.DROPPED,
            promise=PromiseState.CANCELLED if state is PromiseState.OPEN else None,
            release_from=CAMPAIGN,
        )
    return None


def _remind(now: Situation, plan: FollowUpPlan, at: datetime) -> StepResult:
    promise = now.standing.promise
    end = end_of_day(promise.due_on, now.case)
    if at >= end:
        return _dropped("the day is over")
    flow = plan.reminder_flows.get(now.case.language)
    instead = ""
    if plan.remind_by is RemindBy.CALL:
        if flow is not None and now.permission is not None and now.permission.allowed:
            return StepResult(f"a call with {flow}", member=plan.member(now.case, flow, at))
        instead = f"; no call: {_why(now.permission) if flow else f'no flow reminds in {now.case.language}'}"
    message = Message(
        template=REMINDER,
        key=f"promise:{promise.id}:remind",
        case_id=now.case.id,
        debtor_id=now.case.debtor.id,
        promise_id=promise.id,
        due_at=at,
        created_at=at,
        expires_at=end,
    )
    return StepResult(f"a message{instead}", message=message)


def _check(step: FollowUp, now: Situation, at: datetime) -> StepResult:
    kept = now.standing.kept
    call = FollowUp(step.promise_id, step.case_id, StepKind.CALL, at)
    return StepResult(kept.value, promise=_STATES[kept], follow_ups=(call,))


def _call(now: Situation, plan: FollowUpPlan, at: datetime) -> StepResult:
    flow = plan.flows.get(now.case.language)
    if flow is None:
        return _dropped(f"no flow speaks of broken promises in {now.case.language}")
    if now.permission is None:
        return _dropped("no number may be dialled")
    if not now.permission.allowed:
        later = now.permission.explanation.get("next_allowed")
        if not isinstance(later, str):
            return _dropped(_why(now.permission))
        moment = datetime.fromisoformat(later)
        if moment - at <= LONGEST_WAIT:
            return StepResult(_why(now.permission), again_at=max(moment, at + timedelta(minutes=1)))
        return _dropped(f"{_why(now.permission)}, until {moment.date()}")
    return StepResult(f"a call with {flow}", member=plan.member(now.case, flow, at))


def _dropped(outcome: str) -> StepResult:
    return StepResult(outcome, StepState.DROPPED)


def _why(permission: Permission | None) -> str:
    if permission is None:
        return "no number may be dialled"
    explanation: Mapping[str, Any] = permission.explanation
    rules = [str(rule["id"]) for rule in explanation.get("rules") or () if rule.get("verdict") == "refuse"]
    return f"not permitted: {', '.join(rules) or 'no reason was given'}"
