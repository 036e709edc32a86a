"""What the proofs know of a conversation: worlds, the moves between them, and the words on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library
from voicebot.dialog.places import Place
from voicebot.dialog.state import Frame


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
    filled: frozenset[str] = frozenset()
    """Slots that have a value, whichever way the conversation came here; of those that anything here speaks."""

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
class Lacking:
    """A slot that may be empty where its value is wanted."""

    slot: str
    wanted_by: str
    """Id of a line, or what the state records: promise, callback."""
    place: Place


@dataclass(frozen=True)
class Edge:
    """One move from a waiting world to the next."""

    event: str
    """The key that the caller's doing took; the first, where several have the same effect."""
    spoken: tuple[Spoken, ...]
    to: World
    place: Place
    bounded: bool
    """It can only be taken a few times in a call."""
    visited: tuple[tuple[str, str], ...] = ()
    ended_without_outcome: bool = False
    lacking: tuple[Lacking, ...] = ()
    heard: frozenset[str] = frozenset()
    """Every intent or event that takes this move."""


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
