"""The telephone network of the campaign, as a process of its own: python -m benchmarks.campaign.far_end PORT CLOCK LOG.

Answers SIP over UDP on loopback for every number there is: refuses, rings on, or answers with a person at the other
end. Every INVITE and every end goes into its log, one JSON object a line: a record that the engine has no hand in.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

from benchmarks.campaign.clock import SharedClock
from benchmarks.campaign.person import Person
from benchmarks.campaign.world import Reaction, reaction_to, role_of

T1 = 0.5
"""Seconds between two sendings of what was not acknowledged (RFC 3261, timer G and 2xx)."""
RESENDS = 12
GONE_SECONDS = 6.0
"""A telephone that hears no RTP for so long puts the receiver down: the engine died."""
RINGS_AT_MOST = 60.0
_STATUS = {
    Reaction.BUSY: "486 Busy Here",
    Reaction.OFF: "480 Temporarily Unavailable",
    Reaction.EMPTY: "404 Not Found",
    Reaction.DECLINES: "603 Decline",
    Reaction.OVERLOADED: "503 Service Unavailable",
}
_HEADER = re.compile(rb"^([A-Za-z-]+)[ \t]*:[ \t]*(.*)$")
_SHORT = {b"v": b"via", b"f": b"from", b"t": b"to", b"i": b"call-id", b"m": b"contact"}
_MEDIA = re.compile(rb"^m=audio (\d+)", re.MULTILINE)


@dataclass
class Request:
    """A SIP request as far as a telephone reads it."""

    method: str
    uri: str
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: bytes) -> str:
        return next(iter(self.all(name)), b"").decode("utf-8", "replace")


def parse(data: bytes) -> Request | str | None:
    """A request, the status line of a response, or None for what is neither."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    first = lines[0].decode("utf-8", "replace")
    if first.startswith("SIP/2.0"):
        return first
    parts = first.split(" ")
    if len(parts) != 3:
        return None
    headers = []
    for line in lines[1:]:
        if found := _HEADER.match(line):
            name = found[1].lower()
            headers.append((_SHORT.get(name, name), found[2]))
    return Request(parts[0], parts[1], headers, body)


@dataclass
class Leg:
    """One dialog, from its INVITE on."""

    invite: Request
    source: tuple[str, int]
    number: str
    tag: str = field(default_factory=lambda: f"{random.getrandbits(64):016x}")
    answer: bytes = b""
    """The last response to the INVITE, said again when it comes again."""
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    person: Person | None = None
    because: str = ""
    ended_at: str = ""
    """When the line was free again: the far end knows before its last message is acknowledged."""


class FarEnd(asyncio.DatagramProtocol):
    def __init__(self, port: int, clock: SharedClock, log: TextIO) -> None:
        self._port = port
        self._clock = clock
        self._log = log
        self._legs: dict[str, Leg] = {}
        self._calls: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if not isinstance(message, Request):
            return
        call_id = message.one(b"call-id")
        leg = self._legs.get(call_id)
        match message.method:
            case "INVITE" if leg is None:
                self._begin(call_id, message, addr)
            case "INVITE" if leg is not None and leg.answer:
                self._send(leg.answer, addr)
            case "ACK" if leg is not None:
                leg.acknowledged.set()
            case "CANCEL":
                self._respond(message, "200 OK", addr, leg)
                if leg is not None:
                    self._end(leg, "cancelled")
                    leg.cancelled.set()
            case "BYE" if leg is not None:
                self._respond(message, "200 OK", addr, leg)
                self._end(leg, "the engine hung up")
                leg.over.set()
            case "OPTIONS":
                self._respond(message, "200 OK", addr, leg)
            case "BYE":
                self._respond(message, "481 Call/Transaction Does Not Exist", addr, leg)

    async def tick(self) -> None:
        """Moves all persons on, every 20 ms."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for leg in list(self._legs.values()):
                if leg.person is not None and not leg.over.is_set():
                    leg.person.tick()
                    if leg.person.wants_to_hang_up:
                        self._end(leg, "the person hung up")
                        leg.over.set()
            due = max(due + 0.02, loop.time() - 0.2)
            await asyncio.sleep(max(0.0, due - loop.time()))

    # --- one call -----------------------------------------------------------------------------------------------------
    def _begin(self, call_id: str, invite: Request, source: tuple[str, int]) -> None:
        user = re.sub(r"^sips?:|[@;].*$", "", invite.uri)
        number = "+" + user.lstrip("+")
        nth = self._calls[number]
        self._calls[number] += 1
        reaction = reaction_to(number, nth)
        shown = invite.one(b"p-asserted-identity") or invite.one(b"from")
        found = re.search(r"sips?:([^@>;]+)", shown)
        self._write(
            "invite",
            call_id,
            number=number,
            attempt=invite.one(b"x-voicebot-attempt"),
            caller=found[1] if found else shown,
            nth=nth,
            reaction=reaction.name,
            source=source[1],
        )
        leg = Leg(invite, source, number)
        self._legs[call_id] = leg
        task = asyncio.create_task(self._live(call_id, leg, reaction))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, call_id: str, leg: Leg, reaction: Reaction) -> None:
        try:
            self._answer(leg, "100 Trying")
            if reaction in _STATUS:
                await asyncio.sleep(0.2)
                self._end(leg, _STATUS[reaction])
                await self._insist(leg, _STATUS[reaction])
            else:
                self._answer(leg, "180 Ringing")
                await self._ring(leg, reaction)
        finally:
            said = {"heard": [asks.name for asks in leg.person.heard], "said": leg.person.said} if leg.person else {}
            if leg.person is not None:
                leg.person.close()
            self._end(leg, "it broke")
            self._write("ended", call_id, over=leg.ended_at, because=leg.because, **said)
            # Known a little longer, so that what is said again is not taken for a new call.
            await asyncio.sleep(T1 * RESENDS)
            self._legs.pop(call_id, None)

    async def _ring(self, leg: Leg, reaction: Reaction) -> None:
        wait = RINGS_AT_MOST if reaction is Reaction.RINGS_ON else 0.3
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(leg.cancelled.wait(), wait)
        if leg.cancelled.is_set():
            await self._insist(leg, "487 Request Terminated")
        elif reaction is Reaction.RINGS_ON:
            self._end(leg, "rang out")
            await self._insist(leg, "480 Temporarily Unavailable")
        else:
            await self._talk(leg)

    async def _talk(self, leg: Leg) -> None:
        media = _MEDIA.search(leg.invite.body)
        if media is None:
            await self._insist(leg, "488 Not Acceptable Here")
            return
        peer = (leg.source[0], int(media[1]))
        loop = asyncio.get_running_loop()
        transport, person = await loop.create_datagram_endpoint(
            lambda: Person(role_of(leg.number), peer), local_addr=("127.0.0.1", 0)
        )
        port = transport.get_extra_info("sockname")[1]
        sdp = (
            f"v=0\r\no=far 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        )
        await self._insist(leg, "200 OK", sdp)
        leg.person = person
        packets = -1
        while not leg.over.is_set():
            if packets == person.packets:
                self._end(leg, "no sound came any more")
                break
            packets = person.packets
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(leg.over.wait(), GONE_SECONDS)
        if leg.because == "the person hung up":
            await self._hang_up(leg)

    async def _hang_up(self, leg: Leg) -> None:
        contact = re.search(r"<([^>]+)>", leg.invite.one(b"contact"))
        target = contact[1] if contact else leg.invite.uri
        lines = [
            f"BYE {target} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bK{random.getrandbits(64):016x};rport",
            f"From: {leg.invite.one(b'to')};tag={leg.tag}",
            f"To: {leg.invite.one(b'from')}",
            f"Call-ID: {leg.invite.one(b'call-id')}",
            "CSeq: 10 BYE",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        for _ in range(2):  # once more, in case the first is lost; a second one for a call that is gone harms nobody
            self._send(("\r\n".join(lines) + "\r\n\r\n").encode(), leg.source)
            await asyncio.sleep(T1)

    def _end(self, leg: Leg, because: str) -> None:
        """The first end of a call counts."""
        if not leg.because:
            leg.because, leg.ended_at = because, self._clock.now().isoformat()

    # --- sending ------------------------------------------------------------------------------------------------------
    async def _insist(self, leg: Leg, status: str, sdp: str = "") -> None:
        """Says a final answer until it is acknowledged."""
        for _ in range(RESENDS):
            self._answer(leg, status, sdp)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(leg.acknowledged.wait(), T1)
            if leg.acknowledged.is_set():
                return
        self._end(leg, "nobody acknowledged the answer")

    def _answer(self, leg: Leg, status: str, sdp: str = "") -> None:
        leg.answer = self._respond(leg.invite, status, leg.source, leg, sdp)

    def _respond(self, request: Request, status: str, to: tuple[str, int], leg: Leg | None, sdp: str = "") -> bytes:
        tag = f";tag={leg.tag}" if leg is not None and ";tag=" not in request.one(b"to") and status[:3] != "100" else ""
        lines = [f"SIP/2.0 {status}"]
        lines += [f"Via: {via.decode()}" for via in request.all(b"via")]
        lines += [
            f"From: {request.one(b'from')}",
            f"To: {request.one(b'to')}{tag}",
            f"Call-ID: {request.one(b'call-id')}",
            f"CSeq: {request.one(b'cseq')}",
            f"Contact: <sip:far@127.0.0.1:{self._port}>",
        ]
        lines += ["Content-Type: application/sdp"] if sdp else []
        message = ("\r\n".join(lines) + f"\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}").encode()
        self._send(message, to)
        return message

    def _send(self, message: bytes, to: tuple[str, int]) -> None:
        if self._transport is not None:
            self._transport.sendto(message, to)

    def _write(self, kind: str, call_id: str, **data: Any) -> None:
        entry = {"kind": kind, "at": self._clock.now().isoformat(), "call_id": call_id, **data}
        self._log.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._log.flush()


async def serve(port: int, clock: Path, log: Path) -> None:
    with log.open("a", encoding="utf-8") as opened:
        loop = asyncio.get_running_loop()
        _, far_end = await loop.create_datagram_endpoint(
            lambda: FarEnd(port, SharedClock(clock), opened), local_addr=("127.0.0.1", port)
        )
        await far_end.tick()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
