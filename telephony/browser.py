"""A telephone in the browser, for script authors who try a flow by ear: inbound calls over one websocket each.

Binary messages are signed 16-bit little-endian mono at 16 kHz, both ways; the engine hears and speaks at 8 kHz, as on a
telephone line. Text messages are JSON with a `type`. From the browser: `hello` (first; token, from, to, headers),
`dtmf` (digit), `mark` (id: played), `hangup`. To the browser: `answered`, `mark` (id), `clear`, `ended` (cause).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web

from telephony.browser_leg import BrowserLeg, BrowserProtocolError
from telephony.browser_page import page_routes
from telephony.carrier import CarrierUnavailable, Cause, DialFailed, DialRequest, IncomingHandler

_log = logging.getLogger(__name__)

_HELLO_SECONDS = 5.0
_MESSAGE_LIMIT = 65536  # bytes; 20 ms of audio are 640


@dataclass(frozen=True)
class BrowserSettings:
    """Who may call from a browser, and where the page is."""

    token: str = field(repr=False)
    """Secret that the page asks for, 16 characters at least."""
    path_prefix: str = "/phone"
    """Path of the page."""
    max_calls: int = 4
    """Calls at once."""


class BrowserCarrier:
    """Calls from browsers as a `Carrier`, inbound only."""

    name = "browser"

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        self._handler: IncomingHandler | None = None
        self._legs: dict[str, BrowserLeg] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = False

    def routes(self) -> list[web.RouteDef]:
        """The page, its scripts and the websocket, for `web.Application.add_routes`."""
        prefix = self._settings.path_prefix
        return [*page_routes(prefix), web.get(f"{prefix}/call", self._call)]

    async def start(self) -> None:
        """Begins to take calls. Raises CarrierUnavailable when the token is too easy."""
        if len(self._settings.token) < 16:
            raise CarrierUnavailable(
                "The browser's telephone needs a token of at least 16 characters: set a random one."
            )
        self._started = True

    async def dial(self, request: DialRequest) -> BrowserLeg:
        """Raises DialFailed: a browser calls, and cannot be called."""
        raise DialFailed(Cause.REFUSED_BY_TRUNK, None, "a browser cannot be called; open its page and call from there")

    def on_incoming(self, handler: IncomingHandler) -> None:
        """Sets who is told of calls; without one they are refused."""
        self._handler = handler

    def active_calls(self) -> int:
        """Calls that ring or talk now."""
        return len(self._legs)

    async def close(self) -> None:
        """Ends every call."""
        self._started = False
        await asyncio.gather(*(leg.hang_up() for leg in list(self._legs.values())))
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=2.0)
            for task in late:
                task.cancel()

    async def _call(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return web.Response(status=403, text="a page of another site may not call")
        ws = web.WebSocketResponse(timeout=2.0, heartbeat=20.0, compress=False, max_msg_size=_MESSAGE_LIMIT)
        if not ws.can_prepare(request):
            return web.Response(status=426, text="a call is a websocket")
        await ws.prepare(request)
        try:
            leg = await self._admit(ws)
            self._spawn_offer(leg)
            await leg.carry()
        except BrowserProtocolError as error:
            _log.warning("A call from a browser was turned away or ended", extra={"why": str(error)})
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode()[:120])
        else:
            await ws.close()
        return ws

    async def _admit(self, ws: web.WebSocketResponse) -> BrowserLeg:
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                message = await ws.receive()
        except TimeoutError:
            raise BrowserProtocolError("no hello came in time") from None
        hello = _hello(message.data if message.type is WSMsgType.TEXT else "")
        if not hmac.compare_digest(
            str(hello.get("token", "")).encode("utf-8", "replace"), self._settings.token.encode()
        ):
            raise BrowserProtocolError("the token is not ours")
        if self._handler is None or not self._started:
            raise BrowserProtocolError("nobody takes calls now")
        if len(self._legs) >= self._settings.max_calls:
            raise BrowserProtocolError("too many calls are going on")
        leg = BrowserLeg(
            secrets.token_urlsafe(12),
            ws,
            from_number=_text(hello, "from") or None,
            to_number=_text(hello, "to"),
            headers=_headers(hello),
            on_end=self._forget,
        )
        self._legs[leg.id] = leg
        return leg

    def _spawn_offer(self, leg: BrowserLeg) -> None:
        assert self._handler is not None
        task = asyncio.create_task(self._offer(leg, self._handler))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _forget(self, leg: BrowserLeg) -> None:
        self._legs.pop(leg.id, None)

    async def _offer(self, leg: BrowserLeg, handler: IncomingHandler) -> None:
        try:
            await handler(leg)
        except DialFailed as failure:
            _log.info(
                "An inbound call ended before it was answered", extra={"call": leg.id, "why": failure.cause.value}
            )
        except Exception:
            _log.exception("The handler of an inbound call failed; the call is ended", extra={"call": leg.id})
            await leg.hang_up()
        if leg.offered:
            _log.error("The handler of an inbound call neither answered nor rejected it; it is refused")
            await leg.reject()


def _hello(text: str) -> Mapping[str, Any]:
    try:
        hello = json.loads(text)
    except (ValueError, RecursionError):
        hello = None
    if not isinstance(hello, dict) or hello.get("type") != "hello":
        raise BrowserProtocolError("expected hello first")
    return hello


def _text(hello: Mapping[str, Any], key: str) -> str:
    value = hello.get(key, "")
    if not isinstance(value, str) or len(value) > 100 or not value.isprintable():
        raise BrowserProtocolError(f"expected a short text under {key}")
    return value


def _headers(hello: Mapping[str, Any]) -> dict[str, str]:
    headers = hello.get("headers") or {}
    if not isinstance(headers, dict) or len(headers) > 20:
        raise BrowserProtocolError("expected at most 20 texts under headers")
    return {name.lower(): _text(headers, name) for name in headers}
