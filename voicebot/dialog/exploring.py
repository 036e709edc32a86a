"""Every path of a flow, sub-flows included: the machine's moves over what matters to the proofs and nothing else.

A world forgets what callers say and how often; it remembers where the conversation stands, who is on the line as far as
it is known, what was disclosed, whether money may still be spoken of, and what is sure to have been told. Whatever the
machine can do from a state, a world can do: that is tested against the machine itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from voicebot.dialog.flow import SO_FAR, Flow, Key, Route, State
from voicebot.dialog.library import Library
from voicebot.dialog.places import Place
from voicebot.dialog.state import Frame
from voicebot.dialog.walking import Walk, Walker, collected
from voicebot.dialog.worlds import Edge, Exploration, World


def explore(flow: Flow, library: Library) -> Exploration:
    """Every path, breadth first."""
    explorer = _Explorer(flow, library)
    found = Exploration(flow, library)
    start = flow.main.start
    assert start is not None
    waiting: deque[World] = deque()
    for walk in explorer.walker.enter(Walk(World((Frame(flow.name, start),))), start):
        edge = explorer.edge("", walk, flow.main.place, bounded=True)
        if edge.to not in found.parents:
            found.parents[edge.to] = (None, edge)
            waiting.append(edge.to)
    while waiting:
        world = waiting.popleft()
        edges = list(explorer.edges(world))
        found.edges[world] = edges
        for edge in edges:
            if edge.to not in found.parents:
                found.parents[edge.to] = (world, edge)
                waiting.append(edge.to)
    return found


class _Explorer:
    """What can happen in a world that waits."""

    def __init__(self, flow: Flow, library: Library) -> None:
        self.flow = flow
        self.walker = Walker(flow, library)

    def edge(self, event: str, walk: Walk, place: Place, *, bounded: bool) -> Edge:
        return Edge(
            event,
            walk.spoken,
            self._short(walk.world),
            place,
            bounded or walk.bounded,
            walk.visited,
            walk.ended_without_outcome,
            walk.lacking,
        )

    def _short(self, world: World) -> World:
        """Below a sealed sheet that never returns nothing matters any more: such worlds are one."""
        if world.over:
            return replace(world, stack=(Frame(self.flow.name, ""),), filled=frozenset())
        for index in range(len(world.stack) - 1, 0, -1):
            sheet = self.flow.sheets[world.stack[index].flow]
            if sheet.sealed and not sheet.returns:
                return replace(world, stack=(replace(world.stack[index], digression=True), *world.stack[index + 1 :]))
        return world

    def edges(self, world: World) -> Iterator[Edge]:
        """Every move from a world."""
        if world.over:
            return
        spec = self.walker.spec(world)
        if world.handing:
            yield from self._after_handoff(world, spec)
            return
        answered: set[str] = set()
        sheets = tuple(frame.flow for frame in world.stack)
        held = [(world.top.flow, route) for route in spec.routes] + list(self.flow.scope(sheets))
        for sheet, route in held:
            fresh = [key for key in route.keys if key.text not in answered and _possible(key.all_of, spec)]
            answered.update(key.text for key in route.keys)
            told = [key for key in fresh if key.text == "filled"]
            for keys in (told, [key for key in fresh if key not in told]):
                if keys:
                    yield from self._route_edges(world, sheet, route, keys)

    def _after_handoff(self, world: World, spec: State) -> Iterator[Edge]:
        taken = replace(world, over=True, handing=False)
        yield Edge("人工接听 / a human answers", (), self._short(taken), spec.place, bounded=True)
        handing = spec.handing
        if handing is not None and handing.otherwise is not None:
            for walk in self.walker.enter(Walk(replace(world, handing=False)), handing.otherwise):
                yield self.edge("没有人工 / nobody is free", walk, spec.place, bounded=False)
            return
        for sheet, route in self.flow.scope(tuple(frame.flow for frame in world.stack)):
            if "nobody" in {key.text for key in route.keys}:
                yield from self._route_edges(replace(world, handing=False), sheet, route, route.keys)
                return
        for walk in self.walker.finish(Walk(replace(world, handing=False)), SO_FAR):
            yield self.edge("没有人工 / nobody is free", walk, spec.place, bounded=True)

    def _route_edges(self, world: World, sheet: str, route: Route, keys: Sequence[Key]) -> Iterator[Edge]:
        """Moves over a route that one of these keys takes; all of them have the same effect."""
        begun = Walk(world)
        if keys[0].text == "filled":
            begun = self.walker.fill(begun, collected(self.walker.spec(world)))
        heard = frozenset(name for key in keys for name in key.all_of)
        for walk in self.walker.take(begun, sheet, route):
            yield replace(self.edge(keys[0].text, walk, route.place, bounded=False), heard=heard)
        if route.spent is not None:
            yield from self._route_edges(world, sheet, route.spent, keys)


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
