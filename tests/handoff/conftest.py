"""A clock that jumps, a store in memory and telephones that do what they are told."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from telephony.carrier import Cause, DialFailed, DialRequest, Direction, IncomingHandler
from telephony.media import MediaPort
from voicebot.handoff import HandoffDesk, HandoffStep, HandoffTimes
from voicebot.store.agent_records import AgentRecord, AgentState, Handoff
from voicebot.store.errors import StoreUnavailable

T = TypeVar("T")
EPOCH = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer whenever nothing is left to do."""

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._virtual


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout:
            self._loop._virtual += timeout
        return ready


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Runs a coroutine in virtual time."""

    def runner(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=VirtualLoop) as one:
            return one.run(coroutine)

    return runner


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


class AgentsInMemory:
    """`store.protocols.Agents` in a dictionary; every method yields once, so that tasks can come between."""

    def __init__(self) -> None:
        self.records: dict[str, AgentRecord] = {}
        self.away = False

    async def _pause(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("the database is away")

    async def put(self, agent: AgentRecord) -> AgentRecord:
        await self._pause()
        self.records[agent.id] = agent
        return agent

    async def get(self, agent_id: str) -> AgentRecord | None:
        await self._pause()
        return self.records.get(agent_id)

    async def list(self) -> Sequence[AgentRecord]:
        await self._pause()
        return sorted(self.records.values(), key=lambda agent: agent.name)

    async def set_state(
        self, agent_id: str, state: AgentState, *, expecting: AgentState | None = None, at: datetime | None = None
    ) -> bool:
        await self._pause()
        agent = self.records.get(agent_id)
        if agent is None or (expecting is not None and agent.state is not expecting):
            return False
        self.records[agent_id] = replace(agent, state=state, state_since=at or now())
        return True

    async def claim(
        self, skill: str, *, worker_id: str = "", excluding: frozenset[str] = frozenset(), at: datetime | None = None
    ) -> AgentRecord | None:
        await self._pause()
        free = [
            agent
            for agent in self.records.values()
            if agent.state is AgentState.FREE and skill in agent.skills and agent.id not in excluding
        ]
        if not free:
            return None
        chosen = min(free, key=lambda agent: agent.state_since)
        self.records[chosen.id] = replace(chosen, state=AgentState.RINGING, claimed_by=worker_id)
        await asyncio.sleep(0)
        return self.records[chosen.id]

    async def remove(self, agent_id: str) -> bool:
        return self.records.pop(agent_id, None) is not None


class HandoffsInMemory:
    """`store.protocols.Handoffs` in a dictionary."""

    def __init__(self) -> None:
        self.records: dict[str, Handoff] = {}

    def _change(self, handoff_id: str, **changes: Any) -> None:
        self.records[handoff_id] = replace(self.records[handoff_id], **changes)

    async def open(self, handoff: Handoff) -> None:
        await asyncio.sleep(0)
        self.records[handoff.id] = handoff

    async def assign(self, handoff_id: str, agent_id: str, *, at: datetime | None = None) -> None:
        await asyncio.sleep(0)
        self._change(handoff_id, agent_id=agent_id, assigned_at=at)

    async def answered(self, handoff_id: str, *, at: datetime | None = None) -> None:
        await asyncio.sleep(0)
        self._change(handoff_id, answered_at=at)

    async def close(
        self, handoff_id: str, outcome: str, *, talk_seconds: float | None = None, at: datetime | None = None
    ) -> None:
        await asyncio.sleep(0)
        if self.records[handoff_id].outcome is None:
            self._change(handoff_id, outcome=outcome, talk_seconds=talk_seconds, closed_at=at)

    async def get(self, handoff_id: str) -> Handoff | None:
        return self.records.get(handoff_id)

    async def list(self, *, open_only: bool = False, limit: int = 100) -> Sequence[Handoff]:
        return [one for one in self.records.values() if one.outcome is None or not open_only][:limit]


class FakeLeg:
    """An answered call to an agent."""

    direction = Direction.OUTBOUND
    from_number: str | None = None

    def __init__(self, request: DialRequest) -> None:
        self.id = f"leg to {request.to}"
        self.to_number = request.to
        self.headers = request.headers
        self.hung_up = False

    @property
    def media(self) -> MediaPort:
        raise RuntimeError("this telephone has no audio")

    async def answer(self) -> None: ...

    async def reject(self, cause: Cause = Cause.BUSY) -> None: ...

    async def hang_up(self) -> None:
        self.hung_up = True

    async def transfer(self, target: str, timeout_seconds: float = 20.0) -> None: ...

    async def ended(self) -> Cause:
        return Cause.NORMAL


@dataclass
class FakeCarrier:
    """Telephones by address: seconds of ringing, and then an answer (None) or a cause."""

    telephones: dict[str, tuple[float, Cause | None]]
    name: str = "fake"
    dialled: list[DialRequest] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    legs: list[FakeLeg] = field(default_factory=list)

    async def start(self) -> None: ...

    async def dial(self, request: DialRequest) -> FakeLeg:
        self.dialled.append(request)
        if request.to not in self.telephones:
            raise LookupError(f"no telephone at {request.to}")
        seconds, cause = self.telephones[request.to]
        try:
            await asyncio.sleep(min(seconds, request.ring_seconds))
        except asyncio.CancelledError:
            self.cancelled.append(request.to)
            raise
        if seconds > request.ring_seconds:
            raise DialFailed(Cause.NO_ANSWER)
        if cause is not None:
            raise DialFailed(cause)
        self.legs.append(FakeLeg(request))
        return self.legs[-1]

    def on_incoming(self, handler: IncomingHandler) -> None: ...

    def active_calls(self) -> int:
        return 0

    async def close(self) -> None: ...


@dataclass
class Office:
    """A desk with its people and telephones."""

    agents: AgentsInMemory
    handoffs: HandoffsInMemory
    carrier: FakeCarrier
    steps: list[HandoffStep]

    def desk(self, worker_id: str = "w1", **times: float) -> HandoffDesk:
        return HandoffDesk(
            agents=self.agents,
            handoffs=self.handoffs,
            carrier_for=lambda endpoint: self.carrier,
            worker_id=worker_id,
            times=HandoffTimes(**times),
            on_step=self.steps.append,
            now=now,
        )

    def seat(
        self,
        agent_id: str,
        *,
        ring: float = 2.0,
        cause: Cause | None = None,
        state: AgentState = AgentState.FREE,
        skills: Sequence[str] = ("agent",),
        since: float = 0.0,
    ) -> None:
        """An agent whose telephone rings for `ring` seconds and is then answered, or refused with `cause`."""
        endpoint = f"sip:{agent_id}@127.0.0.1"
        self.carrier.telephones[endpoint] = (ring, cause)
        self.agents.records[agent_id] = AgentRecord(
            agent_id, f"客服{agent_id}", endpoint, frozenset(skills), state, EPOCH + timedelta(seconds=since)
        )

    def state(self, agent_id: str) -> AgentState:
        return self.agents.records[agent_id].state

    def rung(self) -> list[str]:
        return [request.to.removeprefix("sip:").partition("@")[0] for request in self.carrier.dialled]


@pytest.fixture
def office() -> Office:
    return Office(AgentsInMemory(), HandoffsInMemory(), FakeCarrier({}), [])
