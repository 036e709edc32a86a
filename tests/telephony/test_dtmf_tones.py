"""A key sounds as ITU-T Q.23 says, long enough for any receiver (Q.24), and without clipping."""

from __future__ import annotations

import numpy as np
import pytest

from telephony.dtmf_tones import KEYS, dtmf_tones

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PAD = ["123A", "456B", "789C", "*0#D"]


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_key_is_its_row_and_its_column(key: str, rate: int) -> None:
    samples = np.frombuffer(dtmf_tones(key, rate), "<i2").astype(float)
    tone = samples[: round(0.1 * rate)]

    def level(hertz: float) -> float:
        return float(abs(np.dot(tone, np.exp(-2j * np.pi * hertz * np.arange(len(tone)) / rate))))

    row = max(LOW, key=level)
    column = max(HIGH, key=level)
    assert PAD[LOW.index(row)][HIGH.index(column)] == key
    twist = 20 * np.log10(level(column) / level(row))
    assert 0 <= twist <= 4
    assert np.abs(samples).max() < 32000
    assert not samples[len(tone) :].any()
    assert (len(samples) - len(tone)) / rate >= 0.07


def test_keys_follow_one_another() -> None:
    assert dtmf_tones("12", 8000) == dtmf_tones("1", 8000) + dtmf_tones("2", 8000)
    assert dtmf_tones("", 8000) == b""
    with pytest.raises(ValueError, match=r"'x', '１'; use 0-9"):
        dtmf_tones("1x１", 8000)
