"""The recorder's tap: a media port that keeps what it receives and what it really sends, by media time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from telephony.media import AudioReceived, MediaEvent, MediaPort


class AudioSink(Protocol):
    """Takes audio for the recording; never blocks."""

    def __call__(self, side: Literal["caller", "engine"], pcm: bytes, media_seconds: float) -> None: ...


class RecordedPort:
    """Stands between a carrier's port and everything else, so that bot and agent are recorded alike.

    Sent audio is placed where it will be played: behind what was sent before it, never before now.
    """

    def __init__(self, port: MediaPort, sink: AudioSink, media_seconds: Callable[[], float]) -> None:
        self.sample_rate = port.sample_rate
        self._port = port
        self._sink = sink
        self._media_seconds = media_seconds
        self._sent_until = 0.0
        self._offset: float | None = None
        self.last_received: float | None = None
        """Media seconds at which audio last came from the far end, None when none has come yet."""

    async def receive(self) -> MediaEvent:
        event = await self._port.receive()
        if isinstance(event, AudioReceived):
            now = self._media_seconds()
            if self._offset is None:
                self._offset = now - event.media_seconds
            self.last_received = now
            self._sink("caller", event.pcm, max(0.0, event.media_seconds + self._offset))
        return event

    def send(self, pcm: bytes) -> None:
        at = max(self._media_seconds(), self._sent_until)
        self._sent_until = at + len(pcm) / 2 / self.sample_rate
        self._sink("engine", pcm, at)
        self._port.send(pcm)

    def clear(self) -> None:
        self._sent_until = min(self._sent_until, self._media_seconds())
        self._port.clear()

    def mark(self, name: str) -> None:
        self._port.mark(name)

    async def send_dtmf(self, digits: str) -> None:
        await self._port.send_dtmf(digits)
