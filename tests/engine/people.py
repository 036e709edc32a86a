"""People and voices for whole calls without a model: words travel over the line as tones, and arrive as words.

A phrase is a tone of its own pitch, so that it survives µ-law, resampling and a jitter buffer; the recogniser knows the
pitch. A person follows the call's timeline and speaks or presses keys when a line has been heard, as one who listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from telephony.g711 import encode_ulaw
from tests.telephony.twilio.stand_in import TwilioCallStandIn
from voicebot.call.board import TimelineEntry
from voicebot.speech.protocols import SpeechRequest, Transcript

RATE = 8000
PHRASE_SECONDS = 0.5
FIRST_HERTZ, STEP_HERTZ = 600, 100
VOICE_HERTZ = 350
"""Pitch of the bot."""


def tone(hertz: float, seconds: float, level: float = 8000.0) -> bytes:
    """A sine at 8 kHz, 16 bit."""
    wave = level * np.sin(np.arange(round(RATE * seconds)) * 2 * np.pi * hertz / RATE)
    return bytes(wave.astype("<i2").tobytes())


def pitch(pcm: bytes) -> float:
    """The strongest frequency of the louder part of some audio, Hz; 0 when all is quiet."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2").astype(float)
    loud = samples[np.convolve(np.abs(samples), np.ones(80) / 80, "same") > 800]
    if len(loud) < 400:
        return 0.0
    spectrum = np.abs(np.fft.rfft(loud * np.hanning(len(loud))))
    return float(np.argmax(spectrum) * RATE / len(loud))


class Words:
    """What can be said in a test, each phrase with its pitch."""

    def __init__(self, *phrases: str) -> None:
        self.phrases = phrases

    def audio(self, phrase: str) -> bytes:
        return tone(FIRST_HERTZ + STEP_HERTZ * self.phrases.index(phrase), PHRASE_SECONDS)

    def heard_in(self, pcm: bytes) -> str:
        number = round((pitch(pcm) - FIRST_HERTZ) / STEP_HERTZ)
        return self.phrases[number] if 0 <= number < len(self.phrases) else ""


class Stream:
    def __init__(self, words: Words) -> None:
        self._words = words
        self._audio = bytearray()

    def accept(self, pcm: bytes) -> None:
        self._audio += pcm

    async def partial(self) -> Transcript | None:
        return None

    async def finish(self) -> Transcript:
        text = self._words.heard_in(bytes(self._audio))
        return Transcript(text, 0.9 if text else 0.0, True, len(self._audio) / 2 / RATE, 0.001, "pitch")


class Level:
    """Voice activity by loudness."""

    frame_samples = 256

    def __init__(self, deaf: bool) -> None:
        self._deaf = deaf

    async def speech_probability(self, pcm: bytes) -> float:
        return 0.0 if self._deaf or np.abs(np.frombuffer(pcm, dtype="<i2")).mean() < 800 else 1.0


class PitchSpeech:
    """Takes the place of the speech engines: recogniser, voice and voice activity in one."""

    name = "pitch"
    languages: Sequence[str] = ("zh-CN",)
    ask_again_below = 0.5
    waiting = 0
    sample_rate = RATE
    licence_note: str | None = None

    def __init__(
        self,
        words: Words | None = None,
        *,
        character_seconds: float = 0.02,
        deaf: bool = False,
        sound: Callable[[float], bytes] = lambda seconds: tone(VOICE_HERTZ, seconds, 3000.0),
    ) -> None:
        """`sound(seconds)` is how a line sounds; a `deaf` engine takes nothing for speech."""
        self.words = words or Words()
        self.spoken: list[str] = []
        self.closed = False
        self._character_seconds = character_seconds
        self._deaf = deaf
        self._sound = sound

    async def recogniser(self, language: str) -> PitchSpeech:
        return self

    async def synthesiser(self, language: str) -> PitchSpeech:
        return self

    def open_voice_activity(self) -> Level:
        return Level(self._deaf)

    async def render(self, text: str, language: str) -> bool:
        return False

    async def close(self) -> None:
        self.closed = True

    def stream(self, *, sample_rate: int, language: str, phrases: Sequence[str] = ()) -> Stream:
        assert sample_rate == RATE
        return Stream(self.words)

    async def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        self.spoken.append(request.text)
        audio = self._sound(len(request.text) * self._character_seconds)
        for start in range(0, len(audio), 3200):
            yield audio[start : start + 3200]
            await asyncio.sleep(0)


@dataclass
class Answer:
    """What a person does when a line has been heard to its end."""

    say: str = ""
    press: str = ""


class Person:
    """A timeline sink that answers lines. `say(pcm)` and `press(digit)` act on the line the person holds."""

    def __init__(self, words: Words, answers: Mapping[str, Answer | Sequence[Answer]]) -> None:
        self._words = words
        self._answers = {
            line: [answer] if isinstance(answer, Answer) else list(answer) for line, answer in answers.items()
        }
        self.say: Callable[[bytes], None] | None = None
        self.press: Callable[[str], object] | None = None

    def __call__(self, entry: TimelineEntry) -> None:
        if entry.kind != "line.heard" or not (waiting := self._answers.get(entry.data["line"])):
            return
        answer = waiting.pop(0)
        loop = asyncio.get_running_loop()
        if answer.say and self.say is not None:
            loop.call_later(0.1, self.say, self._words.audio(answer.say))
        for place, key in enumerate(answer.press):
            if self.press is not None:
                loop.call_later(0.8 + 0.15 * place, self.press, key)


OURS = "+12025550100"
WORDS = Words("对，我就是", "下周五还两千", "对，没错", "我要转人工")
ANSWERS: Mapping[str, Answer] = {
    "identity.are_you": Answer(say="对，我就是"),
    "identity.ask_last_four": Answer(press="3866"),
    "reminder.when_can_you_pay": Answer(say="下周五还两千"),
    "promise.read_back_part": Answer(say="对，没错"),
}
"""A debtor who is who they are, and promises."""


def take_up(person: Person, call: TwilioCallStandIn) -> None:
    """Gives the person the telephone of a call over Twilio."""
    person.say = lambda pcm: call.stream.speak(encode_ulaw(pcm))
    person.press = lambda key: call.twilio.spawn(call.stream.press(key))
