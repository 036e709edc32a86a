"""A conversation without a telephone: the same machine, a clock that only the conversation moves, words typed instead
of heard. `flow chat`, `flow test` and `flow replay` are made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from compliance_filters.verdict import CallState, Verdict
from voicebot.dialog.events import (
    CallerGone,
    Decision,
    Event,
    HandoffEnded,
    HandoffOutcome,
    Heard,
    LineHeard,
    Pressed,
    RequestHandoff,
    Say,
    SetCallState,
    SilenceElapsed,
    TimerElapsed,
)
from voicebot.dialog.ground import Trace
from voicebot.dialog.machine import Machine
from voicebot.dialog.state import DialogState
from voicebot.understanding.meaning import Context, Meaning

Understand = Callable[[str, Context], Meaning]
Guard = Callable[[str, CallState], Verdict]

CHARACTERS_PER_SECOND = 4.6
TURN_SECONDS = 2.0


@dataclass(frozen=True)
class Exchange:
    """One thing that happened and what the machine made of it."""

    event: Event | None
    """None for the start of the call."""
    words: str
    """What the caller did, for a transcript."""
    decision: Decision
    state: DialogState
    trace: Trace
    call_state: CallState
    """What the guard knows after it."""
    verdicts: tuple[tuple[Say, Verdict], ...] = ()
    """What the guard said of each line, where a guard was given."""

    @property
    def said(self) -> tuple[Say, ...]:
        return tuple(action for action in self.decision.actions if isinstance(action, Say))


@dataclass
class Conversation:
    """A call in text. Each thing the caller does is a method; `undo` takes the last one back."""

    machine: Machine
    now: datetime
    understand: Understand | None = None
    guard: Guard | None = None
    exchanges: list[Exchange] = field(default_factory=list)

    def start(self) -> Exchange:
        state, decision, trace = self.machine.start_traced(self.now)
        return self._append(None, "", state, decision, trace, CallState())

    @property
    def last(self) -> Exchange:
        return self.exchanges[-1]

    @property
    def state(self) -> DialogState:
        return self.last.state

    def undo(self) -> bool:
        """Takes the caller's last turn back. False at the start."""
        if len(self.exchanges) < 2:
            return False
        event = self.exchanges.pop().event
        if event is not None:
            self.now = min(self.now, event.at)
        return True

    # --- what a caller can do -----------------------------------------------------------------------------------------
    def says(
        self, words: str, meaning: Meaning | None = None, *, confident: bool = True, over: str | None = None
    ) -> Exchange:
        """Words, understood by the understander unless their meaning is given. `over` is the line they interrupt."""
        self._tick()
        if meaning is None:
            if self.understand is None:
                raise ValueError("words without a meaning need an understander")
            meaning = self.understand(words, self.context())
        return self.feed(Heard(meaning, self.now, confident=confident, interrupted_line=over), words)

    def presses(self, digits: str) -> Exchange:
        self._tick()
        return self.feed(Pressed(digits, self.now), f"[按键 {digits}]")

    def stays_silent(self) -> Exchange:
        self._tick(6.0)
        return self.feed(SilenceElapsed(self.now), "[不出声]")

    def waits_for(self, timer: str) -> Exchange:
        return self.feed(TimerElapsed(timer, self.now), f"[计时 {timer}]")

    def hangs_up(self) -> Exchange:
        return self.feed(CallerGone(self.now), "[挂机]")

    def agent(self, outcome: HandoffOutcome) -> Exchange:
        self._tick(10.0)
        return self.feed(HandoffEnded(outcome, self.now), f"[人工 {outcome.value}]")

    def context(self) -> Context:
        """What understanding may know of the call now."""
        facts = self.machine.facts
        payday = facts.get("debtor.payday")
        return Context(
            now=self.now,
            expecting=self.state.expecting,
            payday=payday if isinstance(payday, int) else None,
            amount_due=facts.amount("debt.amount_due"),
            language=self.state.language,
        )

    def feed(self, event: Event, words: str = "") -> Exchange:
        """Any event. The lines of the last step are first heard to their end, or up to where they were interrupted."""
        state = self._lines_heard(event)
        after, decision, trace = self.machine.step_traced(state, event)
        return self._append(event, words, after, decision, trace, self.last.call_state)

    @property
    def awaits_human(self) -> bool:
        return any(isinstance(action, RequestHandoff) for action in self.last.decision.actions)

    # --- inside -------------------------------------------------------------------------------------------------------
    def _tick(self, seconds: float = TURN_SECONDS) -> None:
        spoken = sum(len(say.text) for say in self.last.said) / CHARACTERS_PER_SECOND
        self.now += timedelta(seconds=round(spoken + seconds, 1))

    def _lines_heard(self, event: Event) -> DialogState:
        state = self.state
        over = event.interrupted_line if isinstance(event, Heard) else None
        for say in self.last.said:
            complete = say.line != over
            half = len(say.text) // 2
            heard = LineHeard(
                say.line,
                len(say.text) / CHARACTERS_PER_SECOND,
                complete,
                say.text if complete else say.text[:half],
                "" if complete else say.text[half:],
                self.now,
            )
            state, _ = self.machine.step(state, heard)
            if not complete:
                break
        return state

    def _append(
        self,
        event: Event | None,
        words: str,
        state: DialogState,
        decision: Decision,
        trace: Trace,
        call_state: CallState,
    ) -> Exchange:
        verdicts: list[tuple[Say, Verdict]] = []
        for action in decision.actions:
            if isinstance(action, SetCallState):
                call_state = replace(call_state, **dict(action.changes))  # type: ignore[arg-type]
            elif isinstance(action, Say) and self.guard is not None:
                verdicts.append((action, self.guard(action.text, call_state)))
        exchange = Exchange(event, words, decision, state, trace, call_state, tuple(verdicts))
        self.exchanges.append(exchange)
        return exchange


def transcript(exchanges: Sequence[Exchange]) -> list[str]:
    """Both sides, line by line."""
    told: list[str] = []
    for exchange in exchanges:
        if exchange.words:
            told.append(f"对方：{exchange.words}")
        told.extend(f"机器：{say.text}" for say in exchange.said)
        if exchange.state.over:
            told.append(f"（结束：{exchange.state.disposition}）")
    return told
