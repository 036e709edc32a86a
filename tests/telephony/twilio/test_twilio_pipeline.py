"""A pipecat pipeline holds a Twilio call through the one call transport, as it holds a SIP call."""

from __future__ import annotations

import asyncio
import time
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pipecat.frames.frames import Frame, InputAudioRawFrame, InputDTMFFrame, InterruptionFrame, TTSAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from telephony.carrier import Cause, DialRequest
from telephony.g711 import decode_ulaw, encode_ulaw
from telephony.transport import CallTransport, PlayMarkFrame, PlayStartFrame

if TYPE_CHECKING:
    from telephony.twilio_call import TwilioCall
    from tests.telephony.twilio.conftest import Line
    from tests.telephony.twilio.stand_in import MediaStream, TwilioCallStandIn

TO = "+8613800000001"


class Ear(FrameProcessor):
    """Keeps what the pipeline hears."""

    def __init__(self) -> None:
        super().__init__()
        self.audio = bytearray()
        self.keys = ""
        self.key_pressed = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self.audio += frame.audio
        elif isinstance(frame, InputDTMFFrame):
            self.keys += frame.button.value
            self.key_pressed.set()
        await self.push_frame(frame, direction)


@dataclass
class Conversation:
    leg: TwilioCall
    call: TwilioCallStandIn
    stream: MediaStream
    worker: PipelineWorker
    ear: Ear
    marks: asyncio.Queue[tuple[str, bool, float]] = field(default_factory=asyncio.Queue)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, mark: str, pcm: bytes) -> None:
        await self.worker.queue_frame(PlayStartFrame(mark))
        for at in range(0, len(pcm), 3200):
            await self.worker.queue_frame(TTSAudioRawFrame(pcm[at : at + 3200], 8000, 1))
        await self.worker.queue_frame(PlayMarkFrame(mark, len(pcm) / 16000))


@pytest.fixture
async def conversation(line: Line) -> AsyncIterator[Conversation]:
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    held: Conversation

    async def mark(name: str, played: bool, seconds: float) -> None:
        held.marks.put_nowait((name, played, seconds))

    async def ended() -> None:
        held.ended.set()

    transport = CallTransport(leg.media, on_mark=mark, on_ended=ended)
    ear = Ear()
    worker = PipelineWorker(
        Pipeline([transport.input(), ear, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
        idle_timeout_secs=None,
        enable_rtvi=False,
    )
    held = Conversation(leg, call, call.stream, worker, ear)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    yield held
    await worker.cancel()
    await running


def speech(seconds: float, seed: int) -> bytes:
    samples = np.random.default_rng(seed).integers(-9000, 9000, round(8000 * seconds))
    return samples.astype("<i2").tobytes()


async def test_lines_are_heard_whole_and_interruptions_cut_them(conversation: Conversation) -> None:
    first, second, third = speech(0.3, 1), speech(3.0, 2), speech(0.2, 3)
    async with asyncio.timeout(20):
        await conversation.say("first", first)
        name, played, seconds = await conversation.marks.get()
        assert (name, played) == ("first", True)
        assert seconds == pytest.approx(0.3, abs=0.01)
        assert conversation.stream.heard == encode_ulaw(first)

        await conversation.say("second", second)
        while len(conversation.stream.heard) < 8000 * 0.7:
            await conversation.stream.moment()
        interrupted = time.monotonic()
        await conversation.worker.queue_frame(InterruptionFrame())
        name, played, seconds = await conversation.marks.get()
        assert (name, played) == ("second", False)
        await conversation.say("third", third)
        assert (await conversation.marks.get())[:2] == ("third", True)
    heard = conversation.stream.heard
    assert heard.endswith(encode_ulaw(third))
    of_second = len(heard) - len(encode_ulaw(first + third))
    assert encode_ulaw(second).startswith(heard[len(first) // 2 : len(first) // 2 + of_second])
    assert of_second / 8000 == pytest.approx(seconds, abs=0.08), "what is reported as heard was heard"
    frames_of_second = [frame for frame in conversation.stream.played if frame.ulaw not in encode_ulaw(third)]
    assert frames_of_second[-1].at - interrupted < 0.1, "the caller is not talked over"


async def test_the_caller_is_heard_pressing_and_leaving(conversation: Conversation, tmp_path: Path) -> None:
    said = tmp_path / "caller.wav"
    with wave.open(str(said), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(speech(0.3, 4))
    conversation.stream.speak_file(said)
    async with asyncio.timeout(20):
        while conversation.stream.pending_speech:
            await conversation.stream.moment()
        await conversation.stream.press("4")
        await conversation.ear.key_pressed.wait()
        assert conversation.ear.keys == "4"
        await conversation.call.hang_up()
        await conversation.ended.wait()
        assert await conversation.leg.ended() is Cause.NORMAL
    heard, at = bytes(conversation.ear.audio), 0
    for frame in range(15):
        # Frame by frame, because the transport fills in silence where a busy machine delivers late.
        piece = decode_ulaw(encode_ulaw(speech(0.3, 4)))[320 * frame : 320 * (frame + 1)]
        at = heard.find(piece, at)
        assert at >= 0, f"frame {frame} is missing, or out of order"
    conversation.stream.keep_heard(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav"), "rb") as file:
        assert file.getframerate() == 8000
