"""A calendar opens when it says, in its own zone, across every change of the clock; a wrong plan is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicebot.campaign.plan import Arm, Calendar, CampaignPlan, Choice, Retry


def test_hours_are_those_of_its_zone() -> None:
    calendar = Calendar(hours=("09:00-12:00", "14:00-20:00"), closed_on=frozenset({date(2026, 11, 23)}))
    morning = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    assert calendar.is_open(morning)
    assert not calendar.is_open(morning - timedelta(seconds=1))
    assert not calendar.is_open(morning + timedelta(hours=3))
    assert calendar.next_open(morning + timedelta(hours=3)) == datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def test_closed_days_are_passed_over() -> None:
    calendar = Calendar(days=("mon",), hours=("09:00-10:00",), closed_on=frozenset({date(2026, 11, 23)}))
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert calendar.next_open(friday) == datetime(2026, 11, 30, 1, tzinfo=UTC)


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    zone=st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe"]),
)
def test_the_next_opening_is_open_and_nothing_before_it_is(at: datetime, zone: str) -> None:
    calendar = Calendar(time_zone=zone, days=("mon", "tue", "wed", "thu", "fri"), hours=("01:30-03:00", "09:00-17:30"))
    moment = at.replace(tzinfo=UTC)
    opens = calendar.next_open(moment)
    assert opens is not None
    assert calendar.is_open(opens)
    assert opens >= moment
    step = moment
    while step < min(opens, moment + timedelta(hours=12)):
        assert not calendar.is_open(step)
        step += timedelta(minutes=15)


@pytest.mark.parametrize(
    "wrong",
    [
        {"arms": []},
        {"arms": [{"flow": "a", "weight": 0}]},
        {"arms": [{"flow": "a"}], "calendar": {"hours": ["21:00-08:00"]}},
        {"arms": [{"flow": "a"}], "calendar": {"time_zone": "Mars/Base"}},
        {"arms": [{"flow": "a"}], "callers": {"numbers": ["1380"]}},
        {"arms": [{"flow": "a"}], "callers": {"calls_per_day": 501}},
        {"arms": [{"flow": "a"}], "retry": {"after_hours": {"bussy": 1}}},
        {"arms": [{"flow": "a"}], "colour": "red"},
    ],
)
def test_a_wrong_plan_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        CampaignPlan.model_validate(wrong)


def test_a_plan_survives_its_own_json() -> None:
    plan = CampaignPlan(
        arms=(Arm(flow="reminder_first", weight=3),),
        calendar=Calendar(closed_on=frozenset({date(2027, 1, 1)})),
        choice=Choice(risk_tiers=frozenset({"A"}), days_overdue_from=1),
        retry=Retry(at_most={"busy": 2}),
    )
    assert CampaignPlan.model_validate(plan.model_dump(mode="json")) == plan
