"""Flows as pictures: Mermaid text anywhere, SVG by a plain layered layout, without any program to be installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from voicebot.dialog.flow import CallPart, Finish, Flow, Go, Repeat, Resume, Return, Route, Sheet, State, Stay
from voicebot.dialog.places import Place

MET, UNMET, WRONG, PLAIN = "#d7f0dc", "#eeeeee", "#f8d0d0", "#e3ecfa"
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 168, 44, 36, 64, 24


@dataclass(frozen=True)
class Colours:
    """What states are coloured by."""

    met: set[tuple[str, str]] | None = None
    """States that tests have met; None leaves coverage out."""
    wrong: frozenset[Place] = frozenset()
    """Places of findings: a state is red when one stands in it."""

    def of(self, sheet: Sheet, state: State) -> str:
        following = min((s.place.line for s in sheet.states.values() if s.place.line > state.place.line), default=10**9)
        if any(p.file == state.place.file and state.place.line <= p.line < following for p in self.wrong):
            return WRONG
        if self.met is None:
            return PLAIN
        return MET if (sheet.name, state.name) in self.met else UNMET


def arrows(sheet: Sheet) -> Iterator[tuple[str, str, str]]:
    """From, to and label of every way on between the states of one sheet. Ends are nodes of their own."""
    for state in sheet.states.values():
        for choice in state.choices:
            yield state.name, choice.go, choice.when.text if choice.when else "否则"
        routes: list[Route] = list(state.routes)
        if state.then is not None:
            routes.append(state.then)
        for route in routes:
            step: Route | None = route
            label = ", ".join(key.text for key in route.keys)
            while step is not None:
                target = _node(step, state.name)
                if target is not None:
                    yield state.name, target, label
                label = f"{label} ×{step.at_most}" if step.at_most else label
                step = step.spent
        if state.handing is not None and state.handing.otherwise:
            yield state.name, state.handing.otherwise, "没有人工"
        if state.ends is not None:
            yield state.name, f"end:{state.ends}", ""
        if state.returns is not None:
            yield state.name, f"return:{state.returns}", ""


def _node(route: Route, here: str) -> str | None:
    match route.target:
        case Go(name):
            return name
        case CallPart(part):
            return f"part:{part}"
        case Finish(disposition):
            return f"end:{disposition}"
        case Return(outcome):
            return f"return:{outcome}"
        case Resume() | Stay() | Repeat():
            return here
    raise AssertionError(route)


def mermaid(flow: Flow, colours: Colours) -> str:
    """A state diagram of the flow and, each in a box of its own, of its parts."""
    lines = ["flowchart TD"]
    for sheet in flow.sheets.values():
        if not sheet.states:
            continue
        lines.append(f'  subgraph {sheet.name}["{_quoted(sheet.title)}"]')
        for state in sheet.states.values():
            said = f"<br/>{state.lines[0]}" if state.lines else ""
            called = f"<br/>→ {state.calls}" if state.calls else ""
            lines.append(f'    {sheet.name}_{state.name}["{state.name}{said}{called}"]')
            lines.append(f"    style {sheet.name}_{state.name} fill:{colours.of(sheet, state)}")
        for start, end, label in arrows(sheet):
            name = end.replace(":", "_")
            if ":" in end:
                lines.append(f'    {sheet.name}_{name}(["{end}"])')
            arrow = f'-- "{_quoted(label)}" -->' if label else "-->"
            lines.append(f"    {sheet.name}_{start} {arrow} {sheet.name}_{name}")
        lines.append("  end")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text.replace('"', "'").replace("<", "‹").replace(">", "›")


def svg(flow: Flow, colours: Colours) -> str:
    """The flow's own states, in layers by their distance from the start."""
    sheet = flow.main
    ways = list(arrows(sheet))
    layers = _layers(sheet, ways)
    place: dict[str, tuple[int, int]] = {}
    for depth, names in enumerate(layers):
        for column, name in enumerate(names):
            place[name] = (_MARGIN + column * (_WIDTH + _GAP_X), _MARGIN + 30 + depth * (_HEIGHT + _GAP_Y))
    width = max(x for x, _ in place.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in place.values()) + _HEIGHT + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#666"/></marker></defs>',
        f'<text x="{_MARGIN}" y="{_MARGIN}" font-size="15">{escape(flow.title)} · {escape(flow.name)} · '
        f"{flow.hash[:12]}</text>",
    ]
    parts.extend(_arrow(place[start], place[end], label) for start, end, label in _joined(ways) if start != end)
    for name, (x, y) in place.items():
        state = sheet.states.get(name)
        fill = colours.of(sheet, state) if state is not None else "#ffffff"
        round_ = 8 if state is not None else 22
        parts.append(
            f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{round_}" fill="{fill}" stroke="#666"/>'
        )
        below = state.calls or (state.lines[0] if state.lines else "") if state is not None else ""
        parts.append(f'<text x="{x + 10}" y="{y + 18}" font-weight="bold">{escape(name)}</text>')
        parts.append(f'<text x="{x + 10}" y="{y + 35}" fill="#444">{escape(below)}</text>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def _joined(ways: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """One arrow between two states, with all its labels."""
    labels: dict[tuple[str, str], list[str]] = {}
    for start, end, label in ways:
        labels.setdefault((start, end), []).append(label)
    return [(start, end, "; ".join(label for label in found if label)) for (start, end), found in labels.items()]


def _layers(sheet: Sheet, ways: list[tuple[str, str, str]]) -> list[list[str]]:
    depth: dict[str, int] = {}
    waiting = [sheet.start or next(iter(sheet.states))]
    depth[waiting[0]] = 0
    while waiting:
        name = waiting.pop(0)
        for start, end, _ in ways:
            if start == name and end not in depth:
                depth[end] = depth[name] + 1
                waiting.append(end)
    last = max(depth.values())
    for name in sheet.states:
        depth.setdefault(name, last + 1)
    for start, end, _ in ways:
        depth.setdefault(end, depth[start] + 1)
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, level in depth.items():
        layers[level].append(name)
    return [layer for layer in layers if layer]


def _arrow(start: tuple[int, int], end: tuple[int, int], label: str) -> str:
    x1, y1 = start[0] + _WIDTH // 2, start[1] + _HEIGHT
    x2, y2 = end[0] + _WIDTH // 2, end[1]
    if end[1] <= start[1]:
        x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
        x2, y2 = end[0] + _WIDTH, end[1] + _HEIGHT // 2
    middle = (y1 + y2) // 2
    shown = label if len(label) <= 26 else f"{label[:25]}…"
    return (
        f'<path d="M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}" fill="none" stroke="#888" marker-end="url(#tip)"/>'
        f'<text x="{(x1 + x2) // 2 + 4}" y="{middle}" font-size="10" fill="#555">{escape(shown)}'
        f"<title>{escape(label)}</title></text>"
    )
