"""Opening hours: spans of the day, working days by the calendar, said as people say them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from compliance_filters.working_days import Calendar
from voicebot.call.hours import OpeningHours

ZONE = "Asia/Shanghai"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-10T09:00", True),
        ("2026-03-10T08:59", False),
        ("2026-03-10T12:30", False),
        ("2026-03-10T17:59", True),
        ("2026-03-10T18:00", False),
        ("2026-03-14T10:00", False),
        ("2026-10-01T10:00", False),
        ("2026-10-10T10:00", True),
    ],
)
def test_people_are_there_in_their_spans_on_working_days(moment: str, is_open: bool) -> None:
    """14 March is a Saturday, 1 October National Day, and Saturday 10 October is worked."""
    hours = OpeningHours(ZONE, ("09:00-12:00", "13:00-18:00"), working_days_only=True, calendar=Calendar.CN)
    assert hours.is_open(at(moment)) is is_open
    assert hours.is_open(at(moment).astimezone(ZoneInfo("UTC"))) is is_open


@pytest.mark.parametrize(
    ("calendar", "zone", "day", "is_open"),
    [
        (Calendar.US, "America/New_York", "2026-11-26", False),
        (Calendar.US, "America/New_York", "2026-11-27", True),
        (Calendar.UK_EU, "Europe/London", "2026-12-28", False),
        (Calendar.UK_EU, "Europe/Paris", "2026-12-28", True),
        (Calendar.UK_EU, "Europe/Paris", "2026-07-14", False),
        (Calendar.HK, "Asia/Hong_Kong", "2026-07-01", False),
        (Calendar.TW, "Asia/Taipei", "2026-02-27", False),
        (Calendar.WEEKDAYS, "America/New_York", "2026-11-26", True),
    ],
)
def test_people_are_not_there_on_public_holidays(calendar: Calendar, zone: str, day: str, is_open: bool) -> None:
    hours = OpeningHours(zone, ("09:00-18:00",), working_days_only=True, calendar=calendar)
    assert hours.is_open(datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=ZoneInfo(zone))) is is_open


def test_every_day_means_every_day_and_no_spans_mean_always() -> None:
    assert OpeningHours(ZONE, ("09:00-18:00",)).is_open(at("2026-03-14T10:00"))
    assert OpeningHours(ZONE).is_open(at("2026-10-01T03:00"))
    assert OpeningHours(ZONE, ("20:00-24:00",)).is_open(at("2026-10-01T23:59"))


@pytest.mark.parametrize(
    ("spans", "working", "said"),
    [
        ((), False, "每天二十四小时"),
        (("09:00-18:00",), True, "工作日上午九点到下午六点"),
        (("08:30-12:00", "14:00-21:00"), False, "每天早上八点半到中午十二点，下午两点到晚上九点"),
        (("00:00-24:00",), False, "每天凌晨零点到晚上十二点"),
        (("10:15-17:45",), False, "每天上午十点十五分到下午五点四十五分"),
    ],
)
def test_they_are_said_as_people_say_them(spans: tuple[str, ...], working: bool, said: str) -> None:
    assert OpeningHours(ZONE, spans, working_days_only=working).said() == said
