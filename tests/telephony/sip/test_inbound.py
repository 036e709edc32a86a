"""Calls that come in over real SIP and RTP: who calls whom, audio and keys both ways, every way a call can end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from telephony.carrier import CallLeg, Cause, DialFailed, Direction
from telephony.media import DtmfReceived, MarkReached, MediaEnded
from telephony.sip_carrier import SipCarrier
from telephony.sip_leg import SipLeg
from telephony.sip_trunk import AcceptFrom, SipTrunk

if TYPE_CHECKING:
    from tests.telephony.sip.conftest import Sound, StartCarrier, StartSipp

pytestmark = pytest.mark.peer


def calls_of(carrier: SipCarrier) -> asyncio.Queue[SipLeg]:
    """The calls that come in, in order."""
    queue: asyncio.Queue[SipLeg] = asyncio.Queue()

    async def take(leg: CallLeg) -> None:
        assert isinstance(leg, SipLeg)
        queue.put_nowait(leg)

    carrier.on_incoming(take)
    return queue


async def test_a_call_is_answered_heard_and_ended_by_the_caller(
    carrier: StartCarrier, sipp: StartSipp, sound: Sound
) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac", to=sip.settings.port, number="4008001234")

    leg = await asyncio.wait_for(calls.get(), 30)
    assert (leg.direction, leg.from_number, leg.to_number) == (Direction.INBOUND, "13800000001", "4008001234")
    assert leg.headers["from"].startswith('"Example" <sip:13800000001@127.0.0.1')
    with pytest.raises(RuntimeError, match="answered"):
        _ = leg.media
    await leg.answer()
    assert sip.active_calls() == 1
    heard = await sound.listen(leg.media, 1.0)
    assert sound.loudness(heard[3200:], 440) > 0.6

    assert await asyncio.wait_for(leg.ended(), 30) is Cause.NORMAL
    await sound.until(leg.media, MediaEnded)
    assert await leg.media.receive() == MediaEnded()
    assert sip.active_calls() == 0
    await peer.verdict()


async def test_we_say_bye(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_waits_for_bye", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.answer()
    await sound.listen(leg.media, 0.2)
    await leg.hang_up()
    await leg.hang_up()
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.NORMAL
    await peer.verdict()


async def test_a_law_only_caller_is_heard(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_pcma", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.answer()
    heard = await sound.listen(leg.media, 0.6)
    assert sound.loudness(heard[3200:], 440) > 0.6
    await leg.hang_up()
    await peer.verdict()


async def test_keys_come_as_rtp_events_once_a_press(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_dtmf", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.answer()
    keys = []
    while (event := await asyncio.wait_for(leg.media.receive(), 30)) != MediaEnded():
        if isinstance(event, DtmfReceived):
            keys.append(event.digit)
    assert keys == ["7", "#"]
    await peer.verdict()


async def test_keys_come_by_sip_info(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_info", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.answer()
    keys = []
    while (event := await asyncio.wait_for(leg.media.receive(), 30)) != MediaEnded():
        if isinstance(event, DtmfReceived):
            keys.append(event.digit)
    assert keys == ["4", "*", "4"]
    await peer.verdict()


async def test_a_caller_who_gives_up_sends_cancel(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_cancel", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.CANCELLED
    with pytest.raises(DialFailed) as failed:
        await leg.answer()
    assert failed.value.cause is Cause.CANCELLED
    await leg.hang_up()
    await peer.verdict()


async def test_a_rejected_caller_hears_busy(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_refused", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.reject(Cause.DECLINED)
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.DECLINED
    await peer.verdict()


async def test_without_a_handler_everybody_hears_busy(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier()
    peer = await sipp("uac_refused", to=sip.settings.port)
    await peer.verdict()
    assert sip.active_calls() == 0


async def test_a_handler_that_fails_costs_one_call(
    carrier: StartCarrier, sipp: StartSipp, caplog: pytest.LogCaptureFixture
) -> None:
    sip = await carrier()

    async def fail(leg: CallLeg) -> None:
        raise ValueError("no such flow")

    sip.on_incoming(fail)
    await (await sipp("uac_refused", to=sip.settings.port)).verdict()
    assert "incoming call was not handled" in caplog.text
    calls = calls_of(sip)
    peer = await sipp("uac", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.answer()
    await peer.verdict()


async def test_beyond_the_limit_callers_hear_busy(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier(max_calls=2)
    calls = calls_of(sip)
    first = await sipp("uac_waits_for_bye", to=sip.settings.port, calls=2)
    legs = [await asyncio.wait_for(calls.get(), 30) for _ in range(2)]
    for leg in legs:
        await leg.answer()
    await (await sipp("uac_refused", to=sip.settings.port)).verdict()
    assert calls.empty()
    for leg in legs:
        await leg.hang_up()
    await first.verdict()


async def test_a_forwarded_call_names_caller_and_first_number(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_forwarded", to=sip.settings.port, number="4008001234")
    leg = await asyncio.wait_for(calls.get(), 30)
    assert leg.from_number == "+8613800000002"
    assert leg.to_number == "4008001234"
    assert "02155550100" in leg.headers["diversion"]
    assert leg.headers["x-voicebot-brief"] == "王小样，已核实"
    await leg.answer()
    await peer.verdict()


async def test_only_trunks_are_taken_where_that_is_asked(carrier: StartCarrier, sipp: StartSipp) -> None:
    elsewhere = SipTrunk(name="elsewhere", host="192.0.2.7")
    sip = await carrier(accept_from=AcceptFrom.TRUNKS, trunks=(elsewhere,))
    calls = calls_of(sip)
    forbidden = {'response="486"': 'response="403"'}
    await (await sipp("uac_refused", to=sip.settings.port, words=forbidden)).verdict()
    assert calls.empty()


async def test_allowed_networks_are_taken_beside_trunks(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier(accept_from=AcceptFrom.TRUNKS, allow_networks=("127.0.0.0/8",))
    calls = calls_of(sip)
    peer = await sipp("uac", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    assert (leg.trunk, leg.source) == (None, "127.0.0.1")
    await leg.answer()
    await peer.verdict()


async def test_too_many_calls_a_second_hear_503(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier(calls_per_second=1.0)
    await (await sipp("uac_refused", to=sip.settings.port)).verdict()
    overloaded = {'response="486"': 'response="503"'}
    await (await sipp("uac_refused", to=sip.settings.port, words=overloaded)).verdict()


async def test_a_trunks_call_carries_its_name(carrier: StartCarrier, sipp: StartSipp) -> None:
    here = SipTrunk(name="here", host="127.0.0.1")
    sip = await carrier(accept_from=AcceptFrom.TRUNKS, trunks=(here,))
    calls = calls_of(sip)
    peer = await sipp("uac", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    assert (leg.trunk, leg.source) == ("here", "127.0.0.1")
    await leg.answer()
    await peer.verdict()


async def test_a_caller_without_rtp_is_ended_as_a_network_error(carrier: StartCarrier, sipp: StartSipp) -> None:
    sip = await carrier(rtp_timeout_seconds=2)
    calls = calls_of(sip)
    peer = await sipp("uac_no_rtp", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.answer()
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.NETWORK_ERROR
    await peer.verdict()


async def test_hold_and_resume_keep_the_call_and_its_marks(
    carrier: StartCarrier, sipp: StartSipp, sound: Sound
) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_hold", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.answer()
    port = leg.media
    for number in range(4):
        port.send(sound.tone(300, 0.3))
        port.mark(f"m{number}")
    marks: list[str] = []
    async with asyncio.timeout(30):
        while len(marks) < 4:
            event = await port.receive()
            assert not isinstance(event, MediaEnded)
            if isinstance(event, MarkReached):
                marks.append(event.name)
    assert marks == ["m0", "m1", "m2", "m3"]
    assert port.played_seconds <= 1.2
    await asyncio.sleep(0.5)
    before = port.played_seconds
    port.send(sound.tone(300, 0.2))
    port.mark("after")
    await sound.until(port, MarkReached)
    assert port.played_seconds == pytest.approx(before + 0.2, abs=0.001)
    await leg.hang_up()
    await peer.verdict()


async def test_ten_callers_at_once_are_all_heard(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    sip = await carrier(max_calls=20)
    calls = calls_of(sip)
    peer = await sipp("uac_waits_for_bye", to=sip.settings.port, calls=10)
    legs = [await asyncio.wait_for(calls.get(), 30) for _ in range(10)]
    for leg in legs:
        await leg.answer()
    heard = await asyncio.gather(*(sound.listen(leg.media, 0.5) for leg in legs))
    assert all(sound.loudness(pcm[3200:], 440) > 0.6 for pcm in heard)
    for leg in legs:
        await leg.hang_up()
    await peer.verdict()


async def test_a_caller_cannot_make_us_dial(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    sip = await carrier()
    calls = calls_of(sip)
    peer = await sipp("uac_refer", to=sip.settings.port)
    leg = await asyncio.wait_for(calls.get(), 30)
    await leg.answer()
    await sound.listen(leg.media, 1.0)
    assert calls.empty()
    assert sip.active_calls() == 1
    await leg.hang_up()
    await peer.verdict()
