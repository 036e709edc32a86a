"""What a recogniser, a synthesiser and a voice activity model are to the engine. Engines live in files of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Transcript:
    """What a recogniser heard in one utterance."""

    text: str
    """Empty when it heard no words."""
    confidence: float
    """0 to 1, comparable within one engine; below the engine's `ask_again_below` the bot asks again."""
    final: bool
    audio_seconds: float
    """Length of the audio it was made from."""
    compute_seconds: float
    """Time spent inside the model."""
    engine: str
    digits: str = ""
    """What was said if it was nothing but digits; only where the phrases were digits and the engine can tell."""


class RecognitionStream(Protocol):
    """One utterance on its way in. Not shared; used by one task."""

    def accept(self, pcm: bytes) -> None:
        """Takes the next audio, signed 16-bit little-endian mono at the stream's sample rate. Never blocks."""
        ...

    async def partial(self) -> Transcript | None:
        """What is known so far, or None where the engine gives no partials or nothing has changed."""
        ...

    async def finish(self) -> Transcript:
        """The final transcript. The stream is then spent."""
        ...


class Recogniser(Protocol):
    """A speech recognition engine with its model: one a process, shared by all calls, off the event loop."""

    name: str
    languages: Sequence[str]
    """BCP 47 tags, such as zh-CN, yue, en-US."""
    ask_again_below: float
    """Confidence under which a transcript should not be acted on."""

    def stream(self, *, sample_rate: int, language: str, phrases: Sequence[str] = ()) -> RecognitionStream:
        """Begins an utterance. `phrases` are words likely now (the debtor's name, 分期); an engine may ignore them.

        Phrases that are digits and nothing else say that a number is expected, digit by digit.
        """
        ...

    @property
    def waiting(self) -> int:
        """Utterances that wait for a thread now: a metric."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class SpeechRequest:
    """Words to be spoken, after the guard."""

    text: str
    language: str = "zh-CN"
    rate: float = 1.0
    """1.0 is the voice's own; 0.75 is slower, for a person who asked for it."""
    voice: str | None = None


class Synthesiser(Protocol):
    """A text-to-speech engine with its voice: one a process, off the event loop."""

    name: str
    languages: Sequence[str]
    sample_rate: int
    """Hz of what it returns."""
    licence_note: str | None
    """What `doctor` tells the operator about the voice's licence, None when it is free for any use."""

    def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        """Yields signed 16-bit little-endian mono PCM, the first piece as soon as there is one."""
        ...

    async def close(self) -> None: ...


class VoiceActivity(Protocol):
    """Says of each frame of one call whether a person speaks."""

    frame_samples: int
    """Samples a frame at 8 kHz."""

    async def speech_probability(self, pcm: bytes) -> float:
        """0 to 1 for the frame. The cheap gate answers 0.0 by itself without waking the model."""
        ...
