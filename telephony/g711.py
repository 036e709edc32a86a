"""G.711: the two laws by which telephone lines carry 16-bit speech in 8 bits a sample.

Source: ITU-T Recommendation G.711 (11/88), tables 1a, 1b (A-law, 13-bit) and 2a, 2b (µ-law, 14-bit). Codes are computed
once into tables, so that coding a packet is one indexed read.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ULAW_SILENCE: Final = b"\xff"
"""One sample of µ-law silence (positive zero)."""
ALAW_SILENCE: Final = b"\xd5"
"""One sample of A-law silence (smallest positive value, with the even bits inverted)."""

_ULAW_BIAS = 0x84  # 33 in the 14-bit scale of the Recommendation, shifted to 16 bits
_ULAW_CLIP = 32635  # the largest magnitude whose biased value still fits 15 bits


def _magnitude(value: NDArray[np.int32]) -> NDArray[np.int32]:
    # Negative values in one's complement, as the ITU's own software library (G.191) has it: -1 is the smallest of them.
    return np.where(value >= 0, value, ~value)


def _ulaw_values() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    exponent = ((code >> 4) & 0x07).astype(np.int32)
    mantissa = (code & 0x0F).astype(np.int32)
    magnitude = (((mantissa << 3) + _ULAW_BIAS) << exponent) - _ULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _ulaw_codes() -> NDArray[np.uint8]:
    value = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    biased = np.minimum(_magnitude(value), _ULAW_CLIP) + _ULAW_BIAS
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    sign = np.where(value < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


def _alaw_values() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = ((code >> 4) & 0x07).astype(np.int32)
    mantissa = (code & 0x0F).astype(np.int32)
    linear = (mantissa << 4) + 8
    magnitude = np.where(exponent == 0, linear, (linear + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _alaw_codes() -> NDArray[np.uint8]:
    value = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = _magnitude(value) >> 4
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 3, 0)
    mantissa = (magnitude >> np.maximum(exponent - 1, 0)) & 0x0F
    sign = np.where(value >= 0, 0x80, 0)
    codes: NDArray[np.uint8] = ((sign | (exponent << 4) | mantissa) ^ 0x55).astype(np.uint8)
    return codes


_ULAW_TO_PCM: Final = _ulaw_values()
_PCM_TO_ULAW: Final = _ulaw_codes()
_ALAW_TO_PCM: Final = _alaw_values()
_PCM_TO_ALAW: Final = _alaw_codes()


def _encode(pcm: bytes, table: NDArray[np.uint8]) -> bytes:
    if len(pcm) % 2:
        raise ValueError(f"16-bit audio has an even number of bytes, this piece has {len(pcm)}")
    return bytes(table[np.frombuffer(pcm, dtype="<u2")].data)


def _decode(codes: bytes, table: NDArray[np.int16]) -> bytes:
    return table[np.frombuffer(codes, dtype=np.uint8)].astype("<i2").tobytes()


def encode_ulaw(pcm: bytes) -> bytes:
    """µ-law codes of signed 16-bit little-endian `pcm`, one byte a sample. Raises ValueError on half a sample."""
    return _encode(pcm, _PCM_TO_ULAW)


def decode_ulaw(codes: bytes) -> bytes:
    """Signed 16-bit little-endian samples of µ-law `codes`; every byte is a valid code."""
    return _decode(codes, _ULAW_TO_PCM)


def encode_alaw(pcm: bytes) -> bytes:
    """A-law codes of signed 16-bit little-endian `pcm`, one byte a sample. Raises ValueError on half a sample."""
    return _encode(pcm, _PCM_TO_ALAW)


def decode_alaw(codes: bytes) -> bytes:
    """Signed 16-bit little-endian samples of A-law `codes`; every byte is a valid code."""
    return _decode(codes, _ALAW_TO_PCM)
