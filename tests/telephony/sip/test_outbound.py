"""Calls placed over real SIP and RTP: every answer a network gives comes back as its cause; keys and transfers go."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from telephony.carrier import Cause, DialFailed, DialRequest, TransferFailed
from telephony.media import MarkReached, MediaEnded
from telephony.sip_trunk import Codec, DtmfMode, SipTrunk

if TYPE_CHECKING:
    from tests.telephony.sip.conftest import Sound, StartCarrier, StartSipp

pytestmark = pytest.mark.peer


def trunk(port: int, **settings: object) -> SipTrunk:
    return SipTrunk(name="provider", host="127.0.0.1", port=port, **settings)  # type: ignore[arg-type]


async def test_a_number_is_dialled_answered_and_hung_up(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    peer = await sipp("uas_answer")
    sip = await carrier(trunks=(trunk(peer.port),))
    leg = await sip.dial(DialRequest("13800000003"))
    assert (leg.to_number, leg.trunk) == ("13800000003", "provider")
    heard = await sound.listen(leg.media, 0.6)
    assert sound.loudness(heard[3200:], 440) > 0.6
    await leg.hang_up()
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.NORMAL
    assert sip.active_calls() == 0
    await peer.verdict()


async def test_what_we_say_is_heard_by_the_far_end(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    """The far end echoes RTP, so what comes back is what it received."""
    peer = await sipp("uas_echo", echo=True)
    sip = await carrier(trunks=(trunk(peer.port),))
    leg = await sip.dial(DialRequest("13800000003"))
    leg.media.send(sound.tone(700, 1.5))
    leg.media.mark("said")
    heard = await sound.listen(leg.media, 1.2)
    assert sound.loudness(heard[8000:], 700) > 0.6
    assert await sound.until(leg.media, MarkReached) == [MarkReached("said", True)]
    assert leg.media.played_seconds == pytest.approx(1.5, abs=0.001)
    await leg.hang_up()
    await peer.verdict()


async def test_clear_stops_the_bot_within_two_frames_and_says_how_much_was_played(
    carrier: StartCarrier, sipp: StartSipp, sound: Sound
) -> None:
    peer = await sipp("uas_echo", echo=True)
    sip = await carrier(trunks=(trunk(peer.port),))
    leg = await sip.dial(DialRequest("13800000003"))
    port = leg.media
    began = asyncio.get_running_loop().time()
    port.send(sound.tone(700, 1.9))
    port.mark("line")
    await sound.listen(port, 0.5)
    port.clear()
    cut = port.played_seconds
    assert 0.4 < cut <= asyncio.get_running_loop().time() - began + 0.06
    assert await sound.until(port, MarkReached) == [MarkReached("line", False)]
    port.send(sound.tone(1200, 0.4))
    port.mark("next")
    rest = await sound.listen(port, 0.35)
    assert port.played_seconds <= cut + 0.35 + 0.06
    assert await sound.until(port, MarkReached) == [MarkReached("next", True)]
    assert port.played_seconds == pytest.approx(cut + 0.4, abs=0.021)
    assert sound.loudness(rest[-1600:], 1200) > 0.6
    await leg.hang_up()
    await peer.verdict()


async def test_a_law_only_callee(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    peer = await sipp("uas_pcma")
    sip = await carrier(trunks=(trunk(peer.port, codecs=(Codec.PCMA, Codec.PCMU)),))
    leg = await sip.dial(DialRequest("13800000003"))
    heard = await sound.listen(leg.media, 0.6)
    assert sound.loudness(heard[3200:], 440) > 0.6
    await leg.hang_up()
    await peer.verdict()


async def test_the_far_end_says_bye(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    peer = await sipp("uas_bye")
    sip = await carrier(trunks=(trunk(peer.port),))
    leg = await sip.dial(DialRequest("13800000003"))
    leg.media.send(sound.tone(700, 5.0))
    leg.media.mark("never heard out")
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.NORMAL
    assert await sound.until(leg.media, MediaEnded) == [MarkReached("never heard out", False), MediaEnded()]
    assert 0.3 < leg.media.played_seconds < 0.8
    leg.media.send(b"\0" * 320)
    leg.media.clear()
    leg.media.mark("too late")
    await leg.media.send_dtmf("1")
    assert await leg.media.receive() == MediaEnded()
    await peer.verdict()


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("486 Busy Here", Cause.BUSY),
        ("600 Busy Everywhere", Cause.BUSY),
        ("603 Decline", Cause.DECLINED),
        ("403 Forbidden", Cause.DECLINED),
        ("404 Not Found", Cause.NOT_FOUND),
        ("484 Address Incomplete", Cause.NOT_FOUND),
        ("480 Temporarily Unavailable", Cause.UNAVAILABLE),
        ("408 Request Timeout", Cause.NO_ANSWER),
        ("402 Payment Required", Cause.REFUSED_BY_TRUNK),
        ("500 Server Internal Error", Cause.NETWORK_ERROR),
        ("503 Service Unavailable", Cause.OVERLOADED),
    ],
)
async def test_refusals_are_typed(carrier: StartCarrier, sipp: StartSipp, status: str, cause: Cause) -> None:
    peer = await sipp("uas_status", words={"STATUS": status})
    sip = await carrier(trunks=(trunk(peer.port),))
    with pytest.raises(DialFailed) as failed:
        await asyncio.wait_for(sip.dial(DialRequest("13800000003")), 30)
    assert (failed.value.cause, failed.value.status) == (cause, int(status[:3]))
    assert failed.value.reason == status[4:]
    assert sip.active_calls() == 0
    await peer.verdict()


async def test_nobody_answers_so_the_ringing_is_cancelled(carrier: StartCarrier, sipp: StartSipp) -> None:
    peer = await sipp("uas_ring")
    sip = await carrier(trunks=(trunk(peer.port),))
    with pytest.raises(DialFailed) as failed:
        await sip.dial(DialRequest("13800000003", ring_seconds=0.7))
    assert failed.value.cause is Cause.NO_ANSWER
    await peer.verdict()
    assert sip.active_calls() == 0


async def test_giving_up_dialling_sends_cancel(carrier: StartCarrier, sipp: StartSipp) -> None:
    peer = await sipp("uas_ring")
    sip = await carrier(trunks=(trunk(peer.port),))
    dialling = asyncio.create_task(sip.dial(DialRequest("13800000003")))
    await asyncio.sleep(0.4)
    assert sip.active_calls() == 1
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    await peer.verdict()
    assert sip.active_calls() == 0


async def test_a_trunk_that_never_answers_is_a_network_error(carrier: StartCarrier) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        sip = await carrier(trunks=(trunk(deaf.getsockname()[1]),), answer_timeout_seconds=0.5)
        with pytest.raises(DialFailed) as failed:
            await asyncio.wait_for(sip.dial(DialRequest("13800000003")), 30)
    assert failed.value.cause is Cause.NETWORK_ERROR
    assert "no sign" in failed.value.reason


@pytest.mark.parametrize("to", ["sip:bot@no-such-host.invalid", "13 800", "sip:", "a<b>"])
async def test_what_cannot_be_dialled(carrier: StartCarrier, to: str) -> None:
    sip = await carrier(trunks=(trunk(5999),))
    with pytest.raises(DialFailed) as failed:
        await asyncio.wait_for(sip.dial(DialRequest(to)), 30)
    assert failed.value.cause in {Cause.NOT_FOUND, Cause.NETWORK_ERROR}


async def test_without_a_trunk_no_number_can_be_dialled(carrier: StartCarrier) -> None:
    sip = await carrier()
    with pytest.raises(DialFailed, match="no SIP trunk is configured"):
        await sip.dial(DialRequest("13800000003"))
    with pytest.raises(DialFailed, match="no SIP trunk named"):
        await sip.dial(DialRequest("13800000003"), trunk="other")


async def test_a_uri_is_dialled_directly(carrier: StartCarrier, sipp: StartSipp) -> None:
    peer = await sipp("uas_answer")
    sip = await carrier()
    leg = await sip.dial(DialRequest(f"sip:agent-1@127.0.0.1:{peer.port}"))
    assert (leg.to_number, leg.trunk) == ("agent-1", None)
    await asyncio.sleep(0.2)
    await leg.hang_up()
    await peer.verdict()


async def test_the_limit_on_calls_holds_for_dialling(carrier: StartCarrier, sipp: StartSipp) -> None:
    peer = await sipp("uas_answer")
    sip = await carrier(trunks=(trunk(peer.port),), max_calls=1)
    leg = await sip.dial(DialRequest("13800000003"))
    with pytest.raises(DialFailed) as failed:
        await sip.dial(DialRequest("13800000004"))
    assert failed.value.cause is Cause.OVERLOADED
    await asyncio.sleep(0.2)
    await leg.hang_up()
    await peer.verdict()


async def test_caller_id_and_headers_travel(carrier: StartCarrier, sipp: StartSipp) -> None:
    peer = await sipp("uas_expects")
    sip = await carrier(trunks=(trunk(peer.port, user="account"),))
    leg = await sip.dial(DialRequest("13800000003", caller_id="+862155550123", headers={"X-Attempt-Id": "attempt-17"}))
    assert leg.from_number == "+862155550123"
    await asyncio.sleep(0.2)
    await leg.hang_up()
    await peer.verdict()


async def test_keys_go_out_by_sip_info_where_the_far_end_has_no_rtp_events(
    carrier: StartCarrier, sipp: StartSipp
) -> None:
    peer = await sipp("uas_info")
    sip = await carrier(trunks=(trunk(peer.port, dtmf=DtmfMode.AUTO),))
    leg = await sip.dial(DialRequest("13800000003"))
    await leg.media.send_dtmf("9#")
    await leg.hang_up()
    await peer.verdict()


async def test_a_transfer_that_succeeds_ends_the_call(carrier: StartCarrier, sipp: StartSipp) -> None:
    peer = await sipp("uas_refer")
    sip = await carrier(trunks=(trunk(peer.port),))
    leg = await sip.dial(DialRequest("13800000003"))
    await asyncio.sleep(0.2)
    await leg.transfer("sip:agent@127.0.0.1:5999", timeout_seconds=5)
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.NORMAL
    await peer.verdict()


@pytest.mark.parametrize(("scenario", "status"), [("uas_refer_busy", 486), ("uas_refer_refused", 405)])
async def test_a_transfer_that_fails_leaves_the_call(
    carrier: StartCarrier, sipp: StartSipp, sound: Sound, scenario: str, status: int
) -> None:
    peer = await sipp(scenario)
    sip = await carrier(trunks=(trunk(peer.port),))
    leg = await sip.dial(DialRequest("13800000003"))
    await asyncio.sleep(0.2)
    with pytest.raises(TransferFailed) as failed:
        await leg.transfer("sip:agent@127.0.0.1:5999", timeout_seconds=5)
    assert failed.value.status == status
    heard = await sound.listen(leg.media, 0.4)
    assert sound.loudness(heard[-3200:], 440) > 0.6
    await leg.hang_up()
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.NORMAL
    await peer.verdict()


async def test_a_transfer_to_nonsense_is_refused_before_it_is_sent(carrier: StartCarrier, sipp: StartSipp) -> None:
    peer = await sipp("uas_answer")
    sip = await carrier(trunks=(trunk(peer.port),))
    leg = await sip.dial(DialRequest("13800000003"))
    with pytest.raises(TransferFailed, match="neither a SIP URI nor a number"):
        await leg.transfer("no such place")
    await asyncio.sleep(0.2)
    await leg.hang_up()
    await peer.verdict()
    with pytest.raises(TransferFailed):
        await leg.transfer("13800000009")
