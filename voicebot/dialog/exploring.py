"""Every path of a flow, sub-flows included: the machine's moves over what matters to the proofs and nothing else.

A world forgets what callers say and how often; it remembers where the conversation stands, who is on the line as far as
it is known, what was disclosed, and whether money may still be spoken of. Whatever the machine can do from a state, a
world can do: that is tested against the machine itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

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
from voicebot.dialog.state import Frame

_DEEPEST = 60
"""States within one move; the machine itself stops at a hundred."""

_TRACKED = frozenset({"ai", "recording", "identity", "mini_miranda"})


@dataclass(frozen=True)
class World:
    """What the proofs need to know of a conversation that waits for something."""

    stack: tuple[Frame, ...]
    over: bool = False
    handing: bool = False
    right_party: bool = False
    party: str = "unknown"
    closed: bool = False
    disclosed: frozenset[str] = frozenset()
    outcome: bool = False
    """Something is known for `end: so_far` to say."""

    @property
    def top(self) -> Frame:
        return self.stack[-1]


@dataclass(frozen=True)
class Spoken:
    """A line, said in a world."""

    line: str
    world: World
    place: Place
    """Of the state or route that says it."""
    uninterruptible: bool = False


@dataclass(frozen=True)
class Edge:
    """One move from a waiting world to the next."""

    event: str
    """The key that the caller's doing took."""
    spoken: tuple[Spoken, ...]
    to: World
    place: Place
    bounded: bool
    """It can only be taken a few times in a call."""
    visited: tuple[tuple[str, str], ...] = ()
    ended_without_outcome: bool = False


@dataclass
class _Walk:
    """A move in the making."""

    world: World
    spoken: tuple[Spoken, ...] = ()
    visited: tuple[tuple[str, str], ...] = ()
    depth: int = 0
    bounded: bool = False
    cleared: frozenset[str] = frozenset()
    """Slots forgotten on the way: a question for them cannot already have been answered."""
    ended_without_outcome: bool = False

    def now(self, **changes: object) -> _Walk:
        return replace(self, world=replace(self.world, **changes))  # type: ignore[arg-type]


@dataclass
class Exploration:
    """All worlds that can be reached, and how."""

    flow: Flow
    library: Library
    edges: dict[World, list[Edge]] = field(default_factory=dict)
    parents: dict[World, tuple[World | None, Edge]] = field(default_factory=dict)
    """By which move a world was first reached: breadth first, so the shortest way."""

    @property
    def worlds(self) -> Iterator[World]:
        return iter(self.parents)

    @property
    def spoken(self) -> Iterator[tuple[World | None, Edge, Spoken]]:
        """Every line in every world in which it can be said, with the move that says it."""
        for world, (parent, edge) in self.parents.items():
            if parent is None:
                for item in edge.spoken:
                    yield None, edge, item
            for onward in self.edges.get(world, ()):
                for item in onward.spoken:
                    yield world, onward, item

    def visited(self) -> set[tuple[str, str]]:
        """Sheet and name of every state that can be entered."""
        found: set[tuple[str, str]] = set()
        for world, (_, edge) in self.parents.items():
            found.update(edge.visited)
            for onward in self.edges.get(world, ()):
                found.update(onward.visited)
        return found

    def path(self, world: World | None, last: Edge | None = None) -> tuple[str, ...]:
        """The shortest conversation to a world, and over one more edge, as the caller would hear it."""
        edges: list[Edge] = [] if last is None else [last]
        while world is not None:
            parent, edge = self.parents[world]
            edges.append(edge)
            world = parent
        told: list[str] = []
        for edge in reversed(edges):
            if edge.event:
                told.append(f"← {edge.event}")
            told.extend(f"→ {self.library[item.line].wordings[0].text}" for item in edge.spoken)
        return tuple(told)


def explore(flow: Flow, library: Library) -> Exploration:
    """Every path, breadth first."""
    walker = _Walker(flow, library)
    found = Exploration(flow, library)
    start = flow.main.start
    assert start is not None
    waiting: deque[World] = deque()
    for walk in walker.enter(_Walk(World((Frame(flow.name, start),))), start):
        edge = walker.edge("", walk, flow.main.place, bounded=True)
        if edge.to not in found.parents:
            found.parents[edge.to] = (None, edge)
            waiting.append(edge.to)
    while waiting:
        world = waiting.popleft()
        edges = list(walker.edges(world))
        found.edges[world] = edges
        for edge in edges:
            if edge.to not in found.parents:
                found.parents[edge.to] = (world, edge)
                waiting.append(edge.to)
    return found


class _Walker:
    def __init__(self, flow: Flow, library: Library) -> None:
        self.flow = flow
        self.library = library

    def edge(self, event: str, walk: _Walk, place: Place, *, bounded: bool) -> Edge:
        return Edge(
            event,
            walk.spoken,
            self._short(walk.world),
            place,
            bounded or walk.bounded,
            walk.visited,
            walk.ended_without_outcome,
        )

    def _short(self, world: World) -> World:
        """Below a sealed sheet that never returns nothing matters any more: such worlds are one."""
        if world.over:
            return replace(world, stack=(Frame(self.flow.name, ""),))
        for index in range(len(world.stack) - 1, 0, -1):
            sheet = self.flow.sheets[world.stack[index].flow]
            if sheet.sealed and not sheet.returns:
                return replace(world, stack=(replace(world.stack[index], digression=True), *world.stack[index + 1 :]))
        return world

    def spec(self, world: World) -> State:
        return self.flow.state(world.top.flow, world.top.state)

    # --- what can happen in a waiting world ---------------------------------------------------------------------------
    def edges(self, world: World) -> Iterator[Edge]:
        if world.over:
            return
        spec = self.spec(world)
        if world.handing:
            yield from self._after_handoff(world, spec)
            return
        answered: set[str] = set()
        sheets = tuple(frame.flow for frame in world.stack)
        held = [(world.top.flow, route) for route in spec.routes] + list(self.flow.scope(sheets))
        for sheet, route in held:
            fresh = [key for key in route.keys if key.text not in answered and _possible(key.all_of, spec)]
            answered.update(key.text for key in route.keys)
            if fresh:
                yield from self._route_edges(world, sheet, route, fresh[0].text)

    def _after_handoff(self, world: World, spec: State) -> Iterator[Edge]:
        taken = replace(world, over=True, handing=False)
        yield Edge("人工接听 / a human answers", (), self._short(taken), spec.place, bounded=True)
        handing = spec.handing
        if handing is not None and handing.otherwise is not None:
            for walk in self.enter(_Walk(replace(world, handing=False)), handing.otherwise):
                yield self.edge("没有人工 / nobody is free", walk, spec.place, bounded=False)
            return
        for sheet, route in self.flow.scope(tuple(frame.flow for frame in world.stack)):
            if "nobody" in {key.text for key in route.keys}:
                yield from self._route_edges(replace(world, handing=False), sheet, route, "nobody")
                return
        for walk in self._finish(_Walk(replace(world, handing=False)), SO_FAR):
            yield self.edge("没有人工 / nobody is free", walk, spec.place, bounded=True)

    def _route_edges(self, world: World, sheet: str, route: Route, event: str) -> Iterator[Edge]:
        for walk in self.take(_Walk(world), sheet, route):
            yield self.edge(event, walk, route.place, bounded=False)
        if route.spent is not None:
            yield from self._route_edges(world, sheet, route.spent, event)

    # --- the machine's moves ------------------------------------------------------------------------------------------
    def take(self, walk: _Walk, sheet: str, route: Route) -> Iterator[_Walk]:
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
                yield from self._finish(walk, disposition)
            case Return(outcome):
                yield from self._give_back(walk, outcome)

    def enter(self, walk: _Walk, name: str) -> Iterator[_Walk]:
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
        for line in spec.say:
            walk = self._say(walk, line, spec.place, uninterruptible=not spec.interruptible)
        if spec.listens:
            if (
                spec.collecting is not None
                and not spec.collecting.digits
                and not walk.cleared & set(spec.collecting.slots)
            ):
                yield from self._own(walk, spec, "filled")
            yield from self._question(walk, spec)
        elif spec.choices:
            for choice in spec.choices:
                truth = True if choice.when is None else self._truth(choice.when, walk.world)
                if truth is not False:
                    yield from self.enter(walk, choice.go)
                if truth is True:
                    return
        elif spec.check is not None:
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
            yield from self._finish(walk, spec.ends)
        elif spec.returns is not None:
            yield from self._give_back(walk, spec.returns)
        elif spec.then is not None:
            yield from self.take(walk, walk.world.top.flow, spec.then)

    def _own(self, walk: _Walk, spec: State, name: str) -> Iterator[_Walk]:
        for route in spec.routes:
            if name in {key.text for key in route.keys}:
                step: Route | None = route
                while step is not None:
                    yield from self.take(walk, walk.world.top.flow, step)
                    step = step.spent
                return

    def _question(self, walk: _Walk, spec: State) -> Iterator[_Walk]:
        for line in spec.lines:
            if line not in spec.say:
                walk = self._say(walk, line, spec.place)
        yield walk

    def _ask_again(self, walk: _Walk) -> Iterator[_Walk]:
        spec = self.spec(walk.world)
        if spec.listens:
            yield from self._question(walk, spec)
        else:
            yield from self.enter(walk, spec.name)

    def _listen(self, walk: _Walk) -> Iterator[_Walk]:
        spec = self.spec(walk.world)
        if spec.listens:
            yield walk
        else:
            yield from self.enter(walk, spec.name)

    def _unwind(self, walk: _Walk, sheet: str) -> _Walk:
        stack = walk.world.stack
        for index in range(len(stack) - 1, -1, -1):
            if stack[index].flow == sheet:
                return walk.now(stack=stack[: index + 1])
        return self._digress(walk, sheet)

    def _digress(self, walk: _Walk, sheet: str) -> _Walk:
        base = walk.world.stack
        for index, frame in enumerate(base):
            if frame.digression:
                base = base[:index]
                break
        return walk.now(stack=(*base, Frame(sheet, "", digression=True)))

    def _give_back(self, walk: _Walk, outcome: str) -> Iterator[_Walk]:
        stack = walk.world.stack
        if len(stack) == 1:
            yield from self._finish(walk, SO_FAR)
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
        yield from self._finish(walk, SO_FAR)

    def _finish(self, walk: _Walk, disposition: str) -> Iterator[_Walk]:
        lacking = disposition == SO_FAR and not walk.world.outcome
        yield replace(walk.now(over=True, handing=False), ended_without_outcome=lacking)

    def _change(self, walk: _Walk, changes: Changes) -> _Walk:
        if changes.party is not None:
            walk = walk.now(party=changes.party, right_party=False)
        if changes.closes_money:
            walk = walk.now(closed=True)
        if changes.outcome is not None:
            walk = walk.now(outcome=True)
        return replace(walk, cleared=walk.cleared | set(changes.clear)) if changes.clear else walk

    def _say(self, walk: _Walk, line: str, place: Place, *, uninterruptible: bool = False) -> _Walk:
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


def _possible(names: tuple[str, ...], spec: State) -> bool:
    """False for keys that this state can never meet, such as `filled` where nothing is collected."""
    for name in names:
        if name in ("filled", "unfilled") and spec.collecting is None:
            return False
        if name == "corrected" and not spec.confirming:
            return False
        if name in ("passed", "failed", "nobody"):
            return False
        if name.startswith("timer ") and name[6:] not in spec.timers:
            return False
    return True
