"""What changed between two versions of a flow, in an author's terms."""

from __future__ import annotations

from dataclasses import dataclass

from voicebot.dialog.drawing import arrows
from voicebot.dialog.flow import Flow, Sheet
from voicebot.dialog.library import Library


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was."""

    kind: str
    """state, way, always, line."""
    name: str
    before: str
    """Empty when it is new."""
    after: str
    """Empty when it is gone."""


def differences(old: Flow, old_library: Library, new: Flow, new_library: Library) -> list[Difference]:
    """States, ways and words, over the flow and all its parts."""
    found: list[Difference] = []
    for name in sorted(old.sheets.keys() | new.sheets.keys()):
        label = f"{name}." if name not in (old.name, new.name) else ""
        _compare("state", _states(old.sheets.get(name)), _states(new.sheets.get(name)), found, label)
        _compare("way", _ways(old.sheets.get(name)), _ways(new.sheets.get(name)), found, label)
        _compare("always", _always(old.sheets.get(name)), _always(new.sheets.get(name)), found, label)
    if old.name != new.name:
        _compare("state", _states(old.main), _states(new.main), found, "")
        _compare("way", _ways(old.main), _ways(new.main), found, "")
    _compare("line", _lines(old, old_library), _lines(new, new_library), found, "")
    return list(dict.fromkeys(found))


def _compare(kind: str, before: dict[str, str], after: dict[str, str], found: list[Difference], label: str) -> None:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, ""), after.get(name, "")
        if was != now:
            found.append(Difference(kind, f"{label}{name}", was, now))


def _states(sheet: Sheet | None) -> dict[str, str]:
    if sheet is None:
        return {}
    return {name: " ".join(state.lines) or "·" for name, state in sheet.states.items()}


def _ways(sheet: Sheet | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for start, end, label in arrows(sheet) if sheet is not None else ():
        key = f"{start} --{label}"
        found[key] = f"{found[key]}, {end}" if key in found else end
    return found


def _always(sheet: Sheet | None) -> dict[str, str]:
    if sheet is None:
        return {}
    return {route.id: f"{' '.join(route.say)} {route.target} {route.at_most or ''}".strip() for route in sheet.always}


def _lines(flow: Flow, library: Library) -> dict[str, str]:
    names = {line for sheet in flow.sheets.values() for state in sheet.states.values() for line in state.lines}
    names |= {line for sheet in flow.sheets.values() for _, route in sheet.every_route() for line in route.say}
    return {name: " | ".join(library[name].texts) for name in names}
