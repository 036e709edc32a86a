"""The page in a real browser: its microphone is heard, its loudspeaker reports what it played, its keys arrive."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
import pytest

from telephony.carrier import Cause
from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEvent, MediaPort

if TYPE_CHECKING:
    from tests.telephony.browser.conftest import Desk

pytestmark = pytest.mark.peer

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
    "about:blank",
]
MICROPHONE_HERTZ = 620


class Page:
    """One tab, driven over the DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def do(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(20):
            while True:
                answer = await self._socket.receive_json()
                if answer.get("id") == number:
                    assert "error" not in answer, answer
                    return answer["result"]

    async def run(self, script: str) -> Any:
        result = await self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, condition: str) -> None:
        """Waits in the page until `condition` is true of it."""
        await self.run(
            f"new Promise((done) => {{ const look = () => ({condition}) ? done() : setTimeout(look, 20); look(); }})"
        )


@pytest.fixture
def microphone(tmp_path: Path) -> Path:
    path = tmp_path / "microphone.wav"
    samples = 9000 * np.sin(2 * np.pi * MICROPHONE_HERTZ * np.arange(48000 * 2) / 48000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@pytest.fixture
async def page(tmp_path: Path, microphone: Path) -> AsyncIterator[Page]:
    profile = tmp_path / "profile"
    browser = await asyncio.create_subprocess_exec(
        "chromium",
        f"--user-data-dir={profile}",
        f"--use-file-for-fake-audio-capture={microphone}",
        *FLAGS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert browser.stderr is not None
        async with asyncio.timeout(60):
            address = ""
            while "DevTools listening on ws://" not in address:
                address = (await browser.stderr.readline()).decode()
                assert address, "chromium ended before it listened"
        host = address.split("ws://")[1].split("/")[0]
        reading = asyncio.create_task(browser.stderr.read())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{host}/json/list") as response:
                tab = next(entry for entry in await response.json() if entry["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    finally:
        browser.terminate()
        await browser.wait()


async def next_of(port: MediaPort, kind: type[MediaEvent]) -> MediaEvent:
    async with asyncio.timeout(30):
        while not isinstance(event := await port.receive(), kind):
            pass
    return event


def loudest_hertz(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * 8000 / len(samples))


async def test_a_person_calls_from_the_page(desk: Desk, page: Page) -> None:
    await page.do("Page.enable")
    await page.do("Page.navigate", url=f"{desk.url}#token={desk.token.replace(' ', '%20')}&from=%2B8613800000001")
    await page.until("document.readyState === 'complete' && document.querySelectorAll('#keys button').length === 12")
    assert await page.run("location.hash") == "", "the token does not stay in the address"
    await page.run("document.querySelector('#headers').value = 'flow=reminder_first, case=demo-1'")
    await page.run("document.querySelector('#call').click()")
    async with asyncio.timeout(20):
        leg = await desk.legs.get()
    assert leg.from_number == "+8613800000001"
    assert leg.headers == {"flow": "reminder_first", "case": "demo-1"}

    heard = b""
    while len(heard) < 16000:
        event = await next_of(leg.media, AudioReceived)
        assert isinstance(event, AudioReceived)
        heard += event.pcm if heard or np.frombuffer(event.pcm, "<i2").max(initial=0) > 2000 else b""
    assert abs(loudest_hertz(heard) - MICROPHONE_HERTZ) < 10

    loop = asyncio.get_running_loop()
    began = loop.time()
    leg.media.send(heard)
    leg.media.mark("played")
    assert await next_of(leg.media, MarkReached) == MarkReached("played", played=True)
    took = loop.time() - began
    assert took >= 0.9 * len(heard) / 16000, "the loudspeaker's clock says when"
    leg.media.send(heard)
    leg.media.mark("cut")
    leg.media.clear()
    assert await next_of(leg.media, MarkReached) == MarkReached("cut", played=False)

    await page.run("[...document.querySelectorAll('#keys button')].find((key) => key.textContent === '9').click()")
    assert await next_of(leg.media, DtmfReceived) == DtmfReceived("9")
    await page.run("document.querySelector('#hang-up').click()")
    async with asyncio.timeout(30):
        assert await leg.ended() is Cause.NORMAL
    await page.until("!document.querySelector('#call').disabled")


async def test_a_wrong_token_is_said_on_the_page(desk: Desk, page: Page) -> None:
    await page.do("Page.navigate", url=f"{desk.url}#token=nobody-knows-this-one")
    await page.until("document.readyState === 'complete' && document.querySelectorAll('#keys button').length === 12")
    await page.run("document.querySelector('#call').click()")
    await page.until("document.querySelector('#hang-up').disabled && !document.querySelector('#call').disabled")
    assert await page.run("document.querySelector('#state').textContent") == "Not connected"
    assert desk.legs.empty()
