"""The audio of one SIP call: baresip's two ring buffers seen as a `MediaPort`.

The stack paces RTP itself and sends silence when it has nothing. What it has taken out of its transmit buffer it has
put into a packet: that is the play-out position, and marks go by it, not by what was queued.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from baresip import AudioNotActive, AudioRestarted, CallAudio

from telephony.alignment import Alignment
from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded, MediaEvent, Playout
from telephony.sip_sent import LineCount

logger = logging.getLogger(__name__)

SAMPLE_RATE = 8000
FRAME_BYTES = 320
BYTES_PER_SECOND = 2 * SAMPLE_RATE
READ_BYTES = 32768
WAITING_EVENTS = 500
"""Events kept for a consumer that does not come: ten seconds of audio, then the oldest audio goes."""
PAUSE_SECONDS = 0.5
"""Delay of the far end's audio that is a pause in its stream at once; a lesser one may be a machine standing still."""
MOST_HELD_FRAMES = 31
"""What the stack can hold between taking audio from us and sending it; more than that was never meant to be sent."""
FLUSH_SECONDS = 0.06
"""Longest that the stack may take to carry out a flush; it does so on its next 20 ms tick."""


class LineStats(Protocol):
    """Counters of the transmit side, cumulative since the streams were (re)started."""

    @property
    def tx_buffered(self) -> int: ...
    @property
    def tx_flushed_bytes(self) -> int: ...
    @property
    def tx_silence_frames(self) -> int: ...
    @property
    def tx_starved_frames(self) -> int: ...


class LineAudio(Protocol):
    """What the port needs of `baresip.CallAudio`."""

    @property
    def epoch(self) -> int | None: ...
    def read(self, max_bytes: int) -> bytes: ...
    def write(self, pcm: bytes) -> int: ...
    def flush_tx(self) -> None: ...
    def frame_bytes(self) -> int: ...
    def stats(self) -> LineStats: ...


class BaresipLine:
    """A `LineAudio` over `baresip.CallAudio` that never hides a renegotiation: every operation after one raises."""

    def __init__(self, audio: CallAudio) -> None:
        self._audio = audio
        self._epoch: int | None = None

    @property
    def epoch(self) -> int | None:
        """Which streams the call has now, as the stack counts them; None before the first look."""
        return self._epoch

    def read(self, max_bytes: int) -> bytes:
        self._bind()
        return bytes(self._audio.read(max_bytes))

    def write(self, pcm: bytes) -> int:
        self._bind()
        return int(self._audio.write(pcm))

    def flush_tx(self) -> None:
        self._bind()
        self._audio.flush_tx()

    def frame_bytes(self) -> int:
        """What one packet towards the far end carries, as 16-bit PCM."""
        info = self._audio.info()
        self._compare()
        return int(info.tx_sample_rate * info.tx_ptime_ms // 1000 * 2)

    def stats(self) -> LineStats:
        self._bind()
        stats: LineStats = self._audio.stats()
        self._compare()
        return stats

    def _bind(self) -> None:
        # The binding forgets its epoch after an error and takes a new one without a word; so it is remembered here.
        if self._audio._bound_epoch is None:
            self._audio.info()
        self._compare()

    def _compare(self) -> None:
        known, self._epoch = self._epoch, self._audio._bound_epoch
        if known is not None and known != self._epoch:
            raise AudioRestarted("the call's audio was renegotiated")


class SipPort:
    """Implements `MediaPort`, `PlayoutClock` and `LineClock`. Its owner calls `tick` about every 20 ms.

    Both directions are counted in samples, silence that was sent included, and laid on one clock by when their packets
    came and went: so what was said and what was heard stay side by side however unevenly the ticks come. For that its
    owner has the line counted now and then: `counting`, and `sent` with what came of it.
    """

    sample_rate = SAMPLE_RATE

    def __init__(
        self, line: LineAudio, press: Callable[[str], Awaitable[None]], clock: Callable[[], float], label: str = ""
    ) -> None:
        """`press` sends keys to the far end. Media time begins now, by `clock` (seconds)."""
        self._line = line
        self._press = press
        self._clock = clock
        self._label = label
        self._began = clock()
        self._events: deque[MediaEvent] = deque()
        self._wake = asyncio.Event()
        self._ended = False
        self._heard = 0.0
        self._incoming = Alignment(pause=PAUSE_SECONDS)
        self._rest = b""
        self._pending = bytearray()
        self._written = 0
        self._left = 0
        self._flushed = 0
        self._played_before = 0
        self._marks: deque[tuple[str, int]] = deque()
        self._mark_due: int | None = None
        """Where on the line the audio before the first mark will have been sent."""
        self._flush_until: float | None = None
        self._flush_seen = 0
        self._silence = 0
        self._starved = 0
        self._padded = 0
        self._run_began = 0
        self._line_before = 0
        self._packet = 0
        self._unsent = 0
        self._held = 0
        self._asked = 0
        self._outgoing = Alignment()
        self.gap_seconds = 0.0
        """Media time, in seconds, for which no audio came though the call was up."""
        self.dropped_frames = 0
        """20 ms frames thrown away because nobody took them."""

    @property
    def played_seconds(self) -> float:
        """Seconds of sent audio that left in RTP; cleared audio not counted."""
        self._measure()
        return self._played / BYTES_PER_SECOND

    def playout(self) -> Playout:
        self._measure()
        line = self._line_bytes / BYTES_PER_SECOND + self._outgoing.offset
        return Playout(self._played / BYTES_PER_SECOND, line)

    async def receive(self) -> MediaEvent:
        while not self._events:
            if self._ended:
                return MediaEnded()
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

    def send(self, pcm: bytes) -> None:
        if self._ended or not pcm:
            return
        self._pending += pcm
        self._pump()

    def clear(self) -> None:
        if self._ended:
            return
        self._measure()
        self._pending.clear()
        while self._marks:
            name, offset = self._marks.popleft()
            self._put(MarkReached(name, played=offset <= self._left))
        self._mark_due = None
        if self._left >= self._written:
            return
        try:
            self._line.flush_tx()
        except (AudioNotActive, AudioRestarted):
            self._restarted()
        else:
            # Whatever is written before the stack's next tick would be thrown away too.
            self._flush_until = self._clock() + FLUSH_SECONDS
            self._flush_seen = self._flushed

    def mark(self, name: str) -> None:
        if self._ended:
            return
        self._marks.append((name, self._written + len(self._pending)))
        self._settle_marks()

    async def send_dtmf(self, digits: str) -> None:
        if not self._ended:
            await self._press(digits)

    def pressed(self, digit: str) -> None:
        """The far end pressed a key."""
        if not self._ended:
            self._put(DtmfReceived(digit))

    def tick(self) -> None:
        """Takes what has arrived, hands over what waits, reports marks."""
        if self._ended:
            return
        self._read()
        self._pump()
        self._settle_marks()

    def counting(self) -> None:
        """The line is about to be counted."""
        self._asked = self._written

    def sent(self, count: LineCount) -> None:
        """The line as it was counted just now. Passed over when it moved on meanwhile: the next count will do."""
        if self._ended:
            return
        self._measure()
        if (self._written, self._starved, self._line.epoch) != (self._asked, count.starved_frames, count.epoch):
            return
        silence = count.silence_frames * self._frame
        taken = self._line_before + self._written - count.buffered_bytes - count.flushed_bytes + silence + self._padded
        frames = taken // self._frame
        held = frames - self._unsent - count.packets
        if not 0 <= held <= MOST_HELD_FRAMES:
            # Keys are packets too, and on hold audio goes nowhere: neither changes what is held.
            self._unsent += held - self._held
            held = self._held
        self._held = held
        self._outgoing.witness((frames - held) * self._frame / BYTES_PER_SECOND, count.at - self._began)

    def end(self) -> None:
        """The call is over: what was not played is reported as such, then `MediaEnded`."""
        if self._ended:
            return
        self._measure()
        self._ended = True
        self._pending.clear()
        while self._marks:
            name, offset = self._marks.popleft()
            self._put(MarkReached(name, played=offset <= self._left))
        self._put(MediaEnded())

    @property
    def _played(self) -> int:
        return self._played_before + self._left - self._flushed

    @property
    def _frame(self) -> int:
        """Bytes of audio in a packet towards the far end."""
        return self._packet or FRAME_BYTES

    @property
    def _line_bytes(self) -> int:
        """All that was sent since the call began, with the silence between."""
        return self._line_before + self._left - self._flushed + self._silence * self._frame + self._padded

    @property
    def _now(self) -> float:
        return self._clock() - self._began

    def _read(self) -> None:
        try:
            pcm = self._rest + self._line.read(READ_BYTES)
        except AudioNotActive:
            return
        except AudioRestarted:
            self._restarted()
            return
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        self._rest = pcm[whole:]
        if not whole:
            return
        self._heard += whole / BYTES_PER_SECOND
        moved = self._incoming.witness(self._heard, self._now)
        self.gap_seconds += max(0.0, moved)
        begins = self._heard + self._incoming.offset - whole / BYTES_PER_SECOND
        for at in range(0, whole, FRAME_BYTES):
            self._put(AudioReceived(pcm[at : at + FRAME_BYTES], max(0.0, begins + at / BYTES_PER_SECOND)))

    def _pump(self) -> None:
        if self._flush_until is not None:
            self._measure()
            if self._flushed == self._flush_seen and self._clock() < self._flush_until:
                return
            self._flush_until = None
        if not self._pending:
            return
        try:
            taken = self._line.write(bytes(self._pending))
        except AudioNotActive:
            return
        except AudioRestarted:
            self._restarted()
            return
        del self._pending[:taken]
        self._written += taken

    def _measure(self) -> None:
        """Brings the position up to what the stack says. Once the streams are gone, the last one known stands."""
        if self._ended:
            return
        try:
            if not self._packet:
                self._packet = self._line.frame_bytes()
            stats = self._line.stats()
        except AudioNotActive:
            return
        except AudioRestarted:
            self._restarted()
            return
        self._left = max(self._left, self._written - stats.tx_buffered)
        self._flushed = max(self._flushed, stats.tx_flushed_bytes)
        self._silence = stats.tx_silence_frames
        if stats.tx_starved_frames > self._starved:
            # The audio ran dry within a frame: the stack filled it up with silence.
            self._starved = stats.tx_starved_frames
            self._padded += -(self._left - self._run_began) % self._frame
            self._run_began = self._left

    def _settle_marks(self) -> None:
        if not self._marks:
            return
        self._measure()
        while self._marks and self._marks[0][1] <= self._left:
            # Taken by the stack is not sent yet: what it holds comes first.
            if self._mark_due is None:
                self._mark_due = self._line_bytes + self._held * self._frame
            if self._line_bytes < self._mark_due:
                return
            self._mark_due = None
            self._put(MarkReached(self._marks.popleft()[0], played=True))

    def _restarted(self) -> None:
        """A re-INVITE replaced the streams: what they still held was neither played nor will be."""
        logger.info("audio renegotiated", extra={"call": self._label})
        self._played_before = self._played
        self._line_before = self._line_bytes
        marks, self._marks, self._mark_due = self._marks, deque(), None
        for name, offset in marks:
            if offset <= self._written:
                self._put(MarkReached(name, played=offset <= self._left))
            else:
                self._marks.append((name, offset - self._written))
        self._written = self._left = self._flushed = 0
        self._silence = self._starved = self._padded = self._run_began = self._packet = 0
        self._flush_until = None
        self._rest = b""

    def _put(self, event: MediaEvent) -> None:
        if len(self._events) >= WAITING_EVENTS:
            self._drop_oldest_audio()
        self._events.append(event)
        self._wake.set()

    def _drop_oldest_audio(self) -> None:
        for index, event in enumerate(self._events):
            if isinstance(event, AudioReceived):
                del self._events[index]
                self.dropped_frames += 1
                return
