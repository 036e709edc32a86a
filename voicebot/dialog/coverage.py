"""What conversations have been through: states, routes, lines; and with file and line, what they never met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from voicebot.dialog.conversation import Exchange
from voicebot.dialog.flow import Flow, Route, Sheet, State
from voicebot.dialog.library import Library
from voicebot.dialog.places import Place

Named = tuple[str, str]
"""Sheet, and the name of a state or route in it; or language, and the id of a line."""


@dataclass
class Coverage:
    """Met, of what there is to meet, over any number of flows: a part counts once however many flows use it."""

    states: dict[Named, Place] = field(default_factory=dict)
    routes: dict[Named, Place] = field(default_factory=dict)
    lines: dict[Named, Place] = field(default_factory=dict)
    met_states: set[Named] = field(default_factory=set)
    met_routes: set[Named] = field(default_factory=set)
    met_lines: set[Named] = field(default_factory=set)
    _flows: set[tuple[str, str]] = field(default_factory=set)

    def expect(self, flow: Flow, library: Library) -> None:
        """Everything of a flow is to be met."""
        if (flow.name, flow.hash) in self._flows:
            return
        self._flows.add((flow.name, flow.hash))
        for sheet in flow.sheets.values():
            for state in sheet.states.values():
                self.states[(sheet.name, state.name)] = state.place
                for line in state.lines:
                    self.lines[(library.language, line)] = library[line].place
                for choice in state.choices:
                    self.routes[(sheet.name, f"{state.name}: choose {choice.go}")] = choice.place
            for _, route in routes_of(sheet):
                self.routes[(sheet.name, route.id)] = route.place
                for line in route.say:
                    self.lines[(library.language, line)] = library[line].place

    def add(self, exchange: Exchange) -> None:
        """Counts one exchange."""
        self.met_states.update(exchange.trace.states)
        self.met_routes.update(exchange.trace.routes)
        self.met_lines.update((exchange.state.language, line) for line in exchange.trace.lines)

    def share(self) -> dict[str, float]:
        """Fractions met: states, routes, lines."""
        return {
            "states": _share(self.states, self.met_states),
            "routes": _share(self.routes, self.met_routes),
            "lines": _share(self.lines, self.met_lines),
        }

    def never(self) -> list[tuple[str, str, Place]]:
        """Kind, name and place of everything that was never met, in file order."""
        found = [
            ("state", f"{sheet}.{name}", self.states[sheet, name])
            for sheet, name in self.states.keys() - self.met_states
        ]
        found += [
            ("route", f"{sheet}.{name}", self.routes[sheet, name])
            for sheet, name in self.routes.keys() - self.met_routes
        ]
        found += [
            ("line", f"{language}:{name}", self.lines[language, name])
            for language, name in self.lines.keys() - self.met_lines
        ]
        return sorted(found, key=lambda item: (item[2], item[1]))


def routes_of(sheet: Sheet) -> Iterator[tuple[State | None, Route]]:
    """Routes that the machine records when it takes them."""
    return sheet.every_route()


def _share(there: Iterable[Named], met: set[Named]) -> float:
    wanted = list(there)
    return sum(item in met for item in wanted) / len(wanted) if wanted else 1.0
