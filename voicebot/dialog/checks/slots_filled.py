"""What a line speaks of the caller's own words, and what a state records of them, was told on every path to it."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding
from voicebot.dialog.worlds import Edge, World

RULE = "slots-filled"


def check(subject: Subject) -> Iterator[Finding]:
    for world, edge in _edges(subject):
        for item in edge.lacking:
            line = item.wanted_by in subject.library
            yield subject.shown(
                world,
                edge,
                RULE,
                item.place,
                f"有一条路，{f'说 {item.wanted_by}' if line else f'记 {item.wanted_by}'} 的时候还没有 {item.slot}。",
                f"there is a path on which {item.wanted_by} is {'said' if line else 'recorded'} and {item.slot} has no "
                "value yet.",
                f"先用 collect 问到 {item.slot}（走 filled），或用 confirm 读回，或用 choose 分开没有它的路。",
                f"Collect {item.slot} first (and go on by filled), confirm it, or divide the path with choose.",
            )


def _edges(subject: Subject) -> Iterator[tuple[World | None, Edge]]:
    for parent, edge in subject.exploration.parents.values():
        if parent is None:
            yield None, edge
    for world, edges in subject.exploration.edges.items():
        for edge in edges:
            yield world, edge
