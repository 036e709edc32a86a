"""From approved lines to audio, in order, one at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from pipecat.frames.frames import Frame, InterruptionFrame, OutputAudioRawFrame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from telephony.transport import PlayMarkFrame, PlayStartFrame
from voicebot.call.floor import Floor, LineInHand
from voicebot.call.frames import GuardedLineFrame
from voicebot.call.timeline import Timeline
from voicebot.speech.protocols import SpeechRequest, Synthesiser

log = logging.getLogger(__name__)


class Speaking(FrameProcessor):
    """Synthesises `GuardedLineFrame`s and nothing else: it has no ear for text that did not pass the guard.

    Each line's audio is followed by a mark with the line's number, so that the transport says when it was heard.
    `on_dropped(number)` is told of lines that an interruption threw away before any of their audio left here, and of
    lines the synthesiser could not say.
    """

    def __init__(
        self,
        *,
        synthesiser: Synthesiser,
        floor: Floor,
        timeline: Timeline,
        on_dropped: Callable[[int], None],
        sample_rate: int,
    ) -> None:
        super().__init__(name="Speaking")
        if synthesiser.sample_rate != sample_rate:
            raise ValueError(
                f"the synthesiser gives {synthesiser.sample_rate} Hz and the call carries {sample_rate} Hz; "
                "put a PromptCache at the call's rate in front of it"
            )
        self.synthesiser = synthesiser
        self._floor = floor
        self._timeline = timeline
        self._on_dropped = on_dropped
        self._sample_rate = sample_rate
        self._lines: asyncio.Queue[GuardedLineFrame] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._current: GuardedLineFrame | None = None
        self._synthesis: asyncio.Task[None] | None = None

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]
        if self._worker is not None:
            await self.cancel_task(self._worker)
            self._worker = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, GuardedLineFrame):
            if frame.verdict is None or not frame.verdict.allowed or frame.say is None:
                raise ValueError("a line without an allowing verdict reached the synthesiser")
            self._floor.take(frame.number, frame.say, frame.text)
            self._lines.put_nowait(frame)
            return
        if isinstance(frame, StartFrame):
            await self.push_frame(frame, direction)
            self._worker = self.create_task(self._speak_all(), name="speaking")
            return
        if isinstance(frame, InterruptionFrame):
            self._interrupt()
        await self.push_frame(frame, direction)

    def _interrupt(self) -> None:
        """Stops the line being made and drops those behind it, up to the first one that must be heard to its end."""
        kept: list[GuardedLineFrame] = []
        while not self._lines.empty():
            waiting = self._lines.get_nowait()
            assert waiting.say is not None
            if kept or not waiting.say.interruptible:
                kept.append(waiting)
            else:
                self._on_dropped(waiting.number)
        for waiting in kept:
            self._lines.put_nowait(waiting)
        current = self._current
        if (
            current is not None
            and current.say is not None
            and current.say.interruptible
            and self._synthesis is not None
        ):
            self._synthesis.cancel()

    async def _speak_all(self) -> None:
        while True:
            self._current = await self._lines.get()
            line = self._floor.get(self._current.number)
            if line is not None:
                self._synthesis = asyncio.create_task(self._speak(self._current, line))
                await self._until_done(self._synthesis, line)
            self._current = self._synthesis = None

    async def _until_done(self, synthesis: asyncio.Task[None], line: LineInHand) -> None:
        try:
            await asyncio.wait({synthesis})
        finally:
            synthesis.cancel()
        error = None if synthesis.cancelled() else synthesis.exception()
        if error is not None:
            log.error("a line could not be synthesised", exc_info=error, extra={"line": line.say.line})
            self._timeline.add("synthesis.failed", line=line.say.line, error=str(error))
        if error is not None or synthesis.cancelled():
            if line.synthesised_seconds == 0:
                self._on_dropped(line.number)
            else:
                await self.push_frame(PlayMarkFrame(str(line.number), line.synthesised_seconds))

    async def _speak(self, frame: GuardedLineFrame, line: LineInHand) -> None:
        assert frame.say is not None
        request = SpeechRequest(text=frame.text, language=frame.say.language, rate=frame.say.rate)
        began = time.monotonic()
        odd = b""
        async for piece in self.synthesiser.speak(request):
            pcm = odd + piece
            odd = pcm[len(pcm) // 2 * 2 :]
            pcm = pcm[: len(pcm) // 2 * 2]
            if not pcm:
                continue
            if line.synthesised_seconds == 0:
                self._timeline.add(
                    "line.synthesised",
                    line=frame.say.line,
                    number=frame.number,
                    seconds=round(time.monotonic() - began, 3),
                )
                await self.push_frame(PlayStartFrame(str(frame.number)))
            line.synthesised_seconds += len(pcm) / 2 / self._sample_rate
            audio = OutputAudioRawFrame(audio=pcm, sample_rate=self._sample_rate, num_channels=1)
            audio.interruptible = frame.say.interruptible
            await self.push_frame(audio)
        if line.synthesised_seconds == 0:
            raise RuntimeError("the synthesiser gave no audio")
        line.synthesis_complete = True
        await self.push_frame(PlayMarkFrame(str(frame.number), line.synthesised_seconds))
