"""One call from its answer to its end: the pipeline, the handoff, the limits, the evidence."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.workers.runner import WorkerRunner

from compliance_filters.disclosures import Disclosure
from compliance_filters.verdict import CallState
from recordings.container import Side
from telephony.carrier import CallLeg, Cause
from telephony.transport import CallTransport
from voicebot.call.agent_side import AgentSide
from voicebot.call.board import TimelineEntry
from voicebot.call.bridge import AgentAudio, Switchboard, first_to_end
from voicebot.call.conversation import Conversation, Outcomes
from voicebot.call.desk import AgentConnected, AgentMissing, Desk, HandoffRequest
from voicebot.call.disclosing import Disclosing
from voicebot.call.ear import Attention
from voicebot.call.floor import Floor, LineOutcome
from voicebot.call.gate import Guard, GuardGate
from voicebot.call.hearing import Hearing
from voicebot.call.inbound import of_the_hour
from voicebot.call.interpreter import CaseContext, Interpreter, Understands
from voicebot.call.limits import CallFacts, Limit, reached
from voicebot.call.settings import CallSettings
from voicebot.call.speaking import Speaking
from voicebot.call.timeline import Timeline, TimelineSink
from voicebot.dialog.events import CallerGone, HandoffEnded, HandoffOutcome, LimitReached, RequestHandoff
from voicebot.dialog.machine import Machine
from voicebot.dialog.state import DialogState
from voicebot.speech.protocols import Recogniser, Synthesiser, VoiceActivity
from voicebot.store.records import Case

log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.25
_LEAVE_SECONDS = 5.0
_TAIL_SECONDS = 0.2
_COMFORT_SECONDS = 8.0
"""A caller on hold hears something at least this often."""
_PLACE_SECONDS = 24.0
"""A caller on hold hears their place in the queue at least this often, and whenever it has changed."""


class AudioEvidence(Protocol):
    """Where the audio of both sides goes; never blocks."""

    def write_audio(self, side: Side, pcm: bytes, media_seconds: float) -> None: ...


@dataclass(frozen=True)
class CallTools:
    """What every call of a worker shares, and what this call was given."""

    recogniser: Recogniser
    synthesiser: Synthesiser
    open_voice_activity: Callable[[], VoiceActivity]
    understander: Understands
    guard: Guard
    disclosures: Iterable[Disclosure]
    desk: Desk
    outcomes: Outcomes
    evidence: AudioEvidence
    settings: CallSettings
    now: Callable[[], datetime]
    """Aware wall clock, in the debtor's zone."""
    build_brief: Callable[[RequestHandoff, Sequence[TimelineEntry], bool], Mapping[str, str]]
    """From the reason, the timeline so far, and whether the debtor was verified."""


@dataclass(frozen=True)
class CallSubject:
    """What this call is about."""

    call_id: str
    case_id: str | None
    machine: Machine
    case: CaseContext
    call_state: CallState
    language: str
    candidates: Mapping[str, Case] = field(default_factory=dict)
    """Cases that the call may be about, by id, when the caller's number is shared; then `case_id` is None."""


@dataclass(frozen=True)
class CallResult:
    """How a call ended."""

    disposition: str
    cause: Cause
    state: DialogState | None
    media_seconds: float


class CallSession:
    """Runs one answered call. `run` returns when the call is over and everything about it has been told."""

    def __init__(self, leg: CallLeg, subject: CallSubject, tools: CallTools, sinks: Sequence[TimelineSink]) -> None:
        self._leg = leg
        self._subject = subject
        self._tools = tools
        self._entries: list[TimelineEntry] = []
        self._ended = asyncio.Event()
        self._disposition: str | None = None
        self._cause = Cause.NORMAL
        self._bridged_at: float | None = None
        self._handing_off = False
        self._handoff: asyncio.Task[None] | None = None
        self._left_queue = False
        self._limit_reached_at: float | None = None
        self._last_line_at = 0.0
        self.transport = CallTransport(
            leg.media,
            on_mark=self._mark,
            on_ended=self._caller_gone,
            on_played=self._played,
            on_media=self._media,
        )
        self.timeline = Timeline(subject.call_id, self._media_seconds, tools.now, self._entries.append, *sinks)
        self._floor = Floor()
        self._attention = Attention()
        rate = leg.media.sample_rate
        self._switchboard = Switchboard(self._caller_audio)
        self._hearing = Hearing(
            recogniser=tools.recogniser,
            voice_activity=tools.open_voice_activity(),
            settings=tools.settings.turns,
            floor=self._floor,
            attention=self._attention,
            timeline=self.timeline,
            media_seconds=self._media_seconds,
            language=subject.language,
            sample_rate=rate,
        )
        self._disclosing = Disclosing(tools.disclosures, self.timeline, subject.language)
        self.conversation = Conversation(
            machine=subject.machine,
            interpreter=Interpreter(tools.understander, subject.case, self._attention),
            call_state=subject.call_state,
            floor=self._floor,
            attention=self._attention,
            timeline=self.timeline,
            media_seconds=self._media_seconds,
            now=tools.now,
            outcomes=tools.outcomes,
            caller_is_busy=lambda: self._hearing.busy,
            last_activity_at=lambda: self._hearing.last_activity_at,
            on_handoff=self._hand_off,
            on_leave_queue=self._leave_queue,
            on_end=self._end,
            on_heard_line=self._line_heard,
        )
        self._gate = GuardGate(
            guard=tools.guard,
            state=lambda: self.conversation.call_state,
            timeline=self.timeline,
            on_stopped=self.conversation.line_stopped_by_guard,
        )
        self._speaking = Speaking(
            synthesiser=tools.synthesiser,
            floor=self._floor,
            timeline=self.timeline,
            on_dropped=lambda number: self.conversation.line_settled(number, played=False, played_seconds=0.0),
            sample_rate=rate,
        )
        self._agent_audio = AgentAudio(rate, self._hear_agent)
        self._agent_side: AgentSide | None = None

    @property
    def entries(self) -> Sequence[TimelineEntry]:
        """The timeline so far."""
        return tuple(self._entries)

    # --- the pipeline -------------------------------------------------------------------------------------------------
    def _pipeline(self) -> Pipeline:
        return Pipeline(
            [
                self.transport.input(),
                self._switchboard,
                self._hearing,
                self.conversation,
                self._gate,
                self._speaking,
                self._agent_audio,
                self.transport.output(),
            ]
        )

    async def run(self) -> CallResult:
        """Holds the conversation. Never raises for anything that happens on the call."""
        rate = self._leg.media.sample_rate
        worker = PipelineWorker(
            self._pipeline(),
            params=PipelineParams(audio_in_sample_rate=rate, audio_out_sample_rate=rate),
            idle_timeout_secs=None,
            enable_rtvi=False,
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        self.timeline.add("call.answered", media_seconds=0.0, facts=dict(of_the_hour(self._subject.machine.facts)))
        running = asyncio.create_task(runner.run(), name=f"pipeline {self._subject.call_id}")
        watching = asyncio.create_task(self._watch_limits(), name=f"limits {self._subject.call_id}")
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
            if running.done() and not self._ended.is_set():
                log.error("the pipeline of a call stopped by itself", extra={"call": self._subject.call_id})
                self.timeline.add("call.failed", reason="the pipeline stopped")
                self._disposition = "engine_fault"
        finally:
            watching.cancel()
            ended.cancel()
            at = self._media_seconds()
            await self._leave_desk()
            await self._leg.hang_up()
            await runner.cancel()
            await asyncio.gather(running, watching, return_exceptions=True)
        return self._result(at)

    def _result(self, at: float) -> CallResult:
        state = self.conversation.state
        disposition = self._disposition
        if disposition is None and state is not None:
            disposition = state.disposition or state.outcome
        result = CallResult(disposition or "abandoned", self._cause, state, at)
        self.timeline.add(
            "call.ended",
            media_seconds=at,
            disposition=result.disposition,
            cause=result.cause.value,
            seconds=round(at, 2),
        )
        return result

    def _media_seconds(self) -> float:
        return self.transport.media_seconds

    # --- what the transport tells -------------------------------------------------------------------------------------
    def _caller_audio(self, pcm: bytes, media_seconds: float) -> None:
        self._tools.evidence.write_audio(Side.CALLER, pcm, media_seconds)

    def _played(self, pcm: bytes, media_seconds: float) -> None:
        self._tools.evidence.write_audio(Side.ENGINE, pcm, media_seconds)
        if self._bridged_at is None:
            self._last_line_at = media_seconds
            self.conversation.sound_played(media_seconds)

    async def _mark(self, mark: str, played: bool, played_seconds: float) -> None:
        self.conversation.line_settled(int(mark), played=played, played_seconds=played_seconds)

    async def _media(self, flowing: bool) -> None:
        if flowing:
            self._switchboard.heard_media = True
        self.timeline.add("media.flowing" if flowing else "media.lost")

    async def _caller_gone(self) -> None:
        self.timeline.add("caller.gone")
        self.conversation.happen(CallerGone(self._tools.now()))
        if self._bridged_at is None:
            # The dialog is told first: what the call has come to is its to say.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.conversation.concluded.wait(), 2.0)
        self._ended.set()

    def _line_heard(self, outcome: LineOutcome) -> None:
        if self.conversation.call_state.identity_verified:
            self._disclosing.right_party()
        for say in self._disclosing.heard(outcome):
            self.conversation.say_now(say)
        if self._disclosing.must_end:
            self._disposition = "disclosure_missed"
            self._ended.set()

    # --- ends ---------------------------------------------------------------------------------------------------------
    async def _end(self, disposition: str) -> None:
        self._disposition = disposition
        # The last sound has left us; the far end's jitter buffer still holds it when the call is ended at once.
        await asyncio.sleep(_TAIL_SECONDS)
        self._ended.set()

    def hang_up(self) -> None:
        """Ends the call now, from outside: an operator, or a worker that must stop."""
        self.timeline.add("call.hang_up_requested")
        self._ended.set()

    async def _watch_limits(self) -> None:
        while not self._ended.is_set():
            await asyncio.sleep(_WATCH_SECONDS)
            now = self._media_seconds()
            facts = CallFacts(
                now=now,
                last_sound_at=max(self._last_line_at, self._hearing.last_activity_at),
                heard_media=self._switchboard.heard_media,
                bridged_at=self._bridged_at,
                handing_off=self._handing_off,
                limit_reached_at=self._limit_reached_at,
            )
            limit = reached(self._tools.settings.limits, facts)
            if limit is None:
                continue
            self.timeline.add("limit", limit=limit.value)
            if limit in (Limit.LONGEST_CALL, Limit.SILENCE):
                self._limit_reached_at = now
                self.conversation.happen(LimitReached(limit.value, self._tools.now()))
                continue
            if limit is Limit.NO_MEDIA:
                self._disposition = "no_media"
                self._cause = Cause.NETWORK_ERROR
            self._ended.set()

    # --- the human ----------------------------------------------------------------------------------------------------
    async def _hand_off(self, request: RequestHandoff) -> None:
        if self._handoff is None or self._handoff.done():
            self._left_queue = False
            self._handoff = asyncio.create_task(self._find_agent(request), name=f"handoff {self._subject.call_id}")

    async def _leave_queue(self) -> None:
        """The caller waits no longer, and stays: the dialog goes on, and hears nothing more of that search."""
        if self._handoff is None or self._handoff.done():
            return
        self._left_queue = True
        await self._tools.desk.leave(self._subject.call_id, HandoffOutcome.LEFT_QUEUE)
        await asyncio.wait({self._handoff}, timeout=_LEAVE_SECONDS)

    async def _leave_desk(self) -> None:
        """The call is over: stops the ringing, or lets the bridge say goodbye to the agent and the desk."""
        if self._handoff is None:
            return
        if self._bridged_at is None:
            self._handoff.cancel()
        await asyncio.wait({self._handoff}, timeout=_LEAVE_SECONDS)
        self._handoff.cancel()

    async def _find_agent(self, request: RequestHandoff) -> None:
        self._handing_off = True
        brief = self._tools.build_brief(request, tuple(self._entries), self.conversation.call_state.identity_verified)
        wanted = HandoffRequest(
            call_id=self._subject.call_id,
            case_id=self._subject.case_id,
            because=request.because,
            skill=request.skill,
            urgent=request.urgent,
            brief=brief,
        )
        comfort = asyncio.create_task(self._comfort())
        outcome = HandoffOutcome.NO_ANSWER
        connected: AgentConnected | None = None
        try:
            answer = await self._ask_desk(wanted)
            if isinstance(answer, AgentConnected):
                connected, outcome = answer, HandoffOutcome.ACCEPTED
            else:
                outcome = answer.outcome
        except Exception:
            log.exception("no agent could be asked for", extra={"call": self._subject.call_id})
        finally:
            comfort.cancel()
            self._handing_off = False
        if self._left_queue:
            outcome = HandoffOutcome.LEFT_QUEUE
        self.timeline.add("handoff.ended", outcome=outcome.value, agent=connected.agent_name if connected else None)
        if self._left_queue:
            if connected is not None:
                # Answered in the very moment in which the caller chose to be called back.
                await connected.leg.hang_up()
                await self._tools.desk.finished(connected.handoff_id, 0.0, outcome.value)
            return
        if connected is not None:
            await self._bridge(connected)
        self.conversation.happen(HandoffEnded(outcome, self._tools.now()))
        if connected is not None:
            self._ended.set()

    async def _ask_desk(self, wanted: HandoffRequest) -> AgentConnected | AgentMissing:
        """An agent, or none; after the longest hold the search ends, whatever the desk would do."""
        desk = self._tools.desk
        search = asyncio.create_task(desk.connect(wanted), name=f"search {wanted.call_id}")
        try:
            await asyncio.wait({search}, timeout=self._tools.settings.limits.longest_hold_seconds)
            if not search.done():
                self.timeline.add("limit", limit="longest_hold")
                await desk.leave(wanted.call_id, HandoffOutcome.NOBODY_FREE)
                await asyncio.wait({search}, timeout=_LEAVE_SECONDS)
            if not search.done():
                return AgentMissing("", HandoffOutcome.NO_ANSWER)
            return search.result()
        finally:
            if not search.done():
                search.cancel()
                await asyncio.wait({search}, timeout=_LEAVE_SECONDS)

    async def _comfort(self) -> None:
        """No dead air: the dialog says a word to the caller while an agent is being found, or where they stand."""
        told, told_at = None, 0.0
        while True:
            await asyncio.sleep(_COMFORT_SECONDS)
            ahead = self._tools.desk.ahead(self._subject.call_id)
            now = self._media_seconds()
            if ahead is not None and (ahead != told or now - told_at >= _PLACE_SECONDS):
                if self.conversation.still_waiting(ahead):
                    told, told_at = ahead, now
                    self.timeline.add("queue.place", ahead=ahead)
            else:
                self.conversation.still_waiting()

    async def _bridge(self, connected: AgentConnected) -> None:
        agent = connected.leg
        self._bridged_at = self._media_seconds()
        self.conversation.yield_to_agent()
        side = AgentSide(
            recogniser=self._tools.recogniser,
            voice_activity=self._tools.open_voice_activity(),
            settings=self._tools.settings.turns,
            guard=self._tools.guard,
            call_state=lambda: self.conversation.call_state,
            timeline=self.timeline,
            language=self._subject.language,
            sample_rate=agent.media.sample_rate,
        )
        self._agent_side = side
        self._switchboard.connect(agent)
        self.timeline.add("bridge.started", agent=connected.agent_name)
        try:
            await first_to_end(
                self._agent_audio.carry(agent, self._agent_key), side.ear.listen(), agent.ended(), self._ended.wait()
            )
        except Exception:
            log.exception("the bridge failed", extra={"call": self._subject.call_id})
        finally:
            self._switchboard.connect(None)
            self._agent_side = None
            seconds = self._media_seconds() - self._bridged_at
            self.timeline.add("bridge.ended", seconds=round(seconds, 2))
            with contextlib.suppress(Exception):
                await agent.hang_up()
            await self._tools.desk.finished(connected.handoff_id, seconds, "talked")

    def _hear_agent(self, pcm: bytes, sample_rate: int) -> None:
        if self._agent_side is not None:
            self._agent_side.ear.take(pcm, self._media_seconds())

    async def _agent_key(self, digit: str) -> None:
        self.timeline.add("agent.dtmf", digits=digit)
