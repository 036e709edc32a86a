"""What voice activity costs for many calls at once: real frames at real pace, silence and speech mixed.

python -m benchmarks.vad [CALLS…]     default 10 50 100; prints share of a core, batch size, answer times
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time

import numpy as np
import soxr
from rich.console import Console

from benchmarks.machine import describe
from voicebot.speech.engines import load_synthesiser, load_voice_activity
from voicebot.speech.protocols import SpeechRequest
from voicebot.speech.settings import SpeechSettings
from voicebot.speech.vad import FRAME_SAMPLES, VoiceActivityModel

SECONDS = 10.0
FRAME_SECONDS = FRAME_SAMPLES / 8000


async def sound_of_a_call() -> bytes:
    """A caller who speaks about a third of the time, in faint line noise."""
    voice = await load_synthesiser(SpeechSettings(), "zh-CN")
    request = SpeechRequest("我这个月手头有点紧，能不能再宽限几天？")
    pcm = b"".join([piece async for piece in voice.speak(request)])
    await voice.close()
    speech = soxr.resample(np.frombuffer(pcm, "<i2") / 32768, voice.sample_rate, 8000)
    line = np.zeros(int(SECONDS * 8000))
    line[16000 : 16000 + len(speech)] = speech[: len(line) - 16000]
    line += np.random.default_rng(1).normal(size=len(line)) * 0.001
    return bytes((np.clip(line, -1, 1) * 32767).astype("<i2").tobytes())


async def one_call(model: VoiceActivityModel, pcm: bytes, begin: float, answers: list[float]) -> None:
    """One call's frames, each when it would arrive."""
    call = model.open_call()
    step = 2 * FRAME_SAMPLES
    for number, at in enumerate(range(0, len(pcm) - step + 1, step)):
        await asyncio.sleep(max(0.0, begin + number * FRAME_SECONDS - time.perf_counter()))
        asked = time.perf_counter()
        if await call.speech_probability(pcm[at : at + step]):
            answers.append(time.perf_counter() - asked)


async def measure(calls: int, pcm: bytes, console: Console) -> None:
    model = await load_voice_activity(SpeechSettings())
    turned = [pcm[shift:] + pcm[:shift] for shift in (int(i / calls * len(pcm)) // 512 * 512 for i in range(calls))]
    answers: list[float] = []
    before = resource.getrusage(resource.RUSAGE_SELF)
    now = time.perf_counter()
    offsets = np.linspace(0, FRAME_SECONDS, calls, endpoint=False)
    await asyncio.gather(
        *(one_call(model, one, now + float(o), answers) for one, o in zip(turned, offsets, strict=True))
    )
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    await model.close()
    milliseconds = 1000 * np.array(answers)
    console.print(
        f"{calls:4} calls: {used / SECONDS:6.1%} of a core ({used / SECONDS / calls:.2%} a call), "
        f"{model.frames / max(1, model.batches):.1f} frames a batch, "
        f"answers p50 {np.percentile(milliseconds, 50):.1f} ms, p95 {np.percentile(milliseconds, 95):.1f} ms, "
        f"n = {len(answers)}",
        highlight=False,
    )


async def main(counts: list[int]) -> None:
    console = Console(soft_wrap=True)
    console.print_json(data=describe())
    pcm = await sound_of_a_call()
    for calls in counts:
        await measure(calls, pcm, console)


if __name__ == "__main__":
    asyncio.run(main([int(count) for count in sys.argv[1:]] or [10, 50, 100]))
