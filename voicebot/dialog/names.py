"""Every name in a flow must be the name of something: states, parts, lines, intents, slots, facts, dispositions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from voicebot.dialog.disposition import DISPOSITIONS
from voicebot.dialog.facts import FACTS
from voicebot.dialog.flow import SO_FAR, CallPart, Changes, Finish, Go, Key, Return, Route, Sheet, State
from voicebot.dialog.library import Library, nearest
from voicebot.dialog.places import Finding, Place, Placed, Trail, finding
from voicebot.dialog.priority import EVENTS, WORSENING
from voicebot.dialog.schema import FlowFile
from voicebot.dialog.wording import SLOTS
from voicebot.understanding.intents.catalogue import INTENTS
from voicebot.understanding.meaning import Mood

_MOODS = (*(f"mood {mood.value}" for mood in Mood), WORSENING)
_SPECIAL = re.compile(r"^(key [0-9*#]|timer [a-z][a-z0-9_]*|mood [a-z]+|nobody)$")


def check_names(
    sheets: Mapping[str, Sheet],
    files: Mapping[str, Placed],
    library: Library,
    main: str,
    model: FlowFile,
    found: list[Finding],
) -> None:
    """Adds a finding for every name that means nothing, at the very word, and for what the machine could not run."""
    names = _Names(sheets, files, library, found)
    top = sheets[main]
    if top.start is None:
        names.missing_start(top)
    for fact in model.facts:
        if fact not in FACTS and not fact.startswith("x."):
            place = files[main].word(fact, ("facts",))
            names.wrong("unknown-fact", place, "事实", "fact", fact, tuple(FACTS))
    for intent in model.priority or ():
        if intent not in INTENTS:
            place = files[main].word(intent, ("priority",))
            names.wrong("unknown-intent", place, "意图", "intent", intent, INTENTS)
    for sheet in sheets.values():
        names.sheet(sheet)
    if not found:
        names.silent_circles()


class _Names:
    def __init__(
        self, sheets: Mapping[str, Sheet], files: Mapping[str, Placed], library: Library, found: list[Finding]
    ) -> None:
        self.sheets = sheets
        self.files = files
        self.library = library
        self.found = found

    def wrong(self, rule: str, place: Place, zh: str, en: str, name: str, known: tuple[str, ...]) -> None:
        hint = nearest(name, known)
        self.found.append(
            finding(
                rule,
                place,
                f"没有名为 {name} 的{zh}。",
                f"there is no {en} named {name}.",
                f"是不是 {hint}？" if hint else "检查拼写，或先写上它。",
                f"Did you mean {hint}?" if hint else "Check the spelling, or write it first.",
            )
        )

    def missing_start(self, sheet: Sheet) -> None:
        self.found.append(
            finding(
                "missing-key",
                sheet.place,
                f"{sheet.name} 没有写从哪个状态开始。",
                f"{sheet.name} does not say with which state it starts.",
                "加上 start: 状态名。",
                "Add start: and the name of a state.",
            )
        )

    def sheet(self, sheet: Sheet) -> None:
        if sheet.start is not None and sheet.start not in sheet.states:
            self._goes(sheet, sheet.start, ("start",))
        for state in sheet.states.values():
            self._state(sheet, state)
        for owner, route in sheet.every_route():
            self._route(sheet, owner, route)

    def _state(self, sheet: Sheet, state: State) -> None:
        trail = state.trail
        collect = (*trail, "collect")
        self._lines(sheet, state.say, (*trail, "say"))
        self._lines(sheet, state.ask, (*trail, "ask"))
        if state.collecting:
            asked = tuple(line for line in state.collecting.slots.values() if line)
            self._lines(sheet, asked, (*collect, "slots"))
            self._lines(sheet, (state.collecting.partial,) if state.collecting.partial else (), (*collect, "partial"))
            self._slots(sheet, tuple(state.collecting.slots), (*collect, "slots"), (*collect, "slot"))
        self._changes(sheet, state.changes, trail)
        self._slots(sheet, state.confirming, (*trail, "confirm"))
        self._slots(sheet, (state.check,) if state.check else (), (*trail, "check"))
        for index, choice in enumerate(state.choices):
            self._goes(sheet, choice.go, (*trail, "choose", index, "go"))
        if state.choices and state.choices[-1].when is not None:
            self.found.append(
                finding(
                    "no-otherwise",
                    state.choices[-1].place,
                    f"状态 {state.name} 的 choose 最后一项还有条件，条件都不成立时就没有去处。",
                    f"the last choice of state {state.name} has a condition: nothing holds when none does.",
                    "最后加一项只有 go 的。",
                    "End with a choice that only has go.",
                )
            )
        if state.handing and state.handing.otherwise:
            self._goes(sheet, state.handing.otherwise, (*trail, "handoff", "otherwise"), (*trail, "otherwise"))
        if state.ends:
            self._disposition(sheet, state.ends, (*trail, "end"))
        if state.returns:
            self._outcome(sheet, state.returns, (*trail, "returns"))
        if state.calls:
            self._called(state.calls)
            part = self.sheets.get(state.calls)
            answered = {key.text for route in state.routes for key in route.keys}
            for outcome in part.returns if part else ():
                if outcome not in answered and "else" not in answered:
                    self.found.append(
                        finding(
                            "unanswered-outcome",
                            state.place,
                            f"状态 {state.name} 没有接住子流程 {state.calls} 的结果 {outcome}。",
                            f"state {state.name} does not answer the outcome {outcome} of {state.calls}.",
                            f"在 on 里加上 {outcome}: 去处。",
                            f"Add {outcome}: and a place to go under on.",
                        )
                    )
        if state.check and not {"passed", "failed"} <= {key.text for route in state.routes for key in route.keys}:
            self.found.append(
                finding(
                    "unanswered-outcome",
                    state.place,
                    f"状态 {state.name} 核对身份，on 里必须有 passed 和 failed。",
                    f"state {state.name} checks identity: it must answer passed and failed.",
                    "补上缺的那一个。",
                    "Add the one that is missing.",
                )
            )

    def _route(self, sheet: Sheet, state: State | None, route: Route) -> None:
        self._lines(sheet, route.say, (*route.trail, "say"))
        self._changes(sheet, route.changes, route.trail)
        for key in route.keys:
            if not route.id.endswith(" then"):
                self._key(sheet, state, key, route.trail)
        match route.target:
            case Go(name):
                self._goes(sheet, name, *route.trails("go"))
            case CallPart(part):
                self._called(part)
            case Finish(disposition):
                self._disposition(sheet, disposition, *route.trails("end"))
            case Return(outcome):
                self._outcome(sheet, outcome, *route.trails("returns"))
            case _:
                pass
        if route.at_most and route.spent is None:
            self.found.append(
                finding(
                    "at-most-then",
                    route.place,
                    f"“{route.id}”写了 at_most，却没写用完之后去哪里。",
                    f"{route.id!r} has at_most and does not say what comes after.",
                    "加上 then: 去处。",
                    "Add then: and a place to go.",
                )
            )

    def _key(self, sheet: Sheet, state: State | None, key: Key, trail: Trail) -> None:
        outcomes: tuple[str, ...] = ()
        if state is not None and state.calls and state.calls in self.sheets:
            outcomes = self.sheets[state.calls].returns
        for part in key.all_of:
            place = self.files[sheet.name].in_key(part, trail)
            if part.startswith("mood ") and part not in _MOODS:
                self.wrong("unknown-intent", place, "情绪", "mood", part, _MOODS)
            elif part.startswith("timer ") and (state is None or part[6:] not in state.timers):
                self.wrong("unknown-timer", place, "计时", "timer", part, ())
            elif not (part in INTENTS or part in EVENTS or part in outcomes or _SPECIAL.match(part)):
                self.wrong(
                    "unknown-intent", place, "意图或事件", "intent or event", part, (*INTENTS, *EVENTS, *outcomes)
                )

    def _lines(self, sheet: Sheet, lines: tuple[str, ...], trail: Trail) -> None:
        for line in lines:
            if line not in self.library:
                place = self._at(sheet, line, trail)
                self.wrong("unknown-line", place, "话术", "line", line, tuple(self.library.lines))

    def _changes(self, sheet: Sheet, changes: Changes, trail: Trail) -> None:
        self._slots(sheet, changes.clear, (*trail, "set", "clear"))
        self._slots(sheet, tuple(changes.slots), (*trail, "set", "slots"))
        for fact in changes.slots.values():
            if fact not in FACTS:
                place = self._at(sheet, fact, (*trail, "set", "slots"))
                self.wrong("unknown-fact", place, "事实", "fact", fact, tuple(FACTS))
        if changes.outcome:
            self._disposition(sheet, changes.outcome, (*trail, "outcome"))

    def _slots(self, sheet: Sheet, slots: tuple[str, ...], *trails: Trail) -> None:
        for slot in slots:
            if slot not in SLOTS:
                self.wrong("unknown-slot", self._at(sheet, slot, *trails), "槽位", "slot", slot, tuple(SLOTS))

    def _goes(self, sheet: Sheet, name: str, *trails: Trail) -> None:
        if name not in sheet.states:
            self.wrong("unknown-state", self._at(sheet, name, *trails), "状态", "state", name, tuple(sheet.states))

    def _at(self, sheet: Sheet, name: str, *trails: Trail) -> Place:
        return self.files[sheet.name].word(name, *trails)

    def _called(self, part: str) -> None:
        sheet = self.sheets.get(part)
        if sheet is not None and sheet.start is None:
            self.missing_start(sheet)

    def _disposition(self, sheet: Sheet, name: str, *trails: Trail) -> None:
        if name != SO_FAR and name not in DISPOSITIONS:
            place = self._at(sheet, name, *trails)
            self.wrong("unknown-disposition", place, "通话结果", "disposition", name, tuple(DISPOSITIONS))

    def _outcome(self, sheet: Sheet, outcome: str, *trails: Trail) -> None:
        if outcome not in sheet.returns:
            place = self._at(sheet, outcome, *trails)
            self.wrong("unknown-outcome", place, "子流程结果", "outcome of this part", outcome, sheet.returns)

    def silent_circles(self) -> None:
        """A circle of states none of which listens would never come back to the caller."""
        for sheet in self.sheets.values():
            for state in sheet.states.values():
                if self._circles(sheet, state):
                    self.found.append(
                        finding(
                            "silent-circle",
                            state.place,
                            f"从状态 {state.name} 出发，一直不听对方说话又绕了回来。",
                            f"from state {state.name} the flow comes back to it without ever listening.",
                            "在圈里加一个会听的状态，或换一个去处。",
                            "Put a listening state into the circle, or go elsewhere.",
                        )
                    )

    def _circles(self, sheet: Sheet, start: State) -> bool:
        seen: set[str] = set()
        waiting = [start.name]
        while waiting:
            state = sheet.states[waiting.pop()]
            if state.listens:
                continue
            for name in _onward(state):
                if name == start.name:
                    return True
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return False


def _onward(state: State) -> list[str]:
    found = [choice.go for choice in state.choices]
    found.extend(route.target.state for route in state.routes if isinstance(route.target, Go))
    if state.then is not None and isinstance(state.then.target, Go):
        found.append(state.then.target.state)
    if state.handing and state.handing.otherwise:
        found.append(state.handing.otherwise)
    return found
