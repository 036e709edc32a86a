"""AudioSocket frames survive any cutting of the stream, and every stream of bytes is taken without an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.audiosocket_frames import PAYLOAD_LIMIT, Frame, FrameDecoder, Kind

frames_of_any_kind = st.lists(st.builds(Frame, st.integers(0, 255), st.binary(max_size=700)), max_size=8)


@given(frames=frames_of_any_kind, data=st.data())
def test_frames_survive_any_cutting(frames: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(frame.encode() for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    decoder = FrameDecoder()
    found = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[begin:end])
    assert found == frames


@given(pieces=st.lists(st.binary(max_size=400), max_size=10))
def test_any_bytes_are_frames_and_an_unfinished_one(pieces: list[bytes]) -> None:
    decoder = FrameDecoder()
    found = [frame for piece in pieces for frame in decoder.feed(piece)]
    stream = b"".join(pieces)
    encoded = b"".join(frame.encode() for frame in found)
    assert stream.startswith(encoded)
    rest = stream[len(encoded) :]
    assert len(rest) < 3 or len(rest) < 3 + int.from_bytes(rest[1:3], "big")


def test_the_wire_is_as_asterisk_documents_it() -> None:
    assert Frame(Kind.HANG_UP).encode() == b"\x00\x00\x00"
    assert Frame(Kind.DTMF, b"5").encode() == b"\x03\x00\x015"
    assert Frame(Kind.AUDIO, bytes(320)).encode()[:3] == b"\x10\x01\x40"


@pytest.mark.parametrize("frame", [Frame(16, bytes(PAYLOAD_LIMIT + 1)), Frame(256), Frame(-1)])
def test_what_does_not_fit_a_frame_is_refused(frame: Frame) -> None:
    with pytest.raises(ValueError, match="one byte of kind"):
        frame.encode()
