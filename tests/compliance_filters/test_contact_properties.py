"""For any history and any clock, no accepted dial breaks a rule: judged by a second, plain count of days and hours.

Clocks step back, days have 23 or 25 hours, midnights are missing, leap days and year ends come. What the record holds
of times that lie ahead (a clock was set back) counts as having happened.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance_filters.contact_facts import DialFacts, Direction, Hold, HoldKind, PastContact
from compliance_filters.contact_policy import decide
from compliance_filters.pack import RulePack
from tests.compliance_filters.dials import CN, HK, NUMBER, TW, UK, US, attempt, facts

PACKS = {"cn": CN, "us": US, "uk_eu": UK, "hk": HK, "tw": TW}
OTHER = "+8613800000009"
WINDOWS = {"cn": (8, 22), "us": (8, 21), "uk_eu": (8, 21), "hk": (9, 21), "tw": (7, 22)}
LEAST_MINUTES = {"cn": 60, "us": 120, "uk_eu": 120, "hk": 120, "tw": 120}
"""Minutes between two attempts at one person."""
ZONES = st.sampled_from(
    [
        "Asia/Shanghai",
        "America/New_York",
        "Europe/London",
        "Australia/Lord_Howe",  # half an hour of daylight saving
        "America/Sao_Paulo",  # midnight that does not exist, in the years that had it
        "Pacific/Apia",
        "Asia/Kathmandu",
        "Africa/Casablanca",
    ]
)
_EDGES = [
    datetime(2024, 2, 29, 15, 59, tzinfo=UTC),  # leap day ends in China
    datetime(2026, 3, 8, 6, 59, tzinfo=UTC),  # New York loses an hour
    datetime(2026, 11, 1, 5, 30, tzinfo=UTC),  # and has one twice
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2018, 11, 4, 3, 0, tzinfo=UTC),  # no midnight in São Paulo
    datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC),
]
INSTANTS = st.datetimes(datetime(2017, 1, 1), datetime(2028, 3, 2), timezones=st.just(UTC)) | st.sampled_from(_EDGES)  # noqa: DTZ001
PAST = st.lists(
    st.builds(
        lambda minutes, talked, inbound, other: (minutes, talked, inbound, other),
        st.integers(min_value=-60 * 26, max_value=60 * 24 * 9),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    max_size=9,
)


def record(at: datetime, past: list[tuple[int, bool, bool, bool]]) -> tuple[PastContact, ...]:
    """Contacts so many minutes ago; negative ones lie ahead of a clock that was set back."""
    return tuple(
        attempt(
            at - timedelta(minutes=minutes),
            effective=talked,
            direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
            number=OTHER if other else NUMBER,
        )
        for minutes, talked, inbound, other in past
    )


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(PACKS)), zone=ZONES, at=INSTANTS, past=PAST)
def test_what_is_accepted_breaks_no_rule_by_a_second_count(
    name: str, zone: str, at: datetime, past: list[tuple[int, bool, bool, bool]]
) -> None:
    history = record(at, past)
    if not decide(facts(timezone=zone), history, at, PACKS[name]).allowed:
        return
    here = ZoneInfo(zone)
    local = at.astimezone(here)
    opens, closes = WINDOWS[name]
    assert opens <= local.hour < closes
    dialled = [contact for contact in history if contact.direction is Direction.OUTBOUND]
    since = [at - contact.at for contact in dialled]
    assert all(ago >= timedelta(minutes=LEAST_MINUTES[name]) for ago in since)
    days = Counter(contact.at.astimezone(here).date() for contact in dialled)
    today = sum(count for day, count in days.items() if day >= local.date())
    talks = [contact.at.astimezone(here).date() for contact in history if contact.effective]
    match name:
        case "cn":
            own = [contact for contact in dialled if contact.number == NUMBER]
            assert sum(contact.at.astimezone(here).date() >= local.date() for contact in own) < 6
            spoken = [contact for contact in dialled if contact.effective]
            assert sum(contact.at.astimezone(here).date() >= local.date() for contact in spoken) < 3
            rang_us = [contact for contact in history if contact.effective and contact not in dialled]
            assert all(contact.at.astimezone(here).date() < local.date() for contact in rang_us)
        case "us":
            assert today < 2
            assert sum(ago < timedelta(days=7) for ago in since) < 7
            assert all(day + timedelta(days=7) <= local.date() for day in talks)
        case "uk_eu":
            assert sum(ago < timedelta(days=1) for ago in since) < 2
        case "hk" | "tw":
            assert today < 3


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(PACKS)), zone=ZONES, at=INSTANTS, past=PAST, more=PAST)
def test_more_history_never_allows_what_less_refused(
    name: str,
    zone: str,
    at: datetime,
    past: list[tuple[int, bool, bool, bool]],
    more: list[tuple[int, bool, bool, bool]],
) -> None:
    known = facts(timezone=zone)
    before = decide(known, record(at, past), at, PACKS[name])
    after = decide(known, record(at, past + more), at, PACKS[name])
    assert set(before.refused_by) <= set(after.refused_by)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(PACKS)), at=INSTANTS, kind=st.sampled_from(HoldKind), past=PAST)
def test_a_hold_stops_at_every_hour(
    name: str, at: datetime, kind: HoldKind, past: list[tuple[int, bool, bool, bool]]
) -> None:
    decision = decide(facts(holds=(Hold(kind),)), record(at, past), at, PACKS[name])
    assert (decision.allowed, decision.next_allowed) == (False, None)


NOON = datetime(2026, 3, 11, 4, tzinfo=UTC)
NEEDED = ("owner", "person_id", "timezone", "holds", "caller_number", "registered_callers", "halted")
ALSO = {
    "cn": ("assigned", "by_agency", "caller_calls"),
    "us": ("consents", "residence", "debt_id"),
    "uk_eu": (),
    "hk": (),
    "tw": ("by_agency",),
}


@pytest.mark.parametrize(("name", "fact"), [(name, fact) for name in PACKS for fact in (*NEEDED, *ALSO[name])])
def test_a_fact_that_is_missing_refuses(name: str, fact: str) -> None:
    known = facts()
    assert decide(known, (), NOON, PACKS[name]).allowed
    without: DialFacts = replace(known, **{fact: None})  # type: ignore[arg-type]
    assert not decide(without, (), NOON, PACKS[name]).allowed
    assert not decide(known, None, NOON, PACKS[name]).allowed


STEPS = st.lists(st.tuples(st.integers(min_value=-60 * 5, max_value=60 * 30), st.booleans()), min_size=1, max_size=25)


@settings(max_examples=80, deadline=None)
@given(name=st.sampled_from(sorted(PACKS)), zone=ZONES, start=INSTANTS, steps=STEPS)
def test_a_campaign_under_a_clock_that_moves_both_ways_keeps_every_cap(
    name: str, zone: str, start: datetime, steps: list[tuple[int, bool]]
) -> None:
    """The clock moves by minutes, sometimes backwards; each accepted dial becomes history."""
    here, pack, known = ZoneInfo(zone), PACKS[name], facts(timezone=zone)
    at, history = start, list[PastContact]()
    for minutes, talked in steps:
        at += timedelta(minutes=minutes)
        if decide(known, tuple(history), at, pack).allowed:
            history.append(attempt(at, effective=talked))
    days: dict[date, list[PastContact]] = {}
    for contact in history:
        days.setdefault(contact.at.astimezone(here).date(), []).append(contact)
    assert all(len(dials) <= {"cn": 6, "us": 2, "uk_eu": 4, "hk": 3, "tw": 3}[name] for dials in days.values())
    if name == "cn":
        assert all(sum(dial.effective for dial in dials) <= 3 for dials in days.values())
    ordered = sorted(contact.at for contact in history)
    least = timedelta(minutes=LEAST_MINUTES[name])
    assert all(later - earlier >= least for earlier, later in itertools.pairwise(ordered))
    if name == "us":
        talks = sorted(contact.at.astimezone(here).date() for contact in history if contact.effective)
        assert all(later - earlier >= timedelta(days=7) for earlier, later in itertools.pairwise(talks))
        assert all(ordered[n + 7] - ordered[n] >= timedelta(days=7) for n in range(len(ordered) - 7))


@settings(max_examples=120, deadline=None)
@given(name=st.sampled_from(sorted(PACKS)), zone=ZONES, at=INSTANTS, past=PAST)
def test_the_next_allowed_instant_is_allowed_and_not_before_the_question(
    name: str, zone: str, at: datetime, past: list[tuple[int, bool, bool, bool]]
) -> None:
    known, history, pack = facts(timezone=zone), record(at, past), PACKS[name]
    decision = decide(known, history, at, pack)
    assert decision.next_allowed is not None
    assert decision.next_allowed >= at
    assert decide(known, history, decision.next_allowed, pack).allowed


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2024, 2, 29), date(2026, 12, 31)])
def test_every_minute_of_a_strange_day_is_judged_by_the_clock_on_the_wall(name: str, day: date) -> None:
    zone = ZoneInfo("America/New_York")
    pack: RulePack = PACKS[name]
    opens, closes = WINDOWS[name]
    moment = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    while (local := moment.astimezone(zone)).date() == day:
        decision = decide(facts(timezone="America/New_York"), (), moment, pack)
        assert decision.allowed is (opens <= local.hour < closes), local
        moment += timedelta(minutes=20)
