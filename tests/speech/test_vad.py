"""Voice activity: speech of several voices is found, noise and coughs mostly are not, calls do not disturb each other,
and silence costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from voicebot.speech.shelf import ModelShelf
from voicebot.speech.vad import FRAME_SAMPLES, VoiceActivityModel

pytestmark = pytest.mark.models
Say = Callable[..., Awaitable[bytes]]


@pytest.fixture
async def model() -> AsyncIterator[VoiceActivityModel]:
    loaded = await asyncio.to_thread(VoiceActivityModel, ModelShelf().path("silero-vad") / "silero_vad.onnx")
    yield loaded
    await loaded.close()


async def likelihoods(model: VoiceActivityModel, pcm: bytes) -> list[float]:
    call = model.open_call()
    step = 2 * FRAME_SAMPLES
    return [await call.speech_probability(pcm[at : at + step]) for at in range(0, len(pcm) - step + 1, step)]


def pcm_of(sound: NDArray[np.float64]) -> bytes:
    return bytes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def share(values: list[float]) -> float:
    return sum(value > 0.5 for value in values) / len(values)


@pytest.mark.parametrize("pitch", [0.75, 1.0, 1.25])
async def test_speech_is_found(model: VoiceActivityModel, say: Say, pitch: float) -> None:
    values = await likelihoods(model, await say("我这个月手头有点紧下个月一定还", pitch=pitch))
    assert share(values) > 0.5
    assert max(values[:6]) < 0.5  # the silence before it


async def test_speech_is_found_in_noise(model: VoiceActivityModel, say: Say) -> None:
    values = await likelihoods(model, await say("我这个月手头有点紧下个月一定还", noise_db=12))
    assert share(values[12:-18]) > 0.5


async def test_silence_never_wakes_the_model(model: VoiceActivityModel) -> None:
    noise = np.random.default_rng(2).normal(size=8000 * 5) * 0.0004
    assert await likelihoods(model, pcm_of(noise)) == [0.0] * (8000 * 5 // FRAME_SAMPLES)
    assert model.batches == 0


@pytest.mark.parametrize("kind", ["white", "hum", "tone", "steps"])
async def test_noise_is_not_speech(model: VoiceActivityModel, kind: str) -> None:
    rng = np.random.default_rng(3)
    time = np.arange(8000 * 6) / 8000
    sound = {
        "white": rng.normal(size=len(time)) * 0.05,
        "hum": 0.2 * np.sin(2 * np.pi * 50 * time) + 0.05 * np.sin(2 * np.pi * 150 * time),
        "tone": 0.3 * np.sin(2 * np.pi * 450 * time) * (time % 2 < 1),
        "steps": rng.normal(size=len(time)) * 0.3 * (time % 0.7 < 0.03),
    }[kind]
    assert share(await likelihoods(model, pcm_of(sound))) < 0.1


async def test_a_cough_is_shorter_than_any_answer(model: VoiceActivityModel) -> None:
    rng = np.random.default_rng(4)
    burst = rng.normal(size=2400) * np.exp(-np.arange(2400) / 500) * 0.5
    sound = np.concatenate([np.zeros(4000), burst, np.zeros(1600), burst * 0.6, np.zeros(8000)])
    values = await likelihoods(model, pcm_of(sound))
    assert sum(value > 0.5 for value in values) * 32 < 300  # ms


async def test_speech_after_long_noise_is_still_found(model: VoiceActivityModel, say: Say) -> None:
    noise = np.random.default_rng(5).normal(size=8000 * 20) * 0.01
    values = await likelihoods(model, pcm_of(noise) + await say("我下个月十五号发工资再还", noise_db=18))
    spoken = values[8000 * 20 // FRAME_SAMPLES + 12 : -18]
    assert share(spoken) > 0.5


async def test_calls_side_by_side_hear_what_they_hear_alone(model: VoiceActivityModel, say: Say) -> None:
    one, other = await say("我要分期还款"), await say("你打错电话了", pitch=0.8)
    alone = [await likelihoods(model, one), await likelihoods(model, other)]
    together = await asyncio.gather(*(likelihoods(model, pcm) for pcm in (one, other, one, other)))
    for heard, expected in zip(together, [*alone, *alone], strict=True):
        assert heard == pytest.approx(expected, abs=1e-3)


async def test_frames_that_wait_together_are_one_batch(model: VoiceActivityModel, say: Say) -> None:
    pcm = await say("我要分期还款")
    frame = pcm[2 * 8000 * 5 // 10 : 2 * 8000 * 5 // 10 + 512]
    calls = [model.open_call() for _ in range(40)]
    await asyncio.gather(*(call.speech_probability(frame) for call in calls))
    assert model.frames == 40
    assert model.batches < 20


async def test_a_frame_of_the_wrong_length_is_refused(model: VoiceActivityModel) -> None:
    with pytest.raises(ValueError, match="512 bytes"):
        await model.open_call().speech_probability(b"\0" * 320)


async def test_a_closed_model_says_so(model: VoiceActivityModel, say: Say) -> None:
    await model.close()
    pcm = await say("我要分期还款")
    with pytest.raises(RuntimeError, match="closed"):
        await likelihoods(model, pcm)
