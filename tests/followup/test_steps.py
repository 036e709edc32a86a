"""What each step after a promise comes to, by the payments, the case, and the contact policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from voicebot.call.promise_facts import Kept, PromiseStanding
from voicebot.followup.plan import CAMPAIGN, REMINDER, FollowUpPlan, RemindBy
from voicebot.followup.steps import LONGEST_WAIT, Situation, decide
from voicebot.store.outgoing import FollowUp, StepKind, StepResult, StepState
from voicebot.store.records import Case, CaseStatus, Debt, Debtor, Permission, Promise, PromiseState

ZONE = ZoneInfo("Asia/Shanghai")
DUE = date(2026, 11, 25)
CASE = Case(Debtor("王小样"), Debt("示例银行", Decimal("2350.75"), date(2026, 11, 1)), id="case")
PROMISE = Promise("case", Decimal(1000), DUE, id="p", recorded_at=datetime(2026, 11, 20, 10, 0, tzinfo=ZONE))
YES = Permission(True)
PLAN = FollowUpPlan()


def no(next_allowed: datetime | None = None) -> Permission:
    later = next_allowed.isoformat() if next_allowed else None
    return Permission(False, {"rules": [{"id": "CN-PTP-01", "verdict": "refuse"}], "next_allowed": later})


def result(
    kind: StepKind,
    at: datetime,
    *,
    kept: Kept = Kept.BROKEN,
    state: PromiseState | None = None,
    permission: Permission | None = YES,
    case: Case = CASE,
    superseded: bool = False,
    plan: FollowUpPlan = PLAN,
) -> StepResult:
    if state is None:
        state = PromiseState.BROKEN if kind is StepKind.CALL else PromiseState.OPEN
    standing = PromiseStanding(replace(PROMISE, state=state), kept, Decimal(0), 0, due=True)
    step = FollowUp("p", "case", kind, at)
    return decide(step, Situation(case, standing, permission, superseded), plan, at)


ON_THE_DAY = datetime(2026, 11, 25, 10, 0, tzinfo=ZONE)
AFTER = datetime(2026, 11, 27, 8, 0, tzinfo=ZONE)


# --- when -------------------------------------------------------------------------------------------------------------
def test_a_promise_is_reminded_of_on_its_day_and_checked_after_the_days_of_grace() -> None:
    remind, check = FollowUpPlan(grace_days=2, check_at=time(8, 30)).steps(PROMISE, CASE)
    assert (remind.kind, remind.due_at) == (StepKind.REMIND, ON_THE_DAY)
    assert (check.kind, check.due_at) == (StepKind.CHECK, datetime(2026, 11, 28, 8, 30, tzinfo=ZONE))


def test_the_times_are_the_debtors() -> None:
    new_york = replace(CASE, time_zone="America/New_York")
    remind, _ = PLAN.steps(PROMISE, new_york)
    assert remind.due_at == datetime(2026, 11, 25, 10, 0, tzinfo=ZoneInfo("America/New_York"))


def test_a_promise_for_today_made_after_the_time_of_the_reminder_is_not_reminded_of() -> None:
    late = replace(PROMISE, recorded_at=datetime(2026, 11, 25, 10, 30, tzinfo=ZONE))
    assert [step.kind for step in PLAN.steps(late, CASE)] == [StepKind.CHECK]


def test_nothing_reminds_where_nothing_is_to() -> None:
    plan = FollowUpPlan(remind_by=RemindBy.NOTHING)
    assert [step.kind for step in plan.steps(PROMISE, CASE)] == [StepKind.CHECK]


# --- the reminder -----------------------------------------------------------------------------------------------------
def test_the_reminder_is_a_message_that_is_of_no_use_tomorrow() -> None:
    message = result(StepKind.REMIND, ON_THE_DAY).message
    assert message is not None
    assert (message.template, message.key) == (REMINDER, "promise:p:remind")
    assert message.expires_at == datetime(2026, 11, 26, tzinfo=ZONE)


def test_a_reminder_that_comes_too_late_is_dropped() -> None:
    late = result(StepKind.REMIND, datetime(2026, 11, 26, 0, 0, tzinfo=ZONE))
    assert (late.state, late.message) == (StepState.DROPPED, None)


BY_CALL = FollowUpPlan(remind_by=RemindBy.CALL, reminder_flows={"zh-CN": "my_reminder"})


def test_a_call_reminds_where_the_contact_policy_permits_one() -> None:
    found = result(StepKind.REMIND, ON_THE_DAY, plan=BY_CALL)
    assert found.message is None
    assert found.member is not None
    assert (found.member.flow, found.member.campaign_id) == ("my_reminder", CAMPAIGN)


@pytest.mark.parametrize("permission", [no(), None])
def test_a_message_reminds_where_it_does_not(permission: Permission | None) -> None:
    found = result(StepKind.REMIND, ON_THE_DAY, plan=BY_CALL, permission=permission)
    assert found.member is None
    assert found.message is not None
    assert "no call" in found.outcome


def test_a_message_reminds_in_a_language_without_a_flow() -> None:
    found = result(StepKind.REMIND, ON_THE_DAY, plan=replace(BY_CALL, reminder_flows={"en-US": "other"}))
    assert found.message is not None
    assert found.member is None


# --- the check --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kept", "state"), [(Kept.BROKEN, PromiseState.BROKEN), (Kept.PARTLY, PromiseState.PARTLY)])
def test_what_did_not_come_in_is_called_about(kept: Kept, state: PromiseState) -> None:
    found = result(StepKind.CHECK, AFTER, kept=kept)
    assert found.promise is state
    assert [(step.kind, step.due_at) for step in found.follow_ups] == [(StepKind.CALL, AFTER)]


@pytest.mark.parametrize("kind", [StepKind.REMIND, StepKind.CHECK, StepKind.CALL])
def test_what_came_in_ends_it_at_any_step(kind: StepKind) -> None:
    found = result(kind, AFTER, kept=Kept.KEPT)
    assert found.promise is PromiseState.KEPT
    assert found.release_from == CAMPAIGN
    assert (found.message, found.member, found.follow_ups) == (None, None, ())


@pytest.mark.parametrize("kind", [StepKind.REMIND, StepKind.CHECK, StepKind.CALL])
def test_a_later_promise_ends_it(kind: StepKind) -> None:
    found = result(kind, ON_THE_DAY, superseded=True)
    assert found == StepResult("another promise took its place", StepState.DROPPED)


@pytest.mark.parametrize("kind", [StepKind.REMIND, StepKind.CHECK])
def test_a_promise_that_was_taken_back_is_left_alone(kind: StepKind) -> None:
    assert result(kind, ON_THE_DAY, state=PromiseState.CANCELLED).state is StepState.DROPPED


def test_a_closed_case_ends_it() -> None:
    found = result(StepKind.CHECK, AFTER, case=replace(CASE, status=CaseStatus.CLOSED))
    assert (found.state, found.promise) == (StepState.DROPPED, PromiseState.CANCELLED)


# --- the call ---------------------------------------------------------------------------------------------------------
def test_the_call_goes_through_the_campaign_of_follow_ups() -> None:
    member = result(StepKind.CALL, AFTER).member
    assert member is not None
    assert (member.flow, member.campaign_id, member.case_id) == ("promise_followup", CAMPAIGN, "case")


def test_a_call_that_is_allowed_later_waits() -> None:
    later = AFTER + timedelta(hours=5)
    found = result(StepKind.CALL, AFTER, permission=no(later))
    assert found.again_at == later
    assert found.member is None


@pytest.mark.parametrize("later", [None, AFTER + LONGEST_WAIT + timedelta(seconds=1)])
def test_a_call_that_a_person_must_allow_or_that_is_far_off_is_dropped(later: datetime | None) -> None:
    found = result(StepKind.CALL, AFTER, permission=no(later))
    assert found.state is StepState.DROPPED
    assert "CN-PTP-01" in found.outcome


def test_nobody_is_called_in_a_language_without_a_flow_or_without_a_number() -> None:
    assert result(StepKind.CALL, AFTER, case=replace(CASE, language="yue")).state is StepState.DROPPED
    assert result(StepKind.CALL, AFTER, permission=None).state is StepState.DROPPED
