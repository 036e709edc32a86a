"""Twice or half the sample rate, piece by piece, with a millisecond of delay.

A general resampler gathers a tenth of a second before it gives anything; a conversation cannot wait for that.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_TAPS = 63


def _half_band() -> NDArray[np.float64]:
    n = np.arange(_TAPS) - _TAPS // 2
    taps = 0.5 * np.sinc(n / 2) * np.kaiser(_TAPS, 7.0)
    normal: NDArray[np.float64] = taps / taps.sum()
    return normal


_FILTER: Final = _half_band()


def _samples(values: NDArray[np.float64]) -> bytes:
    return np.clip(np.rint(values), -32768, 32767).astype("<i2").tobytes()


class Halver:
    """Signed 16-bit little-endian audio to half its rate, band-limited first."""

    def __init__(self) -> None:
        self._tail = np.zeros(_TAPS - 1)

    def feed(self, pcm: bytes) -> bytes:
        """The next piece. A sample that has no partner yet waits for the next call."""
        audio = np.concatenate([self._tail, np.frombuffer(pcm, dtype="<i2").astype(np.float64)])
        fresh = len(audio) - (_TAPS - 1)
        if fresh < 2:
            self._tail = audio
            return b""
        taken = fresh - fresh % 2
        self._tail = audio[taken:]
        return _samples(np.convolve(audio[: taken + _TAPS - 1], _FILTER, mode="valid")[::2])


class Doubler:
    """Signed 16-bit little-endian audio to twice its rate."""

    def __init__(self) -> None:
        self._tail = np.zeros(_TAPS - 1)

    def feed(self, pcm: bytes) -> bytes:
        """The next piece."""
        fresh = np.zeros(len(pcm))
        fresh[::2] = 2 * np.frombuffer(pcm, dtype="<i2").astype(np.float64)
        audio = np.concatenate([self._tail, fresh])
        self._tail = audio[len(audio) - (_TAPS - 1) :]
        return _samples(np.convolve(audio, _FILTER, mode="valid")) if len(pcm) else b""
