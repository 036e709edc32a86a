"""One annotated call heard by the engine's own ear: what it took for a turn, and where it stopped the bot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import soxr

from voicebot.call.backchannel import Overlap, judge
from voicebot.call.barge_in import BargeIn
from voicebot.call.ear import Attention, Ear, HeardTurn, Utterance
from voicebot.call.settings import TurnTaking
from voicebot.call.timeline import Timeline
from voicebot.call.turns.annotation import AnnotatedCall, BotLine
from voicebot.call.turns.media_clock import MediaClock, TimedRecogniser
from voicebot.dialog.events import Say
from voicebot.speech.protocols import Recogniser, VoiceActivity
from voicebot.speech.wav import Recording
from voicebot.understanding.meaning import Expecting

SAMPLE_RATE = 8000  # Hz, of a call
PIECE_SECONDS = 0.02
TAIL_SECONDS = 2.0
"""Silence that is heard after the recording's end, so that its last turn can end."""
LONGEST_TAIL_SECONDS = 60.0
"""The same at most, while words are still being recognised: a machine may be slow."""


@dataclass(frozen=True)
class TurnTaken:
    """The engine held a turn for over and had its words."""

    at: float
    """When it could have answered."""
    ended: float
    """Last sound of the turn, as the engine heard it."""
    text: str
    listening: bool
    """The words were taken for a sign of listening, and nothing would be answered."""


@dataclass(frozen=True)
class BotStopped:
    """The engine stopped the bot."""

    at: float
    speech_began: float
    """First sound of what stopped it, as the engine heard it."""


@dataclass(frozen=True)
class Trial:
    """What happened in one call, in media seconds."""

    turns: tuple[TurnTaken, ...]
    stops: tuple[BotStopped, ...]


async def hear(
    call: AnnotatedCall, *, recogniser: Recogniser, voice_activity: VoiceActivity, settings: TurnTaking
) -> Trial:
    """Hears the caller's side while the bot speaks when the annotation says so. Faster than the recording lasts."""
    listener = _Listener(call, recogniser, voice_activity, settings)
    await listener.listen()
    return Trial(tuple(listener.turns), tuple(listener.stops))


class _Listener:
    def __init__(
        self, call: AnnotatedCall, recogniser: Recogniser, voice_activity: VoiceActivity, settings: TurnTaking
    ) -> None:
        self.turns: list[TurnTaken] = []
        self.stops: list[BotStopped] = []
        self._call = call
        self._clock = MediaClock()
        self._attention = Attention()
        self._says = [
            Say(f"line-{number}", line.text, call.language, line.interruptible, expecting=line.expecting)
            for number, line in enumerate(call.lines)
        ]
        self._stopped: set[int] = set()
        began = datetime(2026, 1, 1, tzinfo=UTC)
        timed = TimedRecogniser(recogniser, self._clock)
        self._ask_again_below = timed.ask_again_below
        self._ear = Ear(
            recogniser=timed,
            voice_activity=voice_activity,
            settings=settings,
            attention=self._attention,
            timeline=Timeline(call.name, self._clock, lambda: began + timedelta(seconds=self._clock.now)),
            language=call.language,
            sample_rate=SAMPLE_RATE,
            on_turn=self._turn,
            on_voiced=self._voiced,
        )
        self._barge_in = BargeIn(
            settings=settings,
            line=lambda: self._says[now] if (now := self._current()) is not None else None,
            words=self._ear.words_so_far,
            ask_again_below=timed.ask_again_below,
            stop=self._broken_in,
        )

    async def listen(self) -> None:
        pcm = _at_call_rate(self._call.caller)
        step = int(PIECE_SECONDS * SAMPLE_RATE) * 2
        pieces = len(pcm) // step + round(TAIL_SECONDS / PIECE_SECONDS)
        last = pieces + round(LONGEST_TAIL_SECONDS / PIECE_SECONDS)
        work = asyncio.create_task(self._ear.listen())
        try:
            number = 0
            while number < pieces or (self._ear.busy and number < last):
                at = number * PIECE_SECONDS
                self._attend(at)
                self._ear.take(pcm[number * step : (number + 1) * step].ljust(step, b"\0"), at)
                await self._ear.taken_in()
                await self._clock.advance(at + PIECE_SECONDS)
                number += 1
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._barge_in.close()

    def _attend(self, at: float) -> None:
        """The dialog expects an answer to a line from the moment it is said."""
        begun = [line for line in self._call.lines if line.begins <= at]
        if begun:
            self._attention.expecting = begun[-1].expecting
            self._attention.digits = begun[-1].digits

    def _current(self) -> int | None:
        """The line the bot is saying now; none once it was stopped."""
        now = self._clock.now
        for number, line in enumerate(self._call.lines):
            if line.begins <= now < line.ends and number not in self._stopped:
                return number
        return None

    def _line(self, number: int) -> BotLine:
        return self._call.lines[number]

    async def _voiced(self, utterance: Utterance, seconds: float) -> None:
        await self._barge_in.voiced(utterance, seconds)

    async def _broken_in(self, utterance: Utterance, say: Say) -> None:
        self._stop(utterance.began)

    def _stop(self, speech_began: float) -> None:
        current = self._current()
        if current is not None:
            self._stopped.add(current)
            self.stops.append(BotStopped(self._clock.now, speech_began))

    async def _turn(self, heard: HeardTurn) -> None:
        text = heard.transcript.text.strip()
        listening = False
        current = self._current()
        if current is not None and heard.utterance.interrupted_line is None:
            line = self._line(current)
            asks = Expecting.NOTHING not in (line.expecting, self._attention.expecting)
            remaining = line.ends - self._clock.now
            confident = heard.transcript.confidence >= self._ask_again_below
            overlap = judge(
                text,
                interruptible=line.interruptible,
                asks=asks,
                remaining_seconds=remaining,
                confident=confident and not heard.failed,
            )
            listening = overlap is Overlap.BACKCHANNEL
            if overlap is Overlap.TURN:
                self._stop(heard.began)
        self.turns.append(TurnTaken(self._clock.now, heard.ended, text, listening))


def _at_call_rate(recording: Recording) -> bytes:
    if recording.sample_rate == SAMPLE_RATE:
        return recording.pcm
    samples = soxr.resample(np.frombuffer(recording.pcm, "<i2"), recording.sample_rate, SAMPLE_RATE)
    return bytes(samples.astype("<i2").tobytes())
