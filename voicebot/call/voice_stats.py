"""How a turn sounded: level, pitch, rate and overlap, from its audio. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voicebot.understanding.meaning import VoiceStats

_FRAME_SECONDS = 0.04
_LOWEST_HZ, _HIGHEST_HZ = 70.0, 400.0
_VOICED = 0.45
"""Share of a frame's energy that repeats at its period when vocal folds are at work."""


def measure(pcm: bytes, sample_rate: int, characters: int, overlap_seconds: float) -> VoiceStats:
    """Measures signed 16-bit mono audio of one turn in which `characters` characters were recognised."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
    seconds = len(samples) / sample_rate
    frame = int(_FRAME_SECONDS * sample_rate)
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame) if len(samples) >= frame else samples[None, :]
    energy = np.sqrt(np.mean(frames**2, axis=1) + 1e-12)
    speech = frames[energy > 0.25 * float(energy.max(initial=0.0))]
    level = 20 * float(np.log10(np.sqrt(np.mean(speech**2) + 1e-12))) if speech.size else -120.0
    return VoiceStats(
        level_dbfs=round(level, 1),
        pitch_hz=round(_pitch(speech, sample_rate), 1),
        characters_per_second=round(characters / seconds, 2) if seconds > 0 else 0.0,
        overlap_seconds=round(overlap_seconds, 2),
    )


def _pitch(frames: NDArray[np.float32], sample_rate: int) -> float:
    """Median fundamental in Hz over the frames that are voiced, 0.0 when none is."""
    if frames.size == 0 or frames.shape[1] < sample_rate / _LOWEST_HZ:
        return 0.0
    centred = frames - frames.mean(axis=1, keepdims=True)
    size = 2 * frames.shape[1]
    spectrum = np.fft.rfft(centred, size, axis=1)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, size, axis=1)[:, : frames.shape[1]]
    shortest, longest = int(sample_rate / _HIGHEST_HZ), int(sample_rate / _LOWEST_HZ)
    window = correlation[:, shortest : longest + 1]
    lag = window.argmax(axis=1) + shortest
    strength = window.max(axis=1) / np.maximum(correlation[:, 0], 1e-9)
    voiced = lag[strength > _VOICED]
    return float(sample_rate / np.median(voiced)) if voiced.size else 0.0
