"""`CallTransport` over a port in memory, in virtual time: pacing, marks, barge-in, keys, silence, the end."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputDTMFFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded, MediaEvent, MediaPort, PlayoutClock
from telephony.transport import CallTransport, PlayMarkFrame, PlayStartFrame

FRAME = b"\1\0" * 160


class JumpingSelector(selectors.DefaultSelector):
    """Lets no time pass: where the loop would wait for a timer, its clock jumps there."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = JumpingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test on a loop of its own whose clock waits for nobody."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


class MemoryPort:
    """A line that plays what it is sent in real time and remembers all of it."""

    sample_rate = 8000

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self._until = 0.0
        self._sent = 0.0
        self._lost = 0.0
        self._marks: dict[str, asyncio.TimerHandle] = {}
        self.most_ahead = 0.0
        self.audio = bytearray()
        self.clears = 0
        self.keys = ""

    async def receive(self) -> MediaEvent:
        return await self._events.get()

    def arrive(self, event: MediaEvent) -> None:
        self._events.put_nowait(event)

    def send(self, pcm: bytes) -> None:
        self.audio += pcm
        self._until = max(self._until, self._loop.time()) + len(pcm) / 16000
        self._sent += len(pcm) / 16000
        self.most_ahead = max(self.most_ahead, self._until - self._loop.time())

    def clear(self) -> None:
        self.clears += 1
        self._lost += max(0.0, self._until - self._loop.time())
        self._until = self._loop.time()
        for name, timer in self._marks.items():
            timer.cancel()
            self.arrive(MarkReached(name, False))
        self._marks.clear()

    def mark(self, name: str) -> None:
        def reach() -> None:
            self._marks.pop(name, None)
            self.arrive(MarkReached(name, True))

        self._marks[name] = self._loop.call_at(max(self._until, self._loop.time()), reach)

    async def send_dtmf(self, digits: str) -> None:
        self.keys += digits


class ClockedPort(MemoryPort):
    """The same, knowing its play-out position."""

    @property
    def played_seconds(self) -> float:
        return self._sent - self._lost - max(0.0, self._until - self._loop.time())


class Probe(FrameProcessor):
    """Stands where the engine stands and keeps what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Frame] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame | InputDTMFFrame):
            self.seen.append(frame)
        await self.push_frame(frame, direction)


@dataclass
class Call:
    port: MemoryPort
    transport: CallTransport
    worker: PipelineWorker
    probe: Probe
    marks: list[tuple[str, bool, float]] = field(default_factory=list)
    mark_times: list[float] = field(default_factory=list)
    ends: int = 0
    played: list[tuple[bytes, float]] = field(default_factory=list)
    media: list[tuple[float, bool]] = field(default_factory=list)

    async def say(self, mark: str, frames: float, *, rate: int = 8000, interruptible: bool = True) -> None:
        """Pushes a line of so many 20 ms frames, as the synthesiser does."""
        pcm = b"\1\0" * round(frames * 0.02 * rate)
        start = PlayStartFrame(mark)
        await self.worker.queue_frame(start)
        for at in range(0, len(pcm), 4000):
            audio = TTSAudioRawFrame(pcm[at : at + 4000], rate, 1)
            audio.interruptible = interruptible
            await self.worker.queue_frame(audio)
        await self.worker.queue_frame(PlayMarkFrame(mark, len(pcm) / 2 / rate))

    async def barge_in(self) -> None:
        await self.worker.queue_frame(InterruptionFrame())


@asynccontextmanager
async def a_call(
    port_type: type[MemoryPort] = ClockedPort, on_ended: Callable[[Call], Any] | None = None
) -> AsyncIterator[Call]:
    loop = asyncio.get_running_loop()
    port = port_type()
    call: Call

    async def mark(name: str, played: bool, seconds: float) -> None:
        call.marks.append((name, played, round(seconds, 6)))
        call.mark_times.append(loop.time())

    async def ended() -> None:
        call.ends += 1
        if on_ended is not None:
            await on_ended(call)

    async def media(flowing: bool) -> None:
        call.media.append((round(loop.time(), 2), flowing))

    transport = CallTransport(
        port,
        on_mark=mark,
        on_ended=ended,
        on_played=lambda pcm, at: call.played.append((pcm, round(at, 6))),
        on_media=media,
    )
    probe = Probe()
    worker = PipelineWorker(
        Pipeline([transport.input(), probe, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
        idle_timeout_secs=None,
        enable_rtvi=False,
    )
    call = Call(port, transport, worker, probe)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    try:
        await asyncio.sleep(0.01)
        assert transport.media_seconds > 0.0
        yield call
    finally:
        await worker.cancel()
        await running


@in_virtual_time
async def test_the_ports_are_what_they_claim() -> None:
    port: MediaPort = MemoryPort()
    assert not isinstance(port, PlayoutClock)
    assert isinstance(ClockedPort(), PlayoutClock)


@in_virtual_time
async def test_audio_and_keys_of_the_caller_become_frames() -> None:
    async with a_call() as call:
        begun = call.transport.media_seconds
        for number in range(3):
            call.port.arrive(AudioReceived(FRAME, begun + number * 0.02))
        call.port.arrive(DtmfReceived("#"))
        call.port.arrive(DtmfReceived("A"))
        await asyncio.sleep(0.05)
        audio = [frame for frame in call.probe.seen if isinstance(frame, InputAudioRawFrame) and frame.audio == FRAME]
        assert [round((frame.pts or 0) / 1e9 - begun, 3) for frame in audio] == [0.0, 0.02, 0.04]
        assert {(frame.sample_rate, frame.num_channels) for frame in audio} == {(8000, 1)}
        assert [frame.button for frame in call.probe.seen if isinstance(frame, InputDTMFFrame)] == [KeypadEntry.POUND]


@in_virtual_time
async def test_silence_stands_in_for_a_caller_who_sends_nothing_and_the_loss_is_told() -> None:
    async with a_call() as call:
        await asyncio.sleep(4.0)
        silent = [frame for frame in call.probe.seen if isinstance(frame, InputAudioRawFrame)]
        assert {frame.audio for frame in silent} == {bytes(320)}
        assert len(silent) == pytest.approx(4.0 / 0.02, abs=8)
        begins = [(frame.pts or 0) / 1e9 for frame in silent]
        assert [round(b - a, 6) for a, b in pairwise(begins)] == [0.02] * (len(begins) - 1)
        assert [flowing for _, flowing in call.media] == [False]
        assert call.media[0][0] == pytest.approx(3.0, abs=0.1)
        call.port.arrive(AudioReceived(FRAME, call.transport.media_seconds - 0.02))
        await asyncio.sleep(0.01)
        assert [flowing for _, flowing in call.media] == [False, True]


@in_virtual_time
async def test_a_gap_in_the_callers_audio_is_filled_to_the_frame() -> None:
    async with a_call() as call:
        call.probe.seen.clear()
        begun = call.transport.media_seconds
        call.port.arrive(AudioReceived(FRAME, begun))
        call.port.arrive(AudioReceived(FRAME, begun + 0.08))
        await asyncio.sleep(0.001)
        frames = [frame for frame in call.probe.seen if isinstance(frame, InputAudioRawFrame)]
        frames = [frame for frame in frames if (frame.pts or 0) / 1e9 >= begun - 1e-6]
        assert [round((frame.pts or 0) / 1e9 - begun, 3) for frame in frames] == [0.0, 0.02, 0.04, 0.06, 0.08]
        assert [frame.audio == FRAME for frame in frames] == [True, False, False, False, True]


@in_virtual_time
async def test_audio_is_paced_to_real_time_and_never_far_ahead() -> None:
    async with a_call() as call:
        began = asyncio.get_running_loop().time()
        await call.say("long", 250)
        await asyncio.sleep(2.5)
        assert len(call.port.audio) / 16000 == pytest.approx(2.5 + 0.06, abs=0.041)
        assert call.port.most_ahead <= 0.0801
        await asyncio.sleep(3.0)
        assert call.marks == [("long", True, 5.0)]
        assert call.mark_times[0] - began == pytest.approx(5.0, abs=0.03)


@pytest.mark.parametrize("port_type", [ClockedPort, MemoryPort])
@pytest.mark.parametrize(("frames", "rate"), [(10, 8000), (10.4, 8000), (0.3, 8000), (33.3, 24000), (12, 16000)])
@in_virtual_time
async def test_marks_wait_for_the_last_sample_whatever_the_length(
    port_type: type[MemoryPort], frames: float, rate: int
) -> None:
    async with a_call(port_type) as call:
        began = asyncio.get_running_loop().time()
        await call.say("one", frames, rate=rate)
        await call.say("two", frames, rate=rate)
        await asyncio.sleep(3)
        length = round(frames * 0.02 * rate) / rate
        assert call.marks == [("one", True, round(length, 6)), ("two", True, round(length, 6))]
        whole = -(-length // 0.02) * 0.02
        assert call.mark_times[1] - began == pytest.approx(2 * whole, abs=0.05)
        assert len(call.port.audio) >= 2 * length * 16000


@pytest.mark.parametrize("port_type", [ClockedPort, MemoryPort])
@in_virtual_time
async def test_a_barge_in_cuts_at_once_and_says_how_much_was_heard(port_type: type[MemoryPort]) -> None:
    async with a_call(port_type) as call:
        began = asyncio.get_running_loop().time()
        await call.say("cut", 200)
        await call.say("never begun", 50)
        await asyncio.sleep(1.0)
        at = asyncio.get_running_loop().time()
        await call.barge_in()
        await asyncio.sleep(0.5)
        assert call.port.clears == 1
        assert [mark[:2] for mark in call.marks] == [("cut", False), ("never begun", False)]
        assert call.marks[0][2] == pytest.approx(at - began, abs=0.03)
        assert call.marks[1][2] == 0.0
        assert call.mark_times[0] - at < 0.005
        sent = len(call.port.audio)
        await call.say("next", 20)
        await asyncio.sleep(1.0)
        assert call.marks[2:] == [("next", True, 0.4)]
        assert len(call.port.audio) - sent == 20 * 320


@in_virtual_time
async def test_a_line_that_must_be_heard_is_not_cut() -> None:
    async with a_call() as call:
        await call.say("must be heard", 50, interruptible=False)
        await asyncio.sleep(0.3)
        await call.barge_in()
        await asyncio.sleep(1.5)
        assert call.port.clears == 0
        assert call.marks == [("must be heard", True, 1.0)]
        await call.say("may be cut", 50)
        await asyncio.sleep(0.3)
        await call.barge_in()
        await asyncio.sleep(0.1)
        assert call.port.clears == 1
        assert call.marks[1][:2] == ("may be cut", False)


@in_virtual_time
async def test_a_line_whose_synthesis_was_cancelled_is_told_once() -> None:
    async with a_call() as call:
        await call.worker.queue_frame(PlayStartFrame("a"))
        await call.worker.queue_frame(TTSAudioRawFrame(FRAME * 100, 8000, 1))
        await asyncio.sleep(0.5)
        await call.barge_in()
        await asyncio.sleep(0.1)
        assert [mark[:2] for mark in call.marks] == [("a", False)]
        assert call.marks[0][2] == pytest.approx(0.5, abs=0.03)
        await call.worker.queue_frame(PlayMarkFrame("a", 2.0))
        await asyncio.sleep(0.1)
        assert len(call.marks) == 1


@in_virtual_time
async def test_what_was_played_is_told_with_its_media_time_and_nothing_that_was_cut() -> None:
    async with a_call() as call:
        begun = call.transport.media_seconds
        await call.say("a", 100)
        await asyncio.sleep(0.51)
        await call.barge_in()
        await asyncio.sleep(0.3)
        seconds = sum(len(pcm) for pcm, _ in call.played) / 16000
        assert seconds == pytest.approx(call.marks[0][2], abs=0.021)
        assert seconds <= call.marks[0][2] + 1e-6
        begins = [at for _, at in call.played]
        assert begins[0] == pytest.approx(begun, abs=0.03)
        assert [round(b - a, 3) for a, b in pairwise(begins)] == [0.02] * (len(begins) - 1)


@pytest.mark.parametrize("port_type", [ClockedPort, MemoryPort])
@in_virtual_time
async def test_after_a_barge_in_the_next_lines_are_told_as_played_again(port_type: type[MemoryPort]) -> None:
    async with a_call(port_type) as call:
        for number in range(3):
            await call.say(f"cut {number}", 100)
            await asyncio.sleep(0.3)
            await call.barge_in()
            await asyncio.sleep(0.2)
        call.played.clear()
        at = call.transport.media_seconds
        await call.say("last", 20)
        await asyncio.sleep(1.0)
        assert call.marks[-1] == ("last", True, 0.4)
        assert b"".join(pcm for pcm, _ in call.played) == b"\1\0" * 3200
        assert call.played[0][1] == pytest.approx(at, abs=0.05)


@in_virtual_time
async def test_the_end_of_the_call_settles_what_was_under_way_and_is_told_once() -> None:
    async def stop(call: Call) -> None:
        await call.worker.cancel()

    async with a_call(on_ended=stop) as call:
        await call.say("cut off", 100)
        await asyncio.sleep(0.5)
        call.port.arrive(MediaEnded())
        await asyncio.sleep(0.5)
        assert [mark[:2] for mark in call.marks] == [("cut off", False)]
        assert call.marks[0][2] == pytest.approx(0.5, abs=0.05)
        assert call.ends == 1


@in_virtual_time
async def test_keys_are_pressed_in_order_with_the_audio() -> None:
    async with a_call() as call:
        await call.say("a", 20)
        await call.worker.queue_frame(OutputDTMFFrame(buttons=[KeypadEntry.ONE, KeypadEntry.STAR]))
        await asyncio.sleep(0.1)
        assert call.port.keys == ""
        await asyncio.sleep(0.5)
        assert call.port.keys == "1*"


@in_virtual_time
async def test_the_end_of_the_pipeline_lets_the_last_line_be_handed_over() -> None:
    async with a_call() as call:
        await call.say("goodbye", 30)
        await call.worker.queue_frame(EndFrame())
        await asyncio.sleep(2)
        assert len(call.port.audio) == 30 * 320
