"""A flow as the machine runs it: compiled from YAML, every name resolved, every part with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from voicebot.dialog.condition import Condition
from voicebot.dialog.places import Place, Trail
from voicebot.understanding.meaning import Expecting

SO_FAR = "so_far"
"""`end: so_far`: the disposition is whatever the call has come to."""


# --- where a route leads ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Go:
    """To a state of the sheet that has the route."""

    state: str


@dataclass(frozen=True)
class Resume:
    """Ask the open question again, below the digression if there is one."""


@dataclass(frozen=True)
class Stay:
    """Go on listening without a word."""


@dataclass(frozen=True)
class Repeat:
    """Say the last lines again."""

    manner: str
    """same, slower or simpler."""


@dataclass(frozen=True)
class CallPart:
    """Into another sheet, and back when it returns."""

    part: str


@dataclass(frozen=True)
class Finish:
    disposition: str


@dataclass(frozen=True)
class Return:
    """Out of a sub-flow, with one of its outcomes."""

    outcome: str


Target = Go | Resume | Stay | Repeat | CallPart | Finish | Return


@dataclass(frozen=True)
class Changes:
    """What becomes known, on entering a state or on taking a route."""

    flags: tuple[str, ...] = ()
    party: str | None = None
    closes_money: bool = False
    manner: str | None = None
    clear: tuple[str, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)
    outcome: str | None = None


NO_CHANGES = Changes()


@dataclass(frozen=True)
class Key:
    """What a route answers."""

    text: str
    """As the author wrote it, one of the comma-separated alternatives."""
    all_of: tuple[str, ...]
    """Events that must all be present: intents, affirms, silence, key 1, timer x, mood angry, ..."""


@dataclass(frozen=True)
class Route:
    """What happens when its key does."""

    id: str
    """Unique in the sheet: state and key, for counters, coverage and messages."""
    keys: tuple[Key, ...]
    target: Target
    place: Place
    say: tuple[str, ...] = ()
    changes: Changes = NO_CHANGES
    note: str | None = None
    """Flag set whenever the key is heard, even when another route leads."""
    at_most: int | None = None
    spent: Route | None = None
    """Taken instead once it has been taken `at_most` times."""
    trail: Trail = ()
    """Keys down to it in its file."""

    def trails(self, key: str) -> tuple[Trail, ...]:
        """Where its way on may stand in its file: under its key, behind a bare `then`, or as all that is written."""
        return (*self.trail, key), (*self.trail, "then"), self.trail

    @property
    def is_aside(self) -> bool:
        """A bare answer, after which the conversation goes on where it was: it may be given before another route is
        followed."""
        return bool(self.say) and isinstance(self.target, Resume) and self.changes == NO_CHANGES


@dataclass(frozen=True)
class Listening:
    """How a state listens."""

    silence_seconds: float
    expecting: Expecting
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Collecting:
    """What a state wants to be told."""

    slots: Mapping[str, str | None]
    """Slot to the line that asks for it alone."""
    by_keys: bool
    digits: int
    partial: str | None
    at_most: int


@dataclass(frozen=True)
class Choice:
    when: Condition | None
    """None is otherwise."""
    go: str
    place: Place


@dataclass(frozen=True)
class Handing:
    because: str
    skill: str
    urgent: bool
    otherwise: str | None
    """State of the sheet to go to when nobody takes the call."""


@dataclass(frozen=True)
class Recording:
    """What a state writes down for the case."""

    promise: tuple[str, str] | None = None
    """Slots of amount and date."""
    callback: tuple[str, str | None] | None = None
    """Slots of time and number."""
    plan: str | None = None
    """Slot of the number of instalments."""
    message: tuple[str, tuple[str, ...]] | None = None
    """Template and facts."""


@dataclass(frozen=True)
class State:
    """One state of a sheet. First it changes and records, then it speaks, then it listens or goes on."""

    name: str
    place: Place
    changes: Changes = NO_CHANGES
    recording: Recording = Recording()
    say: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    interruptible: bool = True
    """Of what it says. Its question may always be answered before it has ended."""
    listening: Listening | None = None
    collecting: Collecting | None = None
    confirming: tuple[str, ...] = ()
    check: str | None = None
    """Slot that must equal the case's fact of the same meaning to grant right party."""
    choices: tuple[Choice, ...] = ()
    calls: str | None = None
    handing: Handing | None = None
    ends: str | None = None
    returns: str | None = None
    timers: Mapping[str, float] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    then: Route | None = None
    trail: Trail = ()
    """Keys down to it in its file; of a state made for a route that hands over, those of the route."""

    @property
    def listens(self) -> bool:
        return self.listening is not None

    @property
    def lines(self) -> tuple[str, ...]:
        """Every line that it may say itself, without those of its routes."""
        found = [*self.say, *self.ask]
        if self.collecting is not None:
            found.extend(line for line in self.collecting.slots.values() if line)
            if self.collecting.partial:
                found.append(self.collecting.partial)
        return tuple(found)


@dataclass(frozen=True)
class Sheet:
    """One file: a flow, a sub-flow, or a set of answers that flows include."""

    name: str
    title: str
    file: str
    start: str | None
    states: Mapping[str, State]
    always: tuple[Route, ...]
    include: tuple[str, ...]
    returns: tuple[str, ...]
    facts: tuple[str, ...]
    sealed: bool
    """True when what the sheets below it answer does not hold in it: there is no way back to them by a word."""
    switched_off: Mapping[str, str]
    """Rule to reason."""
    place: Place

    def every_route(self) -> Iterator[tuple[State | None, Route]]:
        """Routes with the state they belong to (None for `always`), those taken when spent included."""
        for state, routes in [(None, self.always), *((state, state.routes) for state in self.states.values())]:
            for route in routes:
                step: Route | None = route
                while step is not None:
                    yield state, step
                    step = step.spent
        for state in self.states.values():
            if state.then is not None:
                yield state, state.then


@dataclass(frozen=True)
class Flow:
    """A flow with the sheets it uses. `voicebot.dialog.loader.load_flow(name_or_path, library)` makes one."""

    name: str
    title: str
    language: str
    direction: str
    """outbound, inbound or voicemail."""
    policy: str
    """Rule pack: cn, us, ..."""
    facts: tuple[str, ...]
    """Facts that the case must have."""
    priority: tuple[str, ...]
    turns: int
    """Turns of the caller after which the call is closed."""
    sheets: Mapping[str, Sheet]
    """Itself, its parts and what it includes, by name."""
    hash: str
    """SHA-256 over the flow, its sub-flows and its lines: the version a call keeps."""

    @property
    def main(self) -> Sheet:
        return self.sheets[self.name]

    def state(self, sheet: str, name: str) -> State:
        return self.sheets[sheet].states[name]

    def scope(self, sheets: tuple[str, ...]) -> tuple[tuple[str, Route], ...]:
        """`always` routes that hold with these sheets on the stack, innermost first, each with its sheet."""
        found: list[tuple[str, Route]] = []
        seen: set[str] = set()
        for name in reversed(sheets):
            self._always(name, found, seen)
            if self.sheets[name].sealed:
                break
        return tuple(found)

    def _always(self, name: str, found: list[tuple[str, Route]], seen: set[str]) -> None:
        if name in seen:
            return
        seen.add(name)
        sheet = self.sheets[name]
        found.extend((name, route) for route in sheet.always)
        for included in sheet.include:
            self._always(included, found, seen)
