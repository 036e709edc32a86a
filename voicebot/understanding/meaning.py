"""What one turn of the caller meant: the value that passes from understanding to dialog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum


class Answer(Enum):
    """What a turn says to a question that can be answered yes or no."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    """Neither: 可能吧, 再说吧."""


class Expecting(Enum):
    """What the bot has just asked for; it sharpens a short answer."""

    NOTHING = "nothing"
    IDENTITY = "identity"
    """请问您是王女士吗: a bare yes confirms the person, a bare no denies it."""
    YES_NO = "yes_no"
    DIGITS = "digits"
    DATE = "date"
    AMOUNT = "amount"
    DATE_AND_AMOUNT = "date_and_amount"
    TIME = "time"
    """A time to call back."""
    COUNT = "count"
    """A number of instalments."""
    REASON = "reason"
    OPEN = "open"


class Mood(Enum):
    """How the caller sounds. Never a score of anyone's willingness to pay."""

    CALM = "calm"
    CONFUSED = "confused"
    ANNOYED = "annoyed"
    ANGRY = "angry"
    DISTRESSED = "distressed"
    AFRAID = "afraid"


@dataclass(frozen=True)
class Context:
    """What is known when a turn is understood. Pure understanding has no clock of its own."""

    now: datetime
    """Aware clock of the call, in the debtor's time zone; relative dates are counted from it."""
    expecting: Expecting = Expecting.NOTHING
    payday: int | None = None
    """Day of the month, 1-31, on which the debtor is paid, where the case knows it."""
    amount_due: Decimal | None = None
    """So that 全部, 一半, 还清 have a value. Currency units of the case."""
    language: str = "zh-CN"


@dataclass(frozen=True)
class IntentScore:
    """One intent of the shared list with its calibrated confidence."""

    id: str
    confidence: float
    """0 to 1."""
    why: str = ""
    """Layer and evidence, for `voicebot nlu why` and the timeline: `exact: 转人工`, `model`, `context: yes`."""


SlotValue = str | int | Decimal | date | datetime


@dataclass(frozen=True)
class Slot:
    """A value said by the caller, exact against the context's clock."""

    name: str
    """date, amount, callback_at, instalments, digits, name, preferred_channel, ..."""
    value: SlotValue | None
    """None when the words name the slot and leave its value open (过两天)."""
    text: str
    """The words it came from."""
    approximate: bool = False
    """差不多两千, 左右."""
    needs_clarification: bool = False
    """Must be asked back and never booked."""
    earliest: SlotValue | None = None
    latest: SlotValue | None = None
    """Bounds of a range, both included, where the words give one."""


@dataclass(frozen=True)
class VoiceStats:
    """How a turn sounded, measured on its audio. All None-free; a text turn has no VoiceStats at all."""

    level_dbfs: float
    """Mean level of speech, dB full scale."""
    pitch_hz: float
    """Median fundamental, 0 where none was found."""
    characters_per_second: float
    overlap_seconds: float
    """Seconds during which the caller spoke over the bot."""


@dataclass(frozen=True)
class Sentiment:
    """Mood of one turn, from words and, where the rule pack allows it, from voice."""

    mood: Mood = Mood.CALM
    intensity: float = 0.0
    """0 to 1."""
    distress: float = 0.0
    """0 to 1, recall first: high when a person may be in acute distress or at risk."""


@dataclass(frozen=True)
class Meaning:
    """One turn, understood."""

    raw: str
    """As the recogniser or the keyboard gave it; always kept."""
    text: str
    """Normalised: simplified, half-width, fillers removed, numbers written out, homophones mended."""
    intents: tuple[IntentScore, ...] = ()
    """Every intent present, the one that decides the response first (priority of the intents data, then confidence)."""
    answer: Answer | None = None
    """Yes, no or unsure, when the turn answers; None when it does not."""
    slots: Mapping[str, Slot] = field(default_factory=dict)
    sentiment: Sentiment = Sentiment()
    correction: bool = False
    """不是周五，是周四: the slots replace what was said before."""

    @property
    def understood(self) -> bool:
        """False is the proper "none of these"."""
        return bool(self.intents) or self.answer is not None or bool(self.slots)
