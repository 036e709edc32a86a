"""What becomes of a case after each kind of attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from voicebot.campaign.choosing import Band, draw_arm, enrolled, rank
from voicebot.campaign.plan import Arm, CampaignPlan, Priority, Retry
from voicebot.campaign.retries import LEEWAY, after_attempt, number_for
from voicebot.store.campaign_records import Member, MemberState, Settlement
from voicebot.store.records import Attempt, AttemptState, Case, CaseStatus, NumberState, PhoneNumber

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PLAN = CampaignPlan(arms=(Arm(flow="reminder_first"),))
MakeCase = Callable[..., Case]


def _after(
    case: Case,
    disposition: str | None,
    *,
    plan: CampaignPlan = PLAN,
    state: AttemptState = AttemptState.ENDED,
    promised_on: date | None = None,
    callback_at: datetime | None = None,
    policy: dict[str, object] | None = None,
    **member: object,
) -> Settlement:
    attempt = Attempt(
        "a",
        "k",
        case.id,
        "d",
        "+8613800000001",
        None,
        "w",
        state,
        NOW,
        NOW,
        disposition=disposition,
        policy=policy or {},
    )
    before = replace(enrolled(case, "c", plan, NOW), **member)  # type: ignore[arg-type]
    return after_attempt(plan, before, attempt, case, promised_on=promised_on, callback_at=callback_at, at=NOW)


def test_no_answer_is_tried_again_later_and_behind_the_new_ones(make_case: MakeCase) -> None:
    case = make_case()
    settled = _after(case, "no_answer")
    assert (settled.state, settled.next_at) == (MemberState.WAITING, NOW + timedelta(hours=4))
    assert settled.rank is not None
    assert settled.rank > rank(case, PLAN.priority, Band.FIRST)


def test_a_disposition_that_comes_too_often_is_the_end(make_case: MakeCase) -> None:
    assert _after(make_case(), "busy", tries={"busy": 3}).state is MemberState.WAITING
    assert _after(make_case(), "busy", tries={"busy": 4}).state is MemberState.DONE
    strict = PLAN.model_copy(update={"retry": Retry(at_most={"busy": 0})})
    assert _after(make_case(), "busy", plan=strict).state is MemberState.DONE


def test_the_limit_of_attempts_is_the_end(make_case: MakeCase) -> None:
    assert _after(make_case(), "no_answer", attempts=5).state is MemberState.DONE
    ours = _after(make_case(), "trunk_refused", attempts=5)
    assert (ours.state, ours.counts) == (MemberState.WAITING, False)


def test_a_promise_waits_for_its_day_and_the_days_of_grace(make_case: MakeCase) -> None:
    settled = _after(make_case(), "ptp", promised_on=date(2026, 11, 27))
    assert settled.state is MemberState.WAITING
    assert settled.next_at is not None
    assert settled.next_at.isoformat() == "2026-11-29T09:00:00+08:00"
    assert _after(make_case(), "ptp").next_at == NOW + timedelta(days=3)


def test_an_agreed_callback_is_kept_and_comes_first(make_case: MakeCase) -> None:
    case = make_case()
    settled = _after(case, "callback_at", callback_at=NOW + timedelta(hours=2))
    assert settled.next_at == NOW + timedelta(hours=2)
    assert settled.rank is not None
    assert settled.rank < 0


@pytest.mark.parametrize("disposition", ["dispute_debt", "cease", "deceased", "attorney", "complaint"])
def test_what_stops_dialling_is_the_end(make_case: MakeCase, disposition: str) -> None:
    settled = _after(make_case(), disposition)
    assert (settled.state, settled.next_at, settled.disposition) == (MemberState.DONE, None, disposition)


@pytest.mark.parametrize("disposition", ["paid_claim", "hardship_income", "human_req", "never heard of"])
def test_what_a_person_must_see_is_held(make_case: MakeCase, disposition: str) -> None:
    assert _after(make_case(), disposition).state is MemberState.HELD


def test_a_wrong_number_leads_to_the_next_one(make_case: MakeCase) -> None:
    case = make_case()
    assert _after(case, "wrong_number").state is MemberState.DONE
    numbers = tuple(PhoneNumber(f"+861380000000{n}") for n in (1, 2, 3))
    several = replace(case, debtor=replace(case.debtor, numbers=numbers))
    settled = _after(several, "empty_number")
    assert (settled.state, settled.number_step) == (MemberState.WAITING, 1)
    assert number_for(several, 1) == "+8613800000002"
    blocked = replace(numbers[1], state=NumberState.STOP)
    mixed = replace(several, debtor=replace(case.debtor, numbers=(numbers[0], blocked, numbers[2])))
    assert number_for(mixed, 1) == "+8613800000003"
    assert number_for(mixed, 3) is None


def test_a_paid_case_is_done_whatever_was_said(make_case: MakeCase) -> None:
    assert _after(make_case(status=CaseStatus.SETTLED), "no_answer").state is MemberState.DONE


def test_a_refusal_waits_for_its_time_or_for_a_person(make_case: MakeCase) -> None:
    rules = [{"id": "CN-HOURS-01", "verdict": "refuse"}, {"id": "CN-FREQ-01", "verdict": "allow"}]
    later = NOW + timedelta(hours=12)
    policy: dict[str, object] = {"rules": rules, "next_allowed": later.isoformat()}
    settled = _after(make_case(), None, state=AttemptState.REFUSED, policy=policy)
    assert (settled.state, settled.next_at, settled.counts) == (MemberState.WAITING, later + LEEWAY, False)
    assert settled.reason == "not permitted: CN-HOURS-01"
    policy["next_allowed"] = None
    assert _after(make_case(), None, state=AttemptState.REFUSED, policy=policy).state is MemberState.HELD


def test_the_order_is_band_then_risk_then_amount(make_case: MakeCase) -> None:
    def of(risk: str | None, amount: str, band: Band = Band.FIRST) -> int:
        case = make_case(risk_tier=risk)
        return rank(replace(case, debt=replace(case.debt, amount_due=Decimal(amount))), Priority(), band)

    ordered = [
        of(None, "1", Band.CALLBACK),
        of("A", "500"),
        of("A", "100.5"),
        of("A", "100.4999"),
        of("B", "99999"),
        of(None, "999999999"),
        of("A", "500", Band.AGAIN),
    ]
    assert ordered == sorted(ordered)
    assert len(set(ordered)) == len(ordered)
    assert -(2**63) <= min(ordered) <= max(ordered) < 2**63


def test_arms_are_drawn_by_weight_and_stay(make_case: MakeCase) -> None:
    arms = (Arm(flow="a", weight=3), Arm(flow="b", weight=1))
    drawn = [draw_arm(arms, f"seed {n}") for n in range(4000)]
    assert drawn == [draw_arm(arms, f"seed {n}") for n in range(4000)]
    assert 2850 < drawn.count("a") < 3150


def test_one_person_hears_one_arm(make_case: MakeCase) -> None:
    plan = CampaignPlan(arms=tuple(Arm(flow=f"flow_{n}") for n in range(9)))
    case = make_case()
    other = make_case(debtor=case.debtor)
    members: list[Member] = [enrolled(one, "c", plan, NOW) for one in (case, other)]
    assert members[0].flow == members[1].flow
