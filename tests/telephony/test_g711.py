"""G.711 as the Recommendation tabulates it: known vectors, round trips, order, and sox as a second opinion."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.g711 import ALAW_SILENCE, ULAW_SILENCE, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw

Coder = Callable[[bytes], bytes]
LAWS = [pytest.param(encode_ulaw, decode_ulaw, id="ulaw"), pytest.param(encode_alaw, decode_alaw, id="alaw")]
EVERY_CODE = bytes(range(256))
EVERY_VALUE = np.arange(-32768, 32768, dtype=np.int32)


def pcm(*values: int) -> bytes:
    return np.array(values, dtype="<i2").tobytes()


def values(audio: bytes) -> list[int]:
    return [int(value) for value in np.frombuffer(audio, dtype="<i2")]


@pytest.mark.parametrize(
    ("code", "value"),
    # Table 2a and 2b, column 7 (value at the decoder's output), shifted from 14 to 16 bits.
    [
        (0x80, 8031),
        (0x8F, 4191),
        (0x9F, 2079),
        (0xAF, 1023),
        (0xBF, 495),
        (0xCF, 231),
        (0xDF, 99),
        (0xEF, 33),
        (0xFE, 2),
    ],
)
def test_ulaw_is_the_table_of_the_recommendation(code: int, value: int) -> None:
    assert values(decode_ulaw(bytes([code, code & 0x7F]))) == [4 * value, -4 * value]
    assert encode_ulaw(pcm(4 * value, -4 * value)) == bytes([code, code & 0x7F])


@pytest.mark.parametrize(
    ("code", "value"),
    # Table 1a and 1b, columns 6 and 7, shifted from 13 to 16 bits; on the line the even bits are inverted.
    [
        (0xFF, 4032),
        (0xF0, 2112),
        (0xE0, 1056),
        (0xD0, 528),
        (0xC0, 264),
        (0xB0, 132),
        (0xA0, 66),
        (0x90, 33),
        (0x81, 3),
        (0x80, 1),
    ],
)
def test_alaw_is_the_table_of_the_recommendation(code: int, value: int) -> None:
    line = code ^ 0x55
    assert values(decode_alaw(bytes([line, line & 0x7F]))) == [8 * value, -8 * value]
    assert encode_alaw(pcm(8 * value, -8 * value)) == bytes([line, line & 0x7F])


def test_silence_is_silent() -> None:
    assert encode_ulaw(pcm(0)) == ULAW_SILENCE
    assert values(decode_ulaw(ULAW_SILENCE)) == [0]
    assert encode_alaw(pcm(0)) == ALAW_SILENCE
    assert values(decode_alaw(ALAW_SILENCE)) == [8]


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_every_code_survives_a_round_trip(encode: Coder, decode: Coder) -> None:
    again = bytearray(encode(decode(EVERY_CODE)))
    if encode is encode_ulaw:
        assert again[0x7F] == 0xFF, "negative zero is zero"
        again[0x7F] = 0x7F
    assert again == EVERY_CODE


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_louder_is_never_coded_as_quieter(encode: Coder, decode: Coder) -> None:
    coded = np.array(values(decode(encode(EVERY_VALUE.astype("<i2").tobytes()))))
    assert (np.diff(coded) >= 0).all()


@pytest.mark.parametrize(("encode", "decode"), LAWS)
@given(samples=st.lists(st.integers(-32768, 32767), max_size=400))
def test_coding_keeps_length_sign_and_thirty_decibels(encode: Coder, decode: Coder, samples: list[int]) -> None:
    coded = encode(pcm(*samples))
    assert len(coded) == len(samples)
    for sample, value in zip(samples, values(decode(coded)), strict=True):
        assert sample * value >= 0 or abs(sample) < 16
        # Half of the widest step of its segment, the step being 1/16 of the segment; clipping at the top is inside it.
        assert abs(sample - value) <= max(16, abs(sample) // 31 + 4)


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_half_a_sample_is_refused(encode: Coder, decode: Coder) -> None:
    with pytest.raises(ValueError, match="even number of bytes, this piece has 3"):
        encode(b"\0\0\0")
    assert decode(b"") == encode(b"") == b""


@pytest.mark.peer
@pytest.mark.parametrize(
    ("law", "encode", "decode"), [("ul", encode_ulaw, decode_ulaw), ("al", encode_alaw, decode_alaw)]
)
def test_sox_reads_and_writes_the_same(law: str, encode: Coder, decode: Coder) -> None:
    linear = ["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-L", "-"]
    coded = ["-t", law, "-r", "8000", "-c", "1", "-"]

    def sox(source: list[str], target: list[str], audio: bytes) -> bytes:
        run = subprocess.run(["sox", "-D", *source, *target], input=audio, capture_output=True, check=True, timeout=30)
        return run.stdout

    assert sox(coded, linear, EVERY_CODE) == decode(EVERY_CODE)
    audio = EVERY_VALUE.astype("<i2").tobytes()
    ours, theirs = (np.array(values(decode(codes))) for codes in (encode(audio), sox(linear, coded, audio)))
    # sox rounds to 13 or 14 bits where G.191 cuts them off, so a value just below a border may land above it.
    differ = ours != theirs
    assert differ.mean() < 0.02
    below, above = (ours[np.clip(EVERY_VALUE + shift, -32768, 32767) + 32768] for shift in (-8, 8))
    assert ((theirs == below) | (theirs == above))[differ].all()
