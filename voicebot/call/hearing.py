"""From the caller's audio to turns: voice activity, endpointing, recognition, barge-in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipecat.frames.frames import Frame, InputAudioRawFrame, InputDTMFFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from voicebot.call.clock import MediaClock
from voicebot.call.endpointing import (
    Endpointer,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    patience,
)
from voicebot.call.floor import Floor
from voicebot.call.frames import DigitsFrame, TurnFrame
from voicebot.call.keypad import Keypad
from voicebot.call.settings import TurnTaking
from voicebot.call.timeline import Timeline
from voicebot.call.voice_stats import measure
from voicebot.speech.protocols import RecognitionStream, Recogniser, Transcript, VoiceActivity
from voicebot.understanding.meaning import Expecting

log = logging.getLogger(__name__)

# How far the count of received samples may drift from the clock before it is set anew (lost packets, a muted line).
_REANCHOR_SECONDS = 0.2


@dataclass
class Attention:
    """What the dialog waits for now; conversation sets it, hearing goes by it."""

    expecting: Expecting = Expecting.NOTHING
    digits: int = 0
    phrases: Sequence[str] = ()


@dataclass
class _Utterance:
    """One utterance while it is being heard."""

    stream: RecognitionStream
    audio: bytearray = field(default_factory=bytearray)
    began: float = 0.0
    result: asyncio.Task[Transcript] | None = None
    """Recognition of everything up to the last pause, started before it is sure that the turn is over."""
    paused_at: float | None = None
    interrupted_line: str | None = None
    over_bot_seconds: float = 0.0
    """Seconds of speech while the bot was speaking."""


class Hearing(FrameProcessor):
    """Takes the caller's audio and keys; gives `TurnFrame` and `DigitsFrame`; stops the bot when the caller breaks in.

    Recognition of a pause begins at once, so that a turn that is really over has its words when it ends.
    """

    def __init__(
        self,
        *,
        recogniser: Recogniser,
        voice_activity: VoiceActivity,
        settings: TurnTaking,
        floor: Floor,
        attention: Attention,
        timeline: Timeline,
        clock: MediaClock,
        language: str,
        sample_rate: int,
    ) -> None:
        super().__init__(name="Hearing")
        self._recogniser = recogniser
        self._voice_activity = voice_activity
        self._settings = settings
        self._floor = floor
        self._attention = attention
        self._timeline = timeline
        self._media = clock
        self.language = language
        self._sample_rate = sample_rate
        self._endpointer = Endpointer(settings)
        self._keypad = Keypad(settings.digit_gap_seconds)
        self._keypad_timer: asyncio.Task[None] | None = None
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._pending = bytearray()
        self._at: float | None = None
        self._lead_in: deque[bytes] = deque()
        self._utterance: _Utterance | None = None
        self.last_speech_at = 0.0
        """Media seconds at which the caller was last heard to speak or press."""

    async def cleanup(self) -> None:
        await super().cleanup()
        for task in (self._worker, self._keypad_timer):
            if task is not None:
                await self.cancel_task(task)
        self._worker = self._keypad_timer = None
        if self._utterance is not None and self._utterance.result is not None:
            self._utterance.result.cancel()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            if self._worker is None:
                self._worker = self.create_task(self._listen(), name="hearing")
            self._queue.put_nowait(frame.audio)
        elif isinstance(frame, InputDTMFFrame):
            await self._key(frame.button.value)
        else:
            await self.push_frame(frame, direction)

    # --- keys ---------------------------------------------------------------------------------------------------------
    async def _key(self, digit: str) -> None:
        self.last_speech_at = self._media.seconds()
        self._timeline.add("dtmf.pressed", digits=digit)
        if self._floor.may_be_interrupted:
            await self.broadcast_interruption()
        entry = self._keypad.press(digit, self._attention.digits)
        if self._keypad_timer is not None:
            await self.cancel_task(self._keypad_timer)
            self._keypad_timer = None
        if entry is not None:
            await self.push_frame(DigitsFrame(digits=entry))
        else:
            self._keypad_timer = self.create_task(self._key_gap(), name="keypad")

    async def _key_gap(self) -> None:
        await asyncio.sleep(self._settings.digit_gap_seconds)
        self._keypad_timer = None
        entry = self._keypad.flush()
        if entry:
            await self.push_frame(DigitsFrame(digits=entry))

    # --- speech -------------------------------------------------------------------------------------------------------
    async def _listen(self) -> None:
        frame_bytes = self._voice_activity.frame_samples * 2
        frame_seconds = self._voice_activity.frame_samples / self._sample_rate
        while True:
            pcm = await self._queue.get()
            now = self._media.seconds()
            backlog = (len(self._pending) + len(pcm)) / 2 / self._sample_rate
            backlog += sum(len(waiting) for waiting in self._queue_items()) / 2 / self._sample_rate
            if self._at is None or abs(self._at + backlog - now) > _REANCHOR_SECONDS:
                self._at = max(0.0, now - backlog)
            self._pending += pcm
            while len(self._pending) >= frame_bytes:
                piece = bytes(self._pending[:frame_bytes])
                del self._pending[:frame_bytes]
                try:
                    await self._frame(piece, self._at, frame_seconds)
                except Exception:
                    log.exception(
                        "a piece of the caller's audio could not be heard", extra={"call": self._timeline.call_id}
                    )
                    self._timeline.add("hearing.failed")
                    self._utterance = None
                    self._endpointer = Endpointer(self._settings)
                self._at += frame_seconds

    def _queue_items(self) -> list[bytes]:
        return list(self._queue._queue)  # type: ignore[attr-defined]  # its length in bytes, without taking from it

    async def _frame(self, pcm: bytes, at: float, frame_seconds: float) -> None:
        probability = await self._voice_activity.speech_probability(pcm)
        voiced_before = self._endpointer.voiced_seconds
        events = self._endpointer.advance(at, probability, frame_seconds)
        voiced = self._endpointer.voiced_seconds > voiced_before
        if voiced:
            self.last_speech_at = at + frame_seconds
        for event in events:
            if isinstance(event, SpeechStarted):
                self._start(event)
        utterance = self._utterance
        if utterance is None:
            self._lead_in.append(pcm)
            while len(self._lead_in) * frame_seconds > self._settings.lead_in_seconds:
                self._lead_in.popleft()
            return
        utterance.audio += pcm
        if utterance.result is None:
            utterance.stream.accept(pcm)
        if voiced and self._floor.bot_has_it:
            utterance.over_bot_seconds += frame_seconds
            await self._maybe_break_in(utterance)
        for event in events:
            await self._follow(utterance, event)

    def _start(self, event: SpeechStarted) -> None:
        lead_in = b"".join(self._lead_in)
        self._lead_in.clear()
        utterance = _Utterance(self._open_stream(), bytearray(lead_in), event.at)
        utterance.stream.accept(lead_in)
        self._utterance = utterance
        self._timeline.add("speech.started", media_seconds=event.at, over_bot=self._floor.bot_has_it)

    def _open_stream(self) -> RecognitionStream:
        return self._recogniser.stream(
            sample_rate=self._sample_rate, language=self.language, phrases=tuple(self._attention.phrases)
        )

    async def _maybe_break_in(self, utterance: _Utterance) -> None:
        current = self._floor.current
        if current is None or utterance.interrupted_line is not None or not current.say.interruptible:
            return
        if utterance.over_bot_seconds >= self._settings.barge_in_seconds:
            utterance.interrupted_line = current.say.line
            self._timeline.add("barge_in", line=current.say.line, speech_seconds=round(utterance.over_bot_seconds, 2))
            await self.broadcast_interruption()

    async def _follow(self, utterance: _Utterance, event: SpeechEvent) -> None:
        if isinstance(event, SpeechPaused):
            utterance.paused_at = event.at
            utterance.result = asyncio.create_task(utterance.stream.finish())
            utterance.result.add_done_callback(self._be_patient)
        elif isinstance(event, SpeechResumed):
            if utterance.result is not None:
                utterance.result.cancel()
            utterance.result = None
            utterance.stream = self._open_stream()
            utterance.stream.accept(bytes(utterance.audio))
        elif isinstance(event, SpeechEnded):
            self._utterance = None
            self._lead_in.clear()
            self.create_task(self._turn(utterance, event), name="turn")

    def _be_patient(self, task: asyncio.Task[Transcript]) -> None:
        """Sets how long a silence ends the turn, once the words before the pause are known."""
        if task.cancelled() or task.exception() is not None or self._utterance is None:
            return
        if self._utterance.result is task:
            self._endpointer.end_seconds = patience(
                task.result().text, self._attention.expecting, self._attention.digits, self._settings
            )

    async def _turn(self, utterance: _Utterance, ended: SpeechEnded) -> None:
        assert utterance.result is not None
        waited_from = time.monotonic()
        try:
            transcript = await utterance.result
        except Exception:
            log.exception("an utterance could not be recognised", extra={"call": self._timeline.call_id})
            self._timeline.add("recognition.failed", media_seconds=ended.ended)
            # The caller did speak: an unsure turn without words makes the flow ask again rather than fall silent.
            transcript = Transcript(
                "", 0.0, True, len(utterance.audio) / 2 / self._sample_rate, 0.0, self._recogniser.name
            )
            await self._push_turn(utterance, ended, transcript, 0.0, heard_words=False)
            return
        waited = time.monotonic() - waited_from
        if not transcript.text.strip():
            self._timeline.add(
                "speech.no_words", media_seconds=ended.ended, voiced_seconds=round(ended.voiced_seconds, 2)
            )
            return
        await self._push_turn(utterance, ended, transcript, waited, heard_words=True)

    async def _push_turn(
        self, utterance: _Utterance, ended: SpeechEnded, transcript: Transcript, waited: float, *, heard_words: bool
    ) -> None:
        voice = measure(bytes(utterance.audio), self._sample_rate, len(transcript.text), utterance.over_bot_seconds)
        await self.push_frame(
            TurnFrame(
                text=transcript.text.strip(),
                confident=heard_words and transcript.confidence >= self._recogniser.ask_again_below,
                confidence=transcript.confidence,
                voice=voice,
                began=ended.began,
                ended=ended.ended,
                interrupted_line=utterance.interrupted_line,
                engine=transcript.engine,
                recognition_seconds=waited,
            )
        )
