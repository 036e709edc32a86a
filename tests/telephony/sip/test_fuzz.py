"""Garbage on the SIP port costs nothing: the stack lives, calls that stand go on, new ones come in."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import TYPE_CHECKING

import pytest

from telephony.carrier import CallLeg
from telephony.sip_carrier import SipCarrier

if TYPE_CHECKING:
    from tests.telephony.sip.conftest import Sound, StartCarrier, StartSipp

pytestmark = pytest.mark.peer

INVITE = (
    "INVITE sip:4008001234@127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{tag};rport\r\n"
    "From: <sip:13800000009@127.0.0.1>;tag={tag}\r\n"
    "To: <sip:4008001234@127.0.0.1>\r\n"
    "Call-ID: {tag}@127.0.0.1\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:13800000009@127.0.0.1:{port}>\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: {length}\r\n\r\n{body}"
)
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
NASTY = [
    b"",
    b"\r\n\r\n",
    b"\0" * 200,
    b"\xff" * 1400,
    b"SIP/2.0 200 OK\r\n\r\n",
    b"INVITE\r\n\r\n",
    b"INVITE sip:x SIP/9.9\r\nVia: \r\n\r\n",
    b"OPTIONS sip:x@y SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"OPTIONS sip:x@y SIP/2.0\r\nContent-Length: -1\r\nVia: SIP/2.0/UDP \xfe\r\n\r\n",
    b"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=%n%s%x\r\nFrom: <" + b"a" * 5000 + b">\r\n\r\n",
    b"REFER sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z\r\nRefer-To: <sip:1@127.0.0.1>\r\n\r\n",
    b"BYE sip:x@127.0.0.1 SIP/2.0\r\nCall-ID: nobody\r\n\r\n",
]


def garbage(rng: random.Random, port: int) -> bytes:
    """A nasty packet, or an INVITE with its bytes changed, cut or doubled, or its SDP spoilt."""
    if rng.random() < 0.25:
        return rng.choice(NASTY)
    body = SDP
    if rng.random() < 0.5:
        body = rng.choice(["", "v=0\r\n", SDP.replace("40000", "99999999"), SDP.replace("IN IP4", "IN IP9"), SDP * 20])
    tag = f"fuzz{rng.randrange(10**9)}"
    packet = bytearray(INVITE.format(port=port, tag=tag, length=len(body), body=body).encode())
    for _ in range(rng.randrange(1, 30)):
        at = rng.randrange(len(packet))
        match rng.randrange(3):
            case 0:
                packet[at] = rng.randrange(256)
            case 1:
                del packet[at : at + rng.randrange(1, 20)]
            case _:
                packet[at:at] = packet[at : at + rng.randrange(1, 60)]
        if not packet:
            break
    return bytes(packet[:4000])


def take_the_honest(sip: SipCarrier) -> asyncio.Queue[CallLeg]:
    """Answers the known caller and refuses everybody else."""
    answered: asyncio.Queue[CallLeg] = asyncio.Queue()

    async def take(leg: CallLeg) -> None:
        if leg.from_number == "13800000001":
            await leg.answer()
            answered.put_nowait(leg)
        else:
            await leg.reject()

    sip.on_incoming(take)
    return answered


async def test_garbage_does_not_hurt(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    sip = await carrier(max_calls=10, calls_per_second=10_000.0)
    answered = take_the_honest(sip)
    peer = await sipp("uac_waits_for_bye", to=sip.settings.port)
    leg = await asyncio.wait_for(answered.get(), 30)
    rng = random.Random(20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        for _ in range(1500):
            sender.sendto(garbage(rng, sender.getsockname()[1]), ("127.0.0.1", sip.settings.port))
            if rng.random() < 0.1:
                await asyncio.sleep(0.002)
    for number in range(20):
        with socket.create_connection(("127.0.0.1", sip.settings.port), timeout=2) as stream:
            stream.sendall(garbage(rng, 9) + bytes(number))
    # A busy machine may hear gaps for a moment; a line that was hurt stays silent.
    for _ in range(5):
        heard = await sound.listen(leg.media, 1.0)
        if sound.loudness(heard[-8000:], 440) > 0.6:
            break
    assert sound.loudness(heard[-8000:], 440) > 0.6
    await leg.hang_up()
    await peer.verdict()
    await (await sipp("uac", to=sip.settings.port)).verdict()
    assert (await answered.get()).to_number == "4008001234"
    assert sip.healthy


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (">;tag={tag}\r\nTo", ">\r\nTo"),
        ("@127.0.0.1>;tag={tag}\r\nTo", "@127.0.0.1;tag={tag}\r\nTo"),
        ("Contact: <sip:13800000009@127.0.0.1:{port}>\r\n", ""),
        ("Contact: <sip:13800000009@127.0.0.1:{port}>", "Contact: <sip:13800000009"),
        ("Contact:", "Record-Route: <sip:127.0.0.1;lr>, <sip\r\nContact:"),
    ],
)
async def test_a_malformed_invite_costs_no_place_among_the_calls(
    carrier: StartCarrier, sipp: StartSipp, good: str, bad: str
) -> None:
    """The stack by itself would keep each such call for good: with three places, three packets would silence it."""
    assert good in INVITE
    sip = await carrier(max_calls=3, calls_per_second=10_000.0)
    answered = take_the_honest(sip)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        sender.setblocking(False)
        for number in range(40):
            packet = INVITE.replace(good, bad).format(
                port=sender.getsockname()[1], tag=f"m{number}", length=len(SDP), body=SDP
            )
            sender.sendto(packet.encode(), ("127.0.0.1", sip.settings.port))
            answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sender, 4000), 30)
            assert answer.startswith(b"SIP/2.0 4")
    assert answered.empty()
    await (await sipp("uac", to=sip.settings.port)).verdict()
    assert (await answered.get()).from_number == "13800000001"
