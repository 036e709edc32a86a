"""One step of the machine in the making: what it has decided so far, and the moves it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from compliance_filters.verdict import Party
from voicebot.dialog.events import (
    Action,
    ChooseCase,
    End,
    RequestHandoff,
    Say,
    SetCallState,
    SetFlag,
    SetTimer,
)
from voicebot.dialog.facts import FactValue
from voicebot.dialog.flow import (
    SO_FAR,
    CallPart,
    Changes,
    Finish,
    Go,
    Repeat,
    Resume,
    Return,
    State,
    Stay,
)
from voicebot.dialog.ground import Ground, Trace, value_of
from voicebot.dialog.listening import listen_to
from voicebot.dialog.reasons import NOTHING_WANTED_IS_LEFT, Reason, named
from voicebot.dialog.recording import recorded
from voicebot.dialog.state import DialogState, Frame, Kept, Phase
from voicebot.dialog.turns import Placement
from voicebot.dialog.wording import MissingValue, Reader, blanks, fill
from voicebot.understanding.meaning import Expecting

_MOVES = 100
"""Silent moves within one step before the conversation is closed; shipped flows need a handful."""

WITHOUT_WORDS = frozenset({"hardship_illness", "self_harm_risk", "vulnerable"})
"""Health is sensitive: that it matters is kept, what was said of it is not."""

SLOW = 0.75
ELDERLY = 0.8


class Step:
    """The decisions of one step. Lives for one call of `Machine.step`."""

    def __init__(self, ground: Ground, state: DialogState, now: datetime, words: str = "") -> None:
        self.ground = ground
        self.state = state
        self.now = now
        self.words = words
        self.actions: list[Action] = []
        self.trace = Trace()
        self._said_before = state.said
        self._moves = 0
        self._speaking = False

    # --- where we are -------------------------------------------------------------------------------------------------
    @property
    def spec(self) -> State:
        top = self.state.stack[-1]
        return self.ground.flow.state(top.flow, top.state)

    def set(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    def value_of(self, name: str) -> FactValue | None:
        """Value of a blank or of a name in a condition."""
        return value_of(self.ground, self.state, name, self.now, self.words)

    # --- moves --------------------------------------------------------------------------------------------------------
    def enter(self, name: str) -> None:
        """Goes into a state of the sheet on top: changes, records, speaks, then listens or goes on."""
        self._moves += 1
        if self._moves > _MOVES:
            self.finish(SO_FAR)
            return
        top = self.state.stack[-1]
        self.set(stack=(*self.state.stack[:-1], replace(top, state=name)), phase=Phase.LISTENING, handoff=None)
        self.trace.states.append((top.flow, name))
        spec = self.spec
        self.set(expecting=spec.listening.expecting if spec.listening is not None else Expecting.NOTHING)
        self.change(spec.changes)
        self.actions.extend(recorded(spec.recording, self.ground, self.state, self.now, self.words))
        for line in spec.say:
            self.say(line, interruptible=spec.interruptible)
        if spec.listens:
            self._open(spec)
        else:
            self._go_on(spec)

    def _go_on(self, spec: State) -> None:
        if spec.choices:
            for choice in spec.choices:
                if choice.when is None or choice.when.holds(self.value_of, self.now.date()):
                    self.trace.routes.append((self.state.stack[-1].flow, f"{spec.name}: choose {choice.go}"))
                    self.enter(choice.go)
                    return
        elif spec.check is not None:
            self._check(spec, spec.check)
        elif spec.calls is not None:
            part = self.ground.flow.sheets[spec.calls]
            assert part.start is not None
            self.set(stack=(*self.state.stack, Frame(spec.calls, part.start)))
            self.enter(part.start)
        elif spec.handing is not None:
            handing = spec.handing
            self.set(phase=Phase.HANDING_OFF, handoff=handing.because)
            self.actions.append(RequestHandoff(handing.because, handing.skill, handing.urgent))
        elif spec.ends is not None:
            self.finish(spec.ends)
        elif spec.returns is not None:
            self.give_back(spec.returns)
        elif spec.then is not None:
            self.follow(Placement(self.state.stack[-1].flow, spec.then, own=True))

    def follow(self, placement: Placement) -> None:
        """Takes a route: counts, changes, speaks, and goes where it leads."""
        route = placement.route
        if route.at_most is not None:
            key = self.counter(placement)
            count = self.state.counters.get(key, 0)
            if count >= route.at_most:
                assert route.spent is not None
                self.follow(Placement(placement.sheet, route.spent, placement.own))
                return
            self.set(counters={**self.state.counters, key: count + 1})
        self.trace.routes.append((placement.sheet, route.id))
        self.trace.why.append(named(f"{placement.sheet}.{route.id} ({route.place})"))
        self.change(route.changes)
        if route.note:
            self.flag(route.note)
        for line in route.say:
            self.say(line)
        self._lead_to(placement)

    def _lead_to(self, placement: Placement) -> None:
        match placement.route.target:
            case Go(name):
                self._unwind(placement.sheet)
                self.enter(name)
            case CallPart(part):
                self._unwind(part)
                start = self.ground.flow.sheets[part].start
                assert start is not None
                self.enter(start)
            case Resume():
                self.ask_again()
            case Stay():
                self.listen()
            case Repeat(manner):
                self.repeat(manner)
            case Finish(disposition):
                self.finish(disposition)
            case Return(outcome):
                self.give_back(outcome)

    def counter(self, placement: Placement) -> str:
        """Silence and misunderstanding are counted for each state; everything else for the whole call."""
        route = placement.route
        where = (
            f"@{self.state.where}" if not placement.own and {"silence", "else"} & {k.text for k in route.keys} else ""
        )
        return f"{placement.sheet}.{route.id}{where}"

    def _unwind(self, sheet: str) -> None:
        """Down to the frame of this sheet, where it is on the stack: a part is gone back to, never nested in itself.
        Otherwise it becomes a digression."""
        for index in range(len(self.state.stack) - 1, -1, -1):
            if self.state.stack[index].flow == sheet:
                self.set(stack=self.state.stack[: index + 1])
                return
        self._digress(sheet)

    def _digress(self, sheet: str) -> None:
        """There is one digression at a time: a new one takes the place of the last, and both would resume the same
        question."""
        base = self.state.stack
        for index, frame in enumerate(base):
            if frame.digression:
                base = base[:index]
                break
        self.set(stack=(*base, Frame(sheet, "", digression=True)))

    def give_back(self, outcome: str) -> None:
        """Leaves a sub-flow with an outcome."""
        left = self.state.stack[-1]
        if len(self.state.stack) == 1:
            self.finish(SO_FAR)
            return
        self.set(stack=self.state.stack[:-1])
        if left.digression:
            self.trace.why.append(Reason(f"从 {left.flow} 回来：{outcome}", f"back from {left.flow}: {outcome}"))
            self.ask_again()
            return
        spec = self.spec
        for name in (outcome, "else"):
            for route in spec.routes:
                if name in {key.text for key in route.keys}:
                    self.follow(Placement(self.state.stack[-1].flow, route, own=True))
                    return
        self.finish(SO_FAR)

    def finish(self, disposition: str) -> None:
        if disposition == SO_FAR:
            disposition = self.state.outcome or "bye"
        self.set(phase=Phase.OVER, disposition=disposition, outcome=disposition)
        self.actions.append(End(disposition))

    # --- what becomes known -------------------------------------------------------------------------------------------
    def change(self, changes: Changes) -> None:
        for flag in changes.flags:
            self.flag(flag)
        if changes.party is not None:
            self.set(party=changes.party, right_party=False)
            self.actions.append(SetCallState({"party": Party(changes.party), "identity_verified": False}))
        if changes.closes_money:
            self.set(money_closed=True)
        if changes.manner == "elderly":
            self.set(elderly=True, rate=min(self.state.rate, ELDERLY))
        elif changes.manner == "slower":
            self.set(rate=min(self.state.rate, SLOW))
        if changes.clear or changes.slots:
            slots = {name: kept for name, kept in self.state.slots.items() if name not in changes.clear}
            for name, fact in changes.slots.items():
                value = self.ground.facts.get(fact)
                if value is not None:
                    slots[name] = Kept(value, self.words)
            fresh = {name: kept for name, kept in self.state.fresh.items() if name not in changes.clear}
            self.set(slots=slots, fresh=fresh, digits=())
        if changes.outcome is not None:
            self.set(outcome=changes.outcome)

    def flag(self, name: str) -> None:
        if name not in self.state.flags:
            self.set(flags=(*self.state.flags, name))
            self.actions.append(SetFlag(name, "" if name in WITHOUT_WORDS else self.words))

    def _check(self, spec: State, slot: str) -> None:
        said = self.value_of(f"slot.{slot}")
        if said is not None and (owner := self.ground.owner_of(f"debtor.{slot}", said)) is not None:
            self.set(case_id=owner)
            self.ground = self.ground.of(self.state)
            self.actions.append(ChooseCase(owner))
        known = self.ground.facts.get(f"debtor.{slot}")
        passed = said is not None and known is not None and str(said) == str(known)
        if passed:
            self.set(right_party=True, party=Party.DEBTOR.value)
            changes: dict[str, object] = {"party": Party.DEBTOR, "identity_verified": True}
            if (due := self.ground.facts.amount("debt.amount_due")) is not None:
                changes["ledger_amount"] = due
            self.actions.append(SetCallState(changes))
        self.set(slots={name: kept for name, kept in self.state.slots.items() if name != slot}, fresh={}, digits=())
        wanted = "passed" if passed else "failed"
        for route in spec.routes:
            if wanted in {key.text for key in route.keys}:
                self.follow(Placement(self.state.stack[-1].flow, route, own=True))
                return

    # --- speaking and listening ---------------------------------------------------------------------------------------
    def say(self, name: str, *, interruptible: bool = True, again: bool = False) -> None:
        """Speaks a line of the library with its blanks filled."""
        line = self.ground.library[name]
        template = line.choose(self.ground.profile, elderly=self.state.elderly, again=again)
        try:
            text = fill(template, self.value_of, self._reader())
        except MissingValue as missing:
            self.trace.why.append(Reason(f"没说 {name}：缺 {missing.name}", f"left out {name}: no {missing.name}"))
            return
        self._state_amounts(template)
        if not self._speaking:
            self._speaking = True
            self.set(said=())
        self.set(said=(*self.state.said, name))
        self.trace.lines.append(name)
        self.actions.append(
            Say(
                line=name,
                text=text,
                language=self.ground.library.language,
                interruptible=interruptible,
                rate=self.state.rate,
                discloses=line.discloses,
                expecting=self.state.expecting,
            )
        )

    def _state_amounts(self, text: str) -> None:
        """The guard must know that what the caller offered, and what then remains, are true amounts of this call."""
        new: list[Decimal] = []
        for name, _ in blanks(text):
            value = self.value_of(name)
            if isinstance(value, Decimal) and name != "debt.amount_due" and value not in self.state.stated_amounts:
                new.append(value)
        if new:
            self.set(stated_amounts=(*self.state.stated_amounts, *dict.fromkeys(new)))
            self.actions.append(SetCallState({"stated_amounts": self.state.stated_amounts}))

    def _reader(self) -> Reader:
        return Reader(self.ground.library.language, self.ground.facts.currency, self.now.date())

    def _open(self, spec: State) -> None:
        """Asks a state's question, unless the caller has already answered it."""
        self.set(digits=())
        if spec.collecting is not None and not spec.collecting.digits:
            told = {slot: kept for slot in spec.collecting.slots if (kept := self.state.fresh.get(slot)) is not None}
            self.keep(told)
            if not self.missing(spec):
                self.take_own("filled")
                return
        unkept = [slot for slot in spec.confirming if slot in self.state.fresh and slot not in self.state.slots]
        self.keep({slot: self.state.fresh[slot] for slot in unkept})
        for name, seconds in spec.timers.items():
            self.actions.append(SetTimer(name, seconds))
        self._question(spec, again=False)

    def _question(self, spec: State, *, again: bool, alone: bool = False) -> None:
        assert spec.listening is not None
        if any(slot not in self.state.slots for slot in spec.confirming):
            self._moves += 1
            if self._moves > _MOVES:
                self.finish(SO_FAR)
                return
            self.trace.why.append(NOTHING_WANTED_IS_LEFT)
            if self.take_own("denies", "else"):
                return
        self.set(expecting=spec.listening.expecting)
        lines = spec.ask
        if spec.collecting is not None:
            missing = self.missing(spec)
            if missing and (alone or len(missing) < len(spec.collecting.slots)):
                line = spec.collecting.slots[missing[0]]
                lines = (line,) if line else spec.ask
        for line in lines:
            self.say(line, again=again)
        self.listen()

    def missing(self, spec: State) -> tuple[str, ...]:
        """Slots that a collecting state still lacks."""
        assert spec.collecting is not None
        return tuple(slot for slot in spec.collecting.slots if slot not in self.state.slots)

    def keep(self, values: Mapping[str, Kept]) -> None:
        if values:
            self.set(slots={**self.state.slots, **values})

    def ask_again(self, *, alone: bool = False) -> None:
        """The open question once more, in its shorter wording."""
        spec = self.spec
        if not spec.listens:
            self.enter(spec.name)
            return
        self.set(phase=Phase.LISTENING)
        self._question(spec, again=True, alone=alone)

    def repeat(self, manner: str) -> None:
        """The last lines once more."""
        if manner == "slower":
            self.set(rate=min(self.state.rate, SLOW))
        elif manner == "simpler":
            self.set(elderly=True, rate=min(self.state.rate, ELDERLY))
        for line in [line for line in self._said_before if line not in self.trace.lines]:
            self.say(line, again=manner != "same")
        self.listen()

    def listen(self) -> None:
        """Hands the turn to the caller."""
        spec = self.spec
        listening = spec.listening
        if listening is None:
            self.enter(spec.name)
            return
        self.set(phase=Phase.LISTENING, expecting=listening.expecting)
        self.actions.append(listen_to(spec, self.ground, self.state))

    def take_own(self, *names: str) -> bool:
        """Follows the state's own route for the first of these keys that it has."""
        for name in names:
            for route in self.spec.routes:
                if name in {key.text for key in route.keys}:
                    self.follow(Placement(self.state.stack[-1].flow, route, own=True))
                    return True
        return False
