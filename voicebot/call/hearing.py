"""The caller's side of the pipeline: audio to turns, keys to entries, and the floor taken by breaking in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from pipecat.frames.frames import Frame, InputAudioRawFrame, InputDTMFFrame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from voicebot.call.barge_in import BargeIn
from voicebot.call.ear import Attention, Ear, HeardTurn, Utterance
from voicebot.call.floor import Floor
from voicebot.call.frames import DigitsFrame, TurnFrame
from voicebot.call.keypad import Keypad
from voicebot.call.settings import TurnTaking
from voicebot.call.timeline import Timeline
from voicebot.call.voice_stats import measure
from voicebot.dialog.events import Say
from voicebot.speech.protocols import Recogniser, VoiceActivity

_WORDS_BEFORE_KEYS_SECONDS = 4.0
"""Longest that keys wait for words spoken before them."""


class Hearing(FrameProcessor):
    """Takes the caller's audio and keys; gives `TurnFrame` and `DigitsFrame`; a caller who breaks in stops the bot."""

    def __init__(
        self,
        *,
        recogniser: Recogniser,
        voice_activity: VoiceActivity,
        settings: TurnTaking,
        floor: Floor,
        attention: Attention,
        timeline: Timeline,
        media_seconds: Callable[[], float],
        language: str,
        sample_rate: int,
    ) -> None:
        super().__init__(name="Hearing")
        self._settings = settings
        self._floor = floor
        self._attention = attention
        self._timeline = timeline
        self._media_seconds = media_seconds
        self._sample_rate = sample_rate
        self._ask_again_below = recogniser.ask_again_below
        self._ear = Ear(
            recogniser=recogniser,
            voice_activity=voice_activity,
            settings=settings,
            attention=attention,
            timeline=timeline,
            language=language,
            sample_rate=sample_rate,
            on_turn=self._turn,
            on_voiced=self._voiced,
        )
        self._barge_in = BargeIn(
            settings=settings,
            line=self._line,
            words=self._ear.words_so_far,
            ask_again_below=recogniser.ask_again_below,
            stop=self._broken_in,
        )
        self._worker: asyncio.Task[None] | None = None
        self._keypad = Keypad(settings.digit_gap_seconds)
        self._keypad_timer: asyncio.Task[None] | None = None
        self._last_key_at = 0.0
        self._entry_began = 0.0

    @property
    def last_activity_at(self) -> float:
        """Media seconds at which the caller last spoke or pressed a key."""
        return max(self._ear.last_speech_at, self._last_key_at)

    @property
    def busy(self) -> bool:
        """The caller is in the middle of something: speaking, being recognised, or entering digits."""
        return self._ear.busy or self._keypad_timer is not None

    def change_language(self, language: str) -> None:
        """Listens in another language from the next utterance on."""
        self._ear.language = language

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]
        for task in (self._worker, self._keypad_timer):
            if task is not None:
                await self.cancel_task(task)
        self._worker = self._keypad_timer = None
        await self._barge_in.close()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._ear.take(frame.audio, (frame.pts or 0) / 1e9)
        elif isinstance(frame, InputDTMFFrame):
            await self._key(frame.button.value)
        else:
            await self.push_frame(frame, direction)
            if isinstance(frame, StartFrame):
                self._worker = self.create_task(self._ear.listen(), name="hearing")

    # --- keys ---------------------------------------------------------------------------------------------------------
    async def _key(self, digit: str) -> None:
        self._last_key_at = self._media_seconds()
        if self._keypad.empty:
            self._entry_began = self._last_key_at
        self._timeline.add("dtmf.pressed", digits=digit)
        if self._floor.may_be_interrupted:
            await self.broadcast_interruption()  # type: ignore[no-untyped-call]
        entry = self._keypad.press(digit, self._attention.digits)
        if self._keypad_timer is not None:
            await self.cancel_task(self._keypad_timer)
            self._keypad_timer = None
        if entry is not None:
            self.create_task(self._entered(entry, self._entry_began), name="keys entered")
        else:
            self._keypad_timer = self.create_task(self._key_gap(), name="keypad")

    async def _key_gap(self) -> None:
        await asyncio.sleep(self._settings.digit_gap_seconds)
        self._keypad_timer = None
        entry = self._keypad.flush()
        if entry:
            await self._entered(entry, self._entry_began)

    async def _entered(self, entry: str, began: float) -> None:
        """Passes keys on behind the words that were said before them: recognition takes longer than a key."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ear.caught_up(), _WORDS_BEFORE_KEYS_SECONDS)
        await self.push_frame(DigitsFrame(digits=entry, pressed=began))

    # --- speech -------------------------------------------------------------------------------------------------------
    async def _voiced(self, utterance: Utterance, seconds: float) -> None:
        await self._barge_in.voiced(utterance, seconds)

    def _line(self) -> Say | None:
        current = self._floor.current
        return current.say if current is not None else None

    async def _broken_in(self, utterance: Utterance, say: Say) -> None:
        self._timeline.add("barge_in", line=say.line, speech_seconds=round(utterance.over_bot_seconds, 2))
        await self.broadcast_interruption()  # type: ignore[no-untyped-call]

    async def _turn(self, heard: HeardTurn) -> None:
        transcript, utterance = heard.transcript, heard.utterance
        text = transcript.text.strip()
        await self.push_frame(
            TurnFrame(
                text=text,
                digits=transcript.digits,
                # Without words, an unsure turn makes the flow ask again rather than fall silent.
                confident=not heard.failed and transcript.confidence >= self._ask_again_below,
                confidence=transcript.confidence,
                voice=measure(bytes(utterance.audio), self._sample_rate, len(text), utterance.over_bot_seconds),
                began=heard.began,
                ended=heard.ended,
                interrupted_line=utterance.interrupted_line,
                engine=transcript.engine,
                endpoint_seconds=max(0.0, self._media_seconds() - heard.waited_seconds - heard.ended),
                recognition_seconds=heard.waited_seconds,
            )
        )
