"""Recordings of calls with what is true of them: who speaks when, and what each pause is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from voicebot.speech.wav import Recording
from voicebot.understanding.meaning import Expecting


class SpeechKind(Enum):
    """What a stretch of the caller's sound is."""

    TURN = "turn"
    """An answer or a question of the caller's own."""
    BARGE_IN = "barge_in"
    """Begun while the bot speaks, and meant to stop it."""
    BACKCHANNEL = "backchannel"
    """A sign of listening: the bot must go on."""
    NOISE = "noise"
    """No words: a cough, a car, a child. The bot must go on."""


class PauseKind(Enum):
    """What the caller's silence is."""

    WITHIN_TURN = "within_turn"
    """The caller thinks, breathes or looks something up, and goes on: the bot must wait."""
    END_OF_TURN = "end_of_turn"
    """The caller has finished: the bot must answer."""


@dataclass(frozen=True)
class BotLine:
    """The bot speaks."""

    begins: float
    ends: float
    """Seconds from the beginning of the recording."""
    text: str = ""
    expecting: Expecting = Expecting.NOTHING
    """What the line asks for."""
    digits: int = 0
    """Digits asked for; 0 when none are."""
    interruptible: bool = True


@dataclass(frozen=True)
class CallerSpeech:
    """The caller makes a sound."""

    begins: float
    ends: float
    kind: SpeechKind
    text: str = ""


@dataclass(frozen=True)
class Pause:
    """The caller is silent after having spoken."""

    begins: float
    """Second of the last sound before it."""
    ends: float
    """Second at which the caller goes on, or the annotated end."""
    kind: PauseKind


@dataclass(frozen=True)
class AnnotatedCall:
    """One recording and the truth about it."""

    name: str
    caller: Recording
    language: str
    lines: tuple[BotLine, ...]
    speech: tuple[CallerSpeech, ...]
    pauses: tuple[Pause, ...]
    """All in order of time."""
