"""The demo telephone, as the process that it is: hears real speech over real SIP, answers, presses keys, hangs up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from telephony.carrier import Cause, DialRequest
from telephony.media import AudioReceived, DtmfReceived, MediaEnded
from telephony.sip_carrier import SipCarrier
from telephony.sip_leg import SipLeg
from telephony.sip_trunk import SipSettings
from voicebot.demo.script import Reply, TelephoneScript
from voicebot.demo.telephones import Telephone, free_port
from voicebot.speech.engines import SpeechEngines
from voicebot.speech.protocols import SpeechRequest
from voicebot.speech.settings import SpeechSettings

pytestmark = pytest.mark.models

RATE = 8000


@pytest.fixture
async def carrier() -> AsyncIterator[SipCarrier]:
    sip = SipCarrier(SipSettings(host="127.0.0.1", port=free_port(span=2), rtp_ports=(23000, 23999)))
    await sip.start()
    yield sip
    await sip.close()


@pytest.fixture
async def speech(tmp_path: Path) -> AsyncIterator[SpeechEngines]:
    engines = SpeechEngines(SpeechSettings(cache_directory=tmp_path / "lines"))
    yield engines
    await engines.close()


class Line:
    """The test's end of a call: speaks, and takes in what comes back."""

    def __init__(self, leg: SipLeg, speech: SpeechEngines) -> None:
        self._leg = leg
        self._speech = speech
        self.heard = bytearray()
        self.keys = ""
        self._taking = asyncio.create_task(self._take())

    async def _take(self) -> None:
        while not isinstance(event := await self._leg.media.receive(), MediaEnded):
            if isinstance(event, AudioReceived):
                self.heard += event.pcm
            elif isinstance(event, DtmfReceived):
                self.keys += event.digit

    async def say(self, text: str) -> None:
        voice = await self._speech.synthesiser("zh-CN")
        seconds = 0.0
        async for pcm in voice.speak(SpeechRequest(text=text)):
            self._leg.media.send(pcm)
            seconds += len(pcm) / 2 / RATE
        await asyncio.sleep(seconds)

    async def stop(self) -> None:
        self._taking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._taking


async def happened(telephone: Telephone, kind: str, count: int = 1, seconds: float = 30.0) -> dict[str, Any]:
    """Waits for the nth event of a kind and returns it."""
    async with asyncio.timeout(seconds):
        while True:
            found = [event for event in telephone.events if event["event"] == kind]
            if len(found) >= count:
                return found[count - 1]
            assert not any(event["event"] in {"error", "exited"} for event in telephone.events), telephone.events
            await asyncio.sleep(0.05)


async def test_a_debtors_telephone_listens_answers_presses_keys_and_hangs_up(
    tmp_path: Path, carrier: SipCarrier, speech: SpeechEngines
) -> None:
    port = free_port(span=2)
    script = TelephoneScript(
        name="debtor",
        number="13800000005",
        port=port,
        rtp_ports=(24000, 24099),
        replies=(
            Reply(when=("请问是您本人吗",), say="是的，我就是。"),
            Reply(when=("请按后四位数字",), press="27"),
            Reply(when=("感谢您的接听", "再见"), hang_up=True),
        ),
        ring_seconds=0.2,
        rate=1.1,
        pitch=0.85,
        save=tmp_path / "kept",
    )
    telephone = Telephone(script, tmp_path, lambda name, event: None)
    await telephone.start()
    try:
        request = DialRequest(f"sip:13800000005@127.0.0.1:{port}", headers={"X-Voicebot-Brief": "王小样，已核实"})
        leg = await carrier.dial(request)
        line = Line(leg, speech)
        assert (await happened(telephone, "ringing"))["headers"]["x-voicebot-brief"] == "王小样，已核实"
        await line.say("您好，请问是您本人吗？")
        assert (await happened(telephone, "said"))["text"] == "是的，我就是。"
        await asyncio.sleep(2.0)
        assert max(memoryview(bytes(line.heard)).cast("h")) > 2000, "its voice was not heard"
        await line.say("好的，请按后四位数字。")
        assert (await happened(telephone, "pressed"))["digits"] == "27"
        await line.say("感谢您的接听，再见。")
        assert await asyncio.wait_for(leg.ended(), 30) is Cause.NORMAL
        await happened(telephone, "ended")
        await line.stop()
        assert line.keys == "27"
        assert any("本人" in text for text in telephone.heard()), telephone.heard()
    finally:
        await telephone.stop()
    for side in ("heard", "said"):
        with wave.open(str(tmp_path / "kept" / f"debtor-{side}.wav")) as kept:
            assert kept.getframerate() == RATE
            assert kept.getnframes() > RATE


async def test_an_agents_telephone_greets_stays_and_hangs_up(tmp_path: Path, carrier: SipCarrier) -> None:
    port = free_port(span=2)
    script = TelephoneScript(
        name="agent",
        number="agent-1",
        port=port,
        rtp_ports=(24100, 24199),
        greets="您好，我是人工客服。",
        stays_seconds=3.0,
        ring_seconds=0.2,
    )
    telephone = Telephone(script, tmp_path, lambda name, event: None)
    await telephone.start()
    try:
        leg = await carrier.dial(DialRequest(f"sip:agent-1@127.0.0.1:{port}"))
        began = asyncio.get_running_loop().time()
        assert await asyncio.wait_for(leg.ended(), 60) is Cause.NORMAL
        assert asyncio.get_running_loop().time() - began >= 2.5
        assert telephone.said() == ["您好，我是人工客服。"]
    finally:
        await telephone.stop()


async def test_a_script_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    config = tmp_path / "script.json"
    config.write_text(json.dumps({"name": "x", "number": "1", "port": "no port", "rtp_ports": [1, 2]}))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voicebot.demo.telephone", "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert json.loads(out.splitlines()[-1])["event"] == "error"
    assert b"port" in err
    assert b"Traceback" not in err
