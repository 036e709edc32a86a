"""Telephone recordings in WAV files: 16-bit linear, µ-law or A-law, one channel or several."""

from __future__ import annotations

import struct
import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PCM, ALAW, MULAW, EXTENSIBLE = 1, 6, 7, 0xFFFE


class WavError(ValueError):
    """The file is not one of those this engine reads; the message says how to convert it."""


@dataclass(frozen=True)
class Recording:
    """Sound of one channel."""

    pcm: bytes
    """Signed 16-bit little-endian."""
    sample_rate: int
    """Hz."""

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.sample_rate


def parse_wav(content: bytes, *, rates: tuple[int, ...] | None = (8000, 16000)) -> Recording:
    """Reads a RIFF WAVE file. Raises `WavError`, naming what is wrong and the sox command that mends it.

    A data chunk that claims more than the file has (a recording cut off, or written to a pipe) is read to the end.
    """
    channels = parse_channels(content, rates=rates)
    if len(channels) != 1:
        raise WavError(f"it has {len(channels)} channels, one is wanted. Take one: sox IN OUT.wav remix 1")
    return channels[0]


def parse_channels(content: bytes, *, rates: tuple[int, ...] | None = (8000, 16000)) -> tuple[Recording, ...]:
    """Reads a RIFF WAVE file of any number of channels, one recording each. Raises `WavError`."""
    if len(content) < 12 or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise WavError("not a WAV file. Convert it: sox IN -r 8000 -c 1 -b 16 OUT.wav")
    form: tuple[int, int, int, int] | None = None
    place = 12
    while place + 8 <= len(content):
        kind, size = content[place : place + 4], struct.unpack_from("<I", content, place + 4)[0]
        body = content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
        if kind == b"fmt ":
            form = _format(body)
        elif kind == b"data":
            if form is None:
                raise WavError("the sound comes before its format. Convert it: sox IN -r 8000 -c 1 -b 16 OUT.wav")
            return _recordings(form, body, rates)
    raise WavError("there is no sound in it. Record it again")


def read_wav(path: Path, *, rates: tuple[int, ...] | None = (8000, 16000)) -> Recording:
    """Reads a file. Raises `WavError` or `OSError`."""
    return parse_wav(path.read_bytes(), rates=rates)


def read_channels(path: Path, *, rates: tuple[int, ...] | None = (8000, 16000)) -> tuple[Recording, ...]:
    """Reads a file of any number of channels. Raises `WavError` or `OSError`."""
    return parse_channels(path.read_bytes(), rates=rates)


def write_wav(path: Path, *channels: Recording) -> None:
    """Writes 16-bit linear sound. Channels are of one rate; the shorter ones end in silence."""
    longest = max(len(channel.pcm) for channel in channels) // 2
    sound = np.zeros((longest, len(channels)), "<i2")
    for place, channel in enumerate(channels):
        samples = np.frombuffer(channel.pcm, "<i2")
        sound[: len(samples), place] = samples
    with wave.open(str(path), "wb") as out:
        out.setnchannels(len(channels))
        out.setsampwidth(2)
        out.setframerate(channels[0].sample_rate)
        out.writeframes(sound.tobytes())


def _format(body: bytes) -> tuple[int, int, int, int]:
    if len(body) < 16:
        raise WavError("its format chunk is cut short. Convert it: sox IN -r 8000 -c 1 -b 16 OUT.wav")
    coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if coding == EXTENSIBLE and len(body) >= 26:
        coding = struct.unpack_from("<H", body, 24)[0]
    return coding, channels, rate, bits


def _recordings(form: tuple[int, int, int, int], body: bytes, rates: tuple[int, ...] | None) -> tuple[Recording, ...]:
    coding, channels, rate, bits = form
    if channels < 1:
        raise WavError("it has no channel. Record it again")
    if rate <= 0 or (rates is not None and rate not in rates):
        wanted = " or ".join(str(one) for one in rates or ())
        raise WavError(f"its rate is {rate} Hz, {wanted} is wanted. Convert it: sox IN -r 8000 -b 16 OUT.wav")
    sound = _linear(coding, bits, body)
    together = sound[: len(sound) // channels * channels].reshape(-1, channels)
    return tuple(Recording(np.ascontiguousarray(together[:, place]).tobytes(), rate) for place in range(channels))


def _linear(coding: int, bits: int, body: bytes) -> NDArray[np.int16]:
    if coding == PCM and bits == 16:
        return np.frombuffer(body[: len(body) // 2 * 2], "<i2")
    if coding == MULAW and bits == 8:
        return _mulaw()[np.frombuffer(body, np.uint8)]
    if coding == ALAW and bits == 8:
        return _alaw()[np.frombuffer(body, np.uint8)]
    raise WavError(
        f"its coding is {coding} with {bits} bits, 16-bit linear, µ-law or A-law is wanted. "
        "Convert it: sox IN -r 8000 -b 16 OUT.wav"
    )


@cache
def _mulaw() -> NDArray[np.int16]:
    """What each µ-law byte stands for (ITU-T G.711)."""
    flipped = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (flipped >> 4) & 7, (flipped & 15).astype(np.int32)
    size = ((mantissa << 3) + 0x84 << exponent) - 0x84
    return np.where(flipped & 0x80, -size, size).astype("<i2")


@cache
def _alaw() -> NDArray[np.int16]:
    """What each A-law byte stands for (ITU-T G.711)."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size).astype("<i2")
