"""Where a conversation stands: one immutable value that can be stored, compared, undone and replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from voicebot.understanding.meaning import Expecting, SlotValue


class Phase(Enum):
    """What the dialog waits for."""

    LISTENING = "listening"
    HANDING_OFF = "handing_off"
    """A human was asked for; `HandoffEnded` is awaited."""
    OVER = "over"


@dataclass(frozen=True)
class Frame:
    """One flow on the stack, and the state it is in."""

    flow: str
    state: str
    digression: bool = False
    """Entered by an `always` route: when it is done, the conversation resumes below it."""


@dataclass(frozen=True)
class Kept:
    """A slot that a state collected."""

    value: SlotValue
    words: str
    """What the caller said, raw."""
    approximate: bool = False


@dataclass(frozen=True)
class Digits:
    """One piece of an entry that comes by keys, by voice, or by both."""

    text: str
    at: datetime
    """The pieces are put in the order in which they were given, whatever order they arrived in."""


@dataclass(frozen=True)
class DialogState:
    """Everything the machine remembers between two events. JSON by `to_json` and back by `from_json`."""

    flow: str
    flow_hash: str
    """Version of the flow with its sub-flows and lines: the call keeps the version it began with."""
    stack: tuple[Frame, ...]
    phase: Phase = Phase.LISTENING
    disposition: str | None = None
    """How the attempt ended; None until it is over."""
    outcome: str | None = None
    """What the call has come to so far: the disposition if the caller hangs up now."""
    language: str = "zh-CN"
    right_party: bool = False
    """The debtor, verified."""
    party: str = "unknown"
    """A value of compliance_filters.verdict.Party."""
    money_closed: bool = False
    """Money may not be asked for any more in this call: stop contact, lawyer, deceased, minor, risk, dispute."""
    slots: Mapping[str, Kept] = field(default_factory=dict)
    fresh: Mapping[str, Kept] = field(default_factory=dict)
    """Slots of the last turn, until the next turn: what a collecting state finds already said."""
    heard_intents: tuple[str, ...] = ()
    """Intents of the last turn."""
    digits: tuple[Digits, ...] = ()
    """Pieces of the entry that is being collected."""
    counters: Mapping[str, int] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    disclosed: tuple[str, ...] = ()
    """ai, recording, identity, ...: heard to the end by the caller."""
    said: tuple[str, ...] = ()
    """Ids of the lines of the last step that spoke: what a repeat repeats."""
    unsaid: str = ""
    """What the caller did not hear of the last interrupted line."""
    elderly: bool = False
    rate: float = 1.0
    expecting: Expecting = Expecting.NOTHING
    moods: tuple[str, ...] = ()
    """Mood of the last turns, newest last."""
    turns: int = 0
    stated_amounts: tuple[Decimal, ...] = ()
    handoff: str | None = None
    """Reason of the handoff under way."""
    case_id: str | None = None
    """Which of several cases the call is about, once the caller has shown it."""
    ahead: int | None = None
    """Callers who wait before this one for a human, as the caller was last told."""

    @property
    def over(self) -> bool:
        return self.phase is Phase.OVER

    @property
    def where(self) -> str:
        """Name of the state, sub-flows joined with a slash."""
        return "/".join(
            frame.state if index == 0 else f"{frame.flow}.{frame.state}" for index, frame in enumerate(self.stack)
        )

    def with_(self, **changes: Any) -> DialogState:
        return replace(self, **changes)

    def to_json(self) -> str:
        """Canonical JSON: equal states give equal text."""
        return json.dumps(
            {f.name: _plain(getattr(self, f.name)) for f in fields(self)}, ensure_ascii=False, sort_keys=True
        )

    @classmethod
    def from_json(cls, text: str) -> DialogState:
        """The state that `to_json` wrote. Raises ValueError for anything else."""
        raw = json.loads(text)
        if not isinstance(raw, dict) or set(raw) != {f.name for f in fields(cls)}:
            raise ValueError("not a dialog state, or one of another version")
        return cls(
            **{
                **raw,
                "stack": tuple(Frame(**frame) for frame in raw["stack"]),
                "phase": Phase(raw["phase"]),
                "slots": {name: _kept(kept) for name, kept in raw["slots"].items()},
                "fresh": {name: _kept(kept) for name, kept in raw["fresh"].items()},
                "digits": tuple(Digits(piece["text"], datetime.fromisoformat(piece["at"])) for piece in raw["digits"]),
                "expecting": Expecting(raw["expecting"]),
                "stated_amounts": tuple(Decimal(amount["amount"]) for amount in raw["stated_amounts"]),
                **{name: tuple(raw[name]) for name in ("heard_intents", "flags", "disclosed", "said", "moods")},
            }
        )


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return {"amount": str(value)}
        case datetime():
            return {"time": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case Enum():
            return value.value
        case Frame():
            return {"flow": value.flow, "state": value.state, "digression": value.digression}
        case Kept():
            return {"value": _plain(value.value), "words": value.words, "approximate": value.approximate}
        case Digits():
            return {"text": value.text, "at": value.at.isoformat()}
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case _:
            return value


def _kept(raw: Mapping[str, Any]) -> Kept:
    value = raw["value"]
    if isinstance(value, dict):
        match next(iter(value.items())):
            case ("amount", text):
                value = Decimal(text)
            case ("time", text):
                value = datetime.fromisoformat(text)
            case ("date", text):
                value = date.fromisoformat(text)
    return Kept(value, raw["words"], raw["approximate"])
