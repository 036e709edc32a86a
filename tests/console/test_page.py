"""The live page in a real browser: it speaks the browser's language, shows both sides as they speak, and runs no word
of a caller as code."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

Console = Any

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

TEXTS = {
    "zh-CN": {"title": "实时通话", "caller": "来电人 · 0:02", "none": "当前没有通话。", "refused": "令牌无效。"},
    "en-US": {
        "title": "Live calls",
        "caller": "Caller · 0:02",
        "none": "No call is live.",
        "refused": "This token was not accepted.",
    },
}


class Browser:
    """One page of a headless Chromium, driven over the DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.session = ""
        self.troubles: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        await self._socket.send_json(message)
        async with asyncio.timeout(30):
            async for raw in self._socket:
                answer = json.loads(raw.data)
                if answer.get("id") == number:
                    assert "error" not in answer, answer
                    result: dict[str, Any] = answer["result"]
                    return result
                if answer.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
                    self.troubles.append(json.dumps(answer["params"]))
        raise AssertionError("the browser is gone")

    async def run(self, script: str) -> Any:
        answer = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Waits, in the page, for a condition to come true."""
        script = (
            "new Promise((done, fail) => { const ends = Date.now() + 15000; (function look() {"
            f" if ({condition}) done(true); else if (Date.now() > ends) fail(new Error(document.body.innerText));"
            " else setTimeout(look, 30); })(); })"
        )
        await self.run(script)

    async def enter(self, token: str) -> None:
        await self.run(f"document.getElementById('token').value = {json.dumps(token)}")
        await self.run("document.querySelector('#enter button').click()")

    async def picture(self, file: Path) -> bytes:
        data = base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])
        await asyncio.to_thread(file.write_bytes, data)
        return data


Open = Callable[..., Any]


@pytest.fixture
async def open_browser(tmp_path: Path) -> AsyncIterator[Open]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "Chromium is needed: apt-get install --no-install-recommends chromium"
    running: list[asyncio.subprocess.Process] = []
    sessions: list[aiohttp.ClientSession] = []

    async def opener(url: str, language: str, width: int = 1100, scheme: str = "light") -> Browser:
        process = await asyncio.create_subprocess_exec(
            found, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", f"--lang={language}", f"--accept-lang={language}",
            f"--user-data-dir={tmp_path / f'profile-{len(running)}'}", "--remote-debugging-port=0", "about:blank",
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "LANGUAGE": language.replace("-", "_")},
        )  # fmt: skip
        running.append(process)
        assert process.stderr is not None
        address = ""
        async with asyncio.timeout(30):
            while not address:
                line = (await process.stderr.readline()).decode(errors="replace")
                assert line, "Chromium ended before it listened"
                if match := re.search(r"ws://\S+", line):
                    address = match[0]
        sessions.append(aiohttp.ClientSession())
        browser = Browser(await sessions[-1].ws_connect(address, max_msg_size=0))
        target = (await browser.call("Target.createTarget", url="about:blank"))["targetId"]
        browser.session = (await browser.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await browser.call(f"{domain}.enable")
        await browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=720, deviceScaleFactor=1, mobile=False
        )
        await browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await browser.call("Page.navigate", url=url)
        await browser.until("document.readyState === 'complete' && document.querySelector('#enter')")
        return browser

    yield opener
    for session in sessions:
        await session.close()
    for process in running:
        process.kill()
        await process.communicate()


def talk(console: Console) -> None:
    """One call in the middle of a conversation."""
    console.ring("call-20261120-0001")
    call = "call-20261120-0001"
    console.happen(call, "call.answered")
    console.happen(
        call,
        "line.said",
        line="greet",
        number=1,
        text="您好，我是示例银行的智能语音助手，本次通话会录音。请问是王小样女士吗？",
    )
    console.happen(call, "turn.heard", text="对，我是。<img src=x onerror=alert(1)>", mood="calm")
    console.happen(call, "line.heard", line="greet", number=1, complete=True, text="")
    console.happen(
        call, "line.said", line="debt", number=2, text="您有一笔两千元的账款已经逾期，您看方便什么时候处理？"
    )
    console.happen(call, "barge_in", line="debt")
    console.happen(
        call,
        "line.heard",
        line="debt",
        number=2,
        complete=False,
        text="您有一笔两千元的账款",
        unsaid_text="已经逾期，您看方便什么时候处理？",
    )
    console.happen(call, "turn.heard", text="我知道，下周五还两千", mood="annoyed")
    console.happen(call, "guard.verdict", line="x", action="soften", category="threat")
    console.happen(call, "promise", amount="2000", on="2026-11-27", words="下周五还两千")
    console.happen(call, "handoff.requested", because="asked_for_human")
    console.happen(call, "bridge.started", agent="林示例")
    console.happen(call, "agent.said", text="您好，我是人工客服小林，请问有什么可以帮您？")


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
async def test_a_call_is_shown_as_it_is_spoken(
    console: Console, open_browser: Open, tmp_path: Path, language: str
) -> None:
    words = TEXTS[language]
    browser = await open_browser(str(console.client.make_url("/")), language)
    assert await browser.run("document.title") == words["title"]
    assert await browser.run("document.documentElement.lang.slice(0, 2)") == language[:2]
    await browser.enter(console.secrets["admin"])
    await browser.until(
        f"!document.getElementById('none').hidden && document.body.innerText.includes('{words['none']}')"
    )
    assert await browser.run("document.getElementById('enter').checkVisibility()") is False
    talk(console)
    await browser.until("document.querySelectorAll('#calls button').length === 1")
    await browser.run("document.querySelector('#calls button').click()")
    await browser.until("document.querySelector('#talk .agent')")
    shown = await browser.run("document.getElementById('talk').innerText")
    assert words["caller"] in shown
    assert "下周五还两千" in shown
    assert "<img src=x onerror=alert(1)>" in shown
    assert await browser.run("document.querySelectorAll('#talk img').length") == 0
    assert (
        await browser.run("document.querySelector('#talk .unsaid').textContent") == "已经逾期，您看方便什么时候处理？"
    )
    console.happen("call-20261120-0001", "turn.heard", text="谢谢，这句是刚刚说的")
    await browser.until("document.body.innerText.includes('这句是刚刚说的')")
    assert await browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    picture = await browser.picture(tmp_path / f"page-{language}.png")
    assert len(picture) > 20_000
    assert browser.troubles == []


async def test_on_a_narrow_dark_screen_nothing_runs_off_the_edge(
    console: Console, open_browser: Open, tmp_path: Path
) -> None:
    browser = await open_browser(str(console.client.make_url("/")), "zh-CN", width=380, scheme="dark")
    await browser.enter(console.secrets["operator"])
    talk(console)
    await browser.until("document.querySelector('#calls button')")
    await browser.run("document.querySelector('#calls button').click()")
    await browser.until("document.querySelector('#talk .agent')")
    assert await browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert "王小样" not in await browser.run("document.body.innerText")
    lines = await browser.run("[...document.querySelectorAll('#talk .bot .words')].map((line) => line.textContent)")
    assert [line[:2] for line in lines] == ["您好", "您有"]
    await browser.picture(tmp_path / "page-narrow.png")


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
async def test_a_wrong_token_is_refused_in_the_readers_language(
    console: Console, open_browser: Open, tmp_path: Path, language: str
) -> None:
    browser = await open_browser(str(console.client.make_url("/")), language)
    await browser.enter("vbt_wrong_token")
    await browser.until("document.getElementById('refused').textContent")
    assert await browser.run("document.getElementById('refused').textContent") == TEXTS[language]["refused"]
    assert await browser.run("sessionStorage.getItem('token')") is None
    await browser.picture(tmp_path / f"refused-{language}.png")


async def test_the_page_loads_nothing_from_elsewhere(console: Console) -> None:
    for path in ("/", "/page.css", "/page.js"):
        response = await console.client.get(path)
        assert response.status == 200
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        text = await response.text()
        assert not re.search(r"https?://(?!www\.w3\.org)", text)
        assert "innerHTML" not in text
