"""Keys as sound, for carriers that have no other way to press them. Frequencies: ITU-T Q.23; timing: ITU-T Q.24."""

from __future__ import annotations

from typing import Final

import numpy as np

_ROWS: Final = {697: "123A", 770: "456B", 852: "789C", 941: "*0#D"}
_COLUMNS: Final = (1209, 1336, 1477, 1633)
_FREQUENCIES: Final = {
    key: (row, column) for row, keys in _ROWS.items() for key, column in zip(keys, _COLUMNS, strict=True)
}
KEYS: Final = frozenset(_FREQUENCIES)
"""Every key a telephone may have."""

_TONE_SECONDS = 0.1
_PAUSE_SECONDS = 0.08
_RAMP_SECONDS = 0.004  # a sudden edge clicks across all frequencies and hides the pair
_LOW_LEVEL = 0.22  # of full scale, about -9 dBm0; the high group is 2 dB up because lines lose more of it
_HIGH_LEVEL = 0.28


def dtmf_tones(digits: str, sample_rate: int) -> bytes:
    """Signed 16-bit little-endian audio of `digits` pressed one by one. Raises ValueError on an unknown key."""
    unknown = sorted(set(digits) - KEYS)
    if unknown:
        raise ValueError(f"no such key on a telephone: {', '.join(map(repr, unknown))}; use 0-9, *, # and A-D")
    time = np.arange(round(_TONE_SECONDS * sample_rate)) / sample_rate
    edge = np.clip(np.minimum(time, time[::-1]) / _RAMP_SECONDS, 0.0, 1.0)
    pause = bytes(2 * round(_PAUSE_SECONDS * sample_rate))
    out = bytearray()
    for digit in digits:
        low, high = _FREQUENCIES[digit]
        wave = _LOW_LEVEL * np.sin(2 * np.pi * low * time) + _HIGH_LEVEL * np.sin(2 * np.pi * high * time)
        out += (32767 * edge * wave).astype("<i2").tobytes() + pause
    return bytes(out)
