"""Halving and doubling keep speech, drop what a telephone cannot carry, and do not care how the audio is cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.octave import Doubler, Halver


def tone(hertz: float, rate: int, seconds: float = 0.5) -> bytes:
    return (10000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype("<i2").tobytes()


def level(pcm: bytes) -> float:
    """Decibels against the tone that went in, edges left out."""
    samples = np.frombuffer(pcm, "<i2")[400:-400].astype(float)
    return float(20 * np.log10(np.sqrt(np.mean(samples**2)) / (10000 / np.sqrt(2)) + 1e-9))


@pytest.mark.parametrize("hertz", [200, 1000, 3000, 3400])
def test_speech_passes_both_ways(hertz: float) -> None:
    assert abs(level(Halver().feed(tone(hertz, 16000)))) < 0.5
    assert abs(level(Doubler().feed(tone(hertz, 8000)))) < 0.5


@pytest.mark.parametrize("hertz", [4700, 5500, 7500])
def test_what_8_khz_cannot_carry_does_not_fold_back(hertz: float) -> None:
    assert level(Halver().feed(tone(hertz, 16000))) < -50


@pytest.mark.parametrize("hertz", [300, 2000, 3300])
def test_doubling_adds_no_mirror(hertz: float) -> None:
    doubled = np.frombuffer(Doubler().feed(tone(hertz, 8000)), "<i2")[400:-400].astype(float)
    spectrum = np.abs(np.fft.rfft(doubled * np.hanning(len(doubled))))
    upper = spectrum[round(len(spectrum) * 0.575) :]
    assert 20 * np.log10(upper.max() / spectrum.max()) < -50


@pytest.mark.parametrize("kind", [Halver, Doubler])
@given(samples=st.lists(st.integers(-32768, 32767), max_size=400), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_cutting_changes_nothing(kind: type[Halver] | type[Doubler], samples: list[int], cuts: list[int]) -> None:
    pcm = np.array(samples, dtype="<i2").tobytes()
    borders = [0, *sorted(min(2 * cut, len(pcm)) for cut in cuts), len(pcm)]
    stage = kind()
    pieces = b"".join(stage.feed(pcm[a:b]) for a, b in itertools.pairwise(borders))
    whole = kind().feed(pcm)
    assert len(pieces) == len(whole) == (len(pcm) // 4 * 2 if kind is Halver else 2 * len(pcm))
    difference = np.frombuffer(pieces, "<i2").astype(int) - np.frombuffer(whole, "<i2")
    assert np.abs(difference).max(initial=0) <= 1
