"""SenseVoice on sherpa-onnx: Mandarin, Cantonese, English, Japanese and Korean in one small network. Optional."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voicebot.speech.pool import DecodingPool
from voicebot.speech.protocols import RecognitionStream, Transcript

_CODES = {"zh": "zh", "yue": "yue", "en": "en", "ja": "ja", "ko": "ko"}


class SenseVoiceRecogniser:
    """A `Recogniser`. Build it off the event loop. Raises `ImportError` without sherpa-onnx.

    The network gives no score, so confidence is 1.0 for any words and 0.0 for none.
    """

    name = "sense-voice"
    ask_again_below = 0.5

    def __init__(self, folder: Path, languages: Sequence[str], *, threads: int = 1) -> None:
        sherpa_onnx: Any = importlib.import_module("sherpa_onnx")

        self.languages: Sequence[str] = tuple(languages)
        self._network: Any = sherpa_onnx.OfflineRecognizer.from_sense_voice(
            model=str(folder / "model.int8.onnx"), tokens=str(folder / "tokens.txt"), num_threads=1, use_itn=False
        )
        self._pool = DecodingPool(threads, thread_name_prefix="sense-voice")

    def stream(self, *, sample_rate: int, language: str, phrases: Sequence[str] = ()) -> RecognitionStream:
        """Begins an utterance; phrases are ignored."""
        if language.split("-", maxsplit=1)[0].lower() not in _CODES:
            raise ValueError(f"SenseVoice hears {', '.join(self.languages)}, not {language}")
        return _SenseVoiceStream(self, sample_rate)

    @property
    def waiting(self) -> int:
        return self._pool.waiting

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def _hear(self, pcm: bytes, sample_rate: int) -> Transcript:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._decode, pcm, sample_rate)

    def _decode(self, pcm: bytes, sample_rate: int) -> Transcript:
        began = time.perf_counter()
        stream = self._network.create_stream()
        stream.accept_waveform(sample_rate, np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0)
        self._network.decode_stream(stream)
        text = str(stream.result.text).strip()
        seconds = len(pcm) / 2 / sample_rate
        return Transcript(text, 1.0 if text else 0.0, True, seconds, time.perf_counter() - began, self.name)


class _SenseVoiceStream:
    """One utterance, kept until it is finished."""

    def __init__(self, recogniser: SenseVoiceRecogniser, sample_rate: int) -> None:
        self._recogniser, self._sample_rate = recogniser, sample_rate
        self._pieces: list[bytes] = []

    def accept(self, pcm: bytes) -> None:
        self._pieces.append(pcm)

    async def partial(self) -> Transcript | None:
        return None

    async def finish(self) -> Transcript:
        return await self._recogniser._hear(b"".join(self._pieces), self._sample_rate)
