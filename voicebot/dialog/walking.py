"""The machine's moves as the proofs make them: every way that one move may go, over worlds instead of states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from voicebot.dialog.condition import Condition, Term
from voicebot.dialog.flow import (
    SO_FAR,
    CallPart,
    Changes,
    Finish,
    Flow,
    Go,
    Repeat,
    Resume,
    Return,
    Route,
    State,
    Stay,
)
from voicebot.dialog.library import Library
from voicebot.dialog.places import Place
from voicebot.dialog.recording import AS_SOON_AS_CAN_BE
from voicebot.dialog.state import Frame
from voicebot.dialog.wording import SLOTS, blanks
from voicebot.dialog.worlds import Lacking, Spoken, World

_TRACKED = frozenset({"ai", "recording", "identity", "mini_miranda"})

_DEEPEST = 60
"""States within one move; the machine itself stops at a hundred."""


@dataclass
class Walk:
    """A move in the making."""

    world: World
    spoken: tuple[Spoken, ...] = ()
    visited: tuple[tuple[str, str], ...] = ()
    depth: int = 0
    bounded: bool = False
    cleared: frozenset[str] = frozenset()
    """Slots forgotten on the way: a question for them cannot already have been answered."""
    told: frozenset[str] = frozenset()
    """Slots whose value a condition on the way has compared: they have one until the caller speaks again."""
    lacking: tuple[Lacking, ...] = ()
    ended_without_outcome: bool = False

    def now(self, **changes: object) -> Walk:
        return replace(self, world=replace(self.world, **changes))  # type: ignore[arg-type]


class Walker:
    """Walks one flow."""

    def __init__(self, flow: Flow, library: Library) -> None:
        self.flow = flow
        self.library = library
        self._spoken_slots: dict[str, frozenset[str]] = {}
        states = [state for sheet in flow.sheets.values() for state in sheet.states.values()]
        lines = {line for state in states for line in state.lines}
        lines |= {line for sheet in flow.sheets.values() for _, route in sheet.every_route() for line in route.say}
        self._of_interest = frozenset(slot for line in lines for slot in self._slots_of(line))
        self._of_interest |= {slot for state in states for slot in _recorded(state)}

    def _slots_of(self, line: str) -> frozenset[str]:
        """Slots that a line needs, whichever of its texts is said."""
        if line not in self._spoken_slots:
            names = {name for text in self.library[line].texts for name, _ in blanks(text)}
            self._spoken_slots[line] = frozenset(_slot_behind(name) for name in names) - {""}
        return self._spoken_slots[line]

    def spec(self, world: World) -> State:
        return self.flow.state(world.top.flow, world.top.state)

    def take(self, walk: Walk, sheet: str, route: Route) -> Iterator[Walk]:
        walk = self._change(replace(walk, bounded=walk.bounded or route.at_most is not None), route.changes)
        for line in route.say:
            walk = self._say(walk, line, route.place)
        match route.target:
            case Go(name):
                yield from self.enter(self._unwind(walk, sheet), name)
            case CallPart(part):
                start = self.flow.sheets[part].start
                assert start is not None
                yield from self.enter(self._unwind(walk, part), start)
            case Resume():
                yield from self._ask_again(walk)
            case Stay():
                yield from self._listen(walk)
            case Repeat():
                yield from self._ask_again(walk)
            case Finish(disposition):
                yield from self.finish(walk, disposition)
            case Return(outcome):
                yield from self._give_back(walk, outcome)

    def enter(self, walk: Walk, name: str) -> Iterator[Walk]:
        world = walk.world
        top = replace(world.top, state=name)
        if walk.depth > _DEEPEST or walk.visited.count((top.flow, name)) > 1:
            return
        walk = replace(
            walk,
            world=replace(world, stack=(*world.stack[:-1], top)),
            visited=(*walk.visited, (top.flow, name)),
            depth=walk.depth + 1,
        )
        spec = self.spec(walk.world)
        walk = self._change(walk, spec.changes)
        for slot, what in _recorded(spec).items():
            walk = self._want(walk, {slot}, what, spec.place)
        for line in spec.say:
            walk = self._say(walk, line, spec.place, uninterruptible=not spec.interruptible)
        if spec.listens:
            if (
                spec.collecting is not None
                and not spec.collecting.digits
                and not walk.cleared & set(spec.collecting.slots)
            ):
                yield from self._own(self.fill(walk, collected(spec)), spec, "filled")
            yield from self._question(walk, spec)
        elif spec.choices:
            for choice in spec.choices:
                truth = True if choice.when is None else self._truth(choice.when, walk.world)
                if truth is not False:
                    compared = _compared(choice.when) if choice.when is not None else frozenset[str]()
                    yield from self.enter(replace(walk, told=walk.told | compared), choice.go)
                if truth is True:
                    return
        elif spec.check is not None:
            walk = walk.now(filled=walk.world.filled - {spec.check})
            yield from self._own(walk.now(right_party=True, party="debtor"), spec, "passed")
            yield from self._own(walk, spec, "failed")
        elif spec.calls is not None:
            part = self.flow.sheets[spec.calls]
            assert part.start is not None
            frame = Frame(spec.calls, part.start)
            yield from self.enter(walk.now(stack=(*walk.world.stack, frame)), part.start)
        elif spec.handing is not None:
            yield walk.now(handing=True)
        elif spec.ends is not None:
            yield from self.finish(walk, spec.ends)
        elif spec.returns is not None:
            yield from self._give_back(walk, spec.returns)
        elif spec.then is not None:
            yield from self.take(walk, walk.world.top.flow, spec.then)

    def _own(self, walk: Walk, spec: State, name: str) -> Iterator[Walk]:
        for route in spec.routes:
            if name in {key.text for key in route.keys}:
                step: Route | None = route
                while step is not None:
                    yield from self.take(walk, walk.world.top.flow, step)
                    step = step.spent
                return

    def _question(self, walk: Walk, spec: State) -> Iterator[Walk]:
        if spec.confirming:
            # Only values that are there are read back; without one the machine goes where a no leads.
            way_out = next((name for name in ("denies", "else") if _has_own(spec, name)), None)
            if way_out is not None:
                if not set(spec.confirming) & self._of_interest <= walk.world.filled and walk.depth < _DEEPEST:
                    yield from self._own(replace(walk, depth=walk.depth + 1), spec, way_out)
                walk = self.fill(walk, spec.confirming)
        asked = walk
        for line in spec.ask:
            asked = self._say(asked, line, spec.place)
        if spec.collecting is not None:
            before: list[str] = []
            for slot, alone in spec.collecting.slots.items():
                if alone is not None:
                    # A slot is asked for alone once those before it are told.
                    single = self._say(self.fill(asked, before), alone, spec.place)
                    asked = replace(asked, spoken=single.spoken, lacking=single.lacking)
                before.append(slot)
            if spec.collecting.partial is not None:
                asked = self._say(asked, spec.collecting.partial, spec.place)
        yield asked

    def _ask_again(self, walk: Walk) -> Iterator[Walk]:
        spec = self.spec(walk.world)
        if spec.listens:
            yield from self._question(walk, spec)
        else:
            yield from self.enter(walk, spec.name)

    def _listen(self, walk: Walk) -> Iterator[Walk]:
        spec = self.spec(walk.world)
        if spec.listens:
            yield walk
        else:
            yield from self.enter(walk, spec.name)

    def _unwind(self, walk: Walk, sheet: str) -> Walk:
        stack = walk.world.stack
        for index in range(len(stack) - 1, -1, -1):
            if stack[index].flow == sheet:
                return walk.now(stack=stack[: index + 1])
        return self._digress(walk, sheet)

    def _digress(self, walk: Walk, sheet: str) -> Walk:
        base = walk.world.stack
        for index, frame in enumerate(base):
            if frame.digression:
                base = base[:index]
                break
        return walk.now(stack=(*base, Frame(sheet, "", digression=True)))

    def _give_back(self, walk: Walk, outcome: str) -> Iterator[Walk]:
        stack = walk.world.stack
        if len(stack) == 1:
            yield from self.finish(walk, SO_FAR)
            return
        left = stack[-1]
        walk = walk.now(stack=stack[:-1])
        if left.digression:
            yield from self._ask_again(walk)
            return
        spec = self.spec(walk.world)
        for name in (outcome, "else"):
            if any(name in {key.text for key in route.keys} for route in spec.routes):
                yield from self._own(walk, spec, name)
                return
        yield from self.finish(walk, SO_FAR)

    def finish(self, walk: Walk, disposition: str) -> Iterator[Walk]:
        lacking = disposition == SO_FAR and not walk.world.outcome
        yield replace(walk.now(over=True, handing=False), ended_without_outcome=lacking)

    def _change(self, walk: Walk, changes: Changes) -> Walk:
        if changes.party is not None:
            walk = walk.now(party=changes.party, right_party=False)
        if changes.closes_money:
            walk = walk.now(closed=True)
        if changes.outcome is not None:
            walk = walk.now(outcome=True)
        if changes.clear:
            gone = frozenset(changes.clear)
            walk = walk.now(filled=walk.world.filled - gone)
            walk = replace(walk, cleared=walk.cleared | gone, told=walk.told - gone)
        return self.fill(walk, [slot for slot, fact in changes.slots.items() if fact in self.flow.facts])

    def fill(self, walk: Walk, slots: Iterable[str]) -> Walk:
        new = self._of_interest.intersection(slots) - walk.world.filled
        return walk.now(filled=walk.world.filled | new) if new else walk

    def _want(self, walk: Walk, slots: Iterable[str], what: str, place: Place) -> Walk:
        empty = sorted(frozenset(slots) - walk.world.filled - walk.told)
        if not empty:
            return walk
        return replace(walk, lacking=(*walk.lacking, *(Lacking(slot, what, place) for slot in empty)))

    def _say(self, walk: Walk, line: str, place: Place, *, uninterruptible: bool = False) -> Walk:
        walk = self._want(walk, self._slots_of(line), line, place)
        spoken = (*walk.spoken, Spoken(line, walk.world, place, uninterruptible))
        told = self.library[line].discloses & _TRACKED
        return replace(walk.now(disclosed=walk.world.disclosed | told), spoken=spoken)

    # --- conditions ---------------------------------------------------------------------------------------------------
    def _truth(self, condition: Condition, world: World) -> bool | None:
        """True, False, or None when it depends on what is not tracked."""
        truths = [self._term(term, world) for term in condition.terms]
        if False in truths:
            return False
        return None if None in truths else True

    def _term(self, term: Term, world: World) -> bool | None:
        known = {
            "right_party": world.right_party,
            "third_party": world.party == "third_party",
            "money_closed": world.closed,
            "inbound": self.flow.direction == "inbound",
        }
        if term.op is None and term.left in known:
            return known[term.left] is not term.negated
        return None


def _has_own(spec: State, name: str) -> bool:
    return any(name in {key.text for key in route.keys} for route in spec.routes)


def collected(spec: State) -> tuple[str, ...]:
    return tuple(spec.collecting.slots) if spec.collecting is not None else ()


def _recorded(spec: State) -> Mapping[str, str]:
    """Slots without which a state would record nothing, and what it records."""
    found: dict[str, str] = {}
    if spec.recording.promise is not None:
        found.update(dict.fromkeys(spec.recording.promise, "promise"))
    if spec.recording.callback is not None and spec.recording.callback[0] != AS_SOON_AS_CAN_BE:
        found[spec.recording.callback[0]] = "callback"
    return found


def _slot_behind(name: str) -> str:
    """The slot that a blank or a name in a condition takes its value from; empty for a fact."""
    if name.startswith("slot."):
        return name[5:]
    return {"promise.remaining": "amount", "callback.hour": "callback_at"}.get(name, "")


def _compared(condition: Condition) -> frozenset[str]:
    """Slots that have a value where a condition holds."""
    slots = {_slot_behind(term.left) for term in condition.terms if term.op is not None or not term.negated}
    return frozenset(slots & set(SLOTS))
