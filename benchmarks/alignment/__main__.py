"""How exactly the two channels of a recording lie side by side, over a real SIP call to a telephone that echoes.

    python -m benchmarks.alignment --minutes 10

The engine's side plays bursts of noise with pauses between; sipp sends every packet back at once. In the recording the
echo must stay where it is: for each burst the delay between the channels is the peak of their cross-correlation.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import wave
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pipecat.frames.frames import Frame, InputAudioRawFrame, TTSAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.machine import describe, quantile
from recordings.container import Side
from recordings.reading import export_wav
from recordings.recorder import CallEvidence
from telephony.carrier import CallLeg, DialRequest
from telephony.sip_carrier import SipCarrier
from telephony.sip_trunk import SipSettings
from telephony.transport import CallTransport, PlayMarkFrame, PlayStartFrame
from voicebot.demo.telephones import free_port

RATE = 8000
BURST_SECONDS = 1.5
PAUSE_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 0.3
ECHO = Path(__file__).parents[2] / "tests" / "telephony" / "sipp" / "uas_echo.xml"


class Tap(FrameProcessor):
    """Records the far end."""

    def __init__(self, evidence: CallEvidence) -> None:
        super().__init__()
        self._evidence = evidence

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._evidence.write_audio(Side.CALLER, frame.audio, (frame.pts or 0) / 1e9)
        await self.push_frame(frame, direction)


def noise(random: np.random.Generator) -> bytes:
    """A burst that never repeats: a correlation has one peak."""
    samples = random.normal(0, 3000, round(RATE * BURST_SECONDS))
    return bytes(np.clip(samples, -12000, 12000).astype("<i2").tobytes())


async def talk(leg: CallLeg, evidence: CallEvidence, seconds: float) -> None:
    """Holds the call for so long, and records both sides."""
    transport = CallTransport(leg.media, on_played=lambda pcm, at: evidence.write_audio(Side.ENGINE, pcm, at))
    worker = PipelineWorker(
        Pipeline([transport.input(), Tap(evidence), transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        idle_timeout_secs=None,
        enable_rtvi=False,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    random = np.random.default_rng()
    for number in track(
        range(round(seconds / (BURST_SECONDS + PAUSE_SECONDS))), "calling", console=Console(stderr=True)
    ):
        frames = [PlayStartFrame(str(number)), TTSAudioRawFrame(noise(random), RATE, 1), PlayMarkFrame(str(number))]
        await worker.queue_frames(frames)
        await asyncio.sleep(BURST_SECONDS + PAUSE_SECONDS + float(random.uniform(-0.05, 0.05)))
    await leg.hang_up()
    await worker.cancel()
    await running


def delays(engine: NDArray[np.float64], caller: NDArray[np.float64]) -> list[float]:
    """Seconds by which the echo of each burst lies behind it."""
    reach = round(LONGEST_DELAY_SECONDS * RATE)
    # A sample or two of noise may be nothing; a pause is longer.
    loud = np.convolve(np.abs(engine) > 0, np.ones(RATE // 50), "same") > 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
    runs = [(start, end) for start, end in edges.reshape(-1, 2) if end - start > RATE // 10]
    found = []
    for start, end in runs:
        heard = caller[max(0, start - reach) : end + reach]
        if start < reach or len(heard) < end - start + 2 * reach:
            continue
        size = 2 ** int(np.ceil(np.log2(len(heard) + end - start)))
        product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(engine[start:end], size))
        found.append((int(np.argmax(np.fft.irfft(product, size)[: 2 * reach])) - reach) / RATE)
    return found


async def measure(minutes: float, folder: Path) -> list[float]:
    """One call. Returns the delay of each burst's echo in the recording, in seconds."""
    port, ours, rtp = free_port(), free_port(span=2), free_port(span=8)
    scenario = folder / "echo.xml"
    scenario.write_text(ECHO.read_text().replace('timeout="12000"', f'timeout="{round(minutes * 60_000) + 60_000}"'))
    peer = await asyncio.create_subprocess_exec(
        *("sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(port)),
        *("-mp", str(free_port(span=4)), "-m", "1", "-l", "1", "-nostdin", "-rtp_echo"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
    )
    carrier = SipCarrier(SipSettings(host="127.0.0.1", port=ours, rtp_ports=(rtp, rtp + 7)))
    await carrier.start()
    try:
        leg = await carrier.dial(DialRequest(f"sip:echo@127.0.0.1:{port}"))
        evidence = CallEvidence.open(folder, "alignment", keys=None, started_at=datetime.now(UTC))
        await talk(leg, evidence, minutes * 60)
        await evidence.close()
    finally:
        await carrier.close()
        if peer.returncode is None:
            peer.terminate()
        await peer.wait()
    exported = export_wav(evidence.folder, folder / "call.wav", None)
    with wave.open(str(exported.path)) as file:
        audio = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(float)
    return delays(audio[:, Side.ENGINE], audio[:, Side.CALLER])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alignment", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = describe(("voicebot", "pipecat-ai", "baresip-python"))
    with tempfile.TemporaryDirectory() as folder:
        found = [1000 * delay for delay in asyncio.run(measure(options.minutes, Path(folder)))]
    result: dict[str, Any] = {
        "machine": machine,
        "minutes": options.minutes,
        "bursts": len(found),
        "delay_ms": {name: round(quantile(found, q), 2) for name, q in (("p5", 0.05), ("p50", 0.5), ("p95", 0.95))},
        "least_ms": round(min(found), 2),
        "most_ms": round(max(found), 2),
    }
    if options.json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        return 0
    table = Table(title=f"echo behind the engine's words, {options.minutes:g} minutes, {len(found)} bursts; ms")
    for name in ("least", "5 %", "50 %", "95 %", "most", "spread"):
        table.add_column(name, justify="right")
    spread = result["most_ms"] - result["least_ms"]
    values = (result["least_ms"], *result["delay_ms"].values(), result["most_ms"], spread)
    table.add_row(*(f"{value:.1f}" for value in values))
    console = Console()
    console.print(machine)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
