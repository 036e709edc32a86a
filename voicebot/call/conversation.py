"""Understanding and dialog in the pipeline: turns in, lines out, one happening at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from pipecat.frames.frames import Frame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from compliance_filters.verdict import CallState, Party, Verdict
from voicebot.call.backchannel import Overlap, judge
from voicebot.call.ear import Attention
from voicebot.call.floor import Floor, LineOutcome
from voicebot.call.frames import DigitsFrame, LineFrame, TurnFrame
from voicebot.call.guard_state import changed
from voicebot.call.interpreter import Interpreter
from voicebot.call.telling import of_action, of_turn
from voicebot.call.timeline import Timeline
from voicebot.dialog.events import (
    Action,
    ChooseCase,
    Decision,
    End,
    Event,
    GuardStopped,
    Heard,
    LeaveQueue,
    LineHeard,
    Listen,
    Pressed,
    QueueMoved,
    RecordCallback,
    RecordPlan,
    RecordPromise,
    RequestHandoff,
    Say,
    SendMessage,
    SetCallState,
    SetFlag,
    SetTimer,
    SilenceElapsed,
    TimerElapsed,
)
from voicebot.dialog.machine import Machine
from voicebot.dialog.state import DialogState
from voicebot.understanding.meaning import Expecting

log = logging.getLogger(__name__)

_KINDS: Mapping[type, str] = {
    RecordPromise: "promise",
    RecordCallback: "callback",
    RecordPlan: "plan",
    SetFlag: "flag",
    SendMessage: "message",
    ChooseCase: "case.chosen",
}

# A silence is looked at this often; it is a watch over several clocks, not a deadline of its own.
_WATCH_SECONDS = 0.1

HOLD_TIMER = "hold"
"""Timer that elapses now and then while a caller waits for an agent; the dialog answers it with a word of comfort."""


class Outcomes(Protocol):
    """Keeps what a call brings about. It never fails the call: what cannot be stored now is journalled."""

    async def keep(
        self, action: RecordPromise | RecordCallback | RecordPlan | SetFlag | SendMessage | ChooseCase
    ) -> None: ...

    async def verified(self) -> None:
        """The debtor has proved to be who they are."""
        ...


class Conversation(FrameProcessor):
    """Runs one dialog machine over one call.

    Everything that happens goes through one queue, so that the machine steps in the order of events. `on_handoff` is
    awaited when the dialog asks for a human and all lines before it were heard, `on_leave_queue` when the caller waits
    for one no longer; `on_end` when the last line was heard.
    """

    def __init__(
        self,
        *,
        machine: Machine,
        interpreter: Interpreter,
        call_state: CallState,
        floor: Floor,
        attention: Attention,
        timeline: Timeline,
        media_seconds: Callable[[], float],
        now: Callable[[], datetime],
        outcomes: Outcomes,
        caller_is_busy: Callable[[], bool],
        last_activity_at: Callable[[], float],
        on_handoff: Callable[[RequestHandoff], Awaitable[None]],
        on_leave_queue: Callable[[], Awaitable[None]],
        on_end: Callable[[str], Awaitable[None]],
        on_heard_line: Callable[[LineOutcome], None] = lambda outcome: None,
    ) -> None:
        super().__init__(name="Conversation")
        self._machine = machine
        self._interpreter = interpreter
        self.call_state = call_state
        self._floor = floor
        self._attention = attention
        self._timeline = timeline
        self._media_seconds = media_seconds
        self._now = now
        self._outcomes = outcomes
        self._caller_is_busy = caller_is_busy
        self._last_activity_at = last_activity_at
        self._on_handoff = on_handoff
        self._on_leave_queue = on_leave_queue
        self._on_end = on_end
        self._on_heard_line = on_heard_line
        self.state: DialogState | None = None
        self._happenings: asyncio.Queue[Event | TurnFrame | DigitsFrame] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._number = 0
        self._outstanding: dict[int, Say] = {}
        self._all_heard = asyncio.Event()
        self._all_heard.set()
        self._heard_at = 0.0
        self._silence: asyncio.Task[None] | None = None
        self._last_turn_ended: float | None = None
        self._final: asyncio.Task[None] | None = None
        self._yielded = False
        self.concluded = asyncio.Event()
        """Set when the dialog has nothing more to decide."""

    # --- pipeline -----------------------------------------------------------------------------------------------------
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TurnFrame | DigitsFrame):
            self._happenings.put_nowait(frame)
            return
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._worker = self.create_task(self._run(), name="conversation")

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]
        for task in (self._worker, self._silence, self._final):
            if task is not None and task is not asyncio.current_task():
                await self.cancel_task(task)
        self._worker = self._silence = self._final = None

    def happen(self, event: Event) -> None:
        """Puts an event from outside (limits, handoff, hang-up) into the order of events."""
        self._happenings.put_nowait(event)

    @property
    def over(self) -> bool:
        """The dialog has nothing more to decide."""
        return self.state is not None and self.state.over

    def say_now(self, say: Say) -> None:
        """Says what the dialog did not ask for: a required statement that was missed. The guard judges it too."""
        self.create_task(self._say(say), name="say now")

    def still_waiting(self, ahead: int | None = None) -> bool:
        """The caller has been on hold for a while: the dialog may say a word, or the caller's place in the queue.

        False when somebody speaks just now: then nothing is said.
        """
        if self._outstanding or self._yielded:
            return False
        now = self._now()
        self._happenings.put_nowait(TimerElapsed(HOLD_TIMER, now) if ahead is None else QueueMoved(ahead, now))
        return True

    def yield_to_agent(self) -> None:
        """A human has the floor now: what the caller says is written down and not acted on."""
        self._yielded = True

    # --- lines --------------------------------------------------------------------------------------------------------
    def sound_played(self, media_seconds: float) -> None:
        """A piece of audio left for the caller; the first one of a line is the line's beginning."""
        line = self._floor.current
        if line is None or line.started_at is not None or line.synthesised_seconds == 0:
            return
        line.started_at = media_seconds
        data: dict[str, Any] = {"line": line.say.line, "number": line.number}
        if self._last_turn_ended is not None:
            data["response_seconds"] = round(media_seconds - self._last_turn_ended, 3)
            self._last_turn_ended = None
        self._timeline.add("line.started", media_seconds=media_seconds, **data)

    def line_settled(self, number: int, *, played: bool, played_seconds: float) -> None:
        """A line was played, or what was left of it thrown away."""
        outcome = self._floor.settle(number, played=played, played_seconds=played_seconds)
        if outcome is None:
            return
        self._timeline.add(
            "line.heard",
            line=outcome.say.line,
            number=number,
            complete=outcome.complete,
            played_seconds=round(outcome.played_seconds, 2),
            text=outcome.heard_text,
            unsaid_text=outcome.unsaid_text,
        )
        self._on_heard_line(outcome)
        self._happenings.put_nowait(
            LineHeard(
                outcome.say.line,
                outcome.played_seconds,
                outcome.complete,
                outcome.heard_text,
                outcome.unsaid_text,
                self._now(),
            )
        )
        self._no_longer_outstanding(number)

    def line_stopped_by_guard(self, frame: LineFrame, verdict: Verdict, spoken: bool) -> None:
        """The guard did not let a line pass as written; `spoken` says that approved wording is said in its place."""
        assert frame.say is not None
        self._happenings.put_nowait(
            GuardStopped(frame.say.line, verdict.action.value, verdict.category or "", self._now())
        )
        if not spoken:
            self._no_longer_outstanding(frame.number)

    def _no_longer_outstanding(self, number: int) -> None:
        self._outstanding.pop(number, None)
        if not self._outstanding:
            self._heard_at = self._media_seconds()
            self._all_heard.set()

    # --- the order of events ------------------------------------------------------------------------------------------
    async def _run(self) -> None:
        self.state, decision = self._machine.start(self._now())
        await self._do(decision)
        while True:
            happening = await self._happenings.get()
            try:
                await self._take(happening)
            except Exception:
                # A call must never fall silent because of a fault of ours: the caller is given to a human.
                log.exception("an event could not be handled", extra={"call": self._timeline.call_id})
                self._timeline.add("conversation.failed", event=type(happening).__name__)
                await self._on_handoff(RequestHandoff(because="engine_fault"))

    async def _take(self, happening: Event | TurnFrame | DigitsFrame) -> None:
        if self.over and not isinstance(happening, LineHeard) and not self._yielded:
            return
        if isinstance(happening, TurnFrame):
            await self._turn(happening)
        elif isinstance(happening, DigitsFrame):
            if self._floor.may_be_interrupted:
                await self.broadcast_interruption()  # type: ignore[no-untyped-call]
            await self._all_heard.wait()
            self._last_turn_ended = self._media_seconds()
            self._timeline.add("dtmf.entered", digits=happening.digits)
            await self._step(Pressed(happening.digits, self._at(happening.pressed)))
        else:
            await self._step(happening)

    async def _turn(self, turn: TurnFrame) -> None:
        if self._yielded:
            self._timeline.add("caller.said", media_seconds=turn.began, text=turn.text)
            return
        current = self._floor.current
        kept = False
        if current is not None and turn.interrupted_line is None:
            remaining = 0.0
            if current.synthesis_complete and current.started_at is not None:
                remaining = current.started_at + current.synthesised_seconds - self._media_seconds()
            elif not current.synthesis_complete:
                remaining = 99.0
            asks = current.say.expecting is not Expecting.NOTHING or self._attention.expecting is not Expecting.NOTHING
            overlap = judge(
                turn.text,
                interruptible=current.say.interruptible,
                asks=asks,
                remaining_seconds=remaining,
                confident=turn.confident,
            )
            if overlap is Overlap.BACKCHANNEL:
                self._timeline.add("turn.backchannel", media_seconds=turn.ended, text=turn.text)
                return
            if overlap is Overlap.TURN:
                turn.interrupted_line = current.say.line
                self._timeline.add("barge_in", line=current.say.line)
                await self.broadcast_interruption()  # type: ignore[no-untyped-call]
            else:
                kept = True
                self._timeline.add("turn.kept", media_seconds=turn.ended, text=turn.text)
        await self._all_heard.wait()
        # A caller who spoke over a line that had to be heard waits for an answer from its end on.
        self._last_turn_ended = max(turn.ended, self._heard_at) if kept else turn.ended
        now = self._now()
        began = time.monotonic()
        meaning = await self._interpreter.meaning_of(turn, now, self.state.language if self.state else None)
        told = of_turn(turn, meaning, time.monotonic() - began)
        self._timeline.add("turn.heard", media_seconds=turn.began, **told)
        await self._step(Heard(meaning, self._at(turn.ended), turn.confident, turn.interrupted_line))

    def _at(self, media_seconds: float) -> datetime:
        """The wall clock at a moment of the call: words and keys stand in the order in which they were given."""
        return self._now() - timedelta(seconds=max(0.0, self._media_seconds() - media_seconds))

    async def _step(self, event: Event) -> None:
        assert self.state is not None
        before = self.state.where
        self.state, decision = self._machine.step(self.state, event)
        if decision.actions or decision.state != before:
            self._timeline.add(
                "dialog.decision",
                event=type(event).__name__,
                state=decision.state,
                why=decision.why,
                actions=[type(action).__name__ for action in decision.actions],
            )
        if self.state.over:
            self.concluded.set()
        await self._do(decision)

    # --- what was decided ---------------------------------------------------------------------------------------------
    async def _do(self, decision: Decision) -> None:
        if decision.actions:
            await self._stop_silence()
        for action in decision.actions:
            await self._act(action)

    async def _act(self, action: Action) -> None:
        match action:
            case Say():
                await self._say(action)
            case Listen():
                self._attention.expecting = action.expecting
                self._attention.digits = action.digits
                self._attention.phrases = action.phrases
                self._silence = self.create_task(self._watch_silence(action.silence_seconds), name="silence")
            case SetTimer():
                self.create_task(self._timer(action), name=f"timer {action.name}")
            case SetCallState():
                self.call_state = changed(self.call_state, action.changes)
                self._timeline.add("call.state", changes={name: str(value) for name, value in action.changes.items()})
                if action.changes.get("identity_verified") is True and self.call_state.party is Party.DEBTOR:
                    await self._outcomes.verified()
            case RequestHandoff():
                self._timeline.add(
                    "handoff.requested", because=action.because, skill=action.skill, urgent=action.urgent
                )
                self._final = self.create_task(self._after_last_line(self._on_handoff, action), name="handoff")
            case LeaveQueue():
                self._timeline.add("queue.left")
                if self._final is not None and not self._final.done():
                    await self.cancel_task(self._final)
                await self._on_leave_queue()
            case End():
                self._timeline.add("dialog.ended", disposition=action.disposition)
                self._final = self.create_task(self._after_last_line(self._on_end, action.disposition), name="end")
            case RecordPromise() | RecordCallback() | RecordPlan() | SetFlag() | SendMessage() | ChooseCase():
                self._timeline.add(_KINDS[type(action)], **of_action(action))
                await self._outcomes.keep(action)

    async def _say(self, say: Say) -> None:
        self._number += 1
        self._outstanding[self._number] = say
        self._all_heard.clear()
        self._attention.expecting = say.expecting
        self._timeline.add("line.said", line=say.line, number=self._number, text=say.text)
        await self.push_frame(LineFrame(say=say, number=self._number))

    async def _after_last_line(self, then: Callable[[Any], Awaitable[None]], argument: object) -> None:
        await self._all_heard.wait()
        await then(argument)

    async def _timer(self, action: SetTimer) -> None:
        await asyncio.sleep(action.seconds)
        self._happenings.put_nowait(TimerElapsed(action.name, self._now()))

    # --- silence ------------------------------------------------------------------------------------------------------
    async def _stop_silence(self) -> None:
        silence, self._silence = self._silence, None
        if silence is not None:
            await self.cancel_task(silence)

    async def _watch_silence(self, seconds: float) -> None:
        """Counts from the last line heard or the last sound of the caller, whichever is later."""
        while True:
            await self._all_heard.wait()
            quiet_since = max(self._heard_at, self._last_activity_at())
            left = seconds - (self._media_seconds() - quiet_since)
            if left <= 0 and not self._caller_is_busy():
                break
            await asyncio.sleep(min(max(left, _WATCH_SECONDS), 1.0))
        self._silence = None
        self._timeline.add("silence", seconds=seconds)
        self._happenings.put_nowait(SilenceElapsed(self._now()))
