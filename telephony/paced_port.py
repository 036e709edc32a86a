"""The media port of carriers that take audio over a socket and play it on their own clock."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Protocol

from telephony.dtmf_tones import dtmf_tones
from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded, MediaEvent
from telephony.pacing import DueAudio, DueMark, Pacing

_log = logging.getLogger(__name__)

UNREAD_LIMIT = 500
"""Pieces of received audio kept for a consumer that does not read, 10 s of them; older ones are dropped."""


class Wire(Protocol):
    """One connection to a carrier, as a port writes to it. ConnectionError means it is gone."""

    reports_marks: bool
    """True when the carrier reports what it has played; otherwise the port goes by its own clock."""

    async def audio(self, pcm: bytes) -> None:
        """Hands over at most 20 ms."""
        ...

    async def mark(self, mark_id: int) -> None:
        """Asks for a report under this number; called only when `reports_marks`."""
        ...

    async def clear(self) -> None:
        """Makes the carrier throw away what it has not played, as far as it can."""
        ...


class PacedPort:
    """A `MediaPort` over a `Wire` that may be replaced while the call goes on (a transfer that failed).

    The carrier's side feeds `hear`, `press` and `answer_mark` and calls `end`; the engine's side uses the protocol.
    A mark is reported as played only when the carrier said so, or, without such reports, when its time has passed;
    what a `clear` overtook counts as not played, so the reports never claim more than was heard.
    """

    def __init__(self, sample_rate: int, *, ahead_seconds: float = 0.06) -> None:
        self.sample_rate = sample_rate
        self._loop = asyncio.get_running_loop()
        self._pacing = Pacing(sample_rate, ahead_seconds=ahead_seconds)
        self._events: deque[MediaEvent] = deque()
        self._unread_audio = 0
        self._overrun_logged = False
        self._consumer: asyncio.Future[None] | None = None
        self._wire: Wire | None = None
        self._writer: asyncio.Task[None] | None = None
        self._writer_wakes: asyncio.Future[None] | None = None
        self._clear_wanted = False
        self._ended = False
        self._began_at: float | None = None
        self._heard_until = 0.0

    @property
    def ended(self) -> bool:
        """True once nothing will follow."""
        return self._ended

    @property
    def played_seconds(self) -> float:
        """Seconds of what was sent that the far end has been played by our clock; pauses do not count."""
        return self._pacing.played_seconds(self._loop.time())

    @property
    def media_seconds(self) -> float:
        """The port's clock now: seconds since media began, 0 before."""
        return 0.0 if self._began_at is None else self._loop.time() - self._began_at

    # The engine's side.

    async def receive(self) -> MediaEvent:
        """Waits for the next event; see `MediaPort`."""
        while not self._events:
            if self._ended:
                return MediaEnded()
            self._consumer = self._loop.create_future()
            try:
                await self._consumer
            finally:
                self._consumer = None
        event = self._events.popleft()
        if isinstance(event, AudioReceived):
            self._unread_audio -= 1
        return event

    def send(self, pcm: bytes) -> None:
        """Queues audio for paced play-out; drops it after the end and while no carrier listens."""
        if self._wire is None or self._ended:
            return
        self._pacing.send(pcm)
        self._wake_writer()

    def clear(self) -> None:
        """Throws away what was not played yet, here and at the carrier."""
        self._lose(self._pacing.clear(self._loop.time()))
        self._clear_wanted = self._wire is not None
        self._wake_writer()

    def mark(self, name: str) -> None:
        """Asks for `MarkReached`; reported as not played at once when no carrier listens."""
        if self._wire is None or self._ended:
            self._lose([name])
            return
        self._pacing.mark(name)
        self._wake_writer()

    async def send_dtmf(self, digits: str) -> None:
        """Presses keys as tones in the audio, behind what was sent so far. Raises ValueError on an unknown key."""
        self.send(dtmf_tones(digits, self.sample_rate))

    # The carrier's side.

    def attach(self, wire: Wire) -> None:
        """Begins to write to `wire`. The media clock starts with the first one and never stops."""
        if self._ended:
            return
        self.detach()
        if self._began_at is None:
            self._began_at = self._loop.time()
        self._wire = wire
        self._writer = asyncio.create_task(self._write(wire), name="media-writer")

    def detach(self) -> None:
        """Stops writing; what was not played is lost, and its marks are reported so."""
        if self._writer is not None:
            self._writer.cancel()
            self._writer = None
        self._wire = None
        self._clear_wanted = False
        self._lose(self._pacing.clear(self._loop.time()))

    def hear(self, pcm: bytes, media_seconds: float) -> None:
        """Passes on what the far end said. A clock that steps back is taken for a continuation."""
        if self._ended:
            return
        begins = max(media_seconds, self._heard_until)
        self._heard_until = begins + len(pcm) / (2 * self.sample_rate)
        if self._unread_audio >= UNREAD_LIMIT:
            self._drop_oldest_audio()
        self._unread_audio += 1
        self._tell(AudioReceived(pcm, begins))

    def press(self, digit: str) -> None:
        """Passes on a key the far end pressed."""
        if not self._ended:
            self._tell(DtmfReceived(digit))

    def answer_mark(self, mark_id: int) -> None:
        """The carrier reports a mark. Unknown ones, among them those that `clear` has settled, are ignored."""
        name = self._pacing.answer(mark_id)
        if name is not None:
            self._tell(MarkReached(name, played=True))

    def end(self) -> None:
        """The call is over: open marks are reported as not played, then `MediaEnded`. Again does nothing."""
        if self._ended:
            return
        self.detach()
        self._ended = True
        self._tell(MediaEnded())

    def _tell(self, event: MediaEvent) -> None:
        self._events.append(event)
        if self._consumer is not None and not self._consumer.done():
            self._consumer.set_result(None)

    def _lose(self, marks: list[str]) -> None:
        for name in marks:
            self._tell(MarkReached(name, played=False))

    def _drop_oldest_audio(self) -> None:
        if not self._overrun_logged:
            self._overrun_logged = True
            _log.warning("Nobody reads the audio of a call; the oldest of it is dropped")
        for event in self._events:
            if isinstance(event, AudioReceived):
                self._events.remove(event)
                self._unread_audio -= 1
                return

    def _wake_writer(self) -> None:
        if self._writer_wakes is not None and not self._writer_wakes.done():
            self._writer_wakes.set_result(None)

    async def _write(self, wire: Wire) -> None:
        try:
            while True:
                if self._clear_wanted:
                    self._clear_wanted = False
                    await wire.clear()
                for item in self._pacing.due(self._loop.time()):
                    if self._clear_wanted:
                        break
                    if isinstance(item, DueAudio):
                        await wire.audio(item.pcm)
                    elif isinstance(item, DueMark) and wire.reports_marks:
                        await wire.mark(item.id)
                if not wire.reports_marks:
                    for name in self._pacing.reached(self._loop.time()):
                        self._tell(MarkReached(name, played=True))
                if not self._clear_wanted:
                    await self._pause(self._next_wake(wire))
        except ConnectionError:
            _log.info("The carrier's connection is gone; audio to it is dropped")

    def _next_wake(self, wire: Wire) -> float | None:
        wakes = self._pacing.wakes_at(self._loop.time())
        played = None if wire.reports_marks else self._pacing.mark_plays_at()
        return min((at for at in (wakes, played) if at is not None), default=None)

    async def _pause(self, until: float | None) -> None:
        self._writer_wakes = self._loop.create_future()
        timer = None if until is None else self._loop.call_at(until, self._wake_writer)
        try:
            await self._writer_wakes
        finally:
            self._writer_wakes = None
            if timer is not None:
                timer.cancel()
