"""One ear on one side of a call: voice activity, endpointing and recognition, from pieces of audio to turns."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from voicebot.call.endpointing import (
    Endpointer,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    patience,
)
from voicebot.call.settings import TurnTaking
from voicebot.call.timeline import Timeline
from voicebot.speech.protocols import Recogniser, RecognitionStream, Transcript, VoiceActivity
from voicebot.understanding.meaning import Expecting

log = logging.getLogger(__name__)

_ANSWER_SECONDS = 0.2
"""Shortest speech after a question that is taken for an answer though no words were made out: a 嗯 is that long."""
_PARTIAL_SECONDS = 0.3
"""How much more must be said before the words so far are asked for again."""


@dataclass
class Attention:
    """What the dialog waits for now; conversation sets it, the ear goes by it."""

    expecting: Expecting = Expecting.NOTHING
    digits: int = 0
    phrases: Sequence[str] = ()


@dataclass
class Utterance:
    """One utterance while it is being heard."""

    stream: RecognitionStream
    audio: bytearray = field(default_factory=bytearray)
    result: asyncio.Task[Transcript] | None = None
    """Recognition of everything up to the last pause, started before it is sure that the turn is over."""
    over_bot_seconds: float = 0.0
    """Seconds of speech while the other side was speaking."""
    interrupted_line: str | None = None
    began: float = 0.0
    """Media seconds of its first sound."""
    unasked_seconds: float = 0.0
    """Audio since the words so far were last asked for."""


@dataclass(frozen=True)
class HeardTurn:
    """One utterance, recognised."""

    utterance: Utterance
    transcript: Transcript
    began: float
    ended: float
    """Media seconds of its first and last sound."""
    waited_seconds: float
    """From the end of the turn to its words."""
    failed: bool = False
    """The recogniser failed: somebody spoke, the words are not known."""


class Ear:
    """Hears one speaker.

    Recognition of a pause begins at once, so that a turn that is really over has its words when it ends.
    `on_voiced(utterance, seconds)` is awaited for each frame of speech, `on_turn(turn)` for each utterance with words,
    in the order in which they were spoken. `on_partial(transcript)` is awaited with the words so far of the utterance
    that is going on: as the engine gives them, and at each pause. It comes neither after that utterance's turn nor
    before the turn of an earlier one.
    """

    def __init__(
        self,
        *,
        recogniser: Recogniser,
        voice_activity: VoiceActivity,
        settings: TurnTaking,
        attention: Attention,
        timeline: Timeline,
        language: str,
        sample_rate: int,
        on_turn: Callable[[HeardTurn], Awaitable[None]],
        on_voiced: Callable[[Utterance, float], Awaitable[None]] | None = None,
        on_partial: Callable[[Transcript], Awaitable[None]] | None = None,
        speaker: str = "caller",
    ) -> None:
        self._recogniser = recogniser
        self._voice_activity = voice_activity
        self._settings = settings
        self._attention = attention
        self._timeline = timeline
        self.language = language
        self._sample_rate = sample_rate
        self._on_turn = on_turn
        self._on_voiced = on_voiced
        self._on_partial = on_partial
        self._partials: set[asyncio.Task[None]] = set()
        self._speaker = speaker
        self._endpointer = Endpointer(settings)
        self._pieces: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue()
        self._pending = bytearray()
        self._lead_in: deque[bytes] = deque()
        self._utterance: Utterance | None = None
        self._turns: asyncio.Queue[tuple[Utterance, SpeechEnded]] = asyncio.Queue()
        self._recognising = 0
        self._caught_up = asyncio.Event()
        self._caught_up.set()
        self.last_speech_at = 0.0
        """Media seconds at which speech was last heard."""

    @property
    def busy(self) -> bool:
        """Somebody is speaking, or what they said is still being recognised."""
        return self._utterance is not None or self._recognising > 0

    async def caught_up(self) -> None:
        """Waits until nobody is speaking and everything said so far was passed on."""
        await self._caught_up.wait()

    def _settle(self) -> None:
        if self.busy:
            self._caught_up.clear()
        else:
            self._caught_up.set()

    def take(self, pcm: bytes, media_seconds: float) -> None:
        """The next piece of audio, signed 16-bit mono, which begins at `media_seconds`. Never blocks."""
        self._pieces.put_nowait((pcm, media_seconds))

    async def taken_in(self) -> None:
        """Waits until every piece taken so far was heard."""
        await self._pieces.join()

    async def words_so_far(self, utterance: Utterance) -> Transcript:
        """What `utterance`, which is still going on, sounds like up to now."""
        stream = self._open_stream()
        stream.accept(bytes(utterance.audio))
        return await stream.finish()

    async def listen(self) -> None:
        """Works until it is cancelled."""
        recognition = asyncio.create_task(self._recognise(), name=f"recognise {self._speaker}")
        try:
            await self._follow_audio()
        finally:
            recognition.cancel()
            for partial in self._partials:
                partial.cancel()
            if self._utterance is not None and self._utterance.result is not None:
                self._utterance.result.cancel()

    async def _follow_audio(self) -> None:
        frame_bytes = self._voice_activity.frame_samples * 2
        frame_seconds = self._voice_activity.frame_samples / self._sample_rate
        while True:
            pcm, begins = await self._pieces.get()
            at = begins - len(self._pending) / 2 / self._sample_rate
            self._pending += pcm
            while len(self._pending) >= frame_bytes:
                frame = bytes(self._pending[:frame_bytes])
                del self._pending[:frame_bytes]
                try:
                    await self._frame(frame, at, frame_seconds)
                except Exception:
                    log.exception("a piece of audio could not be heard", extra={"call": self._timeline.call_id})
                    self._timeline.add("hearing.failed", speaker=self._speaker)
                    self._utterance = None
                    self._endpointer = Endpointer(self._settings)
                    self._settle()
                at += frame_seconds
            self._pieces.task_done()

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
            self._ask_for_partial(utterance, frame_seconds)
        if voiced and self._on_voiced is not None:
            await self._on_voiced(utterance, frame_seconds)
        for event in events:
            self._follow(utterance, event)

    def _start(self, event: SpeechStarted) -> None:
        lead_in = b"".join(self._lead_in)
        self._lead_in.clear()
        self._utterance = Utterance(self._open_stream(), bytearray(lead_in), began=event.at)
        self._utterance.stream.accept(lead_in)
        self._settle()
        self._timeline.add("speech.started", media_seconds=event.at, speaker=self._speaker)

    def _open_stream(self) -> RecognitionStream:
        return self._recogniser.stream(
            sample_rate=self._sample_rate, language=self.language, phrases=tuple(self._attention.phrases)
        )

    def _follow(self, utterance: Utterance, event: SpeechEvent) -> None:
        if isinstance(event, SpeechPaused):
            # Nothing can be answered before there are words, and only they say whether more will come.
            self._endpointer.end_seconds = self._settings.end_seconds_long
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
            self._recognising += 1
            self._turns.put_nowait((utterance, event))

    def _be_patient(self, task: asyncio.Task[Transcript]) -> None:
        """Sets how long a silence ends the turn, once the words before the pause are known."""
        if task.cancelled() or self._utterance is None or self._utterance.result is not task:
            return
        words = None if task.exception() is not None else task.result()
        text = words.text if words is not None else ""
        if text:
            self._tell_partial(self._utterance, words)
        self._endpointer.end_seconds = patience(text, self._attention.expecting, self._attention.digits, self._settings)

    def _ask_for_partial(self, utterance: Utterance, seconds: float) -> None:
        utterance.unasked_seconds += seconds
        if utterance.unasked_seconds >= _PARTIAL_SECONDS and not self._partials:
            utterance.unasked_seconds = 0.0
            self._tell_partial(utterance)

    def _tell_partial(self, utterance: Utterance, words: Transcript | None = None) -> None:
        if self._on_partial is not None:
            task = asyncio.create_task(self._partial(utterance, words), name=f"partial {self._speaker}")
            self._partials.add(task)
            task.add_done_callback(self._partials.discard)

    async def _partial(self, utterance: Utterance, words: Transcript | None) -> None:
        """Passes on what was said so far, unless its turn, or that of an earlier utterance, is already on its way."""
        assert self._on_partial is not None
        try:
            words = words or await utterance.stream.partial()
            if words is None or not words.text.strip():
                return
            if self._utterance is utterance and not self._recognising:
                await self._on_partial(words)
        except Exception:
            log.exception("words so far could not be passed on", extra={"call": self._timeline.call_id})

    async def _recognise(self) -> None:
        while True:
            utterance, ended = await self._turns.get()
            try:
                await self._recognised(utterance, ended)
            except Exception:
                log.exception("a turn could not be passed on", extra={"call": self._timeline.call_id})
                self._timeline.add("hearing.failed", speaker=self._speaker)
            finally:
                self._recognising -= 1
                self._settle()

    def _answered(self, ended: SpeechEnded) -> bool:
        """Somebody spoke right after a question: words or not, it was an answer, and must not pass as silence."""
        asked = self._attention.expecting in (Expecting.IDENTITY, Expecting.YES_NO, Expecting.DIGITS)
        return asked and ended.voiced_seconds >= _ANSWER_SECONDS

    async def _recognised(self, utterance: Utterance, ended: SpeechEnded) -> None:
        assert utterance.result is not None
        waited_from = time.monotonic()
        failed = False
        try:
            transcript = await utterance.result
        except Exception:
            log.exception("an utterance could not be recognised", extra={"call": self._timeline.call_id})
            self._timeline.add("recognition.failed", media_seconds=ended.ended, speaker=self._speaker)
            failed = True
            seconds = len(utterance.audio) / 2 / self._sample_rate
            transcript = Transcript("", 0.0, True, seconds, 0.0, self._recogniser.name)
        if not failed and not transcript.text.strip() and not transcript.digits and not self._answered(ended):
            self._timeline.add(
                "speech.no_words",
                media_seconds=ended.ended,
                speaker=self._speaker,
                voiced_seconds=round(ended.voiced_seconds, 2),
            )
            return
        waited = time.monotonic() - waited_from
        await self._on_turn(HeardTurn(utterance, transcript, ended.began, ended.ended, waited, failed))
