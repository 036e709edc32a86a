"""From an author's validated file to a sheet of the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from voicebot.dialog.condition import Condition, ConditionError, parse
from voicebot.dialog.flow import (
    NO_CHANGES,
    CallPart,
    Changes,
    Choice,
    Collecting,
    Finish,
    Go,
    Handing,
    Key,
    Listening,
    Recording,
    Repeat,
    Resume,
    Return,
    Route,
    Sheet,
    State,
    Stay,
    Target,
)
from voicebot.dialog.places import Finding, Place, Placed, Trail, finding
from voicebot.dialog.schema import FlowFile, RouteModel, SetModel, StateModel
from voicebot.understanding.meaning import Expecting

_EXPECTED_BY_SLOT = {
    "date": Expecting.DATE,
    "amount": Expecting.AMOUNT,
    "callback_at": Expecting.TIME,
    "instalments": Expecting.COUNT,
    "id_last_four": Expecting.DIGITS,
    "digits": Expecting.DIGITS,
    "callback_number": Expecting.DIGITS,
}


class Compiler:
    """Compiles one file. What is wrong is collected in `found`; the sheet is whole only when nothing was."""

    def __init__(self, placed: Placed, model: FlowFile) -> None:
        self.placed = placed
        self.model = model
        self.found: list[Finding] = []
        self._handoffs: dict[str, State] = {}

    def sheet(self) -> Sheet:
        model = self.model
        name = model.flow or model.part or ""
        always = tuple(self._route("always", key, route, ("always", key)) for key, route in model.always.items())
        states = {key: self._state(key, state) for key, state in model.states.items()}
        return Sheet(
            name=name,
            title=model.title,
            file=self.placed.file,
            start=model.start,
            states=states | self._handoffs,
            always=always,
            include=tuple(model.include),
            returns=tuple(model.returns),
            facts=tuple(model.facts),
            sealed=model.sealed,
            switched_off=dict(model.switch_off),
            place=self.placed.at(()),
        )

    # --- states -------------------------------------------------------------------------------------------------------
    def _state(self, name: str, model: StateModel) -> State:
        trail: Trail = ("states", name)
        place = self.placed.at(trail)
        listens = bool(model.ask or model.listen or model.collect or model.confirm)
        leaves = [
            key
            for key, present in {
                "choose": bool(model.choose),
                "check": bool(model.check),
                "call": bool(model.call),
                "handoff": bool(model.handoff),
                "end": bool(model.end),
                "returns": bool(model.returns),
                "then": bool(model.then),
            }.items()
            if present
        ]
        if listens + len(leaves) != 1:
            self.found.append(
                finding(
                    "one-way-on",
                    place,
                    f"状态 {name} 要么听，要么只有一种离开的办法；现在有："
                    f"{'、'.join((['听'] if listens else []) + leaves) or '没有'}。",
                    f"state {name} must either listen or have exactly one way on; it has: "
                    f"{', '.join((['listening'] if listens else []) + leaves) or 'none'}.",
                    "留下一个：ask/listen/collect/confirm，或 choose、check、call、handoff、end、returns、then 之一。",
                    "Keep one: ask/listen/collect/confirm, or one of choose, check, call, handoff, end, returns, then.",
                )
            )
        routes = dict(model.on)
        base: Trail = (*trail, "on")
        if model.call:
            routes |= model.call.on
            base = (*trail, "call", "on") if model.call.on else base
        check = model.check["right_party"] if model.check else None
        recording = Recording(
            promise=(model.promise.amount, model.promise.date) if model.promise else None,
            callback=(model.callback.at, model.callback.number) if model.callback else None,
            plan=model.plan.instalments if model.plan else None,
            message=(model.message.template, tuple(model.message.facts)) if model.message else None,
        )
        return State(
            name=name,
            place=place,
            changes=_changes(model.set, model.outcome),
            recording=recording,
            say=tuple(model.say),
            ask=tuple(model.ask),
            interruptible=model.interruptible,
            listening=self._listening(model) if listens else None,
            collecting=Collecting(
                slots=dict(model.collect.slots),
                by_keys="dtmf" in model.collect.by,
                digits=model.collect.digits,
                partial=model.collect.partial,
                at_most=model.collect.at_most,
            )
            if model.collect
            else None,
            confirming=tuple(model.confirm),
            check=check,
            choices=tuple(
                Choice(
                    self._condition(choice.when, (*trail, "choose", index, "when")),
                    choice.go,
                    self.placed.at((*trail, "choose", index)),
                )
                for index, choice in enumerate(model.choose)
            ),
            calls=model.call.part if model.call else None,
            handing=Handing(model.handoff.because, model.handoff.skill, model.handoff.urgent, model.handoff.otherwise)
            if model.handoff
            else None,
            ends=model.end,
            returns=model.returns,
            timers=dict(model.timers),
            routes=tuple(self._route(name, key, route, (*base, key)) for key, route in routes.items()),
            then=self._route(name, "then", model.then, (*trail, "then")) if model.then else None,
            trail=trail,
        )

    def _listening(self, model: StateModel) -> Listening:
        listen = model.listen
        expecting = Expecting(listen.expecting) if listen and listen.expecting else self._expecting(model)
        return Listening(
            silence_seconds=listen.silence if listen else 6.0,
            expecting=expecting,
            phrases=tuple(listen.phrases) if listen else (),
        )

    @staticmethod
    def _expecting(model: StateModel) -> Expecting:
        if model.confirm:
            return Expecting.YES_NO
        if model.collect:
            slots = list(model.collect.slots)
            if {"date", "amount"} <= set(slots):
                return Expecting.DATE_AND_AMOUNT
            return _EXPECTED_BY_SLOT.get(slots[0], Expecting.OPEN) if slots else Expecting.OPEN
        keys = {part.strip() for key in model.on for part in key.split(",")}
        return Expecting.YES_NO if keys & {"affirms", "denies"} else Expecting.OPEN

    def _condition(self, text: str | None, trail: Trail) -> Condition | None:
        if text is None:
            return None
        try:
            return parse(text)
        except ConditionError as error:
            self.found.append(
                finding(
                    "condition",
                    self.placed.at(trail),
                    f"条件读不懂：{error.zh}。",
                    f"the condition cannot be read: {error.en}.",
                    "例子：slot.amount > debt.amount_due；right_party；slot.date < today + 30d。",
                    "Examples: slot.amount > debt.amount_due; right_party; slot.date < today + 30d.",
                )
            )
            return Condition(text, ())

    # --- routes -------------------------------------------------------------------------------------------------------
    def _route(self, owner: str, key: str, model: RouteModel, trail: Trail) -> Route:
        place = self.placed.at(trail)
        spent = (
            self._route(owner, f"{key} then", model.then, (*trail, "then")) if model.at_most and model.then else None
        )
        return Route(
            id=f"{owner}: {key}",
            keys=_keys(key),
            target=self._target(owner, key, model, trail, place),
            place=place,
            say=tuple(model.say),
            changes=_changes(model.set, model.outcome),
            note=model.note,
            at_most=model.at_most,
            spent=spent,
            trail=trail,
        )

    def _target(self, owner: str, key: str, model: RouteModel, trail: Trail, place: Place) -> Target:
        ways: list[Target] = []
        if model.go:
            ways.append(_state_or_word(model.go))
        if model.repeat:
            ways.append(Repeat(model.repeat))
        if model.call:
            ways.append(CallPart(model.call))
        if model.handoff:
            ways.append(self._handoff(model, trail))
        if model.end:
            ways.append(Finish(model.end))
        if model.returns:
            ways.append(Return(model.returns))
        if model.then is not None and not model.at_most:
            onward = self._route(owner, f"{key} then", model.then, (*trail, "then"))
            if onward.say or onward.changes != NO_CHANGES or onward.at_most:
                self.found.append(
                    finding(
                        "then",
                        place,
                        "没有 at_most 时，then 只能是去处。",
                        "without at_most, `then` may only be a place to go.",
                        "把要说的话写在同一层的 say 里，或另立一个状态。",
                        "Put what is to be said in `say` on the same level, or make a state of it.",
                    )
                )
            ways.append(onward.target)
        if len(ways) > 1:
            self.found.append(
                finding(
                    "one-way-on",
                    place,
                    f"路由“{key}”写了不止一个去处。",
                    f"the route {key!r} names more than one place to go.",
                    "go、repeat、call、handoff、end、returns 只留一个。",
                    "Keep one of go, repeat, call, handoff, end, returns.",
                )
            )
        return ways[0] if ways else Resume()

    def _handoff(self, model: RouteModel, trail: Trail) -> Target:
        """A route that hands over goes to a state that hands over, so that what follows has a place to stand."""
        name = f"handoff_{model.because or 'asked'}_{len(self._handoffs)}"
        otherwise = model.otherwise
        self._handoffs[name] = State(
            name=name,
            place=self.placed.at(trail),
            trail=trail,
            handing=Handing(model.because or "asked_for_human", model.handoff or "agent", model.urgent, otherwise),
        )
        return Go(name)


def _state_or_word(text: str) -> Target:
    words: Mapping[str, Callable[[], Target]] = {"resume": Resume, "stay": Stay}
    return words[text]() if text in words else Go(text)


def _keys(text: str) -> tuple[Key, ...]:
    """`affirms, confirm_identity` are two keys for one route; `cease_contact + promise_to_pay` is one for both."""
    return tuple(
        Key(part.strip(), tuple(piece.strip() for piece in part.split("+"))) for part in text.split(",") if part.strip()
    )


def _changes(model: SetModel | None, outcome: str | None) -> Changes:
    if model is None and outcome is None:
        return NO_CHANGES
    model = model or SetModel()
    return Changes(
        flags=tuple(model.flag),
        party=model.party,
        closes_money=model.money == "closed",
        manner=model.manner,
        clear=tuple(model.clear),
        slots=dict(model.slots),
        outcome=outcome,
    )
