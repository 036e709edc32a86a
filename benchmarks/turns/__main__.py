"""Makes calls with the embedded voice, to measure turn-taking on.

    python -m benchmarks.turns make FOLDER [--part reporting] [--voices pitch=0.8 pitch=1.15] [--noise 20]

Then `voicebot turns eval FOLDER`. The same bytes every time. Synthetic callers pause where they were told to and never
mumble: use the figures to compare settings, and recordings of your own calls to know how you are doing.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from pathlib import Path

import numpy as np
import soxr
from rich.console import Console

from benchmarks.turns.calls import PAUSES, RATE, Floats, Tape, call, cough, scripts, trimmed
from voicebot.speech.engines import load_synthesiser
from voicebot.speech.protocols import SpeechRequest
from voicebot.speech.settings import SpeechSettings


async def make(folder: Path, part: str, voices: list[str], noise_db: float | None) -> None:
    """One call a voice."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    engine = await load_synthesiser(SpeechSettings(), "zh-CN")
    generator = np.random.default_rng(20261122)

    async def speak(text: str, voice: str) -> Floats:
        if text == "咳嗽":
            return cough(generator)
        request = SpeechRequest(text, voice=None if voice == "bot" else voice)
        pcm = b"".join([piece async for piece in engine.speak(request)])
        return trimmed(soxr.resample(np.frombuffer(pcm, "<i2") / 32768, engine.sample_rate, RATE))

    chosen = itertools.cycle(PAUSES)
    for number, voice in enumerate(voices, 1):
        tape = Tape(generator)
        await call(tape, scripts(part), speak, voice, chosen)
        tape.write(folder, f"{part}-{number}", noise_db, language="zh-CN", voice=voice)
    await engine.close()
    Console().print(f"{len(voices)} calls in {folder}", markup=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--part", choices=["tuning", "reporting"], default="reporting")
    making.add_argument("--voices", nargs="+", default=["pitch=0.8", "pitch=1.15"])
    making.add_argument("--noise", type=float, default=None, help="dB of the caller over line noise; default: faint")
    chosen_arguments = parser.parse_args()
    asyncio.run(make(chosen_arguments.folder, chosen_arguments.part, chosen_arguments.voices, chosen_arguments.noise))
