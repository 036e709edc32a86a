"""The clock of a recording that is heard faster than it lasts, and a recogniser that takes its time on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voicebot.speech.protocols import Recogniser, RecognitionStream, Transcript

_ROUNDS = 12
"""Turns of the event loop that everything due at one moment needs to come to rest: a chain of a few awaits."""


class MediaClock:
    """Media seconds, which go on only when they are told to and when nobody computes."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []
        self._computing: set[asyncio.Task[Any]] = set()

    def __call__(self) -> float:
        return self.now

    async def until(self, at: float) -> None:
        """Waits for media second `at`."""
        if at > self.now:
            arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((at, arrived))
            await arrived

    def hold(self, work: asyncio.Task[Any]) -> None:
        """Stands still until `work` is done: what takes time takes it on this clock, by its own account."""
        self._computing.add(work)
        work.add_done_callback(self._computing.discard)

    async def advance(self, to: float) -> None:
        """Goes on to media second `to`, and lets happen what was due until then."""
        await self._rest()
        self.now = to
        for one in [one for one in self._waiting if one[0] <= to]:
            self._waiting.remove(one)
            if not one[1].done():
                one[1].set_result(None)
        await self._rest()

    async def _rest(self) -> None:
        while True:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            if not self._computing:
                return
            await asyncio.wait(self._computing)


class TimedRecogniser:
    """A `Recogniser` whose transcripts arrive later by the media seconds that they took to compute, one by one.

    What counts is the time on a core of its own: other work on the machine would make every run another.
    """

    def __init__(self, inner: Recogniser, clock: MediaClock) -> None:
        self._inner = inner
        self._clock = clock
        self._free_at = 0.0
        self._one_at_a_time = asyncio.Lock()
        self.name = inner.name
        self.languages: Sequence[str] = inner.languages
        self.ask_again_below = inner.ask_again_below

    def stream(self, *, sample_rate: int, language: str, phrases: Sequence[str] = ()) -> RecognitionStream:
        return _TimedStream(self, self._inner.stream(sample_rate=sample_rate, language=language, phrases=phrases))

    @property
    def waiting(self) -> int:
        return self._inner.waiting

    async def close(self) -> None:
        """Leaves the engine to its owner."""

    async def finish(self, stream: RecognitionStream) -> Transcript:
        """The transcript, when this one thread would have had it."""
        asked = self._clock.now
        work = asyncio.create_task(self._compute(stream))
        self._clock.hold(work)
        transcript, seconds = await asyncio.shield(work)
        self._free_at = max(asked, self._free_at) + seconds
        await self._clock.until(self._free_at)
        return transcript

    async def _compute(self, stream: RecognitionStream) -> tuple[Transcript, float]:
        async with self._one_at_a_time:
            began = time.process_time()
            transcript = await stream.finish()
            return transcript, min(transcript.compute_seconds, time.process_time() - began)


@dataclass
class _TimedStream:
    _recogniser: TimedRecogniser
    _stream: RecognitionStream

    def accept(self, pcm: bytes) -> None:
        self._stream.accept(pcm)

    async def partial(self) -> Transcript | None:
        return await self._stream.partial()

    async def finish(self) -> Transcript:
        return await self._recogniser.finish(self._stream)
