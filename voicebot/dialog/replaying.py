"""Recorded calls through a flow: the caller's side as it was, the machine's as it would be now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from voicebot.dialog.conversation import Conversation, Exchange, Guard, Understand
from voicebot.dialog.events import (
    CallerGone,
    Event,
    GuardStopped,
    HandoffEnded,
    HandoffOutcome,
    Heard,
    LimitReached,
    Pressed,
    SilenceElapsed,
    TimerElapsed,
)
from voicebot.dialog.facts import FactKind, Facts
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library
from voicebot.dialog.machine import Machine
from voicebot.dialog.profile import Profile
from voicebot.dialog.wording import SLOTS
from voicebot.understanding.meaning import Answer, IntentScore, Meaning, Mood, Sentiment, Slot, SlotValue


class TimelineError(Exception):
    """A timeline that cannot be replayed: file, line, and what was expected there."""


@dataclass(frozen=True)
class Entry:
    """One line of a recorded timeline."""

    kind: str
    at: datetime
    data: Mapping[str, Any]


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
    """Entries of a call: JSON Lines with kind, at and data, or one JSON object with `entries`, as the API and `voicebot
    evidence show --json` give it. Raises TimelineError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TimelineError(f"{path}: {error}") from error
    entries = _whole(text) or [
        _entry(line, f"{path}:{number}") for number, line in enumerate(text.splitlines(), 1) if line.strip()
    ]
    if not entries:
        raise TimelineError(f"{path}:1: the timeline is empty")
    return entries


def _whole(text: str) -> list[Entry]:
    """Entries of a document that holds them all; none when the text is JSON Lines."""
    try:
        document = json.loads(text)
    except ValueError:
        return []
    told = document.get("entries") if isinstance(document, dict) else None
    return [_read(item, f"entries[{number}]") for number, item in enumerate(told)] if isinstance(told, list) else []


def _entry(line: str, where: str) -> Entry:
    try:
        return _read(json.loads(line), where)
    except ValueError as error:
        raise TimelineError(f"{where}: not a timeline entry (kind, at, data): {error}") from error


def _read(raw: Any, where: str) -> Entry:
    try:
        data = raw.get("data")
        return Entry(str(raw["kind"]), datetime.fromisoformat(str(raw["at"])), data if isinstance(data, dict) else raw)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise TimelineError(f"{where}: not a timeline entry (kind, at, data): {error}") from error


def replayed(
    entries: Sequence[Entry],
    flow: Flow,
    library: Library,
    facts: Facts,
    understand: Understand,
    guard: Guard,
    *,
    profile: Profile | None = None,
    hear_anew: bool = False,
) -> list[Change]:
    """Plays the caller's side into the flow and compares step by step. After the first step that goes another way the
    rest is still played, since a caller's later words often fit both.

    What the caller meant is taken as it was understood then, so that what differs is the flow's doing; with `hear_anew`
    the words are understood again. Raises FlowError when the facts lack one that the flow needs."""
    talk = Conversation(Machine(flow, library, facts, profile=profile), entries[0].at, understand, guard)
    steps = list(_steps(entries, library))
    changes = list(_compared(talk.start(), steps[0]))
    for step in steps[1:]:
        if talk.state.over:
            if step.kind not in _LAST:
                changes.append(
                    Change(step.at.isoformat(), "disposition", "the call went on", str(talk.state.disposition))
                )
            break
        talk.now = step.at
        anew = hear_anew or "intents" not in step.data
        changes.extend(_compared(_play(talk, step, understand if anew else None), step))
    recorded = next((entry.data["disposition"] for entry in reversed(entries) if "disposition" in entry.data), None)
    if recorded is not None and talk.state.over and recorded != talk.state.disposition:
        changes.append(Change(entries[-1].at.isoformat(), "disposition", str(recorded), str(talk.state.disposition)))
    return changes


@dataclass
class _Step:
    kind: str
    at: datetime
    data: Mapping[str, Any]
    said: tuple[str, ...] = ()
    state: str | None = None


_CALLER = {"turn.heard", "dtmf.entered", "silence", "handoff.ended", "caller.gone", "limit"}
_OF_THE_CALL = {"TimerElapsed": "hold", "GuardStopped": "guard"}
"""Events that no entry of their own tells of: the decision about them does."""
_LAST = {"caller.gone", "hold"}
"""What may follow the end of a dialog and changes nothing in it."""


def _steps(entries: Sequence[Entry], library: Library) -> Iterator[_Step]:
    """What happened to the machine, each with what it did about it; the first is the opening."""
    current = _Step("start", entries[0].at, {})
    stopped: Mapping[str, Any] = {}
    for entry in entries:
        if entry.kind in _CALLER:
            yield current
            current = _Step(entry.kind, entry.at, entry.data)
        elif entry.kind == "line.said" and entry.data.get("line") in library:
            current.said = (*current.said, str(entry.data["line"]))
        elif entry.kind == "guard.verdict":
            stopped = entry.data
        elif entry.kind == "dialog.decision":
            if (event := str(entry.data.get("event"))) in _OF_THE_CALL:
                yield current
                current = _Step(_OF_THE_CALL[event], entry.at, stopped if event == "GuardStopped" else {})
            current.state = str(entry.data.get("state"))
    yield current


def _play(talk: Conversation, step: _Step, understand: Understand | None) -> Exchange:
    """One step; the caller's words are understood again when there is something to understand them with."""
    text = str(step.data.get("text", "")) if step.kind == "turn.heard" else ""
    meaning = understand(text, talk.context()) if understand and step.kind == "turn.heard" else None
    try:
        event = _event(step, meaning)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        what = f"what {step.kind} of {step.at.isoformat()} says cannot be read"
        raise TimelineError(f"{what}: {type(error).__name__} {error}") from error
    return talk.feed(event, text)


def _event(step: _Step, meaning: Meaning | None) -> Event:
    data, at = step.data, step.at
    match step.kind:
        case "turn.heard":
            confident, over = bool(data.get("confident", True)), data.get("interrupted_line")
            return Heard(meaning or _meaning(data), at, confident=confident, interrupted_line=over)
        case "dtmf.entered":
            return Pressed(str(data.get("digits", "")), at)
        case "silence":
            return SilenceElapsed(at)
        case "handoff.ended":
            return HandoffEnded(HandoffOutcome(str(data.get("outcome", "no_answer"))), at)
        case "hold":
            return TimerElapsed("hold", at)
        case "limit":
            return LimitReached(str(data.get("limit", "")), at)
        case "guard":
            return GuardStopped(str(data["line"]), str(data["action"]), str(data.get("category")), at)
        case _:
            return CallerGone(at)


def _meaning(data: Mapping[str, Any]) -> Meaning:
    """What a turn was taken to mean when it was heard."""
    text = str(data.get("text", ""))
    answer = data.get("answer")
    return Meaning(
        raw=text,
        text=str(data.get("normalised_text", text)),
        intents=tuple(IntentScore(str(one["id"]), float(one["confidence"]), "recorded") for one in data["intents"]),
        answer=Answer(answer) if answer else None,
        slots={
            name: Slot(
                name,
                _value(name, slot.get("value")),
                str(slot.get("text", "")),
                approximate=bool(slot.get("approximate")),
                needs_clarification=bool(slot.get("needs_clarification")),
            )
            for name, slot in dict(data.get("slots") or {}).items()
        },
        sentiment=Sentiment(
            Mood(data.get("mood", "calm")), float(data.get("intensity", 0.0)), float(data.get("distress", 0.0))
        ),
        correction=bool(data.get("correction")),
    )


def _value(name: str, told: object) -> SlotValue | None:
    """A slot's value from the text that the timeline keeps of it."""
    if told is None:
        return None
    text = str(told)
    match SLOTS.get(name):
        case FactKind.MONEY:
            return Decimal(text)
        case FactKind.DATE:
            return datetime.fromisoformat(text) if " " in text or "T" in text else date.fromisoformat(text)
        case FactKind.TIME:
            return datetime.fromisoformat(text)
        case FactKind.COUNT:
            return int(text)
        case _:
            return text


def _compared(exchange: Exchange, step: _Step) -> Iterator[Change]:
    at = exchange.event.at.isoformat() if exchange.event is not None else "start"
    now = tuple(say.line for say in exchange.said)
    if (step.said or now) and now != step.said:
        yield Change(at, "lines", ", ".join(step.said), ", ".join(now))
    if step.state is not None and step.state != exchange.state.where:
        yield Change(at, "state", step.state, exchange.state.where)
    for say, verdict in exchange.verdicts:
        if not verdict.allowed:
            yield Change(at, "guard", "allowed", f"{say.line}: {verdict.category}")
