"""The messages of Twilio Media Streams on a bidirectional stream, read and written.

Source: Twilio's "Media Streams - WebSocket Messages". Pure: text in, values out.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from telephony.dtmf_tones import KEYS

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 65536
"""Bytes in one message. A genuine one carries 20 ms and stays under 1 KiB."""


class ProtocolViolation(Exception):
    """What came over the stream is not what Twilio sends: says what was expected and what came."""


@dataclass(frozen=True)
class StreamConnected:
    """The greeting, always first."""


@dataclass(frozen=True)
class StreamStarted:
    """What the stream belongs to; second, and once."""

    stream_sid: str
    account_sid: str
    call_sid: str
    parameters: Mapping[str, str]
    """The `<Parameter>`s of our TwiML."""


@dataclass(frozen=True)
class StreamMedia:
    """A piece of what the caller said."""

    ulaw: bytes
    """8 kHz µ-law."""
    seconds: float
    """Where it begins, since the stream began."""


@dataclass(frozen=True)
class StreamDigit:
    """A key that was pressed."""

    digit: str


@dataclass(frozen=True)
class StreamMark:
    """All media before our mark of this name was played, or was thrown away by our `clear`."""

    name: str


@dataclass(frozen=True)
class StreamStopped:
    """Twilio will send nothing more: the call ended, or its TwiML was replaced."""


StreamMessage = StreamConnected | StreamStarted | StreamMedia | StreamDigit | StreamMark | StreamStopped


class _Step(Enum):
    GREETING = "connected"
    START = "start"
    RUNNING = "media, dtmf, mark or stop"
    STOPPED = "nothing after stop"


class StreamReader:
    """Reads one stream's messages in their order: connected, start, then media, dtmf and mark, at last stop."""

    def __init__(self) -> None:
        self._step = _Step.GREETING
        self._stream_sid = ""

    def read(self, text: str) -> StreamMessage | None:
        """The message in `text`; None for the other track, for keys that no telephone has, and for kinds that a later
        protocol may add.

        Raises ProtocolViolation when it is not JSON, lacks what its kind must have, or comes out of order.
        """
        if len(text) > MESSAGE_LIMIT:
            raise ProtocolViolation(f"expected a message of at most {MESSAGE_LIMIT} characters, got {len(text)}")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise ProtocolViolation("expected a JSON object, got text that is not JSON") from None
        if not isinstance(message, dict):
            raise ProtocolViolation(f"expected a JSON object, got a {type(message).__name__}")
        event = _text(message, "event")
        reader = _READERS.get(event)
        if reader is None:
            return None
        self._expect(event, message)
        return reader(message)

    def _expect(self, event: str, message: Mapping[str, Any]) -> None:
        running = event not in ("connected", "start")
        if (
            self._step is _Step.STOPPED
            or (self._step is not _Step.RUNNING) == running
            or (not running and event != self._step.value)
        ):
            raise ProtocolViolation(f"expected {self._step.value}, got {event}")
        if event == "connected":
            self._step = _Step.START
            return
        sid = _text(message, "streamSid")
        if event == "start":
            self._stream_sid = sid
            self._step = _Step.RUNNING
        elif sid != self._stream_sid:
            raise ProtocolViolation("expected the streamSid of the start message, got another one")
        elif event == "stop":
            self._step = _Step.STOPPED


def media_message(stream_sid: str, ulaw: bytes) -> str:
    """Audio to be played after what was sent before."""
    payload = base64.b64encode(ulaw).decode("ascii")
    return json.dumps({"event": "media", "streamSid": stream_sid, "media": {"payload": payload}})


def mark_message(stream_sid: str, name: str) -> str:
    """Asks to be told when what was sent before has been played."""
    return json.dumps({"event": "mark", "streamSid": stream_sid, "mark": {"name": name}})


def clear_message(stream_sid: str) -> str:
    """Throws away what Twilio holds unplayed; it answers the open marks at once."""
    return json.dumps({"event": "clear", "streamSid": stream_sid})


def _started(message: Mapping[str, Any]) -> StreamStarted:
    start = _object(message, "start")
    media_format = _object(start, "mediaFormat")
    got = (media_format.get("encoding"), media_format.get("sampleRate"), media_format.get("channels"))
    if got != ("audio/x-mulaw", 8000, 1):
        raise ProtocolViolation(f"expected one channel of audio/x-mulaw at 8000 Hz, got {str(got)[:80]}")
    parameters = start.get("customParameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        raise ProtocolViolation("expected customParameters to be an object of texts")
    return StreamStarted(_text(start, "streamSid"), _text(start, "accountSid"), _text(start, "callSid"), parameters)


def _media(message: Mapping[str, Any]) -> StreamMedia | None:
    media = _object(message, "media")
    if media.get("track", "inbound") != "inbound":
        return None
    try:
        ulaw = base64.b64decode(_text(media, "payload"), validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolViolation("expected base64 in media.payload, got something else") from None
    timestamp = media.get("timestamp")
    if not isinstance(timestamp, str | int) or not str(timestamp).isascii() or not str(timestamp).isdecimal():
        raise ProtocolViolation(f"expected milliseconds in media.timestamp, got {str(timestamp)[:20]!r}")
    if len(str(timestamp)) > 12:
        raise ProtocolViolation("expected milliseconds since the stream began in media.timestamp, got centuries")
    return StreamMedia(ulaw, int(timestamp) / 1000)


def _digit(message: Mapping[str, Any]) -> StreamDigit | None:
    digit = _text(_object(message, "dtmf"), "digit")
    if digit not in KEYS:
        # A key that we do not know is no reason to lose the caller.
        log.warning("a key that is not on a telephone was ignored", extra={"characters": len(digit)})
        return None
    return StreamDigit(digit)


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str):
        raise ProtocolViolation(f"expected a text under {key!r}, got {type(value).__name__}")
    return value


def _object(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    if not isinstance(value, dict):
        raise ProtocolViolation(f"expected an object under {key!r}, got {type(value).__name__}")
    return value


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], StreamMessage | None]]] = {
    "connected": lambda _: StreamConnected(),
    "start": _started,
    "media": _media,
    "dtmf": _digit,
    "mark": lambda message: StreamMark(_text(_object(message, "mark"), "name")),
    "stop": lambda _: StreamStopped(),
}
