"""Dials to be judged: what is known, the clock, what happened before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from compliance_filters.contact_facts import (
    Decision,
    DialFacts,
    Hold,
    HoldKind,
    Owner,
    PastContact,
)
from compliance_filters.contact_policy import decide
from compliance_filters.pack import RulePack, load_pack

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
CN, US, UK, HK, TW = (load_pack(name) for name in ("cn", "us", "uk_eu", "hk", "tw"))
NUMBER = "+8613800000001"


def facts(**changes: object) -> DialFacts:
    known = DialFacts(
        number=NUMBER,
        owner=Owner.DEBTOR,
        person_id="p-1",
        debt_id="d-1",
        timezone="Asia/Shanghai",
        residence="NY",
        holds=(),
        consents=frozenset({"ai_voice"}),
        assigned=False,
        by_agency=False,
        caller_number="+861095500",
        registered_callers=frozenset({"+861095500"}),
        caller_calls=(),
        halted=False,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def us_facts(**changes: object) -> DialFacts:
    return facts(timezone="America/New_York", **changes)


def cn_time(hour: int, minute: int = 0, second: int = 0, day: int = 11) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=SHANGHAI)


def ny_time(hour: int, minute: int = 0, day: int = 11) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=NEW_YORK)


def attempt(at: datetime, **changes: object) -> PastContact:
    return replace(PastContact(at, NUMBER, debt_id="d-1"), **changes)  # type: ignore[arg-type]


def refused(decision: Decision, rule: str) -> bool:
    return rule in decision.refused_by


def ask(at: datetime, pack: RulePack = CN, history: tuple[PastContact, ...] = (), **changes: object) -> Decision:
    known = us_facts(**changes) if pack is US else facts(**changes)
    return decide(known, history, at, pack)


def held(rule: str, kind: HoldKind, pack: RulePack = CN) -> None:
    at = ny_time(10) if pack is US else cn_time(10)
    endless = ask(at, pack, holds=(Hold(kind),))
    assert refused(endless, rule)
    assert endless.next_allowed is None
    ended = ask(at, pack, holds=(Hold(kind, until=at),))
    assert not refused(ended, rule)
    assert refused(ask(at, pack, holds=None), rule)
