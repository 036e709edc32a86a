"""The audio of a Twilio call: paced, marked, cleared, timed by Twilio's own clock.

What is reported as played was played: a report never claims more than was heard.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from telephony.carrier import DialRequest
from telephony.g711 import decode_ulaw, encode_ulaw
from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded, MediaPort

if TYPE_CHECKING:
    from telephony.twilio_call import TwilioCall
    from tests.telephony.twilio.conftest import Line, OpenLine
    from tests.telephony.twilio.stand_in import MediaStream

TO = "+8613800000001"
SECOND = 16000  # bytes of 16-bit audio


def noise(seconds: float, seed: int = 1) -> bytes:
    samples = np.random.default_rng(seed).integers(-12000, 12000, round(8000 * seconds))
    return samples.astype("<i2").tobytes()


async def marks(port: MediaPort, count: int) -> list[MarkReached]:
    found: list[MarkReached] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            event = await port.receive()
            assert not isinstance(event, MediaEnded)
            if isinstance(event, MarkReached):
                found.append(event)
    return found


@pytest.fixture
async def talking(line: Line) -> tuple[TwilioCall, MediaStream]:
    leg = await line.carrier.dial(DialRequest(TO))
    return leg, (await line.twilio.placed()).stream


async def test_audio_arrives_whole_and_in_order_and_never_far_ahead(talking: tuple[TwilioCall, MediaStream]) -> None:
    leg, stream = talking
    said = noise(0.6)
    began = time.monotonic()
    for at in range(0, len(said), 700):  # pieces that do not fit 20 ms
        leg.media.send(said[at : at + 700])
    leg.media.mark("end")
    assert await marks(leg.media, 1) == [MarkReached("end", played=True)]
    assert stream.heard == encode_ulaw(said)
    assert time.monotonic() - began >= 0.57, "the mark must not be answered before its audio was played"
    # 60 ms of ours, and one frame that the listener is about to be played.
    assert stream.most_buffered <= (0.06 + 0.02) * 8000
    sizes = {len(message["media"]["payload"]) for message in stream.received if message["event"] == "media"}
    assert max(sizes) <= 216, "20 ms of µ-law are 160 bytes, 216 in base64"


async def test_marks_come_back_in_order_with_their_names(talking: tuple[TwilioCall, MediaStream]) -> None:
    leg, stream = talking
    leg.media.mark("at once")
    for name in ("same", "same", '行 "x" \n'):
        leg.media.send(noise(0.06))
        leg.media.mark(name)
    assert await marks(leg.media, 4) == [
        MarkReached(name, played=True) for name in ("at once", "same", "same", '行 "x" \n')
    ]
    assert len(set(stream.answered_marks)) == 4
    assert not any("行" in name for name in stream.answered_marks)


async def test_clear_stops_within_a_few_frames_and_what_was_not_heard_is_not_claimed(
    talking: tuple[TwilioCall, MediaStream],
) -> None:
    leg, stream = talking
    leg.media.send(noise(0.2))
    leg.media.mark("heard")
    leg.media.send(noise(2.0))
    leg.media.mark("unheard")
    leg.media.mark("unheard too")
    assert await marks(leg.media, 1) == [MarkReached("heard", played=True)]
    cleared = time.monotonic()
    leg.media.clear()
    assert await marks(leg.media, 2) == [
        MarkReached("unheard", played=False),
        MarkReached("unheard too", played=False),
    ]
    played = leg.media.played_seconds
    leg.media.send(noise(0.1, seed=7))
    leg.media.mark("next line")
    assert await marks(leg.media, 1) == [MarkReached("next line", played=True)]
    assert stream.heard.endswith(encode_ulaw(noise(0.1, seed=7))), "nothing of the old line follows the clear"
    old = [frame for frame in stream.played if frame.ulaw not in encode_ulaw(noise(0.1, seed=7))]
    assert old[-1].at - cleared < 0.06
    heard_of_old = len(stream.heard) / 8000 - 0.1
    assert abs(heard_of_old - played) <= 0.06
    assert abs(leg.media.played_seconds - played - 0.1) <= 0.04
    assert [message["event"] for message in stream.received].count("clear") == 1


async def test_a_mark_that_was_cleared_is_not_reported_again(talking: tuple[TwilioCall, MediaStream]) -> None:
    leg, _ = talking
    leg.media.send(noise(0.02))
    leg.media.mark("line")
    leg.media.send(noise(0.04))
    leg.media.mark("line")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leg.media.clear()
    leg.media.send(noise(0.06))
    leg.media.mark("line")
    assert [mark.played for mark in await marks(leg.media, 3)] == [False, False, True]
    # Twilio answers all three, the cleared ones too.
    async with asyncio.timeout(30):
        while isinstance(await leg.media.receive(), MarkReached):
            raise AssertionError("a mark was reported twice")


async def test_media_time_is_twilios_and_keeps_gaps(talking: tuple[TwilioCall, MediaStream]) -> None:
    leg, stream = talking
    seconds: list[float] = []
    async with asyncio.timeout(30):
        while len(seconds) < 10:
            event = await leg.media.receive()
            if isinstance(event, AudioReceived):
                seconds.append(event.media_seconds)
                if len(seconds) == 5:
                    stream.gap_seconds = 1.0
    steps = np.diff(seconds)
    assert np.isclose(steps.max(), 1.02)
    assert np.isclose(np.sort(steps)[:-1], 0.02).all()


async def test_keys_are_pressed_as_tones_in_the_audio(talking: tuple[TwilioCall, MediaStream]) -> None:
    leg, stream = talking
    await leg.media.send_dtmf("7")
    leg.media.mark("pressed")
    await marks(leg.media, 1)
    samples = np.frombuffer(decode_ulaw(stream.heard), "<i2")[:800].astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(800)))
    loudest = sorted(int(np.argmax(spectrum[low:high]) + low) * 10 for low, high in ((60, 105), (110, 170)))
    assert loudest == [850, 1210]
    with pytest.raises(ValueError, match="no such key"):
        await leg.media.send_dtmf("x")


async def test_a_key_that_no_telephone_has_does_not_end_the_call(
    talking: tuple[TwilioCall, MediaStream],
) -> None:
    leg, stream = talking
    await stream.press("Z")
    await stream.press("5")
    async with asyncio.timeout(30):
        while not isinstance(event := await leg.media.receive(), DtmfReceived):
            assert not isinstance(event, MediaEnded)
    assert event.digit == "5"


async def test_after_the_end_everything_is_dropped_and_open_marks_are_settled(line: Line) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    leg.media.send(noise(1.0))
    leg.media.mark("open")
    await call.hang_up()
    assert await marks(leg.media, 1) == [MarkReached("open", played=False)]
    leg.media.send(noise(0.1))
    leg.media.mark("late")
    assert await marks_after_end(leg.media) == [MarkReached("late", played=False)]
    leg.media.clear()
    assert await leg.media.receive() == MediaEnded()


async def marks_after_end(port: MediaPort) -> list[MarkReached]:
    """Events behind the first MediaEnded that are none, until the next one."""
    found: list[MarkReached] = []
    ends = 0
    while ends < 2:
        event = await port.receive()
        if isinstance(event, MarkReached):
            found.append(event)
        ends += isinstance(event, MediaEnded)
    return found


async def test_a_consumer_that_does_not_read_loses_the_oldest_audio(
    talking: tuple[TwilioCall, MediaStream], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("telephony.paced_port.UNREAD_LIMIT", 5)
    leg, _ = talking
    leg.media.send(noise(0.1))
    leg.media.mark("meanwhile")
    await asyncio.sleep(0.4)
    assert await leg.media.receive() == MarkReached("meanwhile", played=True), "marks are never dropped"
    oldest = await leg.media.receive()
    assert isinstance(oldest, AudioReceived)
    assert leg.media.media_seconds - oldest.media_seconds < 0.2
    assert caplog.text.count("Nobody reads the audio") == 1


async def test_the_lead_over_the_listener_is_a_setting(open_line: OpenLine) -> None:
    line = await open_line(ahead_seconds=0.2)
    leg = await line.carrier.dial(DialRequest(TO))
    stream = (await line.twilio.placed()).stream
    leg.media.send(noise(0.6))
    leg.media.mark("end")
    await marks(leg.media, 1)
    assert 0.14 * 8000 <= stream.most_buffered <= 0.22 * 8000
