"""What stops the SIP carrier from starting is told with the place and the remedy; what does not, does not."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from telephony.carrier import CarrierUnavailable, DialFailed, DialRequest
from telephony.sip_carrier import SipCarrier
from telephony.sip_trunk import SipSettings, SipTrunk


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
async def test_a_taken_port(free_port: Callable[[], int], kind: socket.SocketKind) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        with pytest.raises(CarrierUnavailable, match=rf"127\.0\.0\.1:{port}.*Another program has the port"):
            await SipCarrier(SipSettings(host="127.0.0.1", port=port)).start()


async def test_an_address_that_is_not_ours(free_port: Callable[[], int]) -> None:
    with pytest.raises(CarrierUnavailable, match="no such address"):
        await SipCarrier(SipSettings(host="192.0.2.1", port=free_port())).start()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("not an address", 5060)])
async def test_an_address_that_is_none(host: str, port: int) -> None:
    with pytest.raises(CarrierUnavailable, match="cannot listen on"):
        await SipCarrier(SipSettings(host=host, port=port)).start()


async def test_a_trunk_that_cannot_be_written_down(free_port: Callable[[], int]) -> None:
    trunk = SipTrunk(name="provider", host="127.0.0.1", user="a;b")
    carrier = SipCarrier(SipSettings(host="127.0.0.1", port=free_port(), trunks=(trunk,)))
    with pytest.raises(CarrierUnavailable, match="trunk's settings"):
        await carrier.start()
    assert not carrier.healthy


async def test_a_second_carrier_in_one_process_is_refused_and_the_first_goes_on(free_port: Callable[[], int]) -> None:
    first = SipCarrier(SipSettings(host="127.0.0.1", port=free_port()))
    await first.start()
    try:
        with pytest.raises(CarrierUnavailable, match="in this process already"):
            await SipCarrier(SipSettings(host="127.0.0.1", port=free_port())).start()
        with pytest.raises(CarrierUnavailable, match="started already"):
            await first.start()
        assert first.healthy
    finally:
        await first.close()


async def test_a_trunk_without_a_name_in_the_dns_does_not_stop_the_start(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    trunk = SipTrunk(name="provider", host="sip.provider.invalid", register=True)
    carrier = SipCarrier(SipSettings(host="127.0.0.1", port=free_port(), trunks=(trunk,)))
    await carrier.start()
    try:
        assert carrier.healthy
        assert "does not resolve" in caplog.text
        with pytest.raises(CarrierUnavailable, match="provider is not registered"):
            await carrier.wait_registered("provider", 0.3)
    finally:
        await carrier.close()


async def test_closing_frees_the_port_and_ends_dialling(free_port: Callable[[], int]) -> None:
    settings = SipSettings(host="127.0.0.1", port=free_port())
    for _ in range(3):
        carrier = SipCarrier(settings)
        await carrier.start()
        await carrier.close()
        await carrier.close()
        assert not carrier.healthy
        with pytest.raises(DialFailed, match="not running"):
            await carrier.dial(DialRequest("sip:agent@127.0.0.1:5999"))
