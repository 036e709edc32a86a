"""What a rule is given to judge: a flow, its words, and every path through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from voicebot.dialog.exploring import explore
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library
from voicebot.dialog.places import Finding, Place, finding
from voicebot.dialog.worlds import Edge, Exploration, Spoken, World

BY_MACHINE = frozenset(
    {
        "common.time_is_up",
        "common.neutral_goodbye",
        "human.still_connecting",
        "human.place_in_queue",
        "human.next_in_queue",
    }
)
"""Lines that the machine says by itself, wherever the conversation stands."""

_KEPT = 32
_EXPLORED: dict[tuple[str, str, frozenset[str]], Exploration] = {}
"""Paths of the flows looked at last, by content hash and files: one command looks at the same flow more than once, and
a copy elsewhere has places of its own."""


@dataclass
class Subject:
    """A flow that the machine can run, under examination."""

    flow: Flow
    library: Library

    @cached_property
    def exploration(self) -> Exploration:
        files = frozenset(sheet.place.file for sheet in self.flow.sheets.values())
        files |= {line.place.file for line in self.library.lines.values()}
        key = (self.flow.name, self.flow.hash, files)
        if key not in _EXPLORED:
            if len(_EXPLORED) >= _KEPT:
                _EXPLORED.clear()
            _EXPLORED[key] = explore(self.flow, self.library)
        return _EXPLORED[key]

    @cached_property
    def first_spoken(self) -> dict[tuple[str, World], tuple[World | None, Edge, Spoken]]:
        """Each line in each kind of world it is said in, at the first time it is."""
        found: dict[tuple[str, World], tuple[World | None, Edge, Spoken]] = {}
        for before, edge, item in self.exploration.spoken:
            found.setdefault((item.line, item.world), (before, edge, item))
        return found

    def shown(
        self,
        world: World | None,
        edge: Edge | None,
        rule: str,
        place: Place,
        zh: str,
        en: str,
        mend_zh: str,
        mend_en: str,
    ) -> Finding:
        """A finding with the shortest conversation that leads to it."""
        plain = finding(rule, place, zh, en, mend_zh, mend_en)
        return replace(plain, path=self.exploration.path(world, edge))


def once(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The first finding for each place and message: the one with the shortest path."""
    seen: set[tuple[Place, str]] = set()
    for item in findings:
        key = (item.place, item.message["en"])
        if key not in seen:
            seen.add(key)
            yield item
