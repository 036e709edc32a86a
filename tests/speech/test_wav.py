"""WAV files: what is written is read back, G.711 is decoded, and what is not wanted is refused with a remedy."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.speech.wav import Recording, WavError, parse_wav, read_wav, write_wav


def riff(coding: int, bits: int, body: bytes, *, rate: int = 8000, channels: int = 1) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", coding, channels, rate, rate * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@given(st.binary(max_size=400), st.sampled_from([8000, 16000]))
def test_linear_sound_is_read_as_written(body: bytes, rate: int) -> None:
    recording = parse_wav(riff(1, 16, body, rate=rate))
    assert recording == Recording(body[: len(body) // 2 * 2], rate)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_recording_or_a_plain_error(content: bytes) -> None:
    for candidate in (content, b"RIFF\0\0\0\0WAVE" + content, riff(1, 16, b"\0\0") + content):
        with contextlib.suppress(WavError):  # anything else would be a crash
            assert parse_wav(candidate).sample_rate in (8000, 16000)


def test_a_file_goes_round(tmp_path: Path) -> None:
    recording = Recording(np.arange(-500, 500, dtype="<i2").tobytes(), 16000)
    write_wav(tmp_path / "a.wav", recording)
    assert read_wav(tmp_path / "a.wav") == recording
    assert recording.seconds == pytest.approx(1000 / 16000)


def test_g711_values_of_the_recommendation() -> None:
    mulaw = np.frombuffer(parse_wav(riff(7, 8, bytes([0xFF, 0x7F, 0x80, 0x00]))).pcm, "<i2")
    assert mulaw.tolist() == [0, 0, 32124, -32124]
    alaw = np.frombuffer(parse_wav(riff(6, 8, bytes([0xD5, 0x55, 0xAA, 0x2A]))).pcm, "<i2")
    assert alaw.tolist() == [8, -8, 32256, -32256]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "not a WAV"),
        (riff(1, 16, b"\0\0\0\0", channels=2), "remix 1"),
        (riff(1, 16, b"\0\0", rate=44100), "44100 Hz"),
        (riff(3, 32, b"\0\0\0\0"), "coding is 3"),
        (riff(1, 16, b"")[:20], "cut short"),
        (riff(1, 16, b"")[:36], "no sound"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(content: bytes, words: str) -> None:
    with pytest.raises(WavError, match=words):
        parse_wav(content)


def test_a_recording_cut_off_is_read_to_its_end() -> None:
    whole = riff(1, 16, b"\1\0" * 100)
    assert parse_wav(whole[:-50]).pcm == b"\1\0" * 75
