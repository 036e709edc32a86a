"""One AudioSocket connection as a `CallLeg`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn

from telephony.audiosocket_frames import Frame, Kind
from telephony.carrier import Cause, DialFailed, Direction, TransferFailed
from telephony.dtmf_tones import KEYS
from telephony.paced_port import PacedPort

_log = logging.getLogger(__name__)

_GAP_SECONDS = 0.2  # a pause in arriving audio that counts as one; less is the network's unsteadiness
_AHEAD_SECONDS = 0.04  # Asterisk has hardly a buffer of its own, and nothing that was written can be taken back


@dataclass(frozen=True)
class Announcement:
    """What the dialplan knows of a call that is about to connect."""

    call_id: str
    """The UUID that the connection will give."""
    from_number: str | None = None
    to_number: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Whatever else it said, names in lower case."""


class _State(Enum):
    OFFERED = "offered"
    TALKING = "talking"
    ENDED = "ended"


class AudioSocketLeg:
    """One connection as a `CallLeg`; also the wire of its port."""

    reports_marks = False
    direction = Direction.INBOUND

    def __init__(
        self, announcement: Announcement, writer: asyncio.StreamWriter, on_end: Callable[[AudioSocketLeg], None]
    ) -> None:
        self.id = announcement.call_id
        self.from_number = announcement.from_number
        self.to_number = announcement.to_number
        self.headers = announcement.headers
        self._writer = writer
        self._on_end = on_end
        self._state = _State.OFFERED
        self._port: PacedPort | None = None
        self._heard_until = 0.0
        self._cause = Cause.NORMAL
        self._over = asyncio.Event()

    @property
    def media(self) -> PacedPort:
        """The audio, once answered. Raises RuntimeError before."""
        if self._port is None:
            raise RuntimeError(f"the call is {self._state.value}: it has media only after it was answered")
        return self._port

    async def answer(self) -> None:
        """Begins the conversation. The dialplan has answered the line already. Raises DialFailed with CANCELLED."""
        if self._state is _State.TALKING:
            raise RuntimeError("the call is answered already")
        if self._state is _State.ENDED:
            raise DialFailed(Cause.CANCELLED, None, "the caller has gone")
        self._port = PacedPort(8000, ahead_seconds=_AHEAD_SECONDS)
        self._port.attach(self)
        self._state = _State.TALKING

    async def reject(self, cause: Cause = Cause.BUSY) -> None:
        """Gives the call back to the dialplan, which goes on behind AudioSocket()."""
        if self._state is _State.TALKING:
            raise RuntimeError("the call cannot be rejected: it is talking; hang up instead")
        self._close(cause)

    async def hang_up(self) -> None:
        """Gives the call back to the dialplan, which goes on behind AudioSocket(). Again does nothing."""
        self._close(Cause.DECLINED if self._state is _State.OFFERED else Cause.NORMAL)

    async def transfer(self, target: str, timeout_seconds: float = 20.0) -> None:
        """Raises TransferFailed: the wire has no transfer. The dialplan can do one after the call was hung up."""
        raise TransferFailed(None, "AudioSocket cannot transfer: let the dialplan go on to the agent after hang-up")

    async def ended(self) -> Cause:
        """Waits for the end."""
        await self._over.wait()
        return self._cause

    @property
    def active(self) -> bool:
        """True until the end."""
        return self._state is not _State.ENDED

    @property
    def offered(self) -> bool:
        """True until it is answered, rejected or over."""
        return self._state is _State.OFFERED

    def take(self, frame: Frame) -> None:
        """A frame from Asterisk. Unknown kinds, and audio before the answer, are let pass."""
        match frame.kind:
            case Kind.AUDIO if len(frame.payload) % 2 == 0:
                self._hear(frame.payload)
            case Kind.DTMF if (digit := frame.payload.decode("latin-1")) in KEYS:
                if self._port is not None:
                    self._port.press(digit)
            case Kind.HANG_UP:
                self.finish(Cause.CANCELLED if self._state is _State.OFFERED else Cause.NORMAL)
            case Kind.ERROR:
                _log.warning("Asterisk reports an error", extra={"call": self.id, "code": frame.payload[:4].hex()})
                self.finish(Cause.NETWORK_ERROR)
            case kind if 0x11 <= kind <= 0x18:
                _log.warning("Asterisk sends audio of another rate: let Dial(AudioSocket/…) use the codec slin (8 kHz)")
                self._close(Cause.NETWORK_ERROR)
            case Kind.AUDIO | Kind.DTMF | Kind.UUID:
                _log.warning(
                    "An AudioSocket connection broke the protocol", extra={"call": self.id, "kind": frame.kind}
                )
                self._close(Cause.NETWORK_ERROR)

    def finish(self, cause: Cause) -> None:
        """The call is over. Again does nothing."""
        if self._state is _State.ENDED:
            return
        self._state = _State.ENDED
        self._cause = cause
        if self._port is not None:
            self._port.end()
        self._writer.close()
        self._over.set()
        self._on_end(self)

    async def audio(self, pcm: bytes) -> None:
        self._writer.write(Frame(Kind.AUDIO, pcm).encode())
        await self._writer.drain()

    async def mark(self, mark_id: int) -> NoReturn:
        raise NotImplementedError("AudioSocket reports no marks, so none is ever asked for")

    async def clear(self) -> None:
        """Nothing can be taken back from Asterisk; at most two frames are there."""

    def _hear(self, pcm: bytes) -> None:
        if self._port is None:
            return
        begins = self._port.media_seconds - len(pcm) / 16000
        if begins < self._heard_until + _GAP_SECONDS:
            begins = self._heard_until
        self._heard_until = begins + len(pcm) / 16000
        self._port.hear(pcm, begins)

    def _close(self, cause: Cause) -> None:
        if self._state is not _State.ENDED and not self._writer.is_closing():
            self._writer.write(Frame(Kind.HANG_UP).encode())
        self.finish(cause)
