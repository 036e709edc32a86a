"""No circle of the conversation can be walked for ever: somewhere on it a count runs out."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding
from voicebot.dialog.worlds import Edge, World

RULE = "loops"


def check(subject: Subject) -> Iterator[Finding]:
    free: dict[World, list[Edge]] = {
        world: [edge for edge in edges if not edge.bounded] for world, edges in subject.exploration.edges.items()
    }
    for component in _circles(free):
        for world in component:
            for edge in free[world]:
                if edge.to in component:
                    yield subject.shown(
                        world,
                        edge,
                        RULE,
                        edge.place,
                        f"“{edge.event}”可以没完没了地绕圈。",
                        f"{edge.event!r} can go round in a circle for ever.",
                        "在圈里的一条路由上写 at_most 和 then。",
                        "Write at_most and then on one of the routes of the circle.",
                    )


def _circles(graph: dict[World, list[Edge]]) -> list[set[World]]:
    """Strongly connected components with at least one edge inside (Tarjan, without recursion)."""
    index: dict[World, int] = {}
    low: dict[World, int] = {}
    on_stack: set[World] = set()
    stack: list[World] = []
    found: list[set[World]] = []
    for root in graph:
        if root in index:
            continue
        work: list[tuple[World, int]] = [(root, 0)]
        while work:
            world, place = work.pop()
            if place == 0:
                index[world] = low[world] = len(index)
                stack.append(world)
                on_stack.add(world)
            onward = graph.get(world, [])
            deeper = False
            for number in range(place, len(onward)):
                following = onward[number].to
                if following not in index:
                    work.append((world, number + 1))
                    work.append((following, 0))
                    deeper = True
                    break
                if following in on_stack:
                    low[world] = min(low[world], index[following])
            if deeper:
                continue
            if low[world] == index[world]:
                component: set[World] = set()
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    component.add(member)
                    if member == world:
                        break
                if len(component) > 1 or any(edge.to == world for edge in graph.get(world, ())):
                    found.append(component)
            if work:
                above = work[-1][0]
                low[above] = min(low[above], low[world])
    return found
