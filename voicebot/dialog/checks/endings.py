"""From every state the call can end, and an end says how the attempt came out."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding
from voicebot.dialog.worlds import World

RULE = "endings"


def check(subject: Subject) -> Iterator[Finding]:
    exploration = subject.exploration
    before: dict[World, set[World]] = {}
    for world, edges in exploration.edges.items():
        for edge in edges:
            before.setdefault(edge.to, set()).add(world)
            if edge.ended_without_outcome:
                yield subject.shown(
                    world,
                    edge,
                    RULE,
                    edge.place,
                    "有一条路结束时，还说不出这通电话的结果。",
                    "there is a path that ends before the call has come to anything.",
                    "在路上的状态里写 outcome，或写明 end: 结果。",
                    "Write an outcome in a state on the way, or name the disposition after end.",
                )
    for parent, edge in exploration.parents.values():
        if parent is None and edge.ended_without_outcome:
            yield subject.shown(
                None,
                edge,
                RULE,
                edge.place,
                "通话一开始就结束，还说不出结果。",
                "the call ends at once, before it has come to anything.",
                "写明 end: 结果。",
                "Name the disposition after end.",
            )
    ends = {world for world in exploration.worlds if world.over}
    waiting = list(ends)
    while waiting:
        for world in before.get(waiting.pop(), ()):
            if world not in ends:
                ends.add(world)
                waiting.append(world)
    for world in exploration.worlds:
        if world not in ends:
            spec = subject.flow.state(world.top.flow, world.top.state)
            yield subject.shown(
                world,
                None,
                RULE,
                spec.place,
                f"从状态 {spec.name} 出发，通话永远结束不了。",
                f"from state {spec.name} the call can never end.",
                "加一条通向 end 的路。",
                "Add a way that leads to end.",
            )
