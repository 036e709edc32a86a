"""A call from a browser is an inbound call like any other, for those who hold the token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.browser import BrowserCarrier, BrowserSettings
from telephony.carrier import CallLeg, CarrierUnavailable, Cause, DialFailed, DialRequest, TransferFailed
from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded

if TYPE_CHECKING:
    from tests.telephony.browser.conftest import Desk

    Open = Callable[..., AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]]


@pytest.fixture
def open_call(desk: Desk) -> Open:
    @asynccontextmanager
    async def open_it(hello: Any = None, **changes: Any) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        said = {"type": "hello", "token": desk.token, **changes} if hello is None else hello
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{desk.url}call") as ws:
            await ws.send_str(said if isinstance(said, str) else json.dumps(said))
            yield ws

    return open_it


def tone(seconds: float, rate: int) -> bytes:
    return (9000 * np.sin(2 * np.pi * 500 * np.arange(round(rate * seconds)) / rate)).astype("<i2").tobytes()


async def close_code(ws: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(30):
        while (await ws.receive()).type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            pass
    return ws.close_code


async def test_a_call_hears_speaks_and_reports(desk: Desk, open_call: Open) -> None:
    async with open_call(**{"from": "+8613800000001", "to": "4001", "headers": {"Flow": "reminder"}}) as ws:
        leg = await desk.legs.get()
        assert (leg.from_number, leg.to_number, leg.headers) == ("+8613800000001", "4001", {"flow": "reminder"})
        assert await ws.receive_json() == {"type": "answered"}
        await ws.send_bytes(tone(0.1, 16000))
        event = await leg.media.receive()
        assert isinstance(event, AudioReceived)
        assert len(event.pcm) == len(tone(0.1, 8000))
        await ws.send_json({"type": "dtmf", "digit": "5"})
        assert await leg.media.receive() == DtmfReceived("5")

        leg.media.send(tone(0.1, 8000))
        leg.media.mark("said")
        heard = b""
        while (message := await ws.receive()).type is aiohttp.WSMsgType.BINARY:
            heard += message.data
        assert len(heard) == len(tone(0.1, 16000))
        mark = json.loads(message.data)
        assert mark["type"] == "mark"
        await ws.send_json(mark)
        assert await leg.media.receive() == MarkReached("said", played=True)

        leg.media.send(tone(1.0, 8000))
        leg.media.mark("cut")
        leg.media.clear()
        assert await leg.media.receive() == MarkReached("cut", played=False)
        while (message := await ws.receive()).type is aiohttp.WSMsgType.BINARY:
            pass
        assert json.loads(message.data) == {"type": "clear"}

        await ws.send_json({"type": "hangup"})
        assert await leg.ended() is Cause.NORMAL
        assert await leg.media.receive() == MediaEnded()
    assert desk.carrier.active_calls() == 0


async def test_we_may_hang_up_and_refuse(desk: Desk, open_call: Open) -> None:
    async with open_call() as ws:
        leg = await desk.legs.get()
        assert await ws.receive_json() == {"type": "answered"}
        with pytest.raises(TransferFailed):
            await leg.transfer("+12025550111")
        await leg.hang_up()
        await leg.hang_up()
        assert await ws.receive_json() == {"type": "ended", "cause": "normal"}

    async def refuse(offered: CallLeg) -> None:
        with pytest.raises(RuntimeError, match="offered"):
            _ = offered.media
        await offered.reject(Cause.DECLINED)

    desk.carrier.on_incoming(refuse)
    async with open_call() as ws:
        assert await ws.receive_json() == {"type": "ended", "cause": "declined"}


async def test_a_tab_that_closes_ends_the_call(desk: Desk, open_call: Open) -> None:
    async with open_call() as ws:
        leg = await desk.legs.get()
        await ws.close(code=1001)
    assert await leg.ended() is Cause.NORMAL


@pytest.mark.parametrize(
    "hello",
    [
        "",
        "}{",
        "[" * 20000,
        {"type": "hello", "token": "wrong"},
        {"type": "hello", "token": None},
        '{"type": "hello", "token": "\\ud800"}',
        {"type": "dtmf", "digit": "1"},
    ],
)
async def test_without_the_token_nobody_calls(desk: Desk, open_call: Open, hello: Any) -> None:
    async with open_call(hello) as ws:
        assert await close_code(ws) == 1008
    assert desk.legs.empty()


async def test_silence_and_crowds_are_turned_away(desk: Desk, open_call: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_call(), open_call(), open_call() as third:
        assert await close_code(third) == 1008
        assert desk.carrier.active_calls() == 2
    monkeypatch.setattr("telephony.browser._HELLO_SECONDS", 0.05)
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{desk.url}call") as ws:
        assert await close_code(ws) == 1008


async def test_a_page_of_another_site_cannot_call(desk: Desk) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(f"{desk.url}call", origin="https://example.com")
        async with session.get(f"{desk.url}call") as response:
            assert response.status == 426


HOSTILE: list[str | bytes] = [
    b"\x01",
    bytes(6402),
    "}{",
    "[]",
    '{"type": "dtmf", "digit": "Z"}',
    '{"type": "mark"}',
    "1" * 70000,
]


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_messages_end_their_own_call(desk: Desk, open_call: Open, hostile: str | bytes) -> None:
    async with open_call(), open_call() as ws:
        other, leg = await desk.legs.get(), await desk.legs.get()
        await (ws.send_str(hostile) if isinstance(hostile, str) else ws.send_bytes(hostile))
        async with asyncio.timeout(30):
            assert await leg.ended() is Cause.NETWORK_ERROR
        assert desk.carrier.active_calls() == 1
        await other.hang_up()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    greets=st.booleans(),
    messages=st.lists(
        st.text(max_size=60)
        | st.binary(max_size=60)
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["hello", "dtmf", "mark", "hangup", "x"])},
            optional={"digit": st.text(max_size=1), "id": st.integers() | st.none(), "headers": st.none() | st.text()},
        ).map(json.dumps),
        max_size=5,
    ),
)
async def test_whatever_a_page_says_the_server_stays_up(
    desk: Desk, open_call: Open, greets: bool, messages: list[str | bytes]
) -> None:
    async with open_call(None if greets else "?") as ws:
        for message in messages:
            if ws.closed:
                break
            await (ws.send_bytes(message) if isinstance(message, bytes) else ws.send_str(message))
        await ws.close()
    async with asyncio.timeout(30):
        if greets:
            await (await desk.offered.get()).ended()
    assert desk.carrier.active_calls() == 0


async def test_a_handler_that_fails_or_forgets_costs_one_call(desk: Desk, open_call: Open) -> None:
    async def fails(leg: CallLeg) -> None:
        raise LookupError("no flow")

    async def forgets(leg: CallLeg) -> None:
        pass

    for handler in (fails, forgets):
        desk.carrier.on_incoming(handler)
        async with open_call() as ws:
            assert (await ws.receive_json())["type"] == "ended"
    assert desk.carrier.active_calls() == 0


async def test_what_a_browser_cannot_do_is_said(desk: Desk) -> None:
    with pytest.raises(DialFailed, match="open its page and call from there"):
        await desk.carrier.dial(DialRequest("+8613800000001"))
    with pytest.raises(CarrierUnavailable, match="16 characters"):
        await BrowserCarrier(BrowserSettings("short")).start()
    assert desk.token not in repr(BrowserSettings(desk.token))
