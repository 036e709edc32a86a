"""Inbound calls from Asterisk over AudioSocket: Asterisk connects by TCP, names the call by a UUID, then sends audio.

The wire carries neither numbers nor credentials. So connections are taken from listed networks only, and the dialplan
may announce a call beforehand over HTTP (`AudioSocketCarrier.routes`) with its numbers, under a token.
Placing calls goes through the PBX's trunk instead (`telephony.sip`): AudioSocket has no way to dial.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import socket
import time
import uuid
from dataclasses import dataclass, field

from aiohttp import web

from telephony.audiosocket_frames import Frame, FrameDecoder, Kind
from telephony.audiosocket_leg import Announcement, AudioSocketLeg
from telephony.carrier import CarrierUnavailable, Cause, DialFailed, DialRequest, IncomingHandler

_log = logging.getLogger(__name__)

_UUID_SECONDS = 5.0  # in which a connection must say which call it is
_ANNOUNCED_SECONDS = 60.0  # in which an announced call must connect
_READ_BYTES = 4096
_GAP_SECONDS = 0.2  # a pause in arriving audio that counts as one; less is the network's unsteadiness
_AHEAD_SECONDS = (
    0.04  # Asterisk has no buffer of its own worth the name, and nothing that was written can be taken back
)


@dataclass(frozen=True)
class AudioSocketGate:
    """Whom an AudioSocket server lets in."""

    allowed: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks from which connections are taken, in CIDR notation; nothing else on the wire says who is calling."""
    max_calls: int = 50
    """Calls at once; further connections are closed at once, and the dialplan goes on."""
    announce_token: str | None = field(default=None, repr=False)
    """Bearer token of the announcing route; None switches the route off."""
    announced_only: bool = False
    """True: a UUID that was not announced is turned away."""
    path_prefix: str = "/audiosocket"
    """Path under which the announcing route is mounted."""


class AudioSocketCarrier:
    """A server for Asterisk's AudioSocket as a `Carrier`, inbound only."""

    name = "audiosocket"

    def __init__(self, host: str = "127.0.0.1", port: int = 9092, gate: AudioSocketGate | None = None) -> None:
        """`host` and `port` are listened on, port 0 takes a free one. Raises ValueError on a malformed network."""
        self._host = host
        self._port = port
        self._gate = gate or AudioSocketGate()
        self._allowed = [ipaddress.ip_network(network) for network in self._gate.allowed]
        self._handler: IncomingHandler | None = None
        self._server: asyncio.Server | None = None
        self._legs: dict[str, AudioSocketLeg] = {}
        self._announced: dict[str, tuple[float, Announcement]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The TCP port it listens on. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the AudioSocket carrier is not started")
        return int(self._server.sockets[0].getsockname()[1])

    def routes(self) -> list[web.RouteDef]:
        """`POST {prefix}/calls` with uuid, from, to and what else the dialplan knows; none without a token."""
        if self._gate.announce_token is None:
            return []
        return [web.post(f"{self._gate.path_prefix}/calls", self._announce)]

    def announce(self, announcement: Announcement) -> None:
        """Notes what is known of a call that will connect within a minute."""
        now = time.monotonic()
        self._announced = {key: kept for key, kept in self._announced.items() if kept[0] > now}
        self._announced[announcement.call_id] = (now + _ANNOUNCED_SECONDS, announcement)

    async def start(self) -> None:
        """Begins to listen. Raises CarrierUnavailable."""
        try:
            self._server = await asyncio.start_server(self._connected, self._host, self._port)
        except OSError as error:
            raise CarrierUnavailable(
                f"AudioSocket cannot listen on {self._host}:{self._port}: {error.strerror or error}. "
                "Choose another port, or end what holds it."
            ) from None

    async def dial(self, request: DialRequest) -> AudioSocketLeg:
        """Raises DialFailed: the protocol only takes calls."""
        raise DialFailed(
            Cause.REFUSED_BY_TRUNK, None, "AudioSocket cannot place calls: dial through the PBX as a SIP trunk instead"
        )

    def on_incoming(self, handler: IncomingHandler) -> None:
        """Sets who is told of calls; without one each goes back to the dialplan."""
        self._handler = handler

    def active_calls(self) -> int:
        """Calls that are offered or talk now."""
        return len(self._legs)

    async def close(self) -> None:
        """Stops listening and gives every call back to the dialplan."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for leg in list(self._legs.values()):
            await leg.hang_up()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=2.0)
            for task in late:
                task.cancel()
        if server is not None:
            await server.wait_closed()

    async def _announce(self, request: web.Request) -> web.Response:
        expected = f"Bearer {self._gate.announce_token}".encode()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            return web.Response(status=401, text="the token is not ours")
        fields = {name.lower(): value for name, value in (await request.post()).items() if isinstance(value, str)}
        try:
            call_id = str(uuid.UUID(fields.pop("uuid", "")))
        except ValueError:
            return web.Response(status=400, text="uuid must be the one that AudioSocket() will be given")
        caller = fields.pop("from", "") or None
        self.announce(Announcement(call_id, caller, fields.pop("to", ""), fields))
        return web.Response(status=204)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = ipaddress.ip_address(writer.get_extra_info("peername")[0].partition("%")[0])
            if not any(peer in network for network in self._allowed):
                _log.warning("An AudioSocket connection was refused: its network is not allowed")
                return
            await self._serve(reader, writer)
        except ConnectionError:
            _log.info("An AudioSocket connection broke before its call began")
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = FrameDecoder()
        frames = await self._first_frames(reader, decoder)
        leg = self._admit(frames[0] if frames else None, writer)
        if leg is None:
            writer.write(Frame(Kind.HANG_UP).encode())
            return
        frames = frames[1:]
        try:
            while leg.active:
                for frame in frames:
                    leg.take(frame)
                data = await reader.read(_READ_BYTES)
                if not data:
                    leg.take(Frame(Kind.HANG_UP))
                frames = decoder.feed(data)
        except ConnectionError:
            leg.finish(Cause.NETWORK_ERROR)

    async def _first_frames(self, reader: asyncio.StreamReader, decoder: FrameDecoder) -> list[Frame]:
        try:
            async with asyncio.timeout(_UUID_SECONDS):
                while data := await reader.read(_READ_BYTES):
                    if frames := decoder.feed(data):
                        return frames
        except TimeoutError:
            _log.warning("An AudioSocket connection did not say which call it is")
        return []

    def _admit(self, first: Frame | None, writer: asyncio.StreamWriter) -> AudioSocketLeg | None:
        if first is None or first.kind != Kind.UUID or len(first.payload) != 16:
            _log.warning("An AudioSocket connection was refused: it did not begin with a UUID")
            return None
        call_id = str(uuid.UUID(bytes=first.payload))
        kept = self._announced.pop(call_id, None)
        if kept is not None and kept[0] < time.monotonic():
            kept = None
        if self._handler is None or self._server is None or call_id in self._legs:
            _log.warning("An AudioSocket call was refused: nobody takes calls, or it is here already")
            return None
        if len(self._legs) >= self._gate.max_calls:
            _log.warning("An AudioSocket call was refused: too many are going on")
            return None
        if kept is None and self._gate.announced_only:
            _log.warning("An AudioSocket call was refused: it was not announced")
            return None
        leg = AudioSocketLeg(kept[1] if kept is not None else Announcement(call_id), writer, self._forget)
        self._legs[call_id] = leg
        task = asyncio.create_task(self._offer(leg, self._handler))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return leg

    def _forget(self, leg: AudioSocketLeg) -> None:
        self._legs.pop(leg.id, None)

    async def _offer(self, leg: AudioSocketLeg, handler: IncomingHandler) -> None:
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
            _log.error("The handler of an inbound call neither answered nor rejected it; it goes back to the dialplan")
            await leg.reject()
