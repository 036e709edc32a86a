"""Piper voices. The engine is GPL-3.0 and optional: only a configuration that asks for one of its voices imports it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from voicebot.speech.protocols import SpeechRequest

SLOWEST, FASTEST = 0.5, 2.0


class PiperSynthesiser:
    """A `Synthesiser`. Build it off the event loop: it reads a file of 63 MB. Raises `ImportError` without Piper."""

    name = "piper"

    def __init__(self, voice: Path, languages: Sequence[str], *, licence_note: str | None = None) -> None:
        import onnxruntime
        from piper import PiperVoice
        from piper.config import PiperConfig

        self.languages: Sequence[str] = tuple(languages)
        self.licence_note = licence_note
        self.fingerprint = voice.name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(voice), options, providers=["CPUExecutionProvider"])
        config = PiperConfig.from_dict(json.loads(voice.with_name(voice.name + ".json").read_text(encoding="utf-8")))
        self._voice: Any = PiperVoice(session=session, config=config)
        self.sample_rate: int = config.sample_rate
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="piper")

    async def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        """A sentence a piece. Raises `ValueError` for a rate it cannot do."""
        from piper import SynthesisConfig

        if not SLOWEST <= request.rate <= FASTEST:
            raise ValueError(f"rate must be from {SLOWEST} to {FASTEST}, not {request.rate}")
        loop = asyncio.get_running_loop()
        tuning = SynthesisConfig(length_scale=1.0 / request.rate)
        chunks = self._voice.synthesize(request.text, tuning)
        while (piece := await loop.run_in_executor(self._pool, _next, chunks)) is not None:
            yield piece

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)


def _next(chunks: Iterator[Any]) -> bytes | None:
    chunk = next(chunks, None)
    return None if chunk is None else bytes(chunk.audio_int16_bytes)
