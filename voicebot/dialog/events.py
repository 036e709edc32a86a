"""What happens to a dialog and what it decides to do: the two vocabularies of `Machine.step`.

Times are media times (seconds since the call was answered) unless a field says `datetime`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from voicebot.understanding.meaning import Expecting, Meaning


# --- what happens -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Started:
    """The call was answered and the dialog may speak."""

    at: datetime


@dataclass(frozen=True)
class Heard:
    """A turn of the caller, complete and understood."""

    meaning: Meaning
    at: datetime
    confident: bool = True
    """False when the recogniser was unsure of its words: the flow's `else` asks again rather than acting."""
    interrupted_line: str | None = None
    """Id of the line the caller spoke over, None when the bot was silent."""


@dataclass(frozen=True)
class Pressed:
    """Keys pressed and complete, by terminator, by length or by time-out."""

    digits: str
    at: datetime


@dataclass(frozen=True)
class SilenceElapsed:
    """Nothing was heard for as long as the last `Listen` asked for."""

    at: datetime


@dataclass(frozen=True)
class LineHeard:
    """How much of a line the caller heard: the whole of it, or up to a barge-in or a hang-up."""

    line: str
    played_seconds: float
    complete: bool
    heard_text: str
    """The part that was played, by share of the audio."""
    unsaid_text: str
    at: datetime


@dataclass(frozen=True)
class GuardStopped:
    """The guard did not let a line through as written."""

    line: str
    action: str
    """soften, replace, hand_off or end: a value of compliance_filters.verdict.Action."""
    category: str
    at: datetime


@dataclass(frozen=True)
class TimerElapsed:
    """A timer that a state had set."""

    name: str
    at: datetime


class HandoffOutcome(Enum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    NOBODY_FREE = "nobody_free"
    CALLER_GONE = "caller_gone"
    LEFT_QUEUE = "left_queue"
    """The caller would rather be called back, or needs somebody sooner."""


@dataclass(frozen=True)
class HandoffEnded:
    """What became of a `RequestHandoff`. After ACCEPTED the dialog is over; after any other it goes on."""

    outcome: HandoffOutcome
    at: datetime


@dataclass(frozen=True)
class QueueMoved:
    """The caller waits for a human: time to say where they stand."""

    ahead: int
    """Callers who are served before this one."""
    at: datetime


@dataclass(frozen=True)
class CallerGone:
    """The caller hung up."""

    at: datetime


@dataclass(frozen=True)
class LimitReached:
    """A hard limit of the call outside the dialog (longest call, hold): say goodbye at once."""

    limit: str
    at: datetime


Event = (
    Started
    | Heard
    | Pressed
    | SilenceElapsed
    | LineHeard
    | GuardStopped
    | TimerElapsed
    | HandoffEnded
    | QueueMoved
    | CallerGone
    | LimitReached
)


# --- what is decided --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Say:
    """Speak a line of the library. Lines of one step are spoken in order."""

    line: str
    """Id in the scripts library, such as common.greet."""
    text: str
    """With every fact filled in, as it is to be read aloud."""
    language: str
    interruptible: bool = True
    rate: float = 1.0
    discloses: frozenset[str] = frozenset()
    """ai, recording, identity, debt, ...: counted as disclosed only when the line was heard to its end."""
    expecting: Expecting = Expecting.NOTHING


@dataclass(frozen=True)
class Listen:
    """Wait for the caller after the lines before it have been heard."""

    silence_seconds: float
    expecting: Expecting = Expecting.NOTHING
    digits: int = 0
    """Number of keys that complete a DTMF entry; 0 means that a single key is an entry."""
    phrases: tuple[str, ...] = ()
    """Words likely now, for the recogniser."""


@dataclass(frozen=True)
class SetTimer:
    name: str
    seconds: float


@dataclass(frozen=True)
class SetCallState:
    """Facts that the guard must know from now on; names and values of compliance_filters.verdict.CallState."""

    changes: Mapping[str, object]


@dataclass(frozen=True)
class RecordPromise:
    """The caller promised and confirmed it."""

    amount: Decimal
    on: date
    partial: bool
    words: str
    """What the caller said, raw."""


@dataclass(frozen=True)
class RecordCallback:
    """The caller asked to be called at a time, read back and confirmed."""

    at: datetime
    number: str | None = None


@dataclass(frozen=True)
class RecordPlan:
    """The caller asked for instalments: a request, never an approval."""

    instalments: int | None
    reason: str | None = None


@dataclass(frozen=True)
class SetFlag:
    """Something the case must know: dispute, stop_contact, deceased, wrong_number, vulnerable, ..."""

    flag: str
    note: str = ""


@dataclass(frozen=True)
class SendMessage:
    template: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChooseCase:
    """The caller turned out to be one of several whom the call may be about."""

    case_id: str


@dataclass(frozen=True)
class RequestHandoff:
    """Ask for a human. The call waits with the caller; the outcome comes back as HandoffEnded."""

    because: str
    skill: str = "agent"
    urgent: bool = False


@dataclass(frozen=True)
class LeaveQueue:
    """Stop looking for a human: the search that `RequestHandoff` began is over, and nothing more is told of it."""


@dataclass(frozen=True)
class End:
    """Hang up after the last line was heard."""

    disposition: str


Action = (
    Say
    | Listen
    | SetTimer
    | SetCallState
    | RecordPromise
    | RecordCallback
    | RecordPlan
    | SetFlag
    | SendMessage
    | ChooseCase
    | RequestHandoff
    | LeaveQueue
    | End
)


@dataclass(frozen=True)
class Decision:
    """Actions of one step, and why: shown by `flow chat`, kept in the timeline."""

    actions: tuple[Action, ...]
    state: str
    """Name of the state the dialog is in after the step, sub-flows joined with a slash."""
    why: str
    """The event, the route that matched, and its place (file:line)."""
