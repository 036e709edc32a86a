"""Every matter has a tier and days by which it is owed: working days of the pack, never later than the law."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance_filters.complaint_rules import ComplaintRules, Deadline, complaint_rules_of, due_days
from compliance_filters.pack import PACKS, PackError, load_pack
from compliance_filters.working_days import (
    Calendar,
    after_working_days,
    country_in,
    is_working_day,
    working_day_before,
)

SHANGHAI = "Asia/Shanghai"
KINDS = ("complaint", "dispute", "stop_contact", "data_request")


def at(day: date, hour: int = 15) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(SHANGHAI))


@pytest.fixture(scope="module")
def cn() -> ComplaintRules:
    return complaint_rules_of(load_pack("cn"))


def test_cn_cmpl_01_a_complaint_is_answered_in_fifteen_thirty_or_sixty_days(cn: ComplaintRules) -> None:
    received = at(date(2026, 3, 10))
    assert due_days(cn, "complaint", received, SHANGHAI).answer_by == date(2026, 3, 25)
    assert due_days(cn, "complaint", received, SHANGHAI, extensions=1).answer_by == date(2026, 4, 9)
    # 9 May 2026 is a make-up Saturday.
    assert due_days(cn, "complaint", received, SHANGHAI, extensions=2).answer_by == date(2026, 5, 9)
    assert due_days(cn, "complaint", received, SHANGHAI, extensions=9).answer_by == date(2026, 5, 9)


def test_cn_disp_01_a_dispute_is_answered_in_twenty_days(cn: ComplaintRules) -> None:
    assert due_days(cn, "dispute", at(date(2026, 3, 10)), SHANGHAI).answer_by == date(2026, 3, 30)


def test_holidays_do_not_count_and_make_up_days_do(cn: ComplaintRules) -> None:
    """National Day 2026 is off from 1 to 7 October; Saturday 10 October is worked."""
    assert due_days(cn, "complaint", at(date(2026, 9, 30)), SHANGHAI).respond_by == date(2026, 10, 10)
    assert due_days(cn, "stop_contact", at(date(2026, 9, 30)), SHANGHAI).answer_by == date(2026, 10, 8)


def test_a_deadline_in_calendar_days_moves_forward_from_a_day_of_rest(cn: ComplaintRules) -> None:
    assert due_days(cn, "complaint", at(date(2026, 9, 18)), SHANGHAI).answer_by == date(2026, 9, 30)


def test_the_day_is_that_of_the_case(cn: ComplaintRules) -> None:
    late = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # one in the morning of the eleventh in Shanghai
    assert due_days(cn, "complaint", late, SHANGHAI).answer_by == date(2026, 3, 26)


@pytest.mark.parametrize(
    ("words", "tier"),
    [
        ("我要投诉你们的态度", "service"),
        ("我要打幺二三七八", "regulator_liaison"),
        ("我已经向银保监反映了", "regulator_liaison"),
        ("我去人民银行告你们", "regulator_liaison"),
    ],
)
def test_cn_cmpl_02_three_tiers_and_a_named_regulator_leads_to_the_liaison(
    cn: ComplaintRules, words: str, tier: str
) -> None:
    assert cn.tier("complaint", words) == tier
    assert cn.tier("dispute", words) == "legal"
    assert cn.tier("stop_contact", words) == "service"


@pytest.mark.parametrize("pack", sorted(file.stem for file in PACKS.glob("*.yaml")))
def test_every_pack_knows_every_matter(pack: str) -> None:
    rules = complaint_rules_of(load_pack(pack))
    for kind in KINDS:
        due = due_days(rules, kind, at(date(2026, 3, 10)), SHANGHAI)
        assert date(2026, 3, 10) < due.respond_by <= due.answer_by


@pytest.mark.parametrize("pack", sorted(file.stem for file in PACKS.glob("*.yaml")))
def test_every_pack_counts_by_its_own_holidays(pack: str) -> None:
    assert complaint_rules_of(load_pack(pack)).calendar.value == pack


@pytest.mark.parametrize(
    ("pack", "zone", "received", "respond_by"),
    [
        ("us", "America/New_York", date(2026, 11, 25), date(2026, 12, 1)),  # Thanksgiving, a weekend
        ("us", "America/New_York", date(2026, 7, 2), date(2026, 7, 8)),  # Independence Day, kept on the Friday
        ("uk_eu", "Europe/London", date(2026, 12, 24), date(2026, 12, 31)),  # Boxing Day, kept on Monday 28
        ("uk_eu", "Europe/Berlin", date(2026, 12, 24), date(2026, 12, 30)),
        ("uk_eu", "Europe/Warsaw", date(2026, 11, 10), date(2026, 11, 16)),  # Independence Day of Poland
        ("uk_eu", "Europe/Berlin", date(2026, 11, 10), date(2026, 11, 13)),
        ("uk_eu", "Europe/Zurich", date(2026, 4, 2), date(2026, 4, 8)),  # not a country of the pack: Good Friday only
        ("hk", "Asia/Hong_Kong", date(2026, 2, 16), date(2026, 2, 24)),  # Lunar New Year, three days
        ("tw", "Asia/Taipei", date(2026, 2, 13), date(2026, 2, 25)),  # Lunar New Year, five days
    ],
)
def test_public_holidays_of_the_pack_do_not_count(pack: str, zone: str, received: date, respond_by: date) -> None:
    noon = datetime(received.year, received.month, received.day, 12, tzinfo=ZoneInfo(zone))
    assert due_days(complaint_rules_of(load_pack(pack)), "complaint", noon, zone).respond_by == respond_by


def test_a_deadline_in_calendar_days_moves_forward_from_a_public_holiday() -> None:
    """Fifteen days from 26 October 2026 are 10 November; from the 27th, Veterans Day, when nobody works."""
    rules = complaint_rules_of(load_pack("us"))
    zone = "America/Chicago"
    for day in (26, 27):
        received = datetime(2026, 10, day, 12, tzinfo=ZoneInfo(zone))
        assert due_days(rules, "complaint", received, zone).answer_by == date(2026, 11, 10)


@pytest.mark.parametrize("day", [date(2026, 12, 28), date(2026, 5, 1), date(2026, 5, 4)])
def test_a_day_that_is_off_in_some_countries_only_counts_where_the_country_is_not_known(day: date) -> None:
    assert is_working_day(day, Calendar.UK_EU)
    assert not all(is_working_day(day, Calendar.UK_EU, country) for country in ("GB", "FR"))


def test_every_country_of_the_pack_has_a_calendar() -> None:
    for zone in available_timezones():
        country = country_in(zone)
        if country is not None:
            assert not is_working_day(date(2026, 12, 25), Calendar.UK_EU, country), zone


def test_a_part_that_cannot_be_read_says_where() -> None:
    pack = load_pack("cn")
    for part, said in (
        ({"matters": {"complaint": {"tier": "nobody"}}}, "complaints.matters.complaint.tier"),
        ({"matters": {"grudge": pack.complaints["matters"]["complaint"]}}, "no grudge; the matters are complaint"),
        ({"matters": {"complaint": {"tier": "legal", "respond": {}, "answer": [{"days": 1}]}}}, "either days or"),
    ):
        with pytest.raises(PackError, match=said):
            complaint_rules_of(pack.model_copy(update={"complaints": part}))


@given(
    received=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    days=st.integers(1, 90),
    calendar=st.sampled_from(Calendar),
    country=st.sampled_from([None, "GB", "DE", "ES"]),
)
def test_no_deadline_ends_on_a_day_of_rest_or_later_than_its_days(
    received: date, days: int, calendar: Calendar, country: str | None
) -> None:
    end = Deadline(days=days).end(received, calendar, country)
    assert end <= received + timedelta(days=days)
    assert end == received or is_working_day(end, calendar, country)
    worked = after_working_days(received, days, calendar, country)
    between = sum(
        is_working_day(received + timedelta(days=n), calendar, country) for n in range(1, (worked - received).days + 1)
    )
    assert between == days
    assert is_working_day(worked, calendar, country)
    assert working_day_before(worked, calendar, country) == worked
