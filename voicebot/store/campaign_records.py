"""Campaigns as the store gives and takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any

from voicebot.store.records import Attempt, new_id, utc_now

NOT_PERMITTED = "not permitted"
"""How the reason of a member begins that the contact policy refused."""


class CampaignState(Enum):
    DRAFT = "draft"
    """Made, and never started."""
    RUNNING = "running"
    PAUSED = "paused"
    """Nothing new is dialled until somebody resumes it; live calls go on."""
    DRAINING = "draining"
    """Nothing new is dialled; it stops when its live calls are over."""
    STOPPED = "stopped"
    """For good."""
    FINISHED = "finished"
    """Every member has come to an end."""


class MemberState(Enum):
    WAITING = "waiting"
    """Not before `next_at`."""
    READY = "ready"
    """May be chosen now."""
    DIALLING = "dialling"
    """Given to a worker under `key`; the attempt is recorded, or about to be."""
    HELD = "held"
    """A person must look first; `reason` says at what."""
    DONE = "done"


@dataclass(frozen=True)
class Campaign:
    """Why, whom and how: the part of it that the store knows."""

    name: str
    plan: Mapping[str, Any]
    """`voicebot.campaign.plan.CampaignPlan` as JSON values."""
    id: str = field(default_factory=new_id)
    state: CampaignState = CampaignState.DRAFT
    because: str = ""
    """Why it is in this state: who asked, or which breaker."""
    created_at: datetime = field(default_factory=utc_now)
    started_at: datetime | None = None
    running_since: datetime | None = None
    """When it was last started or resumed: the breakers look no further back."""
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Member:
    """One case in one campaign: its place in the queue, and what came of it so far."""

    campaign_id: str
    case_id: str
    debtor_id: str
    flow: str
    """The arm that was drawn for it; the same for all its calls."""
    rank: int
    """Order among those that may be dialled now, smallest first."""
    id: str = field(default_factory=new_id)
    state: MemberState = MemberState.READY
    next_at: datetime | None = None
    first_by: datetime | None = None
    """By when it should be called for the first time; None once it was, or once it stands in front."""
    entered_at: datetime = field(default_factory=utc_now)
    attempts: int = 0
    """Dials that count, made or interrupted."""
    tries: Mapping[str, int] = field(default_factory=dict)
    """How often each disposition came."""
    number_step: int = 0
    """Place among the debtor's numbers, from 0, from which the next valid one is tried."""
    key: str | None = None
    """Idempotency key of the dial it was given out for."""
    caller: str | None = None
    """Number shown on that dial."""
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    disposition: str | None = None
    """How the last attempt ended."""
    reason: str = ""
    """Why it is where it is."""
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Ended:
    """How one attempt ended, as the breakers look at it."""

    disposition: str
    guard_hits: int = 0
    """Lines that the guard stopped in its call."""


@dataclass(frozen=True)
class ArmCount:
    """One line of the comparison of flows."""

    flow: str
    disposition: str | None
    """How attempts ended; None counts the members themselves."""
    count: int


@dataclass(frozen=True)
class Standing:
    """How a campaign stands, read in the transaction that gives out the next dials."""

    live: int
    """Members that are being dialled or talked to, on all workers."""
    next_slot_at: datetime | None
    """When the pace lets the next dial begin; None before the first."""
    free_agents: int
    caller_calls: Mapping[str, int]
    """Calls shown from each caller number today, by all campaigns."""
    reviewed_callers: frozenset[str] = frozenset()
    """Numbers that a person has reviewed and that may go on beyond their day's calls."""


@dataclass(frozen=True)
class Grant:
    """How many dials may be given out now."""

    callers: tuple[str | None, ...] = ()
    """Number to show on each of them; None takes the carrier's own."""
    next_slot_at: datetime | None = None


GrantRule = Callable[[Standing], Grant]
"""The pace of a campaign: pure, called inside the transaction that gives out dials."""


@dataclass(frozen=True)
class OpenDial:
    """A member that was given out, and the attempt that came of it, if one was recorded."""

    member: Member
    attempt: Attempt | None


@dataclass(frozen=True)
class Settlement:
    """What becomes of a member after a dial."""

    state: MemberState
    reason: str
    next_at: datetime | None = None
    rank: int | None = None
    """None leaves it."""
    counts: bool = True
    """Whether the dial counts towards the campaign's limit of attempts."""
    disposition: str | None = None
    number_step: int | None = None
    """Which of the debtor's numbers is tried next; None leaves it."""
    unshown_on: date | None = None
    """The day on which the caller number was counted for a dial that never showed it; None leaves the count."""
