"""When an utterance begins, pauses, goes on and ends. Pure: speech probabilities in, events out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voicebot.call.settings import TurnTaking
from voicebot.understanding.meaning import Expecting


@dataclass(frozen=True)
class SpeechStarted:
    """An utterance began."""

    at: float
    """Media seconds of its first frame."""


@dataclass(frozen=True)
class SpeechPaused:
    """The caller has been silent for `pause_seconds`: the turn may be over."""

    at: float
    """Media seconds of the last frame that was speech."""


@dataclass(frozen=True)
class SpeechResumed:
    """The caller went on after a pause: the same utterance continues."""

    at: float


@dataclass(frozen=True)
class SpeechEnded:
    """The utterance is over."""

    began: float
    ended: float
    """Media seconds of its last frame of speech."""
    voiced_seconds: float
    """Seconds of its frames that were speech."""


SpeechEvent = SpeechStarted | SpeechPaused | SpeechResumed | SpeechEnded


class Endpointer:
    """Follows one caller. `advance` is called once a frame, in order."""

    def __init__(self, settings: TurnTaking) -> None:
        self._settings = settings
        self.end_seconds = settings.end_seconds
        """Silence that ends the present turn; set anew when what was heard so far says how patient to be."""
        self._began: float | None = None
        self._candidate: float | None = None
        self._last_speech = 0.0
        self._voiced = 0.0
        self._paused = False

    @property
    def speaking(self) -> bool:
        """True from the start of an utterance to its end, pauses included."""
        return self._began is not None

    @property
    def voiced_seconds(self) -> float:
        """Seconds of speech in the present utterance, or in what may become one."""
        return self._voiced

    def advance(self, at: float, probability: float, frame_seconds: float) -> list[SpeechEvent]:
        """Takes one frame that begins at media second `at`; returns what it changed, in order."""
        settings = self._settings
        # Once speech has begun, a softer frame still belongs to it: the threshold has hysteresis.
        threshold = settings.speech_probability * (0.7 if self._candidate is not None else 1.0)
        voiced = probability >= threshold
        end = at + frame_seconds
        if self._began is None:
            return self._before(at, end, voiced, frame_seconds)
        events: list[SpeechEvent] = []
        if voiced:
            if self._paused:
                self._paused = False
                self.end_seconds = settings.end_seconds
                events.append(SpeechResumed(at))
            self._last_speech = end
            self._voiced += frame_seconds
        silence = end - self._last_speech
        # Frames are whole: a tolerance keeps a threshold that is a multiple of the frame from being missed by rounding.
        if not self._paused and silence + 1e-6 >= settings.pause_seconds:
            self._paused = True
            events.append(SpeechPaused(self._last_speech))
        too_long = end - self._began >= settings.longest_turn_seconds
        if too_long or (self._paused and silence + 1e-6 >= self.end_seconds):
            if not self._paused:
                events.append(SpeechPaused(self._last_speech))
            events.append(SpeechEnded(self._began, self._last_speech, self._voiced))
            self._reset()
        return events

    def _before(self, at: float, end: float, voiced: bool, frame_seconds: float) -> list[SpeechEvent]:
        if not voiced:
            if self._candidate is not None and end - self._last_speech > self._settings.start_seconds:
                self._reset()
            return []
        if self._candidate is None:
            self._candidate = at
        self._last_speech = end
        self._voiced += frame_seconds
        if self._voiced + 1e-6 < self._settings.start_seconds:
            return []
        self._began = self._candidate
        return [SpeechStarted(self._began)]

    def _reset(self) -> None:
        self._began = self._candidate = None
        self._voiced = 0.0
        self._paused = False
        self.end_seconds = self._settings.end_seconds


_ENDS = r"[，,、。.…！!~ ]*$"
_UNFINISHED = re.compile(
    r"(?:我们?的?|你们?的?|他们?的?|就是|那个|这个|那|然后|因为|但是|可是|不过|所以|如果|要是|比如|或者|还有|而且|另外|的话|"
    r"大概|可能|应该|应该是|主要是?|差不多|大约|估计|最多|最少|至少|也就|只有|只能|我想|我要|我是|我在|我觉得|等我|等到|"
    r"先|再|在|把|被|给|跟|和|到|从|每|第|下个|上个|下个月|这个月|月份?|年|(?:[问说讲看想听查找][一]?下)|"
    r"呃+|额+|嗯嗯|那什么|怎么说呢|\b(?:and|but|so|the|a|my|um|uh|because|i|i'm|to|next))" + _ENDS,
    re.IGNORECASE,
)
"""Words after which a sentence goes on."""
_I_AM = re.compile(r"我就?是" + _ENDS)
"""After "are you …?" a whole answer; anywhere else a sentence that goes on."""
_DIGIT = re.compile(r"[0-9零一二三四五六七八九幺两]")
_NUMBER = re.compile(r"[0-9零一二三四五六七八九十百千万两半]")
_DAY = re.compile(
    r"[今明后]天|号|日|周[一二三四五六日天末]|星期|礼拜|月[底初中末]|年底|工资|[0-9一二三四五六七八九十两几]天|day|week|month"
)
_HOUR = re.compile(r"点|小时|分钟|随时|都行|都可以|[0-9] ?[ap]\.?m|o'?clock|hour|minute|any ?time")
_QUESTION = re.compile(r"[？?]|吗|呢|什么|怎么|多少|哪|为啥|谁|几")


def patience(text: str, expecting: Expecting, digits: int, settings: TurnTaking) -> float:
    """Seconds of silence that end a turn whose words so far are `text`, after a question of the kind `expecting`.

    `digits` is the number of digits asked for. A complete answer is taken soon, an unfinished one is waited for, and so
    is one that does not hold yet what was asked for.
    """
    if not text:
        return settings.end_seconds
    if expecting is Expecting.DIGITS:
        complete = digits > 0 and len(_DIGIT.findall(text)) >= digits
        return settings.end_seconds if complete else settings.end_seconds_long
    if _UNFINISHED.search(text) and not (expecting is Expecting.IDENTITY and _I_AM.search(text)):
        return settings.end_seconds_long
    if expecting in (Expecting.IDENTITY, Expecting.YES_NO):
        return settings.end_seconds_short if len(text) <= _SHORT_ANSWER else settings.end_seconds
    if _QUESTION.search(text) or _has_it_all(text, expecting):
        return settings.end_seconds
    return settings.end_seconds_thinking


_SHORT_ANSWER = 6
"""Characters, punctuation included, up to which an answer to a yes-or-no question is complete."""


def _has_it_all(text: str, expecting: Expecting) -> bool:
    """Everything that was asked for has been said, as far as words can tell; an open question never knows."""
    match expecting:
        case Expecting.NOTHING:
            return True
        case Expecting.DATE:
            return bool(_DAY.search(text))
        case Expecting.DATE_AND_AMOUNT:
            without_dates = re.sub(r"[0-9一二三四五六七八九十两几]+(?:个|号|日|天|月|点|周|期)", "", text)
            return bool(_DAY.search(text) and _NUMBER.search(re.sub(r"(?:周|星期|礼拜).", "", without_dates)))
        case Expecting.TIME:
            return bool(_HOUR.search(text))
        case Expecting.AMOUNT | Expecting.COUNT:
            return bool(_NUMBER.search(text))
    return False
