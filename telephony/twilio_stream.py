"""One media stream: the websocket that Twilio opens for a call."""

from __future__ import annotations

import asyncio
import re
from enum import Enum

from aiohttp import WSCloseCode, WSMsgType, web

from telephony.g711 import decode_ulaw, encode_ulaw
from telephony.paced_port import PacedPort
from telephony.twilio_messages import (
    MESSAGE_LIMIT,
    ProtocolViolation,
    StreamDigit,
    StreamMark,
    StreamMedia,
    StreamMessage,
    StreamReader,
    StreamStarted,
    StreamStopped,
    clear_message,
    mark_message,
    media_message,
)

START_SECONDS = 5.0
"""Seconds in which a stream must say what it belongs to."""
_PING_SECONDS = 20.0
_CLOSE_SECONDS = 2.0
_MARK_NAME = re.compile(r"m([1-9]\d{0,8})")


class StreamEnd(Enum):
    """How a stream ended."""

    STOPPED = "stopped"
    """Twilio said stop: the call ended or was given other instructions."""
    CLOSED = "closed"
    """One side closed it in good order."""
    LOST = "lost"
    """The connection broke."""


def new_websocket() -> web.WebSocketResponse:
    """A websocket with the limits that suit a media stream."""
    return web.WebSocketResponse(
        timeout=_CLOSE_SECONDS, heartbeat=_PING_SECONDS, compress=False, max_msg_size=MESSAGE_LIMIT
    )


class TwilioStream:
    """Reads one websocket, and is the wire by which a port writes to it."""

    reports_marks = True

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._reader = StreamReader()
        self._stream_sid = ""

    async def started(self) -> StreamStarted:
        """Waits for the start message. Raises ProtocolViolation, also when it does not come in time."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    message = await self._next()
                    if message is None:
                        raise ProtocolViolation("expected a start message, the stream ended")
                    if isinstance(message, StreamStarted):
                        self._stream_sid = message.stream_sid
                        return message
        except TimeoutError:
            raise ProtocolViolation(f"expected a start message within {START_SECONDS:.0f} s, none came") from None

    async def carry(self, port: PacedPort) -> StreamEnd:
        """Feeds `port` until the stream ends. Raises ProtocolViolation."""
        offset = port.media_seconds
        port.attach(self)
        while (message := await self._next()) is not None:
            match message:
                case StreamMedia(ulaw, seconds):
                    port.hear(decode_ulaw(ulaw), offset + seconds)
                case StreamDigit(digit):
                    port.press(digit)
                case StreamMark(name):
                    if match := _MARK_NAME.fullmatch(name):
                        port.answer_mark(int(match[1]))
                case StreamStopped():
                    return StreamEnd.STOPPED
        return StreamEnd.LOST if self._socket.close_code == WSCloseCode.ABNORMAL_CLOSURE else StreamEnd.CLOSED

    async def close(self, code: WSCloseCode = WSCloseCode.OK) -> None:
        """Closes the websocket; Twilio then goes on with TwiML, of which there is none, and ends the call."""
        await self._socket.close(code=code)

    async def audio(self, pcm: bytes) -> None:
        await self._socket.send_str(media_message(self._stream_sid, encode_ulaw(pcm)))

    async def mark(self, mark_id: int) -> None:
        # Names go over the wire as numbers: a name may come twice, and may say what is none of Twilio's business.
        await self._socket.send_str(mark_message(self._stream_sid, f"m{mark_id}"))

    async def clear(self) -> None:
        await self._socket.send_str(clear_message(self._stream_sid))

    async def _next(self) -> StreamMessage | None:
        """The next message that means something; None when the socket is closed."""
        while True:
            frame = await self._socket.receive()
            if frame.type is WSMsgType.TEXT:
                message = self._reader.read(frame.data)
                if message is not None:
                    return message
            elif frame.type is WSMsgType.BINARY:
                raise ProtocolViolation("expected text, got a binary message")
            elif frame.type is WSMsgType.ERROR and self._socket.close_code == WSCloseCode.MESSAGE_TOO_BIG:
                raise ProtocolViolation(f"expected a message of at most {MESSAGE_LIMIT} bytes, got a longer one")
            else:
                return None
