"""A provider's proxy in front: registration and calls with digest through Kamailio, routes kept to the BYE."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telephony.carrier import CallLeg, CarrierUnavailable, Cause, DialFailed, DialRequest
from telephony.sip_carrier import TrunkState
from telephony.sip_trunk import SipTrunk

if TYPE_CHECKING:
    from tests.telephony.sip.conftest import Sound, StartCarrier, StartSipp

pytestmark = pytest.mark.peer

StartProxy = Callable[[int], Awaitable[int]]


@pytest.fixture
async def kamailio(
    tmp_path: Path, free_port: Callable[[], int], listening: Callable[[int], Awaitable[None]]
) -> AsyncIterator[StartProxy]:
    """`await kamailio(gateway_port)` starts the proxy and returns its port."""
    running: list[asyncio.subprocess.Process] = []

    async def start(gateway: int) -> int:
        port = free_port()
        text = (Path(__file__).parent / "kamailio.cfg").read_text()
        config = tmp_path / "kamailio.cfg"
        config.write_text(text.replace("PORT", str(port)).replace("GATEWAY", str(gateway)))
        process = await asyncio.create_subprocess_exec(
            *("kamailio", "-DD", "-E", "-f", str(config), "-P", str(tmp_path / "kamailio.pid"), "-m", "32", "-M", "4"),
            *("-Y", str(tmp_path)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        running.append(process)
        await listening(port)
        return port

    yield start
    for process in running:
        if process.returncode is None:
            # Its children are in its group and outlive it when it is killed alone.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def provider(port: int, **settings: object) -> SipTrunk:
    values = {"user": "bot", "password": "example-secret"} | settings
    return SipTrunk(name="provider", host="127.0.0.1", port=port, domain="example.invalid", **values)  # type: ignore[arg-type]


async def test_registration_with_digest_brings_calls_in(
    carrier: StartCarrier, sipp: StartSipp, kamailio: StartProxy, free_port: Callable[[], int], sound: Sound
) -> None:
    gateway = free_port()
    proxy = await kamailio(gateway)
    trunk = provider(proxy, register=True, outbound_proxy=f"127.0.0.1:{proxy}")
    sip = await carrier(trunks=(trunk,))
    await sip.wait_registered("provider", 5)
    assert sip.trunk_states() == {"provider": TrunkState(True)}

    calls: asyncio.Queue[CallLeg] = asyncio.Queue()

    async def take(leg: CallLeg) -> None:
        await leg.answer()
        calls.put_nowait(leg)

    sip.on_incoming(take)
    peer = await sipp("uac", to=proxy, number="bot", port=gateway)
    leg = await asyncio.wait_for(calls.get(), 30)
    assert leg.from_number == "13800000001"
    heard = await sound.listen(leg.media, 0.6)
    assert sound.loudness(heard[3200:], 440) > 0.6
    await peer.verdict()


async def test_a_wrong_password_is_told_and_the_carrier_stays_up(
    carrier: StartCarrier, sipp: StartSipp, kamailio: StartProxy, free_port: Callable[[], int]
) -> None:
    proxy = await kamailio(free_port())
    trunk = provider(proxy, register=True, outbound_proxy=f"127.0.0.1:{proxy}", password="wrong")
    sip = await carrier(trunks=(trunk,))
    with pytest.raises(CarrierUnavailable, match="provider is not registered"):
        await sip.wait_registered("provider", 1.0)
    assert sip.healthy
    assert "401" in (sip.trunk_states()["provider"].error or "")
    peer = await sipp("uas_answer")
    leg = await sip.dial(DialRequest(f"sip:agent@127.0.0.1:{peer.port}"))
    await asyncio.sleep(0.2)
    await leg.hang_up()
    await peer.verdict()


async def test_an_outbound_call_answers_the_challenge_and_keeps_the_route(
    carrier: StartCarrier, sipp: StartSipp, kamailio: StartProxy, free_port: Callable[[], int], sound: Sound
) -> None:
    gateway = free_port()
    proxy = await kamailio(gateway)
    sip = await carrier(trunks=(provider(proxy),))
    peer = await sipp("uas_answer", port=gateway)
    leg = await sip.dial(DialRequest("13800000003", caller_id="4008001234"))
    heard = await sound.listen(leg.media, 0.5)
    assert sound.loudness(heard[3200:], 440) > 0.6
    await leg.hang_up()
    await peer.verdict()


async def test_wrong_credentials_are_a_refusal_by_the_trunk(
    carrier: StartCarrier, kamailio: StartProxy, free_port: Callable[[], int]
) -> None:
    proxy = await kamailio(free_port())
    sip = await carrier(trunks=(provider(proxy, password="wrong"),))
    with pytest.raises(DialFailed) as failed:
        await asyncio.wait_for(sip.dial(DialRequest("13800000003")), 30)
    assert failed.value.cause is Cause.REFUSED_BY_TRUNK
    assert failed.value.status == 407
