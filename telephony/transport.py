"""The one pipecat transport of the engine, over any `MediaPort`.

Input: every audio event becomes an `InputAudioRawFrame` (`pts` is the port's media time in nanoseconds), every key an
`InputDTMFFrame`. Where the far end sends nothing, silence stands in for it: what measures time by audio goes on.

Output: audio is cut into 20 ms, paced to real time and at most `AHEAD_SECONDS` ahead of it, so that an
`InterruptionFrame` stops the bot at once. What was really played is told by marks. For each line push

    PlayStartFrame("line-7"), TTSAudioRawFrame..., PlayMarkFrame("line-7", seconds=<audio pushed>)

and `on_mark("line-7", played, played_seconds)` follows exactly once: when its last sample has left for the far end, or
at the moment an interruption or the end of the call cut it. `PlayStartFrame` may be left out; then the report of an
interrupted line waits for its `PlayMarkFrame`, and a line whose synthesis was cancelled before its mark is not
reported. Neither frame is dropped by interruptions.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    CancelFrame,
    ControlFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputDTMFFrame,
    OutputDTMFUrgentFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams

from telephony.alignment import Alignment
from telephony.media import AudioReceived, DtmfReceived, LineClock, MarkReached, MediaEnded, MediaPort, PlayoutClock
from telephony.playout import ROUNDING_SECONDS, MarkReport, PlayoutLedger

logger = logging.getLogger(__name__)

FRAME_SECONDS = 0.02
AHEAD_SECONDS = 0.06
"""How far ahead of real time audio is handed to the port: rides out a late event loop, leaves little to throw away."""
FILL_AFTER_SECONDS = 0.1
"""Pause in the far end's audio after which silence stands in for it."""
MEDIA_PATIENCE_SECONDS = 5.0
"""How long all audio must have come late before the media clock is set back: a slow far end, not a slow moment."""
MEDIA_LOST_AFTER_SECONDS = 3.0
"""Pause in the far end's audio that is reported as lost media."""

OnMark = Callable[[str, bool, float], Awaitable[None]]
OnEnded = Callable[[], Awaitable[None]]
OnPlayed = Callable[[bytes, float], None]
OnMedia = Callable[[bool], Awaitable[None]]


@dataclass
class PlayStartFrame(ControlFrame):
    """What follows is the audio of `mark`."""

    mark: str = ""
    interruptible: bool = field(default=False, init=False)


@dataclass
class PlayMarkFrame(ControlFrame):
    """The audio of `mark` ends here."""

    mark: str = ""
    seconds: float | None = None
    """Audio that was pushed for the mark. When less of it arrives, the rest was dropped on the way: not played."""
    interruptible: bool = field(default=False, init=False)


class CallTransport(BaseTransport):
    """Joins a pipecat pipeline to the audio of one call. It never ends the call; that is its owner's business."""

    def __init__(
        self,
        port: MediaPort,
        *,
        on_mark: OnMark | None = None,
        on_ended: OnEnded | None = None,
        on_played: OnPlayed | None = None,
        on_media: OnMedia | None = None,
    ) -> None:
        """`port` is consumed by this transport alone.

        `on_mark(mark, played, played_seconds)`: what became of a line, once a line.
        `on_ended()`: the far end or the carrier ended the call; told once, after the last marks.
        `on_played(pcm, media_seconds)`: each piece of audio that was played and the media time at which it began; audio
        that an interruption threw away is never told. For recorders; must not block.
        `on_media(flowing)`: False when the far end has sent no audio for three seconds, True when it comes (again).
        """
        super().__init__()
        rate = port.sample_rate
        params = TransportParams(
            audio_in_enabled=True,
            audio_in_sample_rate=rate,
            audio_out_enabled=True,
            audio_out_sample_rate=rate,
            audio_out_10ms_chunks=2,
            audio_out_end_silence_secs=0,
        )
        self._port = port
        self._on_mark = on_mark
        self._on_ended = on_ended
        self._on_played = on_played
        self._on_media = on_media
        self._ledger = PlayoutLedger()
        self._due = 0.0
        self._started_at: float | None = None
        self._alignment = Alignment(patience=MEDIA_PATIENCE_SECONDS)
        self._heard = False
        self._output = CallOutput(self, params)
        self._input = CallInput(self, params)

    def input(self) -> CallInput:
        """First processor of the pipeline."""
        return self._input

    def output(self) -> CallOutput:
        """Processor that speaks; only what observes stands after it."""
        return self._output

    @property
    def port(self) -> MediaPort:
        return self._port

    @property
    def played_seconds(self) -> float:
        """Seconds of audio that have left for the far end since the call began."""
        if isinstance(self._port, PlayoutClock):
            return self._port.played_seconds
        behind = max(0.0, self._due - asyncio.get_running_loop().time())
        return max(0.0, self._ledger.sent_seconds - behind)

    @property
    def media_seconds(self) -> float:
        """Now, on the port's media clock; 0.0 before the transport started."""
        now = asyncio.get_running_loop().time()
        if self._heard:
            return now - self._alignment.offset
        return now - self._started_at if self._started_at is not None else 0.0

    def started(self) -> None:
        """Sets the media clock going; until audio says better it begins now."""
        if self._started_at is None:
            self._started_at = asyncio.get_running_loop().time()

    def heard(self, event: AudioReceived, seconds: float) -> None:
        """Trues the media clock up by a piece of audio that has just arrived."""
        self._alignment.witness(event.media_seconds + seconds, asyncio.get_running_loop().time())
        self._heard = True

    async def send(self, pcm: bytes, *, interruptible: bool) -> None:
        """Hands audio to the port and waits until no more than `AHEAD_SECONDS` of it lies there unplayed."""
        now = asyncio.get_running_loop().time()
        seconds = len(pcm) / 2 / self._port.sample_rate
        anchor = self.played_seconds
        self._port.send(pcm)
        self._due = max(self._due, now) + seconds
        if isinstance(self._port, PlayoutClock):
            self._ledger.anchor(anchor)
        self._ledger.sent(pcm, seconds, interruptible=interruptible)
        self.tell_played()
        await asyncio.sleep(max(0.0, self._due - now - AHEAD_SECONDS))

    async def begin(self, mark: str) -> None:
        """The audio of `mark` follows."""
        await self.report(self._ledger.begin(mark))

    async def mark(self, mark: str, seconds: float | None) -> None:
        """The audio of `mark` has been handed over."""
        wanted, reports = self._ledger.mark(mark, seconds)
        await self.report(reports)
        if wanted:
            self._port.mark(mark)

    def cut(self) -> Sequence[MarkReport]:
        """Throws away what is not yet played, unless it has to be heard to its end. The reports are to be passed on."""
        self.tell_played()
        if self._ledger.holds_uninterruptible:
            return ()
        position = self.played_seconds
        self._port.clear()
        self._due = 0.0
        return self._ledger.cut(position)

    async def ended(self) -> None:
        """The call is over: settles what was under way."""
        self.tell_played()
        await self.report(self._ledger.cut(self.played_seconds))
        if self._on_ended is not None:
            await self._on_ended()

    async def reached(self, event: MarkReached) -> None:
        """The port reports a mark."""
        self.tell_played()
        await self.report(self._ledger.reached(event.name, event.played))

    async def media(self, flowing: bool) -> None:
        """The far end's audio stopped or came."""
        if self._on_media is not None:
            await self._on_media(flowing)

    def tell_played(self) -> None:
        """Passes on what was played since it was last asked."""
        if isinstance(self._port, LineClock):
            playout = self._port.playout()
            played, line = playout.played_seconds, playout.line_seconds
        else:
            played, line = self.played_seconds, self.media_seconds
        for piece in self._ledger.played(played, line):
            if self._on_played is not None:
                self._on_played(piece.pcm, piece.media_seconds)

    async def report(self, reports: Sequence[MarkReport]) -> None:
        if self._on_mark is not None:
            for report in reports:
                await self._on_mark(report.mark, report.played, report.played_seconds)


class CallInput(BaseInputTransport):
    """Reads the port: audio, keys, marks, the end."""

    def __init__(self, transport: CallTransport, params: TransportParams) -> None:
        super().__init__(params)
        self._transport = transport
        self._reader: asyncio.Task[None] | None = None
        self._input_until = 0.0
        self._flowing: bool | None = None

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._transport.started()
        self._reader = self.create_task(self._read())

    async def stop(self, frame: EndFrame) -> None:
        await super().stop(frame)
        await self._stop_reading()

    async def cancel(self, frame: CancelFrame) -> None:
        await super().cancel(frame)
        await self._stop_reading()

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]
        await self._stop_reading()

    async def _stop_reading(self) -> None:
        reader, self._reader = self._reader, None
        # The callback of the call's end may itself stop the pipeline: a task cannot wait for itself.
        if reader is not None and reader is not asyncio.current_task():
            await self.cancel_task(reader)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        port = self._transport.port
        last_audio = loop.time()
        while True:
            event = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience(loop.time() - last_audio)):
                    event = await port.receive()
            match event:
                case AudioReceived():
                    last_audio = loop.time()
                    await self._hear(event)
                case DtmfReceived():
                    await self._press(event.digit)
                case MarkReached():
                    await self._transport.reached(event)
                case MediaEnded():
                    await self._transport.ended()
                    return
                case None:
                    await self._fill(self._transport.media_seconds - FRAME_SECONDS)
                    if self._flowing is not False and loop.time() - last_audio >= MEDIA_LOST_AFTER_SECONDS:
                        self._flowing = False
                        logger.warning("no audio from the far end")
                        await self._transport.media(False)
            self._transport.tell_played()

    @staticmethod
    def _patience(quiet: float) -> float:
        return FILL_AFTER_SECONDS - quiet if quiet < FILL_AFTER_SECONDS - FRAME_SECONDS else FRAME_SECONDS

    async def _hear(self, event: AudioReceived) -> None:
        seconds = len(event.pcm) / 2 / self._transport.port.sample_rate
        self._transport.heard(event, seconds)
        await self._fill(event.media_seconds)
        await self._push(event.pcm, event.media_seconds)
        self._input_until = max(self._input_until, event.media_seconds + seconds)
        if self._flowing is not True:
            self._flowing = True
            await self._transport.media(True)

    async def _fill(self, until: float) -> None:
        """Pushes silence for whole frames that are missing before `until`."""
        chunk = bytes(int(self._transport.port.sample_rate * FRAME_SECONDS) * 2)
        # A stretch longer than a second is not worth making up for: no clock downstream may be flooded.
        self._input_until = max(self._input_until, until - 1.0)
        while until - self._input_until >= FRAME_SECONDS - ROUNDING_SECONDS:
            await self._push(chunk, self._input_until)
            self._input_until += FRAME_SECONDS

    async def _push(self, pcm: bytes, media_seconds: float) -> None:
        frame = InputAudioRawFrame(audio=pcm, sample_rate=self._transport.port.sample_rate, num_channels=1)
        frame.pts = int(media_seconds * 1e9)
        await self.push_audio_frame(frame)

    async def _press(self, digit: str) -> None:
        try:
            button = KeypadEntry(digit)
        except ValueError:
            logger.info("key has no meaning here", extra={"key": digit})
            return
        await self.push_frame(InputDTMFFrame(button))


class CallOutput(BaseOutputTransport):
    """Writes to the port at the pace of real time, marks in order with the audio."""

    def __init__(self, transport: CallTransport, params: TransportParams) -> None:
        super().__init__(params)
        self._transport = transport

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, PlayMarkFrame):
            # The base class holds back what does not fill a frame; a mark must not overtake it.
            await self._media_senders[None]._enqueue_flushed_audio_buffer()  # type: ignore[no-untyped-call]
        await super().process_frame(frame, direction)

    async def _handle_frame(self, frame: Frame) -> None:
        # The base class empties its queue before it first waits, so nothing slips in between that and our own cut, and
        # nothing of the next line is thrown away with this one.
        reports = self._transport.cut() if isinstance(frame, InterruptionFrame) else ()
        await super()._handle_frame(frame)
        await self._transport.report(reports)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        await self._transport.send(frame.audio, interruptible=frame.interruptible)
        return True

    async def write_transport_frame(self, frame: Frame) -> None:
        if isinstance(frame, PlayStartFrame):
            await self._transport.begin(frame.mark)
        elif isinstance(frame, PlayMarkFrame):
            await self._transport.mark(frame.mark, frame.seconds)

    def _supports_native_dtmf(self) -> bool:
        return True

    async def _write_dtmf_native(self, frame: OutputDTMFFrame | OutputDTMFUrgentFrame) -> None:
        await self._transport.port.send_dtmf("".join(button.value for button in frame.buttons or ()))
