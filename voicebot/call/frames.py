"""The engine's own frames. All survive an interruption: what was heard or decided is never dropped by a barge-in."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipecat.frames.frames import DataFrame

from compliance_filters.verdict import Verdict
from voicebot.dialog.events import Say
from voicebot.understanding.meaning import VoiceStats


@dataclass
class TurnFrame(DataFrame):
    """One turn of the caller as it was recognised. Hearing to conversation."""

    interruptible: bool = field(default=False, init=False)
    text: str = ""
    digits: str = ""
    """What was said if it was nothing but digits, where digits were asked for."""
    confident: bool = True
    confidence: float = 0.0
    voice: VoiceStats | None = None
    began: float = 0.0
    """Media seconds of its first sound."""
    ended: float = 0.0
    """Media seconds of its last sound."""
    interrupted_line: str | None = None
    engine: str = ""
    endpoint_seconds: float = 0.0
    """From the last sound to the decision that the turn was over."""
    recognition_seconds: float = 0.0
    """From that decision to the words: what recognition cost beyond the silence it ran in."""


@dataclass
class DigitsFrame(DataFrame):
    """Keys pressed and complete. Hearing to conversation."""

    interruptible: bool = field(default=False, init=False)
    digits: str = ""
    pressed: float = 0.0
    """Media seconds of the first key."""


@dataclass
class LineFrame(DataFrame):
    """A line that the dialog wants spoken. Conversation to guard; nothing after the guard understands it."""

    interruptible: bool = field(default=False, init=False)
    say: Say | None = None
    number: int = 0
    """Place of the line in the call: 1, 2, 3, ..."""


@dataclass
class GuardedLineFrame(DataFrame):
    """A line that the guard let through, in the words it let through. Guard to speaking."""

    interruptible: bool = field(default=False, init=False)
    say: Say | None = None
    number: int = 0
    text: str = ""
    verdict: Verdict | None = None
    """The verdict on exactly `text`; it allows it."""
