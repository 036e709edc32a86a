"""Another maker's telephone: Debian's baresip hears us and is heard, and presses keys."""

from __future__ import annotations

import asyncio
import contextlib
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telephony.carrier import CallLeg, Cause, DialRequest
from telephony.media import DtmfReceived, MediaEnded

if TYPE_CHECKING:
    from tests.telephony.sip.conftest import Sound, StartCarrier

pytestmark = pytest.mark.peer

CONFIG = """\
module_path /usr/lib/baresip/modules
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
rtp_ports 36000-36999
audio_source aufile,{dir}/says.wav
audio_player aufile,{dir}/unused.wav
audio_alert aufile,{dir}/says.wav
snd_path {dir}
ctrl_tcp_listen 127.0.0.1:{control}
module g711.so
module aufile.so
module sndfile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
"""


@dataclass
class Telephone:
    """A running baresip that takes every call, says a 600 Hz tone and writes down what it hears."""

    port: int
    control: int
    folder: Path

    async def command(self, command: str, parameters: str = "") -> None:
        """One command over its control port (netstrings of JSON)."""
        reader, writer = await self._connect()
        message = json.dumps({"command": command, "params": parameters})
        writer.write(f"{len(message)}:{message},".encode())
        await writer.drain()
        await asyncio.wait_for(reader.readuntil(b","), 30)
        writer.close()
        await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Its control port opens a moment after its SIP port."""
        for _ in range(100):
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", self.control)
            await asyncio.sleep(0.05)
        raise AssertionError("the telephone does not take commands")

    def heard(self) -> bytes:
        files = sorted(self.folder.glob("dump-*-dec.wav"))
        assert files, "it heard nothing"
        with wave.open(str(files[-1])) as recording:
            assert recording.getframerate() == 8000
            return bytes(recording.readframes(recording.getnframes()))


StartTelephone = Callable[..., Awaitable[Telephone]]


@pytest.fixture
async def telephone(
    tmp_path: Path,
    free_port: Callable[[], int],
    listening: Callable[[int], Awaitable[None]],
    sound: Sound,
) -> AsyncIterator[StartTelephone]:
    running: list[asyncio.subprocess.Process] = []

    async def start(codec: str = "PCMU") -> Telephone:
        port, control = free_port(), free_port()
        with wave.open(str(tmp_path / "says.wav"), "wb") as says:
            says.setnchannels(1)
            says.setsampwidth(2)
            says.setframerate(8000)
            says.writeframes(sound.tone(600, 20.0))
        (tmp_path / "config").write_text(CONFIG.format(port=port, control=control, dir=tmp_path))
        (tmp_path / "contacts").write_text("")
        (tmp_path / "accounts").write_text(
            f"<sip:example@127.0.0.1>;regint=0;answermode=auto;audio_codecs={codec};dtmfmode=rtpevent\n"
        )
        process = await asyncio.create_subprocess_exec(
            *("baresip", "-f", str(tmp_path)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        running.append(process)
        await listening(port)
        return Telephone(port, control, tmp_path)

    yield start
    for process in running:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
async def test_both_sides_hear_each_other_in_both_laws(
    carrier: StartCarrier, telephone: StartTelephone, sound: Sound, codec: str
) -> None:
    phone = await telephone(codec)
    sip = await carrier()
    leg = await sip.dial(DialRequest(f"sip:example@127.0.0.1:{phone.port}"))
    leg.media.send(sound.tone(900, 1.9))
    heard = await sound.listen(leg.media, 1.5)
    assert sound.loudness(heard[8000:], 600) > 0.6
    await leg.hang_up()
    assert await asyncio.wait_for(leg.ended(), 30) is Cause.NORMAL
    await asyncio.sleep(0.2)
    told = phone.heard()
    assert len(told) > 16000
    assert sound.loudness(told[8000:20000], 900) > 0.6


async def test_it_calls_us_presses_keys_and_hangs_up(
    carrier: StartCarrier, telephone: StartTelephone, sound: Sound
) -> None:
    phone = await telephone()
    sip = await carrier()
    calls: asyncio.Queue[CallLeg] = asyncio.Queue()

    async def take(leg: CallLeg) -> None:
        await leg.answer()
        calls.put_nowait(leg)

    sip.on_incoming(take)
    await phone.command("dial", f"sip:4008001234@127.0.0.1:{sip.settings.port}")
    leg = await asyncio.wait_for(calls.get(), 30)
    assert (leg.from_number, leg.to_number) == ("example", "4008001234")
    heard = await sound.listen(leg.media, 0.6)
    assert sound.loudness(heard[3200:], 600) > 0.6
    for digit in "37":
        await phone.command("sndcode", digit)
        await asyncio.sleep(0.3)
    await phone.command("hangup")
    keys = []
    while (event := await asyncio.wait_for(leg.media.receive(), 30)) != MediaEnded():
        if isinstance(event, DtmfReceived):
            keys.append(event.digit)
    assert keys == ["3", "7"]
    assert await leg.ended() is Cause.NORMAL
