"""Agents, and callers who were given to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from voicebot.store.records import new_id, utc_now


@dataclass(frozen=True)
class Handoff:
    """A caller who was given, or was to be given, to a human."""

    call_id: str
    because: str
    skill: str
    id: str = field(default_factory=new_id)
    case_id: str | None = None
    urgent: bool = False
    brief: Mapping[str, str] = field(default_factory=dict)
    """Label to value, in reading order."""
    agent_id: str | None = None
    """The last agent who was rung."""
    outcome: str | None = None
    """None while it is open; then accepted, declined, no_answer, nobody_free, caller_gone, or what came of the talk."""
    opened_at: datetime = field(default_factory=utc_now)
    assigned_at: datetime | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    talk_seconds: float | None = None


class AgentState(Enum):
    OFFLINE = "offline"
    FREE = "free"
    RINGING = "ringing"
    BUSY = "busy"
    WRAP_UP = "wrap_up"


@dataclass(frozen=True)
class AgentRecord:
    """A human who takes calls."""

    id: str
    name: str
    endpoint: str
    """SIP URI or E.164 number that is rung."""
    skills: frozenset[str] = frozenset({"agent"})
    state: AgentState = AgentState.OFFLINE
    state_since: datetime = field(default_factory=utc_now)
    claimed_by: str | None = None
    """Worker that rings or bridges them; None when free."""
