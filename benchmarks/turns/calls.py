"""Makes calls out of synthesised speech: two channels, and beside them who speaks when and what each pause is."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from voicebot.speech.wav import Recording, write_wav

RATE = 8000  # Hz
PAUSES = (0.45, 0.6, 0.75, 0.9, 1.1)
"""Seconds of the pauses within a turn, in turn: as long as people's own, and longer than an ordinary end of turn."""
REPLY = (0.35, 0.6, 0.9)
"""Seconds a caller takes to answer."""
LISTENS_FOR = 2.6
"""Seconds of silence after a turn, in which the bot would answer."""

Floats = NDArray[np.float64]
Speak = Callable[[str, str], Awaitable[Floats]]
"""Words and a voice to sound at `RATE`, from its first to its last sound."""


def scripts(part: str) -> dict[str, Any]:
    """The scripts of `tuning` or `reporting`."""
    content = YAML(typ="safe").load((Path(__file__).parent / "scripts.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = content[part]
    return found


class Tape:
    """Both channels of a call while it is put together."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._pieces: list[tuple[float, bool, Floats]] = []
        self.at = 0.5
        self.segments: list[dict[str, Any]] = []
        self.pauses: list[dict[str, Any]] = []

    def lay(self, sound: Floats, at: float, *, caller: bool, **told: Any) -> float:
        """Puts a sound at second `at`; returns its end."""
        end = at + len(sound) / RATE
        self._pieces.append((at, caller, sound))
        speaker = "caller" if caller else "bot"
        self.segments.append({"speaker": speaker, "start": round(at, 3), "end": round(end, 3), **told})
        return end

    def pause(self, begins: float, ends: float, kind: str) -> None:
        self.pauses.append({"start": round(begins, 3), "end": round(ends, 3), "kind": kind})

    def write(self, folder: Path, name: str, noise_db: float | None, **told: Any) -> None:
        """Writes NAME.wav, caller left and bot right, µ-law on the way, and NAME.json."""
        channels = []
        length = int((self.at + 0.5) * RATE)
        for caller in (True, False):
            line = np.zeros(length)
            for at, whose, sound in self._pieces:
                if whose == caller:
                    begin = int(at * RATE)
                    line[begin : begin + len(sound)] += sound[: length - begin]
            if caller:
                level = float(np.sqrt(np.mean(np.square(line[np.abs(line) > 0.01]))))
                hiss = np.convolve(self._generator.normal(size=length), np.ones(4) / 2, "same")
                line = line + hiss * level * 10 ** (-(noise_db if noise_db is not None else 45) / 20)
            channels.append(Recording(_through_mulaw(line), RATE))
        write_wav(folder / f"{name}.wav", *channels)
        content = {**told, "channels": ["caller", "bot"], "segments": self.segments, "pauses": self.pauses}
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


async def call(tape: Tape, part: dict[str, Any], speak: Speak, voice: str, chosen: Iterator[float]) -> None:
    """One caller through all answers and lines of a part."""
    for number, answer in enumerate(part["answers"]):
        told = {key: answer[key] for key in ("expecting", "digits") if key in answer}
        ends = tape.lay(await speak(answer["bot"], "bot"), tape.at, caller=False, text=answer["bot"], **told)
        at = ends + REPLY[number % len(REPLY)]
        pieces = answer["caller"].split("…")
        for place, words in enumerate(pieces):
            sound = await speak(words, voice)
            last = place == len(pieces) - 1
            at = tape.lay(sound, at, caller=True, kind="turn", text=words)
            length = LISTENS_FOR if last else next(chosen)
            tape.pause(at, at + length, "end_of_turn" if last else "within_turn")
            at += length
        tape.at = at
    for line in part["lines"]:
        ends = tape.lay(await speak(line["bot"], "bot"), tape.at, caller=False, text=line["bot"])
        over = await speak(line["over"], voice)
        began = tape.at + min(1.5, (ends - tape.at) / 3)
        finished = tape.lay(over, began, caller=True, kind=line["kind"], text=line["over"])
        if line["kind"] == "barge_in":
            tape.pause(finished, finished + LISTENS_FOR, "end_of_turn")
        tape.at = max(ends, finished) + LISTENS_FOR


def cough(generator: np.random.Generator) -> Floats:
    """Two short bursts of coloured noise."""
    bursts = []
    for _ in range(2):
        length = int(0.18 * RATE)
        burst = np.convolve(generator.normal(size=length), np.ones(3) / 3, "same")
        bursts += [burst * np.exp(-np.arange(length) / (0.06 * RATE)) * 0.3, np.zeros(int(0.12 * RATE))]
    return np.concatenate(bursts)


def trimmed(sound: Floats) -> Floats:
    """From the first sound to the last, so that the annotation says when somebody is really heard."""
    frame = RATE // 100
    frames = sound[: len(sound) // frame * frame].reshape(-1, frame)
    level = np.sqrt(np.mean(np.square(frames), axis=1))
    loud = np.flatnonzero(level > 0.03 * float(level.max(initial=1e-9)))
    return sound[loud[0] * frame : (loud[-1] + 1) * frame] if len(loud) else sound


def _through_mulaw(line: Floats) -> bytes:
    folded = np.sign(line) * np.log1p(255 * np.abs(np.clip(line, -1, 1))) / np.log1p(255)
    code = np.round((folded + 1) / 2 * 255) / 255 * 2 - 1
    heard = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    return bytes((heard * 32767).astype("<i2").tobytes())
