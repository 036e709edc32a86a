"""The invented people of the campaign: who they are, and what they do when their telephone rings. Pure, and the same
in every process: the far end acts on it, and the check knows from it what must have happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import TypeVar
from zoneinfo import ZoneInfo

from voicebot.campaign.plan import (
    Arm,
    Breakers,
    Calendar,
    CallerPool,
    CampaignPlan,
    Pacing,
    Retry,
)
from voicebot.store.records import Case, Debt, Debtor, PhoneNumber

BEGINS = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
"""08:00 of a Tuesday in Shanghai, when the law lets the first call begin."""
CALLERS = tuple(f"+86106666000{n}" for n in range(1, 6))
ZONE = "Asia/Shanghai"
LAST_FOUR = "3866"


class Role(Enum):
    """What kind of person takes the call, and so how a conversation with them must end."""

    PROMISES = "promises"
    PAID = "says it is paid"
    REFUSES = "refuses"
    CALLS_BACK = "asks to be called later"
    DISPUTES = "disputes the debt"
    STOPS = "wants no more calls"
    THIRD_PARTY = "a third party"
    WRONG_PERSON = "a wrong person"
    VOICEMAIL = "voicemail"
    HANGS_UP = "hangs up"
    SILENT = "says nothing"


class Reaction(Enum):
    """What the network does with one INVITE."""

    ANSWERS = "answers"
    RINGS_ON = "rings on"
    BUSY = "486"
    OFF = "480"
    EMPTY = "404"
    DECLINES = "603"
    OVERLOADED = "503"


ENDS: Mapping[Role, frozenset[str]] = {
    Role.PROMISES: frozenset({"ptp", "partial"}),
    Role.PAID: frozenset({"paid_claim"}),
    Role.REFUSES: frozenset({"refusal"}),
    Role.CALLS_BACK: frozenset({"callback_at", "callback_unspec"}),
    Role.DISPUTES: frozenset({"dispute_debt"}),
    Role.STOPS: frozenset({"cease"}),
    Role.THIRD_PARTY: frozenset({"third_party"}),
    Role.WRONG_PERSON: frozenset({"wrong_number"}),
    Role.VOICEMAIL: frozenset({"voicemail"}),
    Role.HANGS_UP: frozenset({"hung_up", "bye", "id_unresolved"}),
    Role.SILENT: frozenset({"silence"}),
}
"""Dispositions that are right for each role."""
SIGNALLED: Mapping[Reaction, str] = {
    Reaction.RINGS_ON: "no_answer",
    Reaction.BUSY: "busy",
    Reaction.OFF: "switched_off",
    Reaction.EMPTY: "empty_number",
    Reaction.DECLINES: "rejected",
    Reaction.OVERLOADED: "overloaded",
}
"""The one disposition that is right for each refusal of the network."""
FINAL = frozenset({Role.DISPUTES, Role.STOPS})
"""Roles after whose conversation nobody may call again."""
NO_TALK = frozenset({Role.VOICEMAIL, Role.THIRD_PARTY, Role.WRONG_PERSON})
"""Roles with whom a call is no conversation with the debtor."""

_ROLES: Sequence[tuple[Role, int]] = (
    (Role.PROMISES, 26),
    (Role.PAID, 8),
    (Role.REFUSES, 8),
    (Role.CALLS_BACK, 8),
    (Role.DISPUTES, 4),
    (Role.STOPS, 4),
    (Role.THIRD_PARTY, 10),
    (Role.WRONG_PERSON, 8),
    (Role.VOICEMAIL, 12),
    (Role.HANGS_UP, 9),
    (Role.SILENT, 3),
)
_REACTIONS: Sequence[tuple[Reaction, int]] = (
    (Reaction.ANSWERS, 48),
    (Reaction.RINGS_ON, 26),
    (Reaction.BUSY, 13),
    (Reaction.OFF, 8),
    (Reaction.DECLINES, 4),
    (Reaction.OVERLOADED, 1),
)
_EMPTY_PERCENT = 4
T = TypeVar("T")


def _drawn(weights: Sequence[tuple[T, int]], seed: str) -> T:
    point = int.from_bytes(sha256(seed.encode()).digest()[:8], "big") % sum(weight for _, weight in weights)
    for value, weight in weights:
        point -= weight
        if point < 0:
            return value
    raise AssertionError("the point lies within the sum of the weights")


def role_of(number: str) -> Role:
    """Who holds a telephone number; the same person every time."""
    return _drawn(_ROLES, f"role {number}")


def reaction_to(number: str, nth: int) -> Reaction:
    """What becomes of the `nth` call to a number, counted from 0."""
    if _drawn(((True, _EMPTY_PERCENT), (False, 100 - _EMPTY_PERCENT)), f"empty {number}"):
        return Reaction.EMPTY
    return _drawn(_REACTIONS, f"reaction {number} {nth}")


@dataclass(frozen=True)
class Person:
    """One debtor as the campaign gets them."""

    case_ids: tuple[str, ...]
    numbers: tuple[str, ...]
    """E.164."""
    flag: str | None = None
    """A reason that stands on the case before the campaign begins: nobody may call."""


FLAGS: Sequence[tuple[str | None, int]] = (
    (None, 95),
    ("dispute", 1),
    ("stop_contact", 1),
    ("deceased", 1),
    ("lawyer", 2),
)


def people(cases: int) -> Sequence[Person]:
    """So many cases: every twentieth person has two, every eighth two numbers, every twentieth may not be called."""
    found: list[Person] = []
    made = 0
    while made < cases:
        n = len(found)
        own = 2 if n % 20 == 7 and made + 2 <= cases else 1
        numbers = (f"+861380{n:07d}",) + ((f"+861390{n:07d}",) if n % 8 == 3 else ())
        ids = tuple(f"case-{made + k:05d}" for k in range(own))
        found.append(Person(ids, numbers, _drawn(FLAGS, f"flag {n}")))
        made += own
    return found


def cases_of(person: Person) -> Sequence[Case]:
    """The person's cases as they are imported."""
    debtor = Debtor(
        name="王小样",
        surname="王",
        id=f"debtor-{person.case_ids[0]}",
        external_id=f"debtor-{person.case_ids[0]}",
        id_last_four=LAST_FOUR,
        numbers=tuple(PhoneNumber(number) for number in person.numbers),
    )
    return [
        Case(
            id=case_id,
            external_id=case_id,
            debtor=debtor,
            debt=Debt(creditor="示例银行", amount_due=Decimal(2100 + int(case_id[-5:])), due_date=date(2026, 11, 1)),
            risk_tier="ABC"[int(case_id[-5:]) % 3],
            created_at=BEGINS,
        )
        for case_id in person.case_ids
    ]


def plan(concurrency: int, rate: float) -> CampaignPlan:
    """The usual plan, waits and all; the calendar is wider than the law, so that the policy has something to refuse."""
    return CampaignPlan(
        arms=(Arm(flow="reminder_first", weight=2), Arm(flow="reminder_later")),
        callers=CallerPool(numbers=CALLERS),
        calendar=Calendar(time_zone=ZONE, hours=("07:59-23:00",)),
        pacing=Pacing(concurrency=concurrency, calls_per_second=rate),
        retry=Retry(attempts_at_most=3),
        # Three kills interrupt tens of calls each; a window of 50 would rightly wait for a person after the first.
        breakers=Breakers(window=400),
    )


def midnight(day: date) -> datetime:
    """When a day begins where the people live."""
    return datetime.combine(day, time(), ZoneInfo(ZONE))
