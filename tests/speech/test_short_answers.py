"""Utterances of a syllable or two: what the network is told came before them, and what it must not make of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from voicebot.speech.settings import SpeechSettings
from voicebot.speech.whisper import WhisperRecogniser, _spoken_seconds

Say = Callable[..., Awaitable[bytes]]
TRADE = ("人工", "投诉", "减免", "利息", "逾期", "分期", "打错")


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_the_length_of_speech_is_told_from_noise_and_quiet_around_it(noise: float) -> None:
    generator = np.random.default_rng(3)
    sound = generator.normal(size=32_000) * noise
    sound[8_000:16_000] += np.sin(np.arange(8_000) * 0.2) * 0.1
    assert _spoken_seconds(sound.astype(np.float32)) == pytest.approx(0.5, abs=0.03)
    assert _spoken_seconds(np.zeros(0, np.float32)) == 0.0


def test_words_of_the_trade_are_not_told_before_a_short_answer() -> None:
    assert not any(word in SpeechSettings().short_context for word in TRADE)
    assert any(word in SpeechSettings().context for word in TRADE)


@pytest.mark.models
async def test_a_syllable_in_noise_does_not_become_a_request(whisper: WhisperRecogniser, say: Say) -> None:
    for text, pitch in (("喂", 1.0), ("嗯", 1.0), ("是", 0.85), ("行", 1.15)):
        stream = whisper.stream(sample_rate=8000, language="zh-CN")
        stream.accept(await say(text, pitch=pitch, noise_db=12))
        heard = await stream.finish()
        assert not any(word in heard.text for word in TRADE)


@pytest.mark.models
async def test_words_that_may_come_now_are_told_before_a_short_answer_too(whisper: WhisperRecogniser) -> None:
    tokenizer = whisper._tokenizer("zh")
    told = tokenizer.decode(whisper._prompt(tokenizer, "zh", ("三期", "六期"), short=True))
    assert "六期" in told
    assert "好的" in told
    assert "投诉" not in told
    assert "投诉" in tokenizer.decode(whisper._prompt(tokenizer, "zh", ("三期",)))
