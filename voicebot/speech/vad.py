"""Whether a person speaks, for many calls at once, in two steps.

A gate of its own stands before each call: level, and the GMM detector of WebRTC. It costs some microseconds a frame
and is closed through the silence that most of a call is. Frames that pass it go to one Silero network for the whole
process, which a worker thread feeds with whatever frames of all calls are waiting, as one batch. The network's memory
of a call is kept with the call. Noise and hold music dull that memory for the speech that follows, so it starts anew
when the gate opens, and, while the gate stays open over noise, every two seconds that hold no speech.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8000  # Hz
FRAME_SAMPLES = 256  # 32 ms, the only window the network takes at 8 kHz
CONTEXT_SAMPLES = 32  # of the frame before, which the network wants to see again
LARGEST_BATCH = 64
RENEW_FRAMES = 62  # about two seconds
QUIET_FRAMES = 5  # that many unlikely frames in a row: a pause between words is no moment to forget
UNLIKELY = 0.3

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GateSettings:
    """When the cheap gate opens."""

    mode: int = 1
    """WebRTC's aggressiveness, 0 to 3. Low: the gate may open for nothing, but must not miss a soft 嗯."""
    quietest: float = 30.0
    """Root mean square, in 16-bit steps, under which a frame is silence: about -61 dBFS."""
    hold_frames: int = 10
    """Frames the gate stays open after the last that opened it: 320 ms."""
    lead_frames: int = 2
    """Frames before the opening that the network is shown first, so that it meets the beginning of the word."""


@dataclass
class _Work:
    """Frames of one call for the network, and where the answer goes."""

    call: CallVoiceActivity
    frames: list[Floats]
    answer: asyncio.Future[float]
    loop: asyncio.AbstractEventLoop


@dataclass
class _Memory:
    """What the network carries from one frame of a call to the next."""

    state: Floats = field(default_factory=lambda: np.zeros((2, 128), np.float32))
    context: Floats = field(default_factory=lambda: np.zeros(CONTEXT_SAMPLES, np.float32))


class VoiceActivityModel:
    """One Silero network a process, behind a gate a call. Build it off the event loop: it reads a file."""

    def __init__(self, model: Path, *, threads: int = 1, gate: GateSettings | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._rate = np.array(SAMPLE_RATE, np.int64)
        self._gate = gate or GateSettings()
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._closed = False
        self.batches = 0
        """Times the network ran, for the metrics."""
        self.frames = 0
        """Frames it was shown, all calls together."""
        self._worker = threading.Thread(target=self._work, name="voice-activity", daemon=True)
        self._worker.start()

    def open_call(self) -> CallVoiceActivity:
        """The view of one call, with a gate and a memory of its own. Nothing to close."""
        return CallVoiceActivity(self, self._gate)

    async def close(self) -> None:
        """Ends the worker once what waits has been answered."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            await asyncio.to_thread(self._worker.join)

    def _ask(self, call: CallVoiceActivity, frames: list[Floats]) -> asyncio.Future[float]:
        if self._closed:
            raise RuntimeError("The voice activity model is closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[float] = loop.create_future()
        self._waiting.put(_Work(call, frames, answer, loop))
        return answer

    def _work(self) -> None:
        ending = False
        while not ending:
            works = []
            item = self._waiting.get()
            while True:
                if item is None:
                    ending = True
                else:
                    works.append(item)
                if ending or len(works) >= LARGEST_BATCH:
                    break
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
            for round_ in _rounds(works):
                self._answer(round_)

    def _answer(self, works: list[_Work]) -> None:
        try:
            likely = self._run(works)
        except Exception as failed:  # the callers must hear of it, whatever it was
            for work in works:
                work.loop.call_soon_threadsafe(_fail, work.answer, failed)
            return
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[float], float]]] = {}
        for work, value in zip(works, likely, strict=True):
            by_loop.setdefault(work.loop, []).append((work.answer, value))
        for loop, answers in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, answers)

    def _run(self, works: list[_Work]) -> list[float]:
        """Shows the network each call's frames; a call with more than one keeps its place in the following batches."""
        likely = [0.0] * len(works)
        for step in range(max(len(work.frames) for work in works)):
            now = [i for i, work in enumerate(works) if step < len(work.frames)]
            memories = [works[i].call.memory for i in now]
            sound = np.stack([works[i].frames[step] for i in now])
            context = np.stack([memory.context for memory in memories])
            feed = {
                "input": np.concatenate([context, sound], axis=1),
                "state": np.stack([memory.state for memory in memories], axis=1),
                "sr": self._rate,
            }
            output: list[Any] = self._session.run(None, feed)
            for row, i in enumerate(now):
                works[i].call.memory.state = output[1][:, row, :]
                works[i].call.memory.context = sound[row, -CONTEXT_SAMPLES:]
                likely[i] = float(output[0][row, 0])
            self.batches += 1
            self.frames += len(now)
        return likely


class CallVoiceActivity:
    """The voice activity of one call: a `VoiceActivity`. Frames in order, one at a time."""

    frame_samples = FRAME_SAMPLES

    def __init__(self, model: VoiceActivityModel, gate: GateSettings) -> None:
        import webrtcvad

        self.memory = _Memory()
        self._model = model
        self._settings = gate
        self._detector = webrtcvad.Vad(gate.mode)
        self._open_for = 0
        self._memory_age = 0
        self._quiet_run = 0
        self._before: deque[Floats] = deque(maxlen=gate.lead_frames)

    async def speech_probability(self, pcm: bytes) -> float:
        """0 to 1 for the next frame of 256 samples at 8 kHz. While the gate is closed: 0.0, without waiting."""
        if len(pcm) != 2 * FRAME_SAMPLES:
            raise ValueError(f"A frame is {2 * FRAME_SAMPLES} bytes ({FRAME_SAMPLES} samples), not {len(pcm)}")
        sound = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0
        was_open = self._open_for > 0
        if self._passes(pcm, sound):
            self._open_for = self._settings.hold_frames
        elif was_open:
            self._open_for -= 1
        if self._open_for == 0:
            self._before.append(sound)
            return 0.0
        frames = [sound]
        if not was_open:
            self._forget()
            frames = [*self._before, sound]
            self._before.clear()
        likely = await self._model._ask(self, frames)
        self._memory_age += 1
        self._quiet_run = self._quiet_run + 1 if likely < UNLIKELY else 0
        if self._memory_age >= RENEW_FRAMES and self._quiet_run >= QUIET_FRAMES:
            self._forget()
        return likely

    def _forget(self) -> None:
        self.memory = _Memory()
        self._memory_age = self._quiet_run = 0

    def _passes(self, pcm: bytes, sound: Floats) -> bool:
        if float(np.sqrt(np.mean(np.square(sound)))) * 32768.0 < self._settings.quietest:
            return False
        return bool(self._detector.is_speech(pcm[: 2 * 240], SAMPLE_RATE))  # it takes 10, 20 or 30 ms


def _rounds(works: list[_Work]) -> list[list[_Work]]:
    """Splits so that no call is in a batch twice: its second frame needs the memory its first leaves behind."""
    rounds: list[list[_Work]] = []
    seen: dict[int, int] = {}
    for work in works:
        turn = seen.get(id(work.call), 0)
        seen[id(work.call)] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(work)
    return rounds


def _settle(answers: list[tuple[asyncio.Future[float], float]]) -> None:
    for answer, value in answers:
        if not answer.done():
            answer.set_result(value)


def _fail(answer: asyncio.Future[float], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
