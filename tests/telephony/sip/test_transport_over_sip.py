"""A pipecat pipeline holds a real call: what it says is heard, what is heard is what it reports as played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pipecat.frames.frames import Frame, InputAudioRawFrame, InputDTMFFrame, InterruptionFrame, TTSAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from telephony.carrier import CallLeg, Cause, DialRequest
from telephony.transport import CallTransport, PlayMarkFrame, PlayStartFrame

if TYPE_CHECKING:
    from tests.telephony.sip.conftest import Sound, StartCarrier, StartSipp

pytestmark = pytest.mark.peer


class Ear(FrameProcessor):
    def __init__(self) -> None:
        super().__init__()
        self.heard = b""
        self.keys = ""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self.heard += frame.audio
        elif isinstance(frame, InputDTMFFrame):
            self.keys += frame.button.value
        await self.push_frame(frame, direction)


class Bot:
    """A pipeline on one leg."""

    def __init__(self, leg: CallLeg) -> None:
        self.leg = leg
        self.ear = Ear()
        self.marks: list[tuple[str, bool, float]] = []
        self.told = asyncio.Event()
        self.ended = asyncio.Event()
        self.played = b""
        self.transport = CallTransport(leg.media, on_mark=self._mark, on_ended=self._end, on_played=self._play)
        self.worker = PipelineWorker(
            Pipeline([self.transport.input(), self.ear, self.transport.output()]),
            params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
            idle_timeout_secs=None,
            enable_rtvi=False,
        )

    async def _mark(self, mark: str, played: bool, seconds: float) -> None:
        self.marks.append((mark, played, seconds))
        self.told.set()

    async def _end(self) -> None:
        self.ended.set()
        await self.worker.cancel()

    def _play(self, pcm: bytes, _at: float) -> None:
        self.played += pcm

    async def say(self, mark: str, pcm: bytes) -> None:
        await self.worker.queue_frames(
            [PlayStartFrame(mark), TTSAudioRawFrame(pcm, 8000, 1), PlayMarkFrame(mark, len(pcm) / 16000)]
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self.worker)
        task = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            await self.worker.cancel()
            await task


async def test_lines_marks_and_barge_in_on_a_real_call(carrier: StartCarrier, sipp: StartSipp, sound: Sound) -> None:
    peer = await sipp("uas_echo", echo=True)
    sip = await carrier()
    leg = await sip.dial(DialRequest(f"sip:echo@127.0.0.1:{peer.port}"))
    bot = Bot(leg)
    loop = asyncio.get_running_loop()
    async with bot.running():
        began = loop.time()
        await bot.say("first", sound.tone(600, 0.73))
        await asyncio.wait_for(bot.told.wait(), 30)
        assert bot.marks == [("first", True, 0.73)]
        assert loop.time() - began >= 0.7
        bot.told.clear()
        await bot.say("second", sound.tone(1000, 5.0))
        await asyncio.sleep(0.8)
        position = bot.transport.played_seconds - 0.74
        await bot.worker.queue_frame(InterruptionFrame())
        await asyncio.wait_for(bot.told.wait(), 30)
        assert bot.marks[1][:2] == ("second", False)
        assert bot.marks[1][2] == pytest.approx(position, abs=0.05)
        await asyncio.sleep(0.4)
        echoed = len(bot.ear.heard)
        await asyncio.sleep(0.2)
        rest = memoryview(bot.ear.heard[echoed:]).cast("h")
        assert max(map(abs, rest)) < 20, "the far end still hears the line that was cut"
        assert len(bot.played) / 16000 == pytest.approx(0.74 + bot.marks[1][2], abs=0.03)
        await leg.hang_up()
        await asyncio.wait_for(bot.ended.wait(), 30)
    assert sound.loudness(bot.ear.heard[3200:9600], 600) > 0.6
    await peer.verdict()


async def test_the_caller_hangs_up_in_the_middle_of_a_line(
    carrier: StartCarrier, sipp: StartSipp, sound: Sound
) -> None:
    sip = await carrier()
    calls: asyncio.Queue[CallLeg] = asyncio.Queue()

    async def take(leg: CallLeg) -> None:
        await leg.answer()
        calls.put_nowait(leg)

    sip.on_incoming(take)
    peer = await sipp("uac_info", to=sip.settings.port)
    bot = Bot(await asyncio.wait_for(calls.get(), 30))
    async with bot.running():
        await bot.say("long", sound.tone(600, 10.0))
        await asyncio.wait_for(bot.ended.wait(), 30)
    assert bot.ear.keys == "4*4"
    assert [(mark, played) for mark, played, _ in bot.marks] == [("long", False)]
    assert 0.5 < bot.marks[0][2] < 1.5
    windows = [bot.ear.heard[at : at + 4800] for at in range(0, len(bot.ear.heard) - 4800, 1600)]
    assert max(sound.loudness(window, 440) for window in windows) > 0.9
    assert await bot.leg.ended() is Cause.NORMAL
    await peer.verdict()
