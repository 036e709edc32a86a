"""The clock of a recording goes on only when told to, and what is computed arrives after what it took."""

from __future__ import annotations

import asyncio
import time

from tests.call.turns.test_trial import WordsByLevel
from voicebot.call.turns.media_clock import MediaClock, TimedRecogniser
from voicebot.speech.protocols import RecognitionStream, Transcript


class Busy:
    """Works for so many seconds of the processor, and claims to have taken ten."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def work(self) -> None:
        until = time.process_time() + self.seconds
        while time.process_time() < until:
            pass

    def accept(self, pcm: bytes) -> None: ...

    async def partial(self) -> Transcript | None:
        return None

    async def finish(self) -> Transcript:
        await asyncio.to_thread(self.work)
        return Transcript("对", 0.9, True, 1.0, 10.0, "busy")


async def test_waiting_is_for_media_time() -> None:
    clock = MediaClock()
    waiting = asyncio.create_task(clock.until(1.0))
    await clock.advance(0.98)
    assert not waiting.done()
    await clock.advance(1.0)
    assert waiting.done()
    assert clock() == 1.0


async def test_transcripts_take_the_time_of_the_processor_one_after_another() -> None:
    clock = MediaClock()
    recogniser = TimedRecogniser(WordsByLevel([]), clock)
    streams: list[RecognitionStream] = [Busy(0.1), Busy(0.1)]
    arrived: list[float] = []

    async def finish(stream: RecognitionStream) -> None:
        await recogniser.finish(stream)
        arrived.append(clock.now)

    tasks = [asyncio.create_task(finish(stream)) for stream in streams]
    for step in range(1, 200):
        await clock.advance(step * 0.02)
    await asyncio.gather(*tasks)
    first, second = arrived
    assert 0.1 <= first < 2.0, "not the ten seconds that a busy machine may make of it"
    assert second >= first + 0.08
