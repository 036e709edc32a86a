"""Both channels of a recording lie on one clock: over a real minute-long call an echo stays where its delay puts it.

The far end sends back every packet at once: in the recording the echo must stand where the engine's words do.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from recordings.reading import export_wav
from tests.engine.people import RATE, PitchSpeech
from voicebot.settings import Settings
from voicebot.store.records import Case

if TYPE_CHECKING:
    from tests.engine.conftest import OpenEngine, StartSipp

pytestmark = [pytest.mark.peer, pytest.mark.alone]
MINUTE = 60.0
WINDOW = 10.0
"""Seconds of the recording that are compared at a time."""


def noise(seconds: float) -> bytes:
    """Speech-like in that it never repeats: a correlation has one peak."""
    samples = np.random.default_rng().normal(0, 3000, round(RATE * seconds))
    return bytes(np.clip(samples, -12000, 12000).astype("<i2").tobytes())


def delay(sent: NDArray[np.float64], echo: NDArray[np.float64], longest: float = 1.0) -> float:
    """Seconds by which `echo` lies behind `sent`, by the peak of their cross-correlation; negative when before it."""
    size = 2 ** int(np.ceil(np.log2(2 * len(sent))))
    correlation = np.fft.irfft(np.fft.rfft(echo, size) * np.conj(np.fft.rfft(sent, size)), size)
    reach = round(longest * RATE)
    around = np.concatenate([correlation[-reach:], correlation[:reach]])
    return float((np.argmax(around) - reach) / RATE)


@pytest.mark.timeout(240)
async def test_an_echo_stays_where_its_delay_puts_it_for_a_minute(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], sipp: StartSipp, case: Case, tmp_path: Path
) -> None:
    peer = await sipp("uas_echo")
    settings = make_settings(trunk=peer.port)
    speech = PitchSpeech(deaf=True, character_seconds=0.6, sound=noise)
    async with open_engine(settings, speech, cases=[case]) as engine:
        call_id = await engine.place()
        await engine.happens("call.answered")
        await asyncio.sleep(MINUTE)  # the clocks have to run
        await engine.worker.engine.hang_up(call_id)
        await engine.over(call_id)
        call = await engine.worker.store.calls.get(call_id)
        assert call is not None
        folder = settings.recordings_root / (call.evidence_path or "")
        exported = export_wav(folder, tmp_path / "call.wav", engine.worker.keys)
    assert exported.seconds > MINUTE - 2
    with wave.open(str(exported.path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        audio = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(float)
    delays = []
    for start in range(0, len(audio) - int(WINDOW * RATE) + 1, int(WINDOW * RATE)):
        window = audio[start : start + int(WINDOW * RATE)]
        if np.abs(window[:, 1]).mean() > 300:
            delays.append(delay(window[:, 1], window[:, 0]))
    assert len(delays) >= 3, "too little was said to compare"
    assert max(map(abs, delays)) < 0.02, f"the channels lie apart: {delays}"
