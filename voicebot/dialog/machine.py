"""The dialog's core: a pure function of flow, state and event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from voicebot.dialog import reasons
from voicebot.dialog.events import (
    CallerGone,
    Decision,
    Event,
    GuardStopped,
    HandoffEnded,
    HandoffOutcome,
    Heard,
    LeaveQueue,
    LimitReached,
    LineHeard,
    Pressed,
    QueueMoved,
    RequestHandoff,
    SetCallState,
    SilenceElapsed,
    Started,
    TimerElapsed,
)
from voicebot.dialog.facts import Facts
from voicebot.dialog.flow import SO_FAR, Flow
from voicebot.dialog.ground import Ground, Trace
from voicebot.dialog.library import Library
from voicebot.dialog.places import FlowError, finding
from voicebot.dialog.profile import Profile
from voicebot.dialog.reasons import EVENTS, Reason, named, told
from voicebot.dialog.state import DialogState, Digits, Frame, Kept, Phase
from voicebot.dialog.stepping import ELDERLY, Step
from voicebot.dialog.turns import Placement, SlotAnswer, Turn, corrected, intents_of, placements, usable_slots

ELDERLY_AGE = 60
MOODS_KEPT = 5

CALLBACK_KEY = "1"
"""What a caller on hold presses to be called back."""
INSTEAD_OF_WAITING = frozenset({"busy_call_later", "callback_time_given", "end_call"})
"""Intents by which a caller on hold who was offered a callback takes it."""
DANGER = "self_harm_risk"
"""Intent, and reason of a handoff, that lets nobody wait in a queue."""


class Machine:
    """One conversation's rules: a flow, the words to say it with, and the case. Holds no state of the conversation, so
    one machine may step any number of states; `step` with equal arguments gives equal results."""

    def __init__(
        self,
        flow: Flow,
        library: Library,
        facts: Facts,
        *,
        profile: Profile | None = None,
        candidates: Mapping[str, Facts] = MappingProxyType({}),
    ) -> None:
        """Raises FlowError when the flow needs a fact that the case lacks, naming the fact.

        Without a profile, one is made from the facts: elderly from 60 years on. `candidates` are the facts of the cases
        that the call may be about, by id, when it is not known about which: `facts` then hold what is true of all."""
        cases = tuple(candidates.values()) or (facts,)
        lacking = [name for name in flow.facts if any(name not in case for case in cases)]
        if lacking:
            raise FlowError(
                tuple(
                    finding(
                        "missing-fact",
                        flow.main.place,
                        f"流程 {flow.name} 要用事实 {name}，案件里没有。",
                        f"flow {flow.name} needs the fact {name}, and the case does not have it.",
                        "在案件里补上，或换一个不需要它的流程。",
                        "Add it to the case, or choose a flow that does without.",
                    )
                    for name in lacking
                )
            )
        if profile is None:
            age = facts.get("debtor.age")
            profile = Profile(elderly=isinstance(age, int) and age >= ELDERLY_AGE)
        self._ground = Ground(flow, library, facts, profile, candidates)

    @property
    def flow(self) -> Flow:
        return self._ground.flow

    @property
    def facts(self) -> Facts:
        return self._ground.facts

    def start(self, now: datetime) -> tuple[DialogState, Decision]:
        """Where the call stands when it was just answered, and what to say first. `now` is aware, in the debtor's
        zone."""
        state, decision, _ = self.start_traced(now)
        return state, decision

    def step(self, state: DialogState, event: Event) -> tuple[DialogState, Decision]:
        """What an event makes of a state. Never raises for anything a caller does; an event after the end decides
        nothing.

        The actions are to be done in order. A decision ends with exactly one of Listen, RequestHandoff or End, or has
        no actions at all: nothing changes, go on waiting as before. `state.over` says that the conversation is done;
        when a human took over or the caller is gone it is over without an End, and `state.disposition` says how."""
        state, decision, _ = self.step_traced(state, event)
        return state, decision

    def start_traced(self, now: datetime) -> tuple[DialogState, Decision, Trace]:
        """As `start`, with what it went through."""
        ground = self._ground
        start = ground.flow.main.start
        assert start is not None
        state = DialogState(
            flow=ground.flow.name,
            flow_hash=ground.flow.hash,
            stack=(Frame(ground.flow.name, start),),
            language=ground.flow.language,
            elderly=ground.profile.elderly,
            rate=ELDERLY if ground.profile.elderly else 1.0,
        )
        step = Step(ground, state, now)
        step.actions.append(SetCallState({"jurisdiction": ground.flow.policy}))
        step.enter(start)
        return self._decided(step, "started")

    def step_traced(self, state: DialogState, event: Event) -> tuple[DialogState, Decision, Trace]:
        """As `step`, with what it went through."""
        step = Step(self._ground.of(state), state, event.at)
        if state.over:
            return self._decided(step, "over")
        match event:
            case Started():
                return self._decided(step, "started already")
            case LineHeard():
                _line_heard(step, event)
            case CallerGone():
                _gone(step, reasons.HUNG_UP)
            case HandoffEnded():
                self._handoff_ended(step, event)
            case LimitReached():
                self._close(step, "common.time_is_up", "limit")
            case GuardStopped():
                self._guard_stopped(step, event)
            case TimerElapsed(name="hold") if state.phase is Phase.HANDING_OFF:
                # No dead air: the call asks for this now and then while the caller waits for a human.
                if "human.still_connecting" in self._ground.library:
                    step.say("human.still_connecting")
            case QueueMoved() if state.phase is Phase.HANDING_OFF:
                _tell_place(step, event.ahead)
            case Heard() | Pressed() if state.phase is Phase.HANDING_OFF:
                self._while_waiting(step, event)
            case _ if state.phase is Phase.HANDING_OFF:
                step.trace.why.append(reasons.WAITING)
            case Heard() | Pressed() | SilenceElapsed() | TimerElapsed():
                self._turn(step, event)
        return self._decided(step, type(event).__name__)

    def _decided(self, step: Step, event: str) -> tuple[DialogState, Decision, Trace]:
        step.trace.why.insert(0, EVENTS[event])
        return step.state, Decision(tuple(step.actions), step.state.where, told(step.trace.why, "en")), step.trace

    # --- turns --------------------------------------------------------------------------------------------------------
    def _turn(self, step: Step, event: Heard | Pressed | SilenceElapsed | TimerElapsed) -> None:
        step.set(turns=step.state.turns + 1)
        if step.state.turns > self.flow.turns:
            self._close(step, "common.time_is_up", "limit")
            return
        match event:
            case Heard():
                self._heard(step, event)
            case Pressed():
                self._pressed(step, event)
            case SilenceElapsed():
                step.set(fresh={}, heard_intents=())
                self._event(step, "silence", "else")
            case TimerElapsed(name=name):
                if name in step.spec.timers:
                    self._event(step, f"timer {name}")

    def _heard(self, step: Step, event: Heard) -> None:
        meaning = event.meaning
        step.words = meaning.raw
        state = step.state
        intents = intents_of(event, self.flow.priority, right_party=state.right_party)
        if any(score.id == "silence" for score in meaning.intents) and not intents:
            step.set(fresh={}, heard_intents=())
            self._event(step, "silence", "else")
            return
        step.set(
            fresh=usable_slots(meaning) if event.confident else {},
            heard_intents=intents,
            moods=(*state.moods, meaning.sentiment.mood.value)[-MOODS_KEPT:],
        )
        reading = Turn(self.flow, step.state, step.spec, event).read()
        step.trace.why.append(reading.why)
        for note in reading.notes:
            step.flag(note)
        for aside in reading.asides:
            _answer_on_the_way(step, aside)
        match reading.lead:
            case Placement():
                step.follow(reading.lead)
            case SlotAnswer(values):
                self._told(step, dict(values), event.at)
            case None:
                self._event(step, "else")

    def _told(self, step: Step, values: dict[str, Kept], at: datetime) -> None:
        spec = step.spec
        if spec.confirming:
            step.keep({name: corrected(step.state.slots.get(name), kept) for name, kept in values.items()})
            if not step.take_own("corrected"):
                self._once_more(step, spec.name, 3, "denies", alone=False)
            return
        assert spec.collecting is not None
        if spec.collecting.digits:
            slot = next(iter(spec.collecting.slots))
            if slot in values:
                self._entry(step, Digits(str(values[slot].value), at))
            else:
                self._event(step, "else")
            return
        step.keep(values)
        if not step.missing(spec):
            step.take_own("filled")
        else:
            self._once_more(step, spec.name, spec.collecting.at_most, "unfilled", alone=True)

    def _once_more(self, step: Step, name: str, at_most: int, otherwise: str, *, alone: bool) -> None:
        key = f"{step.state.stack[-1].flow}.{name}: asked"
        count = step.state.counters.get(key, 0)
        if count >= at_most:
            self._event(step, otherwise, "else")
            return
        step.set(counters={**step.state.counters, key: count + 1})
        step.ask_again(alone=alone)

    def _entry(self, step: Step, piece: Digits) -> None:
        """Digits said and digits pressed make one entry, in the order in which they were given."""
        spec = step.spec
        assert spec.collecting is not None
        pieces = tuple(sorted((*step.state.digits, piece), key=lambda item: item.at))
        entry = "".join(item.text for item in pieces)
        step.set(digits=pieces)
        slot = next(iter(spec.collecting.slots))
        if len(entry) == spec.collecting.digits:
            step.keep({slot: Kept(entry, entry)})
            step.set(digits=())
            step.take_own("filled")
        elif len(entry) < spec.collecting.digits:
            if spec.collecting.partial is not None:
                step.say(spec.collecting.partial)
            step.listen()
        else:
            step.set(digits=())
            self._once_more(step, spec.name, spec.collecting.at_most, "unfilled", alone=False)

    def _pressed(self, step: Step, event: Pressed) -> None:
        spec = step.spec
        step.words = event.digits
        step.set(fresh={}, heard_intents=())
        begun = bool(step.state.digits)
        single = len(event.digits) == 1 and not begun
        if single and self._has(step, f"key {event.digits}"):
            self._event(step, f"key {event.digits}")
        elif spec.collecting is not None and spec.collecting.by_keys and event.digits.isdigit():
            self._entry(step, Digits(event.digits, event.at))
        else:
            self._event(step, "else")

    def _has(self, step: Step, key: str) -> bool:
        return self._placement(step, key) is not None

    def _placement(self, step: Step, key: str) -> Placement | None:
        for placement in placements(self.flow, step.state, step.spec):
            if key in {item.text for item in placement.route.keys}:
                return placement
        return None

    def _event(self, step: Step, *keys: str) -> None:
        """Takes the route of the first of these keys that is answered here."""
        for key in keys:
            placement = self._placement(step, key)
            if placement is not None:
                step.trace.why.append(named(key))
                step.follow(placement)
                return
        step.trace.why.append(Reason(f"没有路由接 {keys[0]}", f"nothing answers {keys[0]}"))
        step.finish(SO_FAR)

    # --- the rest -----------------------------------------------------------------------------------------------------
    def _handoff_ended(self, step: Step, event: HandoffEnded) -> None:
        if step.state.phase is not Phase.HANDING_OFF:
            return
        match event.outcome:
            case HandoffOutcome.ACCEPTED:
                step.set(phase=Phase.OVER, disposition=step.state.outcome or "human_req")
                step.trace.why.append(reasons.HUMAN_TOOK_OVER)
            case HandoffOutcome.CALLER_GONE:
                _gone(step, reasons.HUNG_UP_WAITING)
            case _:
                self._without_a_human(step, reasons.NOBODY_TOOK_IT)

    def _without_a_human(self, step: Step, why: Reason) -> None:
        """Goes where the flow goes when nobody takes the call."""
        handing = step.spec.handing
        step.set(ahead=None)
        if handing is not None and handing.otherwise is not None:
            step.trace.why.append(Reason(f"{why.zh}：{handing.otherwise}", f"{why.en}: {handing.otherwise}"))
            step.enter(handing.otherwise)
        elif (placement := self._placement(step, "nobody")) is not None:
            step.trace.why.append(why)
            step.follow(placement)
        else:
            step.finish(SO_FAR)

    def _while_waiting(self, step: Step, event: Heard | Pressed) -> None:
        """What a caller on hold may do: be called back in place of waiting, once that was offered; or be in danger."""
        if isinstance(event, Pressed):
            wishes = event.digits == CALLBACK_KEY
            danger = None
        else:
            step.words = event.meaning.raw
            heard = intents_of(event, self.flow.priority, right_party=step.state.right_party)
            wishes = not INSTEAD_OF_WAITING.isdisjoint(heard)
            danger = self._placement(step, DANGER) if DANGER in heard and step.state.handoff != DANGER else None
        if danger is not None:
            step.actions.append(LeaveQueue())
            step.set(phase=Phase.LISTENING, ahead=None)
            step.follow(danger)
        elif wishes and step.state.ahead is not None:
            step.actions.append(LeaveQueue())
            self._without_a_human(step, reasons.RATHER_CALLED_BACK)
        else:
            step.trace.why.append(reasons.WAITING)

    def _guard_stopped(self, step: Step, event: GuardStopped) -> None:
        step.trace.why.append(
            Reason(f"卫士拦下了 {event.line}：{event.category}", f"the guard stopped {event.line}: {event.category}")
        )
        if event.action == "end":
            self._close(step, "common.neutral_goodbye", "guarded")
        elif event.action == "hand_off" and step.state.phase is Phase.LISTENING:
            step.set(phase=Phase.HANDING_OFF, handoff="guard", outcome=step.state.outcome or "guarded")
            step.actions.append(RequestHandoff("guard"))

    def _close(self, step: Step, line: str, disposition: str) -> None:
        """Says goodbye at once, with what the call has come to."""
        if line in self._ground.library:
            step.say(line, interruptible=False)
        step.finish(step.state.outcome or disposition)


def _answer_on_the_way(step: Step, aside: Placement) -> None:
    key = step.counter(aside)
    count = step.state.counters.get(key, 0)
    if aside.route.at_most is not None and count >= aside.route.at_most:
        return
    step.set(counters={**step.state.counters, key: count + 1})
    step.trace.routes.append((aside.sheet, aside.route.id))
    step.trace.why.append(
        Reason(f"顺路回答 {aside.sheet}.{aside.route.id}", f"on the way {aside.sheet}.{aside.route.id}")
    )
    for line in aside.route.say:
        step.say(line)


def _line_heard(step: Step, event: LineHeard) -> None:
    library = step.ground.library
    if event.complete and event.line in library:
        told = tuple(sorted(library[event.line].discloses - set(step.state.disclosed)))
        step.set(disclosed=(*step.state.disclosed, *told), unsaid="")
    elif not event.complete:
        step.set(unsaid=event.unsaid_text)


def _tell_place(step: Step, ahead: int) -> None:
    """Says the caller's place as it is, with the offer to be called back; an urgent caller is not told to queue."""
    handing = step.spec.handing
    line = "human.place_in_queue" if ahead else "human.next_in_queue"
    if (handing is not None and handing.urgent) or line not in step.ground.library:
        line = "human.still_connecting"
    else:
        step.set(ahead=ahead)
    if line in step.ground.library:
        step.say(line)


def _gone(step: Step, why: Reason) -> None:
    step.set(phase=Phase.OVER, disposition=step.state.outcome or "hung_up")
    step.trace.why.append(why)
