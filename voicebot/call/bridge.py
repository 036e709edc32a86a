"""Caller and agent on one line, through the engine, so that recording and the guard go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import numpy as np
import soxr
from pipecat.frames.frames import Frame, InputAudioRawFrame, InputDTMFFrame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from telephony.carrier import CallLeg
from telephony.media import AudioReceived, DtmfReceived, MediaEnded

log = logging.getLogger(__name__)

CUSHION_SECONDS = 0.06
"""Jitter that neither side of a bridge hears."""


class Resampler:
    """A stream of 16-bit mono audio from one rate to another; passes it on untouched where they are equal."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._stream = None
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="int16", quality="LQ")

    def __call__(self, pcm: bytes) -> bytes:
        if self._stream is None:
            return pcm
        return bytes(self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2")).tobytes())


class Cushion:
    """Evens out the pace of a live stream that is passed on: each time it has run dry, a little silence goes first.

    What comes up to that much late afterwards is then still in time for its listener.
    """

    def __init__(self, sample_rate: int, clock: Callable[[], float], seconds: float = CUSHION_SECONDS) -> None:
        """`clock`: seconds; the stream is 16-bit mono at `sample_rate`."""
        self._bytes_per_second = 2 * sample_rate
        self._clock = clock
        self._silence = bytes(2 * round(seconds * sample_rate))
        self._lasts_until = 0.0

    def __call__(self, pcm: bytes) -> bytes:
        now = self._clock()
        if pcm and self._lasts_until < now:
            self._lasts_until = now
            pcm = self._silence + pcm
        self._lasts_until += len(pcm) / self._bytes_per_second
        return pcm


class Switchboard(FrameProcessor):
    """First behind the transport. While an agent is on the line, what the caller says goes to the agent as well.

    `on_audio(pcm, media_seconds)` is told of every piece of the caller's audio, bridged or not: the recorder's tap.
    """

    def __init__(self, on_audio: Callable[[bytes, float], None]) -> None:
        super().__init__(name="Switchboard")
        self._on_audio = on_audio
        self._agent: CallLeg | None = None
        self._resampler: Resampler | None = None
        self._cushion: Cushion | None = None
        self.heard_media = False

    def connect(self, agent: CallLeg | None) -> None:
        """Puts an agent on the line, or takes them off it."""
        self._agent = agent
        self._resampler = self._cushion = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._on_audio(frame.audio, (frame.pts or 0) / 1e9)
            if self._agent is not None:
                rate = self._agent.media.sample_rate
                if self._resampler is None or self._cushion is None:
                    self._resampler = Resampler(frame.sample_rate, rate)
                    self._cushion = Cushion(rate, asyncio.get_running_loop().time)
                self._agent.media.send(self._cushion(self._resampler(frame.audio)))
        elif isinstance(frame, InputDTMFFrame) and self._agent is not None:
            # Keys belong to the agent's side now: a card number typed for the agent is not for the bot.
            await self._agent.media.send_dtmf(frame.button.value)
            return
        await self.push_frame(frame, direction)


class AgentAudio(FrameProcessor):
    """Last before the transport. Brings what the agent says to the caller.

    The bot's lines end here the moment the agent is on the line; `on_agent_audio(pcm, sample_rate)` hears the agent.
    """

    def __init__(self, sample_rate: int, on_agent_audio: Callable[[bytes, int], None]) -> None:
        super().__init__(name="AgentAudio")
        self._sample_rate = sample_rate
        self._on_agent_audio = on_agent_audio

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)

    async def carry(self, agent: CallLeg, on_key: Callable[[str], Awaitable[None]]) -> None:
        """Carries the agent's audio until the agent's side ends. Cancel it when the caller's side does."""
        resampler = Resampler(agent.media.sample_rate, self._sample_rate)
        cushion = Cushion(self._sample_rate, asyncio.get_running_loop().time)
        while True:
            event = await agent.media.receive()
            if isinstance(event, MediaEnded):
                return
            if isinstance(event, DtmfReceived):
                await on_key(event.digit)
            elif isinstance(event, AudioReceived):
                self._on_agent_audio(event.pcm, agent.media.sample_rate)
                pcm = cushion(resampler(event.pcm))
                if pcm:
                    await self.push_frame(OutputAudioRawFrame(audio=pcm, sample_rate=self._sample_rate, num_channels=1))


async def first_to_end(*sides: Awaitable[object]) -> None:
    """Waits for whichever ends first, and stops waiting for the others."""
    tasks = [asyncio.ensure_future(side) for side in sides]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
