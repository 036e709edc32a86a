"""The desk: finds a human for a caller, one telephone after another, and writes down what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from telephony.carrier import CallLeg, Carrier, Cause, DialFailed, DialRequest
from voicebot.call.desk import AgentConnected, AgentMissing, HandoffRequest
from voicebot.dialog.events import HandoffOutcome
from voicebot.handoff.brief import spoken_brief, with_queue
from voicebot.handoff.queue import Waiting, place, turn_has_come
from voicebot.store.agent_records import AgentRecord, AgentState, Handoff
from voicebot.store.desk_protocols import Agents, Handoffs
from voicebot.store.errors import StoreUnavailable
from voicebot.store.records import new_id, utc_now

log = logging.getLogger(__name__)

GENERAL_SKILL = "agent"
"""What every agent can do; a caller whose special skill nobody free has is better served by anybody than by nobody."""

_POLL_SECONDS = 0.2
_WAITING_POLL_SECONDS = 1.0
"""The same once a caller waits: agents of other workers become free without telling this one."""
_COURTESY_SECONDS = 0.5
_SHORTEST_RING_SECONDS = 3.0


@dataclass(frozen=True)
class HandoffTimes:
    """How long the desk tries."""

    ring_seconds: float = 20.0
    """Seconds that one agent's telephone rings."""
    longest_seconds: float = 80.0
    """Seconds after which the whole search ends."""
    wait_seconds: float = 0.0
    """Seconds to wait for an agent to become free when all are busy. With no agent at work nobody waits."""
    wrap_up_seconds: float = 30.0
    """Seconds an agent has for notes after a call."""


class Step(Enum):
    """What happened in a handoff, for the timeline and the metrics."""

    RINGING = "ringing"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    """The agent's telephone could not be reached at all."""
    NOBODY_FREE = "nobody_free"
    CALLER_GONE = "caller_gone"
    LEFT_QUEUE = "left_queue"
    """The caller chose to be called back."""
    FINISHED = "finished"


@dataclass(frozen=True)
class HandoffStep:
    """One step of one handoff."""

    handoff_id: str
    call_id: str
    step: Step
    agent_id: str | None = None
    seconds: float = 0.0
    """Since the human was asked for; for FINISHED, the seconds of talk."""


class HandoffDesk:
    """Implements `voicebot.call.desk.Desk` over the agents of the store and the engine's carriers."""

    def __init__(
        self,
        *,
        agents: Agents,
        handoffs: Handoffs,
        carrier_for: Callable[[str], Carrier],
        worker_id: str,
        times: HandoffTimes = HandoffTimes(),
        caller_id: str | None = None,
        on_step: Callable[[HandoffStep], None] = lambda step: None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`carrier_for` gives the carrier that reaches an agent's endpoint (a SIP URI or a number)."""
        self._agents = agents
        self._handoffs = handoffs
        self._carrier_for = carrier_for
        self._worker_id = worker_id
        self._times = times
        self._caller_id = caller_id
        self._on_step = on_step
        self._now = now
        self._waiting: dict[str, Waiting] = {}
        self._searches: dict[str, _Search] = {}
        self._talking: dict[str, tuple[str, str]] = {}
        self._freed = asyncio.Event()
        self._tidying: set[asyncio.Task[None]] = set()

    async def connect(self, request: HandoffRequest) -> AgentConnected | AgentMissing:
        """Rings free agents until one answers, none is left or time is up. Cancelling it stops the ringing."""
        search = _Search(self, request)
        self._waiting[search.id] = Waiting(search.id, request.skill, request.urgent, search.since)
        self._searches[request.call_id] = search
        search.work = asyncio.create_task(search.run(), name=f"search {search.id}")
        try:
            return await search.work
        except asyncio.CancelledError:
            await self._tidy(search.abandon())
            task = asyncio.current_task()
            if search.left is None or (task is not None and task.cancelling()):
                raise
            return AgentMissing(search.id, search.left)
        finally:
            self._waiting.pop(search.id, None)
            if self._searches.get(request.call_id) is search:
                del self._searches[request.call_id]
            self._freed.set()

    def ahead(self, call_id: str) -> int | None:
        """How many callers are served before this one; None while nobody knows, or an agent is rung for it."""
        search = self._searches.get(call_id)
        return search.ahead if search is not None else None

    async def leave(self, call_id: str, outcome: HandoffOutcome) -> None:
        """Stops the search for a caller who stays and waits no longer; one that has found an agent is left as it is."""
        search = self._searches.get(call_id)
        if search is not None and search.work is not None and not search.work.done():
            search.left = outcome
            search.work.cancel()

    async def finished(self, handoff_id: str, talk_seconds: float, outcome: str) -> None:
        """Closes the handoff and gives the agent time for notes."""
        agent_id, call_id = self._talking.pop(handoff_id, (None, ""))
        await self._handoffs.close(handoff_id, outcome, talk_seconds=talk_seconds, at=self._now())
        if agent_id is None and (known := await self._look_up(handoff_id)) is not None:
            agent_id, call_id = known.agent_id, known.call_id
        self._on_step(HandoffStep(handoff_id, call_id, Step.FINISHED, agent_id, talk_seconds))
        if agent_id is not None:
            rest = AgentState.WRAP_UP if self._times.wrap_up_seconds > 0 else AgentState.FREE
            await self._set(agent_id, rest, expecting=AgentState.BUSY)
            self._freed.set()

    async def release_rested(self) -> None:
        """Frees agents whose time for notes is over, whichever worker gave it to them."""
        rested = self._now() - timedelta(seconds=self._times.wrap_up_seconds)
        for agent in await self._agents.list():
            if agent.state is AgentState.WRAP_UP and agent.state_since <= rested:
                await self._agents.set_state(agent.id, AgentState.FREE, expecting=AgentState.WRAP_UP, at=self._now())

    def waiting(self) -> tuple[Waiting, ...]:
        """Callers who wait on this worker now."""
        return tuple(self._waiting.values())

    # --- for the search -----------------------------------------------------------------------------------------------
    async def _claim(
        self, request: HandoffRequest, handoff_id: str, tried: frozenset[str], *, in_turn: bool
    ) -> AgentRecord | None:
        """A free agent for this caller; with `in_turn` only if no caller before it needs them."""
        try:
            await self.release_rested()
            agents = await self._agents.list()
            waiting = {one.handoff_id: one for one in (*await self._waiting_elsewhere(), *self._waiting.values())}
            for skill in dict.fromkeys((request.skill, GENERAL_SKILL)):
                free = sum(agent.state is AgentState.FREE and skill in agent.skills for agent in agents)
                if free and (not in_turn or turn_has_come(handoff_id, waiting.values(), free)):
                    agent = await self._take(skill, tried)
                    if agent is not None:
                        return agent
            if (search := self._searches.get(request.call_id)) is not None and handoff_id in waiting:
                search.ahead = place(handoff_id, waiting.values())
        except StoreUnavailable:
            log.exception("agents cannot be looked up; the caller is offered a callback", extra={"handoff": handoff_id})
        return None

    async def _anyone_on_duty(self, request: HandoffRequest) -> bool:
        """Whether there is an agent at work for whom it is worth waiting. While the store is away nobody knows."""
        try:
            return any(
                agent.state is not AgentState.OFFLINE and not agent.skills.isdisjoint({request.skill, GENERAL_SKILL})
                for agent in await self._agents.list()
            )
        except StoreUnavailable:
            return False

    async def _anyone_free(self, request: HandoffRequest, tried: frozenset[str]) -> bool:
        """Whether an agent stands free whom this caller has not tried: then somebody else is before it."""
        try:
            return any(
                agent.state is AgentState.FREE
                and agent.id not in tried
                and not agent.skills.isdisjoint({request.skill, GENERAL_SKILL})
                for agent in await self._agents.list()
            )
        except StoreUnavailable:
            return False

    async def _take(self, skill: str, tried: frozenset[str]) -> AgentRecord | None:
        """Claims an agent, and gives them back when the caller goes while the store is at it."""
        claim = asyncio.ensure_future(
            self._agents.claim(skill, worker_id=self._worker_id, excluding=tried, at=self._now())
        )
        try:
            return await asyncio.shield(claim)
        except asyncio.CancelledError:
            await self._tidy(self._give_back(claim))
            raise

    async def _give_back(self, claim: Awaitable[AgentRecord | None]) -> None:
        with suppress(StoreUnavailable):
            if (agent := await claim) is not None:
                await self._set(agent.id, AgentState.FREE, expecting=AgentState.RINGING)

    async def _waiting_elsewhere(self) -> list[Waiting]:
        oldest = self._now() - timedelta(seconds=self._times.longest_seconds)
        return [
            Waiting(handoff.id, handoff.skill, handoff.urgent, handoff.opened_at)
            for handoff in await self._handoffs.list(open_only=True)
            if handoff.agent_id is None and handoff.opened_at >= oldest
        ]

    async def _set(self, agent_id: str, state: AgentState, *, expecting: AgentState) -> None:
        """Never fails a call over an agent's state: the state is brought right when the worker starts again."""
        try:
            await self._agents.set_state(agent_id, state, expecting=expecting, at=self._now())
        except StoreUnavailable:
            log.exception("an agent's state could not be stored", extra={"agent": agent_id, "state": state.value})

    async def _look_up(self, handoff_id: str) -> Handoff | None:
        try:
            return await self._handoffs.get(handoff_id)
        except StoreUnavailable:
            log.exception("a handoff could not be looked up", extra={"handoff": handoff_id})
            return None

    async def _wait_for_change(self, seconds: float) -> None:
        self._freed.clear()
        try:
            await asyncio.wait_for(self._freed.wait(), seconds)
        except TimeoutError:
            return

    async def _tidy(self, work: Awaitable[None]) -> None:
        """Finishes what must be finished even though the task that asked for it is being cancelled."""

        async def run() -> None:
            await work

        task = asyncio.create_task(run(), name="handoff tidying")
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)
        await asyncio.shield(task)


class _Search:
    """The search for one caller's agent."""

    def __init__(self, desk: HandoffDesk, request: HandoffRequest) -> None:
        self.id = new_id()
        self.since = desk._now()
        self._desk = desk
        self._request = request
        self._began = asyncio.get_running_loop().time()
        self._tried: dict[str, HandoffOutcome] = {}
        self._ringing: AgentRecord | None = None
        self._leg: CallLeg | None = None
        self._opened = False
        self.work: asyncio.Task[AgentConnected | AgentMissing] | None = None
        self.ahead: int | None = None
        self.left: HandoffOutcome | None = None
        """Why the caller waits no longer, when they stayed on the line."""

    def _record(self) -> Handoff:
        request = self._request
        return Handoff(
            call_id=request.call_id,
            because=request.because,
            skill=request.skill,
            id=self.id,
            case_id=request.case_id,
            urgent=request.urgent,
            brief=dict(request.brief),
            opened_at=self.since,
        )

    async def run(self) -> AgentConnected | AgentMissing:
        times = self._desk._times
        await self._desk._handoffs.open(self._record())
        self._opened = True
        while (left := times.longest_seconds - self._seconds()) >= _SHORTEST_RING_SECONDS:
            tried = frozenset(self._tried)
            # By then whoever stands before this caller has had the time to take the agent. One who is still free must
            # not be missed only because another worker's record of its queue is a moment old.
            last = self._seconds() >= max(times.wait_seconds, _COURTESY_SECONDS)
            agent = await self._desk._claim(self._request, self.id, tried, in_turn=not last)
            if agent is not None:
                connected = await self._ring(agent, min(times.ring_seconds, left))
                if connected is not None:
                    return connected
                continue
            if last:
                break
            if self._seconds() >= times.wait_seconds and not await self._desk._anyone_free(self._request, tried):
                break
            if not await self._desk._anyone_on_duty(self._request):
                break
            patient = self._seconds() > 2 * _COURTESY_SECONDS
            await self._desk._wait_for_change(_WAITING_POLL_SECONDS if patient else _POLL_SECONDS)
        return await self._missing()

    async def _ring(self, agent: AgentRecord, ring_seconds: float) -> AgentConnected | None:
        desk = self._desk
        self._ringing = agent
        self.ahead = None
        desk._waiting.pop(self.id, None)  # an agent is taken: this caller no longer stands in anybody's way
        await desk._handoffs.assign(self.id, agent.id, at=desk._now())
        self._step(Step.RINGING)
        try:
            self._leg = await desk._carrier_for(agent.endpoint).dial(self._dial(agent, ring_seconds))
        except DialFailed as failure:
            await self._not_taken(agent, failure)
            return None
        except Exception as error:
            # Whatever is wrong with one agent's telephone, the caller must reach the next agent.
            log.exception("ringing an agent failed", extra={"agent": agent.id})
            await self._not_taken(agent, DialFailed(Cause.NETWORK_ERROR, reason=str(error)))
            return None
        await desk._set(agent.id, AgentState.BUSY, expecting=AgentState.RINGING)
        await desk._handoffs.answered(self.id, at=desk._now())
        desk._talking[self.id] = (agent.id, self._request.call_id)
        self._step(Step.ACCEPTED)
        return AgentConnected(self.id, agent.id, agent.name, self._leg)

    def _dial(self, agent: AgentRecord, ring_seconds: float) -> DialRequest:
        brief = with_queue(self._request.brief, self._seconds(), len(self._desk._waiting))
        headers = {"X-Voicebot-Handoff": self.id, "X-Voicebot-Brief": spoken_brief(brief)}
        if self._request.urgent:
            headers["X-Voicebot-Urgent"] = "yes"
        return DialRequest(
            to=agent.endpoint, caller_id=self._desk._caller_id, ring_seconds=ring_seconds, headers=headers
        )

    async def _not_taken(self, agent: AgentRecord, failure: DialFailed) -> None:
        step, outcome = _meaning(failure.cause)
        self._tried[agent.id] = outcome
        self._step(step)
        if step is Step.FAILED:
            log.warning(
                "an agent's telephone cannot be reached; check the endpoint with: voicebot agent list",
                extra={"agent": agent.id, "cause": failure.cause.value, "status": failure.status},
            )
        await self._desk._set(agent.id, AgentState.FREE, expecting=AgentState.RINGING)
        self._ringing = None
        desk = self._desk
        desk._waiting[self.id] = Waiting(self.id, self._request.skill, self._request.urgent, self.since)

    async def _missing(self) -> AgentMissing:
        outcomes = set(self._tried.values())
        outcome = next(
            (one for one in (HandoffOutcome.NO_ANSWER, HandoffOutcome.DECLINED) if one in outcomes),
            HandoffOutcome.NOBODY_FREE,
        )
        if outcome is HandoffOutcome.NOBODY_FREE:
            self._step(Step.NOBODY_FREE)
        await self._desk._handoffs.close(self.id, outcome.value, at=self._desk._now())
        return AgentMissing(self.id, outcome)

    async def abandon(self) -> None:
        """The caller is gone, or waits no longer: the agent's telephone stops ringing, the agent is free again."""
        outcome = self.left or HandoffOutcome.CALLER_GONE
        self._step(_LEFT.get(outcome, Step.NOBODY_FREE))
        desk = self._desk
        if not self._opened:
            await desk._handoffs.open(self._record())
        desk._talking.pop(self.id, None)
        if self._leg is not None:
            await self._leg.hang_up()
        if self._ringing is not None:
            was = AgentState.BUSY if self._leg is not None else AgentState.RINGING
            await desk._set(self._ringing.id, AgentState.FREE, expecting=was)
            if self._leg is not None:
                await desk._set(self._ringing.id, AgentState.FREE, expecting=AgentState.RINGING)
        await desk._handoffs.close(self.id, outcome.value, at=desk._now())

    def _seconds(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    def _step(self, step: Step) -> None:
        agent_id = self._ringing.id if self._ringing else None
        self._desk._on_step(HandoffStep(self.id, self._request.call_id, step, agent_id, self._seconds()))


_LEFT = {
    HandoffOutcome.CALLER_GONE: Step.CALLER_GONE,
    HandoffOutcome.LEFT_QUEUE: Step.LEFT_QUEUE,
}
"""What an abandoned search was abandoned for; any other outcome is the longest hold."""


def _meaning(cause: Cause) -> tuple[Step, HandoffOutcome]:
    """What an unanswered ring says about the agent. A telephone that cannot be reached counts as not answered."""
    if cause in {Cause.DECLINED, Cause.BUSY}:
        return Step.DECLINED, HandoffOutcome.DECLINED
    if cause is Cause.NO_ANSWER:
        return Step.NO_ANSWER, HandoffOutcome.NO_ANSWER
    return Step.FAILED, HandoffOutcome.NO_ANSWER
