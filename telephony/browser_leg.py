"""One call from a browser as a `CallLeg`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from telephony.carrier import Cause, DialFailed, Direction, TransferFailed
from telephony.dtmf_tones import KEYS
from telephony.octave import Doubler, Halver
from telephony.paced_port import PacedPort

_AHEAD_SECONDS = 0.12  # a page plays in its own time and stumbles with less
_NO_CODE = 1005  # closed without saying why
_AUDIO_LIMIT = 6400  # bytes: 200 ms at 16 kHz


class BrowserProtocolError(Exception):
    """What came from the page is not what our page sends."""


class _State(Enum):
    OFFERED = "offered"
    TALKING = "talking"
    ENDED = "ended"


class BrowserLeg:
    """See `CallLeg`; also the wire of its port."""

    reports_marks = True
    direction = Direction.INBOUND

    def __init__(
        self,
        call_id: str,
        ws: web.WebSocketResponse,
        *,
        from_number: str | None,
        to_number: str,
        headers: Mapping[str, str],
        on_end: Callable[[BrowserLeg], None],
    ) -> None:
        self.id = call_id
        self.from_number = from_number
        self.to_number = to_number
        self.headers = headers
        self._ws = ws
        self._on_end = on_end
        self._state = _State.OFFERED
        self._port: PacedPort | None = None
        self._down = Halver()
        self._up = Doubler()
        self._heard_until = 0.0
        self._cause = Cause.NORMAL
        self._over = asyncio.Event()

    @property
    def media(self) -> PacedPort:
        """The audio, once answered. Raises RuntimeError before."""
        if self._port is None:
            raise RuntimeError(f"the call is {self._state.value}: it has media only after it was answered")
        return self._port

    @property
    def offered(self) -> bool:
        """True until it is answered, rejected or over."""
        return self._state is _State.OFFERED

    async def answer(self) -> None:
        """Opens the page's microphone and loudspeaker. Raises DialFailed with CANCELLED."""
        if self._state is _State.TALKING:
            raise RuntimeError("the call is answered already")
        if self._state is _State.ENDED:
            raise DialFailed(Cause.CANCELLED, None, "the caller has gone")
        try:
            await self._tell({"type": "answered"})
        except ConnectionError:
            self.finish(Cause.CANCELLED)
        if not self.offered:
            raise DialFailed(Cause.CANCELLED, None, "the caller has gone")
        self._state = _State.TALKING
        self._port = PacedPort(8000, ahead_seconds=_AHEAD_SECONDS)
        self._port.attach(self)

    async def reject(self, cause: Cause = Cause.BUSY) -> None:
        """Refuses the call."""
        if self._state is _State.TALKING:
            raise RuntimeError("the call cannot be rejected: it is talking; hang up instead")
        await self._close(cause)

    async def hang_up(self) -> None:
        """Ends the call. Again does nothing."""
        await self._close(Cause.DECLINED if self._state is _State.OFFERED else Cause.NORMAL)

    async def transfer(self, target: str, timeout_seconds: float = 20.0) -> None:
        """Raises TransferFailed: behind a browser there is no line to transfer."""
        raise TransferFailed(None, "a call from a browser cannot be transferred")

    async def ended(self) -> Cause:
        """Waits for the end."""
        await self._over.wait()
        return self._cause

    async def carry(self) -> None:
        """Reads the page until the call is over. Raises BrowserProtocolError, having ended the call."""
        try:
            async for message in self._ws:
                if message.type is WSMsgType.BINARY:
                    self._hear(message.data)
                elif message.type is WSMsgType.TEXT:
                    self._take(message.data)
        except BrowserProtocolError:
            self.finish(Cause.NETWORK_ERROR)
            raise
        if self._state is _State.OFFERED:
            self.finish(Cause.CANCELLED)
        else:
            # A closed tab says 1001; a page that vanished, and one that sent too much, leave another code.
            orderly = self._ws.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY, _NO_CODE)
            self.finish(Cause.NORMAL if orderly else Cause.NETWORK_ERROR)

    def finish(self, cause: Cause) -> None:
        """The call is over. Again does nothing."""
        if self._state is _State.ENDED:
            return
        self._state = _State.ENDED
        self._cause = cause
        if self._port is not None:
            self._port.end()
        self._over.set()
        self._on_end(self)

    async def audio(self, pcm: bytes) -> None:
        await self._ws.send_bytes(self._up.feed(pcm))

    async def mark(self, mark_id: int) -> None:
        await self._tell({"type": "mark", "id": mark_id})

    async def clear(self) -> None:
        await self._tell({"type": "clear"})

    def _hear(self, pcm: bytes) -> None:
        if len(pcm) % 2 or len(pcm) > _AUDIO_LIMIT:
            raise BrowserProtocolError("expected up to 200 ms of 16-bit audio")
        if self._port is None:
            return
        half = self._down.feed(pcm)
        # The page sends without gaps while it runs; when its tab slept, the clock on the wall goes on.
        begins = max(self._heard_until, self._port.media_seconds - len(half) / 16000 - 0.2)
        self._heard_until = begins + len(half) / 16000
        self._port.hear(half, begins)

    def _take(self, text: str) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise BrowserProtocolError("expected JSON") from None
        if not isinstance(message, dict):
            raise BrowserProtocolError("expected an object")
        match message:
            case {"type": "dtmf", "digit": str(digit)} if digit in KEYS:
                if self._port is not None:
                    self._port.press(digit)
            case {"type": "mark", "id": int(mark_id)}:
                if self._port is not None:
                    self._port.answer_mark(mark_id)
            case {"type": "hangup"}:
                self.finish(Cause.CANCELLED if self._state is _State.OFFERED else Cause.NORMAL)
            case _:
                raise BrowserProtocolError("expected dtmf, mark or hangup")

    async def _close(self, cause: Cause) -> None:
        if self._state is _State.ENDED:
            return
        self.finish(cause)
        try:
            await self._tell({"type": "ended", "cause": cause.value})
            await self._ws.close()
        except ConnectionError:
            return

    async def _tell(self, message: Mapping[str, Any]) -> None:
        await self._ws.send_str(json.dumps(message))
