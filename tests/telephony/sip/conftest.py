"""Real peers on loopback: sipp with the scenarios of `tests/telephony/sipp`, and a carrier of our own."""

from __future__ import annotations

import asyncio
import math
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from telephony.g711 import encode_alaw, encode_ulaw
from telephony.media import AudioReceived, MediaEnded, MediaEvent, MediaPort
from telephony.sip_carrier import SipCarrier
from telephony.sip_trunk import SipSettings
from tests.peers import listening
from voicebot.demo.telephones import free_port as a_free_port

SCENARIOS = Path(__file__).parent.parent / "sipp"


def free_port() -> int:
    """A port that is free for UDP and TCP, and whose neighbour is too (SIP over TLS takes it)."""
    return a_free_port(span=2)


@pytest.fixture(name="free_port")
def free_port_fixture() -> Callable[[], int]:
    return free_port


def tone(hertz: float, seconds: float, level: float = 8000.0) -> bytes:
    """A sine at 8 kHz, 16 bit."""
    count = round(8000 * seconds)
    return struct.pack(f"<{count}h", *(int(level * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(count)))


def loudness(pcm: bytes, hertz: float) -> float:
    """Share of the audio's energy that lies at one frequency: 0 to 1 (Goertzel)."""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    total = sum(sample * sample for sample in samples)
    if not total:
        return 0.0
    real = sum(sample * math.cos(2 * math.pi * hertz * n / 8000) for n, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(2 * math.pi * hertz * n / 8000) for n, sample in enumerate(samples))
    return float(2 * (real * real + imaginary * imaginary) / (len(samples) * total))


@dataclass(frozen=True)
class Sound:
    """Tools for audio in tests; a fixture because test files cannot import each other."""

    tone: Callable[[float, float], bytes] = tone
    loudness: Callable[[bytes, float], float] = loudness

    @staticmethod
    async def listen(port: MediaPort, seconds: float) -> bytes:
        """The next seconds of what the far end says."""
        heard = b""
        async with asyncio.timeout(seconds + 5):
            while len(heard) < seconds * 16000:
                event = await port.receive()
                assert not isinstance(event, MediaEnded), f"the call ended after {len(heard) / 16000:.2f} s"
                if isinstance(event, AudioReceived):
                    heard += event.pcm
        return heard

    @staticmethod
    async def until(port: MediaPort, kind: type[MediaEvent], within: float = 5.0) -> list[MediaEvent]:
        """Events up to and with the first of one kind, audio left out."""
        seen = []
        async with asyncio.timeout(within):
            while True:
                event = await port.receive()
                if not isinstance(event, AudioReceived) or kind is AudioReceived:
                    seen.append(event)
                if isinstance(event, kind):
                    return seen
                if isinstance(event, MediaEnded):
                    raise AssertionError(f"the call ended first: {seen}")


@pytest.fixture
def sound() -> Sound:
    return Sound()


@dataclass
class Sipp:
    """A running sipp; its exit code is the verdict on the scenario."""

    process: asyncio.subprocess.Process
    port: int
    errors: Path

    async def verdict(self, within: float = 20.0) -> None:
        """Waits for its end and fails with what sipp complained of."""
        code = await asyncio.wait_for(self.process.wait(), within)
        said = self.errors.read_text(errors="replace")[-1500:] if self.errors.exists() else ""
        assert code == 0, f"sipp exited with {code}: {said}"


StartSipp = Callable[..., Awaitable[Sipp]]


@pytest.fixture
async def sipp(tmp_path: Path) -> AsyncIterator[StartSipp]:
    """Starts a scenario: `await sipp("uac", to=port)` calls, `await sipp("uas_answer")` is called.

    `words` are put in for placeholders of the scenario.
    """
    running: list[asyncio.subprocess.Process] = []
    (tmp_path / "tone.ulaw").write_bytes(encode_ulaw(tone(440, 1.0)))
    (tmp_path / "tone.alaw").write_bytes(encode_alaw(tone(440, 1.0)))

    async def start(
        scenario: str,
        *,
        to: int | None = None,
        number: str = "4008001234",
        port: int | None = None,
        calls: int = 1,
        at_once: int | None = None,
        echo: bool = False,
        words: dict[str, str] | None = None,
        give_up_after: int = 40,
    ) -> Sipp:
        port = port or free_port()
        errors = tmp_path / f"{scenario}-{port}.err"
        media = free_port()
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for word, value in (words or {}).items():
            text = text.replace(word, value)
        (tmp_path / f"{scenario}.xml").write_text(text)
        command = ["sipp", "-sf", f"{scenario}.xml", "-i", "127.0.0.1", "-mi", "127.0.0.1"]
        command += ["-p", str(port), "-m", str(calls), "-l", str(at_once or calls), "-r", "20", "-nostdin"]
        command += ["-timeout", f"{give_up_after}s", "-timeout_error", "-trace_err", "-error_file", str(errors)]
        command += ["-mp", str(media)]
        command += ["-rtp_echo"] if echo else []
        if to is not None:
            command += ["-s", number, f"127.0.0.1:{to}"]
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=tmp_path,
            env={**os.environ, "TERM": "dumb"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        running.append(process)
        if to is None:
            await listening(port)
        return Sipp(process, port, errors)

    yield start
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture(name="listening")
def listening_fixture() -> Callable[[int], Awaitable[None]]:
    return listening


StartCarrier = Callable[..., Awaitable[SipCarrier]]


@pytest.fixture
async def carrier() -> AsyncIterator[StartCarrier]:
    """Starts our SIP end on free ports: `await carrier(trunks=(...))`."""
    started: list[SipCarrier] = []

    async def start(**settings: object) -> SipCarrier:
        base = SipSettings(host="127.0.0.1", port=free_port(), rtp_ports=(30000, 34999))
        sip = SipCarrier(replace(base, **settings))  # type: ignore[arg-type]
        await sip.start()
        started.append(sip)
        return sip

    yield start
    for sip in started:
        await sip.close()
