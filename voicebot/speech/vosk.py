"""Vosk (Kaldi): hears while the person speaks, gives partials, and can be held to a list of phrases."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicebot.speech.pool import DecodingPool
from voicebot.speech.protocols import RecognitionStream, Transcript


@dataclass(frozen=True)
class VoskSettings:
    """How the engine listens."""

    threads: int = 1
    """Streams that are decoded at the same moment."""
    only_phrases: bool = False
    """Whether a stream that is given phrases hears nothing else. For keypads spoken aloud, not for conversation."""


class VoskRecogniser:
    """A `Recogniser`. Build it off the event loop: the big models take seconds and gigabytes."""

    name = "vosk"
    ask_again_below = 0.6

    def __init__(self, folder: Path, languages: Sequence[str], settings: VoskSettings | None = None) -> None:
        import vosk

        vosk.SetLogLevel(-1)
        self.languages: Sequence[str] = tuple(languages)
        self.settings = settings or VoskSettings()
        self._model = vosk.Model(model_path=str(folder))
        self._pool = DecodingPool(self.settings.threads, thread_name_prefix="vosk")

    def stream(self, *, sample_rate: int, language: str, phrases: Sequence[str] = ()) -> RecognitionStream:
        """Begins an utterance. `phrases` count only with `only_phrases`."""
        primary = language.split("-", maxsplit=1)[0].lower()
        if primary not in {tag.split("-", maxsplit=1)[0].lower() for tag in self.languages}:
            raise ValueError(f"This Vosk model hears {', '.join(self.languages)}, not {language}")
        grammar = [*phrases, "[unk]"] if phrases and self.settings.only_phrases else None
        return _VoskStream(self._model, self._pool, sample_rate, grammar, spaced=primary not in ("zh", "yue", "ja"))

    @property
    def waiting(self) -> int:
        return self._pool.waiting

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)


class _VoskStream:
    """One utterance, decoded as it comes. The decoder is met by one pool thread at a time."""

    def __init__(
        self, model: Any, pool: DecodingPool, sample_rate: int, grammar: list[str] | None, *, spaced: bool
    ) -> None:
        self._model, self._pool, self._sample_rate, self._grammar = model, pool, sample_rate, grammar
        self._spaced = spaced
        self._decoder: Any = None
        self._pending: list[bytes] = []
        self._pending_lock = threading.Lock()
        self._decoding = threading.Lock()
        self._segments: list[tuple[str, list[float]]] = []
        self._bytes = 0
        self._compute_seconds = 0.0
        self._last_partial = ""
        self._spent = False

    def accept(self, pcm: bytes) -> None:
        """Takes the next audio; a pool thread decodes it meanwhile."""
        if self._spent:
            raise RuntimeError("This stream is finished; begin another")
        self._bytes += len(pcm)
        with self._pending_lock:
            idle = not self._pending
            self._pending.append(pcm)
        if idle:
            self._pool.submit(self._feed)

    async def partial(self) -> Transcript | None:
        """The words so far, or None when they have not changed."""
        text = await asyncio.get_running_loop().run_in_executor(self._pool, self._so_far)
        if text == self._last_partial:
            return None
        self._last_partial = text
        return self._transcript(text, 0.0, final=False)

    async def finish(self) -> Transcript:
        """All the words, with the mean of the engine's own confidence in each."""
        if self._spent:
            raise RuntimeError("This stream is finished; begin another")
        self._spent = True
        segments = await asyncio.get_running_loop().run_in_executor(self._pool, self._end)
        sure = [confidence for _, confidences in segments for confidence in confidences]
        text = self._join([words for words, _ in segments])
        return self._transcript(text, sum(sure) / len(sure) if sure and text else 0.0, final=True)

    def _feed(self) -> None:
        with self._decoding:
            with self._pending_lock:
                pcm, self._pending = b"".join(self._pending), []
            began = time.perf_counter()
            decoder = self._open()
            if pcm and decoder.AcceptWaveform(pcm):
                self._segments.append(_words(decoder.Result()))
            self._compute_seconds += time.perf_counter() - began

    def _so_far(self) -> str:
        self._feed()
        with self._decoding:
            said = json.loads(self._open().PartialResult()).get("partial", "")
            return self._join([*(words for words, _ in self._segments), said])

    def _end(self) -> list[tuple[str, list[float]]]:
        self._feed()
        with self._decoding:
            began = time.perf_counter()
            self._segments.append(_words(self._open().FinalResult()))
            self._compute_seconds += time.perf_counter() - began
            self._decoder = None
            return self._segments

    def _open(self) -> Any:
        if self._decoder is None:
            import vosk

            arguments = [json.dumps(self._grammar, ensure_ascii=False)] if self._grammar else []
            self._decoder = vosk.KaldiRecognizer(self._model, self._sample_rate, *arguments)
            self._decoder.SetWords(True)
        return self._decoder

    def _join(self, pieces: list[str]) -> str:
        text = " ".join(piece for piece in pieces if piece).replace("[unk]", " ")
        text = re.sub(r"\s+", " ", text).strip()
        return text if self._spaced else re.sub(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])", "", text)

    def _transcript(self, text: str, confidence: float, *, final: bool) -> Transcript:
        seconds = self._bytes / 2 / self._sample_rate
        return Transcript(text, confidence, final, seconds, self._compute_seconds, VoskRecogniser.name)


def _words(result: str) -> tuple[str, list[float]]:
    """The text of one of the engine's results, and its confidence in each word."""
    body = json.loads(result)
    return body.get("text", ""), [float(word["conf"]) for word in body.get("result", ())]
