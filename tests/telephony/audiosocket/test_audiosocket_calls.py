"""A call from Asterisk over AudioSocket is an inbound call like any other; who does not belong here is turned away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import uuid
from collections.abc import AsyncIterator

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.audiosocket import AudioSocketCarrier, AudioSocketGate
from telephony.audiosocket_frames import Frame, FrameDecoder, Kind
from telephony.audiosocket_leg import Announcement, AudioSocketLeg
from telephony.carrier import CallLeg, CarrierUnavailable, Cause, DialFailed, DialRequest, Direction, TransferFailed
from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded, MediaEvent

CALL_ID = "40325ec2-5efd-4bd3-805f-53576e581d13"


class Asterisk:
    """The PBX's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.decoder = FrameDecoder()
        self.frames: list[tuple[float, Frame]] = []
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        # A server that closes with our bytes unread resets the connection; that is thrown out as well.
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(4096):
                self.frames += [(time.monotonic(), frame) for frame in self.decoder.feed(data)]

    def say(self, *frames: Frame) -> None:
        self.writer.write(b"".join(frame.encode() for frame in frames))

    async def thrown_out(self) -> bytes:
        """Waits until the server closes; the payload of audio it sent until then."""
        async with asyncio.timeout(30):
            await self.listening
        return b"".join(frame.payload for _, frame in self.frames if frame.kind == Kind.AUDIO)


class Pbx:
    """Connects calls to a carrier, and collects the legs that its handler is given."""

    def __init__(self, carrier: AudioSocketCarrier) -> None:
        self.carrier = carrier
        self.legs: asyncio.Queue[CallLeg] = asyncio.Queue()
        self.connections: list[Asterisk] = []

    async def take(self, leg: CallLeg) -> None:
        await leg.answer()
        self.legs.put_nowait(leg)

    async def connect(self, *frames: Frame) -> Asterisk:
        asterisk = Asterisk(*await asyncio.open_connection("127.0.0.1", self.carrier.port))
        self.connections.append(asterisk)
        asterisk.say(*frames)
        return asterisk

    async def call(self, call_id: str = CALL_ID) -> tuple[Asterisk, AudioSocketLeg]:
        asterisk = await self.connect(Frame(Kind.UUID, uuid.UUID(call_id).bytes))
        async with asyncio.timeout(30):
            leg = await self.legs.get()
        assert isinstance(leg, AudioSocketLeg)
        return asterisk, leg


@contextlib.asynccontextmanager
async def open_pbx(gate: AudioSocketGate) -> AsyncIterator[Pbx]:
    carrier = AudioSocketCarrier(port=0, gate=gate)
    await carrier.start()
    pbx = Pbx(carrier)
    carrier.on_incoming(pbx.take)
    try:
        yield pbx
    finally:
        await carrier.close()
        for asterisk in pbx.connections:
            asterisk.writer.close()
            await asterisk.listening


@pytest.fixture
async def pbx() -> AsyncIterator[Pbx]:
    async with open_pbx(AudioSocketGate(max_calls=2)) as opened:
        yield opened


@pytest.fixture
async def strict_pbx() -> AsyncIterator[Pbx]:
    async with open_pbx(AudioSocketGate(announced_only=True, announce_token="t" * 20)) as opened:
        yield opened


async def events_until_end(leg: CallLeg) -> list[MediaEvent]:
    events: list[MediaEvent] = []
    async with asyncio.timeout(30):
        while not isinstance(event := await leg.media.receive(), MediaEnded):
            events.append(event)
    return events


def audio(frames: int, seed: int = 1) -> list[bytes]:
    samples = np.random.default_rng(seed).integers(-9000, 9000, 160 * frames).astype("<i2").tobytes()
    return [samples[at : at + 320] for at in range(0, len(samples), 320)]


async def test_audio_and_keys_arrive_until_asterisk_hangs_up(pbx: Pbx) -> None:
    asterisk, leg = await pbx.call()
    assert (leg.id, leg.direction, leg.from_number, leg.to_number) == (CALL_ID, Direction.INBOUND, None, "")
    pieces = audio(3)
    asterisk.say(*(Frame(Kind.AUDIO, piece) for piece in pieces), Frame(Kind.DTMF, b"#"), Frame(0x77, b"later"))
    asterisk.say(Frame(Kind.HANG_UP))
    events = await events_until_end(leg)
    assert [event.pcm for event in events if isinstance(event, AudioReceived)] == pieces
    assert [event.media_seconds for event in events if isinstance(event, AudioReceived)] == pytest.approx(
        [0, 0.02, 0.04]
    )
    assert events[3:] == [DtmfReceived("#")]
    assert await leg.ended() is Cause.NORMAL
    assert pbx.carrier.active_calls() == 0


async def test_what_we_say_is_paced_and_marked_by_our_own_clock(pbx: Pbx) -> None:
    asterisk, leg = await pbx.call()
    said = b"".join(audio(25))
    began = time.monotonic()
    leg.media.send(said)
    leg.media.mark("end")
    async with asyncio.timeout(30):
        assert await leg.media.receive() == MarkReached("end", played=True)
    assert time.monotonic() - began >= 0.49
    await leg.hang_up()
    assert await asterisk.thrown_out() == said
    arrivals = [at for at, frame in asterisk.frames if frame.kind == Kind.AUDIO]
    assert all(at - arrivals[0] >= 0.02 * number - 0.05 for number, at in enumerate(arrivals)), "never far ahead"
    assert asterisk.frames[-1][1] == Frame(Kind.HANG_UP)
    assert await leg.ended() is Cause.NORMAL


async def test_clear_leaves_at_most_what_asterisk_already_has(pbx: Pbx) -> None:
    asterisk, leg = await pbx.call()
    leg.media.send(b"".join(audio(3)))
    leg.media.mark("heard")
    leg.media.send(b"".join(audio(100)))
    leg.media.mark("cut")
    async with asyncio.timeout(30):
        assert await leg.media.receive() == MarkReached("heard", played=True)
        leg.media.clear()
        assert await leg.media.receive() == MarkReached("cut", played=False)
    await leg.hang_up()
    assert len(await asterisk.thrown_out()) <= (3 + 4) * 320


async def test_a_pause_in_what_is_heard_stays_a_pause(pbx: Pbx) -> None:
    asterisk, leg = await pbx.call()
    first, second = audio(2)
    asterisk.say(Frame(Kind.AUDIO, first))
    assert isinstance(await leg.media.receive(), AudioReceived)
    await asyncio.sleep(0.4)  # a real pause on a real wire
    asterisk.say(Frame(Kind.AUDIO, second))
    event = await leg.media.receive()
    assert isinstance(event, AudioReceived)
    assert 0.35 <= event.media_seconds <= 0.6


async def test_a_rejected_call_goes_back_to_the_dialplan(pbx: Pbx) -> None:
    ends: asyncio.Queue[Cause] = asyncio.Queue()

    async def refuse(leg: CallLeg) -> None:
        with pytest.raises(RuntimeError, match="offered"):
            _ = leg.media
        await leg.reject(Cause.DECLINED)
        ends.put_nowait(await leg.ended())

    pbx.carrier.on_incoming(refuse)
    asterisk = await pbx.connect(Frame(Kind.UUID, uuid.uuid4().bytes))
    await asterisk.thrown_out()
    assert [frame for _, frame in asterisk.frames] == [Frame(Kind.HANG_UP)]
    assert await ends.get() is Cause.DECLINED


async def test_a_caller_who_leaves_before_the_answer_is_cancelled(pbx: Pbx) -> None:
    failures: asyncio.Queue[DialFailed] = asyncio.Queue()

    async def slow(leg: CallLeg) -> None:
        assert await leg.ended() is Cause.CANCELLED
        with pytest.raises(DialFailed) as failed:
            await leg.answer()
        failures.put_nowait(failed.value)

    pbx.carrier.on_incoming(slow)
    asterisk = await pbx.connect(Frame(Kind.UUID, uuid.uuid4().bytes))
    asterisk.writer.close()
    assert (await failures.get()).cause is Cause.CANCELLED


@pytest.mark.parametrize("outcome", ["fails", "forgets"])
async def test_a_handler_that_fails_or_forgets_costs_one_call(pbx: Pbx, outcome: str) -> None:
    async def handler(leg: CallLeg) -> None:
        if outcome == "fails":
            raise LookupError("no flow")

    pbx.carrier.on_incoming(handler)
    await (await pbx.connect(Frame(Kind.UUID, uuid.uuid4().bytes))).thrown_out()
    assert pbx.carrier.active_calls() == 0
    pbx.carrier.on_incoming(pbx.take)
    await pbx.call()


@pytest.mark.parametrize(
    "frames",
    [
        [Frame(Kind.AUDIO, bytes(320))],
        [Frame(Kind.UUID, b"short")],
        [Frame(Kind.HANG_UP)],
        [Frame(Kind.ERROR, b"\x01")],
    ],
)
async def test_who_does_not_begin_with_a_uuid_is_turned_away(pbx: Pbx, frames: list[Frame]) -> None:
    await (await pbx.connect(*frames)).thrown_out()
    assert pbx.legs.empty()


async def test_silence_after_connecting_is_not_waited_out_for_ever(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.audiosocket._UUID_SECONDS", 0.1)
    await (await pbx.connect()).thrown_out()


async def test_over_the_limit_and_twice_the_same_call_are_turned_away(pbx: Pbx) -> None:
    await pbx.call()
    again = await pbx.connect(Frame(Kind.UUID, uuid.UUID(CALL_ID).bytes))
    await again.thrown_out()
    await pbx.call(str(uuid.uuid4()))
    third = await pbx.connect(Frame(Kind.UUID, uuid.uuid4().bytes))
    await third.thrown_out()
    assert pbx.carrier.active_calls() == 2


async def test_a_network_that_is_not_allowed_is_turned_away() -> None:
    async with open_pbx(AudioSocketGate(allowed=("192.0.2.0/24",))) as pbx:
        await (await pbx.connect(Frame(Kind.UUID, uuid.uuid4().bytes))).thrown_out()
        assert pbx.legs.empty()


@pytest.mark.parametrize(
    "hostile",
    [
        Frame(Kind.AUDIO, b"\x01\x02\x03"),
        Frame(Kind.DTMF, b"Z"),
        Frame(Kind.DTMF, b""),
        Frame(Kind.UUID, uuid.UUID(CALL_ID).bytes),
        Frame(Kind.ERROR, b"\x04"),
        Frame(0x12, bytes(640)),
    ],
)
async def test_a_broken_protocol_ends_its_own_call_only(pbx: Pbx, hostile: Frame) -> None:
    asterisk, leg = await pbx.call()
    _, other = await pbx.call(str(uuid.uuid4()))
    asterisk.say(hostile)
    async with asyncio.timeout(30):
        assert await leg.ended() is Cause.NETWORK_ERROR
    await asterisk.thrown_out()
    assert other.active


async def test_a_reset_connection_is_an_end(pbx: Pbx) -> None:
    asterisk, leg = await pbx.call()
    connection: socket.socket = asterisk.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    asterisk.writer.transport.abort()
    async with asyncio.timeout(30):
        assert await leg.ended() in {Cause.NORMAL, Cause.NETWORK_ERROR}
    leg.media.send(bytes(320))
    await leg.hang_up()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    begins_well=st.booleans(),
    frames=st.lists(
        st.builds(Frame, st.sampled_from([0, 1, 3, 16, 17, 24, 255]) | st.integers(0, 255), st.binary(max_size=400)),
        max_size=6,
    ),
    rest=st.binary(max_size=40),
)
async def test_whatever_comes_the_server_stays_up(
    pbx: Pbx, begins_well: bool, frames: list[Frame], rest: bytes
) -> None:
    asterisk = await pbx.connect(*([Frame(Kind.UUID, uuid.uuid4().bytes)] if begins_well else []), *frames)
    asterisk.writer.write(rest)
    asterisk.writer.write_eof()
    await asterisk.thrown_out()
    asterisk.writer.close()
    async with asyncio.timeout(30):
        while not pbx.legs.empty():
            await pbx.legs.get_nowait().ended()
    assert pbx.carrier.active_calls() == 0


async def test_the_dialplan_announces_who_is_calling(strict_pbx: Pbx) -> None:
    app = web.Application()
    app.add_routes(strict_pbx.carrier.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/audiosocket/calls"
    form = {"uuid": CALL_ID, "from": "+8613800000002", "to": "4001", "Queue": "q1"}
    try:
        async with aiohttp.ClientSession() as session:
            for token, body, status in [
                ("wrong", form, 401),
                ("t" * 20, {**form, "uuid": "1"}, 400),
                ("t" * 20, form, 204),
            ]:
                headers = {"Authorization": f"Bearer {token}"}
                async with session.post(url, data=body, headers=headers) as response:
                    assert response.status == status
        _, leg = await strict_pbx.call()
        assert (leg.from_number, leg.to_number, leg.headers) == ("+8613800000002", "4001", {"queue": "q1"})
        await leg.hang_up()
        again = await strict_pbx.connect(Frame(Kind.UUID, uuid.UUID(CALL_ID).bytes))
        await again.thrown_out()
        assert strict_pbx.legs.empty(), "an announcement admits once"
    finally:
        await runner.cleanup()


async def test_an_announcement_goes_stale(strict_pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.audiosocket._ANNOUNCED_SECONDS", -1.0)
    strict_pbx.carrier.announce(Announcement(CALL_ID))
    await (await strict_pbx.connect(Frame(Kind.UUID, uuid.UUID(CALL_ID).bytes))).thrown_out()
    assert strict_pbx.legs.empty()


async def test_what_audiosocket_cannot_do_is_said(pbx: Pbx) -> None:
    with pytest.raises(DialFailed, match="dial through the PBX as a SIP trunk"):
        await pbx.carrier.dial(DialRequest("+8613800000001"))
    _, leg = await pbx.call()
    with pytest.raises(TransferFailed, match="let the dialplan go on"):
        await leg.transfer("+12025550111")
    assert leg.active
    assert pbx.carrier.routes() == []


async def test_a_taken_port_is_said(pbx: Pbx) -> None:
    second = AudioSocketCarrier(port=pbx.carrier.port)
    with pytest.raises(CarrierUnavailable, match=r"cannot listen on 127\.0\.0\.1:\d+: .*Choose another port"):
        await second.start()
