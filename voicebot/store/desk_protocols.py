"""The repositories of what people deal with, as their users see them: complaints, callers given to an agent, agents.

As in `voicebot.store.protocols`, a method that is *kept* never loses what it is given; every other one raises
`StoreUnavailable` when the database is away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from voicebot.store.agent_records import AgentRecord, AgentState, Handoff
from voicebot.store.complaint_records import Complaint, ComplaintKind, Tier, TierCount


class Complaints(Protocol):
    """What callers may hold us to. Every step is written to the audit log in the same transaction."""

    async def add(self, complaint: Complaint) -> None:
        """Kept. The same id again changes nothing."""
        ...

    async def note(self, complaint_id: str, words: str) -> None:
        """Kept. Adds what the caller said more."""
        ...

    async def get(self, complaint_id: str) -> Complaint | None: ...

    async def find(self, reference: str) -> Sequence[Complaint]:
        """Everything taken under a reference number, in the order in which it came."""
        ...

    async def list(
        self,
        *,
        open_only: bool = True,
        tier: Tier | None = None,
        kind: ComplaintKind | None = None,
        case_id: str | None = None,
        overdue_on: date | None = None,
        limit: int = 100,
    ) -> Sequence[Complaint]:
        """The most pressing first; with `overdue_on` those that are overdue on that day."""
        ...

    async def counts(self, today: date) -> Sequence[TierCount]:
        """Of every tier, what is open and what is overdue."""
        ...

    async def respond(self, complaint_id: str, *, by: str, at: datetime | None = None) -> bool:
        """A person got in touch. Whether that changed anything."""
        ...

    async def extend(
        self, complaint_id: str, answer_by: date, *, expecting: int, by: str, reason: str, at: datetime | None = None
    ) -> bool:
        """Puts the answer off, if it was put off `expecting` times before. Whether it was."""
        ...

    async def move(
        self, complaint_id: str, tier: Tier, *, expecting: Tier, by: str, at: datetime | None = None
    ) -> bool:
        """Gives it to another tier, if it lies with `expecting`. Whether it was."""
        ...

    async def close(self, complaint_id: str, *, by: str, resolution: str, at: datetime | None = None) -> bool:
        """Whether it was open."""
        ...


class Handoffs(Protocol):
    async def open(self, handoff: Handoff) -> None:
        """Kept. Records a request for a human."""
        ...

    async def assign(self, handoff_id: str, agent_id: str, *, at: datetime | None = None) -> None:
        """Kept. Says which agent is being rung."""
        ...

    async def answered(self, handoff_id: str, *, at: datetime | None = None) -> None:
        """Kept. The agent took the call."""
        ...

    async def close(
        self, handoff_id: str, outcome: str, *, talk_seconds: float | None = None, at: datetime | None = None
    ) -> None:
        """Kept. Ends it; the first end counts."""
        ...

    async def get(self, handoff_id: str) -> Handoff | None: ...

    async def list(self, *, open_only: bool = False, limit: int = 100) -> Sequence[Handoff]:
        """Newest first."""
        ...


class Agents(Protocol):
    async def put(self, agent: AgentRecord) -> AgentRecord:
        """Adds an agent or changes name, endpoint and skills; the state of a known agent is left as it is."""
        ...

    async def get(self, agent_id: str) -> AgentRecord | None: ...

    async def list(self) -> Sequence[AgentRecord]:
        """By name."""
        ...

    async def set_state(
        self, agent_id: str, state: AgentState, *, expecting: AgentState | None = None, at: datetime | None = None
    ) -> bool:
        """Sets the state; with `expecting`, only if the agent is in that state. False when it was not changed."""
        ...

    async def claim(
        self, skill: str, *, worker_id: str = "", excluding: frozenset[str] = frozenset(), at: datetime | None = None
    ) -> AgentRecord | None:
        """Takes the agent with the skill who has been free longest, as RINGING; None when there is none.

        Of any number of claims at the same time, on any number of workers, each agent is given to one.
        """
        ...

    async def remove(self, agent_id: str) -> bool: ...
