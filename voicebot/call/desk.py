"""What a call asks of the people behind it. `voicebot.handoff` implements it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from telephony.carrier import CallLeg
from voicebot.dialog.events import HandoffOutcome


@dataclass(frozen=True)
class HandoffRequest:
    """A caller who needs a human, and what the human should know."""

    call_id: str
    case_id: str | None
    because: str
    """asked_for_human, vulnerable, not_understood, complaint, ..."""
    skill: str
    urgent: bool
    brief: Mapping[str, str] = field(default_factory=dict)
    """Who, verified or not, what for, what was said and agreed, mood: in reading order, label to value."""


@dataclass(frozen=True)
class AgentConnected:
    """An agent answered; their leg's audio is ready to be bridged."""

    handoff_id: str
    agent_id: str
    agent_name: str
    leg: CallLeg


@dataclass(frozen=True)
class AgentMissing:
    """No agent took the call."""

    handoff_id: str
    outcome: HandoffOutcome


class Desk(Protocol):
    """Finds a human for a caller."""

    async def connect(self, request: HandoffRequest) -> AgentConnected | AgentMissing:
        """Rings free agents until one answers or none is left. Cancelling it stops the ringing (the caller is gone)."""
        ...

    def ahead(self, call_id: str) -> int | None:
        """How many callers are served before this one; None while nobody knows, or an agent is rung for it."""
        ...

    async def leave(self, call_id: str, outcome: HandoffOutcome) -> None:
        """The caller stays and waits no longer: stops the search, and `connect` gives AgentMissing with the outcome."""
        ...

    async def finished(self, handoff_id: str, talk_seconds: float, outcome: str) -> None:
        """The bridge is over: the agent goes to wrap-up, the handoff gets its outcome."""
        ...
