"""Recorded calls through a flow: the caller's side as it was, the machine's as it would be now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from voicebot.dialog.conversation import Conversation, Exchange, Guard, Understand
from voicebot.dialog.events import HandoffOutcome
from voicebot.dialog.facts import Facts
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library
from voicebot.dialog.machine import Machine


class TimelineError(Exception):
    """A timeline that cannot be replayed: file, line, and what was expected there."""


@dataclass(frozen=True)
class Entry:
    """One line of a recorded timeline."""

    kind: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """Where a call would now go differently."""

    at: str
    what: str
    """state, lines, guard or disposition."""
    before: str
    after: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def read_timeline(path: Path) -> list[Entry]:
    """JSON Lines, one entry a line with kind, at and data. Raises TimelineError."""
    entries: list[Entry] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TimelineError(f"{path}: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            data = raw.get("data")
            entries.append(
                Entry(str(raw["kind"]), datetime.fromisoformat(str(raw["at"])), data if isinstance(data, dict) else raw)
            )
        except (ValueError, KeyError, AttributeError) as error:
            raise TimelineError(f"{path}:{number}: not a timeline entry (kind, at, data): {error}") from error
    if not entries:
        raise TimelineError(f"{path}:1: the timeline is empty")
    return entries


def replayed(
    entries: Sequence[Entry],
    flow: Flow,
    library: Library,
    facts: Facts,
    understand: Understand,
    guard: Guard,
) -> list[Change]:
    """Plays the caller's side into the flow and compares step by step. After the first step that goes another way the
    rest is still played, since a caller's later words often fit both."""
    talk = Conversation(Machine(flow, library, facts), entries[0].at, understand, guard)
    changes: list[Change] = []
    steps = list(_steps(entries))
    exchange = talk.start()
    changes.extend(_compared(exchange, steps[0].said if steps else (), steps[0].state if steps else None))
    for step in steps[1:]:
        if talk.state.over:
            changes.append(Change(step.at.isoformat(), "disposition", "the call went on", str(talk.state.disposition)))
            break
        talk.now = step.at
        exchange = _play(talk, step)
        changes.extend(_compared(exchange, step.said, step.state))
    recorded = next((entry.data.get("disposition") for entry in reversed(entries) if "disposition" in entry.data), None)
    if recorded is not None and talk.state.over and recorded != talk.state.disposition:
        changes.append(Change(entries[-1].at.isoformat(), "disposition", str(recorded), str(talk.state.disposition)))
    return changes


@dataclass
class _Step:
    kind: str
    at: datetime
    data: dict[str, Any]
    said: tuple[str, ...] = ()
    state: str | None = None


_CALLER = {"turn.heard", "dtmf.entered", "silence", "handoff.ended", "caller.gone"}


def _steps(entries: Sequence[Entry]) -> Iterator[_Step]:
    """What the caller did, each with what the machine did about it; the first is the opening."""
    current = _Step("start", entries[0].at, {})
    for entry in entries:
        if entry.kind in _CALLER:
            yield current
            current = _Step(entry.kind, entry.at, entry.data)
        elif entry.kind == "line.said":
            current.said = (*current.said, str(entry.data.get("line")))
        elif entry.kind == "dialog.decision":
            current.state = str(entry.data.get("state"))
    yield current


def _play(talk: Conversation, step: _Step) -> Exchange:
    match step.kind:
        case "turn.heard":
            return talk.says(
                str(step.data.get("text", "")),
                confident=bool(step.data.get("confident", True)),
                over=step.data.get("interrupted_line"),
            )
        case "dtmf.entered":
            return talk.presses(str(step.data.get("digits", "")))
        case "silence":
            return talk.stays_silent()
        case "handoff.ended":
            return talk.agent(HandoffOutcome(str(step.data.get("outcome", "no_answer"))))
        case _:
            return talk.hangs_up()


def _compared(exchange: Exchange, said: tuple[str, ...], state: str | None) -> Iterator[Change]:
    at = exchange.event.at.isoformat() if exchange.event is not None else "start"
    now = tuple(say.line for say in exchange.said)
    if said and now != said:
        yield Change(at, "lines", ", ".join(said), ", ".join(now))
    if state is not None and state != exchange.state.where:
        yield Change(at, "state", state, exchange.state.where)
    for say, verdict in exchange.verdicts:
        if not verdict.allowed:
            yield Change(at, "guard", "allowed", f"{say.line}: {verdict.category}")
