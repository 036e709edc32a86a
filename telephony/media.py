"""The audio of one call, whatever carried it here.

Audio is signed 16-bit little-endian mono PCM at the port's sample rate; carriers convert to and from their own codec.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class AudioReceived:
    """A piece of what the far end said, normally 20 ms."""

    pcm: bytes
    """Signed 16-bit little-endian mono at the port's `sample_rate`."""
    media_seconds: float
    """Where the piece begins on the port's clock: seconds since media began, gaps included."""


@dataclass(frozen=True)
class DtmfReceived:
    """A key the far end pressed, once a press."""

    digit: str
    """One of 0-9, *, #, A-D."""


@dataclass(frozen=True)
class MarkReached:
    """What was sent before `mark(name)` has been played, or was thrown away by `clear`."""

    name: str
    played: bool
    """False when the audio before the mark was cleared before it was heard."""


@dataclass(frozen=True)
class MediaEnded:
    """The call is over; nothing follows."""


MediaEvent = AudioReceived | DtmfReceived | MarkReached | MediaEnded


class MediaPort(Protocol):
    """Receive audio or DTMF, send audio, clear, mark. One consumer."""

    sample_rate: int
    """Hz, both ways: 8000 on telephone lines."""

    async def receive(self) -> MediaEvent:
        """Waits for the next event. After `MediaEnded` it keeps returning `MediaEnded`."""
        ...

    def send(self, pcm: bytes) -> None:
        """Queues audio for play-out. The sender paces to real time, 60 ms ahead at most; after the end it drops."""
        ...

    def clear(self) -> None:
        """Throws away what was sent and not yet played; marks before it are reported with `played=False`."""
        ...

    def mark(self, name: str) -> None:
        """Asks for `MarkReached` when everything sent so far has been played."""
        ...

    async def send_dtmf(self, digits: str) -> None:
        """Presses keys towards the far end (RFC 4733 where the carrier has it)."""
        ...


@runtime_checkable
class PlayoutClock(Protocol):
    """A `MediaPort` may also be one: it then knows, by the sender's own clock, how much of what was sent has left.

    Without it the position is estimated from the pace at which audio was handed over.
    """

    @property
    def played_seconds(self) -> float:
        """Seconds of sent audio that have left for the far end since media began; cleared audio never counts."""
        ...


@dataclass(frozen=True)
class Playout:
    """How far a line has come with what it was given to play."""

    played_seconds: float
    """As `PlayoutClock.played_seconds`: audio that has left, pauses not counted."""
    line_seconds: float
    """Where the end of it lies on the port's media clock, pauses counted: by the sender's frames, not by when one
    looked."""


@runtime_checkable
class LineClock(Protocol):
    """A `MediaPort` may also be one: it then says exactly when what it played was played.

    Without it that is reckoned from the moment at which the position was asked for.
    """

    def playout(self) -> Playout:
        """Both positions at one instant."""
        ...
