"""A stand-in for Twilio: the REST that its SDK speaks, webhooks with genuine signatures, media streams.

It plays what it is sent on a clock of its own, answers marks when they are played, and empties its buffer on `clear`,
as Twilio's documentation describes. People behind numbers do what a test tells them to.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
import wave
import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

from telephony.g711 import ULAW_SILENCE, decode_ulaw, encode_ulaw

ULAW_FRAME = 160
API = "/2010-04-01/Accounts"


@dataclass
class Person:
    """How a called number behaves."""

    outcome: str = "answers"
    """`answers`, or the final `CallStatus`: busy, no-answer, failed."""
    sip_status: int = 200
    """SIP response code of the outcome."""
    rings_seconds: float = 0.0
    """Ringing before the outcome."""
    stream_arrives: bool = True
    """False: the network keeps the media stream from ever arriving."""


@dataclass
class Played:
    """A frame the far end has heard."""

    at: float
    """Monotonic seconds."""
    ulaw: bytes


class MediaStream:
    """The websocket of one call, Twilio's end of it."""

    def __init__(self, call: TwilioCallStandIn, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.call = call
        self.socket = socket
        self.sid = "MZ" + secrets.token_hex(16)
        self.played: list[Played] = []
        self.received: list[dict[str, Any]] = []
        self.received_at: list[float] = []
        self.answered_marks: list[str] = []
        self.most_buffered = 0
        self._buffer: deque[bytes | str] = deque()
        self._speech: deque[bytes] = deque()
        self._sequence = 0
        self._began = time.monotonic()
        self._ticked = asyncio.Event()
        self.gap_seconds = 0.0

    @property
    def heard(self) -> bytes:
        """µ-law that was played to the far end, without the silence between."""
        return b"".join(frame.ulaw for frame in self.played)

    async def say_hello(self, parameters: dict[str, str]) -> None:
        await self.send_raw(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await self.send(
            "start",
            {
                "accountSid": self.call.twilio.account_sid,
                "streamSid": self.sid,
                "callSid": self.call.sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": parameters,
            },
        )

    async def run(self) -> None:
        """Speaks, listens and plays until either side ends the stream."""
        async with asyncio.TaskGroup() as tasks:
            clock = tasks.create_task(self._tick())
            async for message in self.socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                self._take(json.loads(message.data))
            clock.cancel()

    @property
    def pending_speech(self) -> int:
        """Frames that the person has still to say."""
        return len(self._speech)

    async def moment(self) -> None:
        """Waits for the next tick of Twilio's clock."""
        self._ticked.clear()
        await self._ticked.wait()

    def speak(self, ulaw: bytes) -> None:
        """The person says something, after what they are saying already."""
        self._speech.extend(ulaw[at : at + ULAW_FRAME] for at in range(0, len(ulaw), ULAW_FRAME))

    def speak_file(self, path: Path) -> None:
        """The person says what a WAV file holds: 8 kHz, mono, 16 bits."""
        with wave.open(str(path), "rb") as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
            self.speak(encode_ulaw(file.readframes(file.getnframes())))

    def keep_heard(self, path: Path) -> None:
        """Writes what the person has heard, pauses included, as a WAV file."""
        heard = bytearray()
        for frame in self.played:
            begins = 160 * round((frame.at - self._began) / 0.02)
            heard += ULAW_SILENCE * (begins - len(heard)) + frame.ulaw
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(decode_ulaw(bytes(heard)))

    async def press(self, digit: str) -> None:
        await self.send("dtmf", {"track": "inbound_track", "digit": digit})

    async def stop(self) -> None:
        await self.send("stop", {"accountSid": self.call.twilio.account_sid, "callSid": self.call.sid})
        await self.socket.close()

    async def send(self, event: str, body: dict[str, Any]) -> None:
        self._sequence += 1
        message = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.sid, event: body}
        await self.send_raw(json.dumps(message))

    async def send_raw(self, text: str) -> None:
        if not self.socket.closed:
            await self.socket.send_str(text)

    def _take(self, message: dict[str, Any]) -> None:
        assert message["streamSid"] == self.sid
        self.received.append(message)
        self.received_at.append(time.monotonic())
        match message["event"]:
            case "media":
                ulaw = base64.b64decode(message["media"]["payload"], validate=True)
                self._buffer.append(ulaw)
                buffered = sum(len(item) for item in self._buffer if isinstance(item, bytes))
                self.most_buffered = max(self.most_buffered, buffered)
            case "mark":
                self._buffer.append(message["mark"]["name"])
            case "clear":
                marks = [item for item in self._buffer if isinstance(item, str)]
                self._buffer.clear()
                for name in marks:
                    self._answer(name)
            case other:
                raise AssertionError(f"Twilio takes media, mark and clear, not {other}")

    def _answer(self, name: str) -> None:
        self.answered_marks.append(name)
        self.call.twilio.spawn(self.send("mark", {"name": name}))

    async def _tick(self) -> None:
        frame = 0
        while not self.socket.closed:
            await asyncio.sleep(max(0.0, self._began + frame * 0.02 - time.monotonic()))
            self._play()
            ulaw = self._speech.popleft() if self._speech else b"\xff" * ULAW_FRAME
            milliseconds = frame * 20 + round(self.gap_seconds * 1000)
            await self.send(
                "media",
                {
                    "track": "inbound",
                    "chunk": str(frame + 1),
                    "timestamp": str(milliseconds),
                    "payload": base64.b64encode(ulaw).decode(),
                },
            )
            frame += 1
            self._ticked.set()

    def _play(self) -> None:
        room = ULAW_FRAME
        now = time.monotonic()
        while self._buffer:
            head = self._buffer[0]
            if isinstance(head, str):
                self._buffer.popleft()
                self._answer(head)
            elif room == 0:
                return
            else:
                self._buffer.popleft()
                piece, rest = head[:room], head[room:]
                if rest:
                    self._buffer.appendleft(rest)
                room -= len(piece)
                self.played.append(Played(now, piece))


class TwilioCallStandIn:
    """One call inside the stand-in."""

    def __init__(self, twilio: TwilioStandIn, *, direction: str, from_number: str, to_number: str) -> None:
        self.twilio = twilio
        self.sid = "CA" + secrets.token_hex(16)
        self.direction = direction
        self.from_number = from_number
        self.to_number = to_number
        self.status = "queued" if direction != "inbound" else "ringing"
        self.status_url: str | None = None
        self.streams: list[MediaStream] = []
        self.instructions: list[str] = []
        self.dialled: list[dict[str, str]] = []
        self.ring_seconds = 0
        self.over = asyncio.Event()
        self._changed = asyncio.Condition()
        self._program: asyncio.Task[None] | None = None

    @property
    def stream(self) -> MediaStream:
        return self.streams[-1]

    async def until(self, happened: Callable[[], bool]) -> None:
        """Waits until something of this call has come true."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(happened)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def parameters(self, **more: str) -> dict[str, str]:
        return {
            "AccountSid": self.twilio.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": self.status,
            "Direction": self.direction,
            "From": self.from_number,
            "To": self.to_number,
            **more,
        }

    async def become(self, status: str, sip_status: int | None = None) -> None:
        """Changes status, and tells the status callback where one was asked for."""
        if self.over.is_set():
            return
        self.status = status
        await self._notify()
        final = status in {"completed", "busy", "no-answer", "canceled", "failed"}
        if final:
            self.over.set()
        if self.status_url:
            more = {"CallbackSource": "call-progress-events", "Timestamp": "Sat, 21 Nov 2026 12:00:00 +0000"}
            if final and sip_status is not None:
                more["SipResponseCode"] = str(sip_status)
            await self.twilio.post(self.status_url, self.parameters(**more))

    def follow(self, twiml: str) -> None:
        """Drops what it was doing and follows new instructions."""
        self.instructions.append(twiml)
        self.twilio.spawn(self._notify())
        if self._program is not None:
            self._program.cancel()
        self._program = self.twilio.spawn(self._follow(twiml))

    async def hang_up(self) -> None:
        """The person, or Twilio on our request, ends the call."""
        if self.over.is_set():
            return
        program, self._program = self._program, None
        if self.streams and not self.stream.socket.closed:
            await self.stream.stop()
        if program is not None:
            program.cancel()
        before_answer = self.status in {"queued", "ringing", "initiated"}
        await self.become("canceled" if before_answer else "completed", 487 if before_answer else 200)

    async def _follow(self, twiml: str) -> None:
        root = ET.fromstring(twiml)
        assert root.tag == "Response", twiml
        for verb in root:
            if verb.tag == "Reject":
                await self.become("busy" if verb.get("reason") == "busy" else "no-answer")
                return
            if verb.tag == "Hangup":
                break
            if self.status == "ringing" and self.direction == "inbound":
                await self.become("in-progress")
            if verb.tag == "Dial":
                await self._dial(verb)
                return
            assert verb.tag == "Connect", verb.tag
            await self._connect(verb[0])
        self._program = None
        await self.hang_up()

    async def _connect(self, noun: ET.Element) -> None:
        url = noun.get("url", "")
        assert "?" not in url, "Twilio does not take a query in a stream's address"
        headers = {"X-Twilio-Signature": self.twilio.sign(url, {})}
        if not self.twilio.person(self.to_number).stream_arrives:
            await asyncio.sleep(60)
        async with self.twilio.session.ws_connect(url, headers=headers) as socket:
            stream = MediaStream(self, socket)
            await stream.say_hello({item.get("name", ""): item.get("value", "") for item in noun})
            self.streams.append(stream)
            await self._notify()
            try:
                await stream.run()
            except asyncio.CancelledError:
                await stream.stop()
                raise

    async def _dial(self, verb: ET.Element) -> None:
        noun = verb[0]
        target = noun.text or ""
        self.dialled.append({"target": target, "noun": noun.tag, **verb.attrib})
        await self._notify()
        person = self.twilio.person(target)
        await asyncio.sleep(min(person.rings_seconds, float(verb.get("timeout", "30"))))
        if person.outcome == "silence":
            return
        outcome = "completed" if person.outcome == "answers" else person.outcome
        if person.outcome == "answers":
            answered = self.parameters(CallStatus="in-progress", ParentCallSid=self.sid)
            await self.twilio.post(noun.get("statusCallback", ""), answered)
            await self.twilio.conversation_over.wait()
        done = self.parameters(DialCallStatus=outcome, DialSipResponseCode=str(person.sip_status))
        self.follow(await self.twilio.post(verb.get("action", ""), done))


@dataclass
class TwilioStandIn:
    """One account of a Twilio that lives on the loopback."""

    account_sid: str = field(default_factory=lambda: "AC" + secrets.token_hex(16))
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16))
    account_status: str = "active"
    people: dict[str, Person] = field(default_factory=dict)
    calls: dict[str, TwilioCallStandIn] = field(default_factory=dict)
    refuse_calls: tuple[int, int, str] | None = None
    """HTTP status, code and message with which placing a call is refused."""
    answer_after_seconds: float = 0.0
    """How long REST takes to answer."""
    requests: list[str] = field(default_factory=list)
    """Method and path of every REST request."""

    def __post_init__(self) -> None:
        self.conversation_over = asyncio.Event()
        self._call_placed = asyncio.Condition()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> TwilioStandIn:
        self.session = aiohttp.ClientSession()
        app = web.Application()
        account = f"{API}/{self.account_sid}"
        app.add_routes(
            [
                web.get(f"{account}.json", self._account),
                web.post(f"{account}/Calls.json", self._create),
                web.get(f"{account}/Calls/{{sid}}.json", self._fetch),
                web.post(f"{account}/Calls/{{sid}}.json", self._update),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.session.close()
        await self._runner.cleanup()

    def person(self, number: str) -> Person:
        return self.people.setdefault(number, Person())

    async def placed(self, count: int = 1) -> TwilioCallStandIn:
        """Waits for the n-th call of the account."""
        async with asyncio.timeout(30), self._call_placed:
            await self._call_placed.wait_for(lambda: len(self.calls) >= count)
        return list(self.calls.values())[count - 1]

    async def ring_in(self, public_url: str, *, from_number: str, to_number: str, **more: str) -> TwilioCallStandIn:
        """A person calls the account's number: asks the voice webhook and follows its answer."""
        call = TwilioCallStandIn(self, direction="inbound", from_number=from_number, to_number=to_number)
        call.status_url = f"{public_url}/status"
        self.calls[call.sid] = call
        answer = await self.post(f"{public_url}/voice", call.parameters(**more))
        call.follow(answer)
        return call

    def sign(self, url: str, form: dict[str, str]) -> str:
        return str(RequestValidator(self.auth_token).compute_signature(url, form))

    async def post(self, url: str, form: dict[str, str]) -> str:
        headers = {"X-Twilio-Signature": self.sign(url, form)}
        async with self.session.post(url, data=form, headers=headers) as response:
            assert response.status in {200, 204}, await response.text()
            return await response.text()

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _ask(self, request: web.Request) -> web.Response | None:
        self.requests.append(f"{request.method} {request.path}")
        await asyncio.sleep(self.answer_after_seconds)
        expected = aiohttp.encode_basic_auth(self.account_sid, self.auth_token)
        if request.headers.get("Authorization") != expected:
            return _error(401, 20003, "Authenticate")
        return None

    async def _account(self, request: web.Request) -> web.Response:
        account = {"sid": self.account_sid, "status": self.account_status, "friendly_name": "stand-in"}
        return await self._ask(request) or web.json_response(account)

    async def _create(self, request: web.Request) -> web.Response:
        form = await request.post()
        call = TwilioCallStandIn(
            self, direction="outbound-api", from_number=str(form["From"]), to_number=str(form["To"])
        )
        if self.refuse_calls is None:
            # As Twilio does: dialling begins before its answer has come through.
            async with self._call_placed:
                self.calls[call.sid] = call
                self._call_placed.notify_all()
            call.status_url = str(form["StatusCallback"])
            call.ring_seconds = int(str(form["Timeout"]))
            self.spawn(self._ring_out(call, str(form["Twiml"])))
        refused = await self._ask(request)
        if refused is None and self.refuse_calls is not None:
            refused = _error(*self.refuse_calls)
        return refused or web.json_response(self._resource(call), status=201)

    async def _ring_out(self, call: TwilioCallStandIn, twiml: str) -> None:
        person = self.person(call.to_number)
        await call.become("initiated")
        if person.outcome != "unreachable":
            await call.become("ringing")
        await asyncio.sleep(min(person.rings_seconds, call.ring_seconds))
        if person.rings_seconds > call.ring_seconds:
            await call.become("no-answer", 487)
        elif person.outcome == "answers":
            await call.become("in-progress")
            if not call.over.is_set():
                call.follow(twiml)
        elif person.outcome == "unreachable":
            await call.become("no-answer", person.sip_status)
        elif person.outcome != "silence":
            await call.become(person.outcome, person.sip_status)

    async def _fetch(self, request: web.Request) -> web.Response:
        call = self.calls[request.match_info["sid"]]
        return await self._ask(request) or web.json_response(self._resource(call))

    async def _update(self, request: web.Request) -> web.Response:
        refused = await self._ask(request)
        if refused is not None:
            return refused
        call = self.calls.get(request.match_info["sid"])
        form = await request.post()
        if call is None:
            return _error(404, 20404, "The requested resource was not found")
        if call.over.is_set():
            return _error(400, 21220, "Call is not in-progress. Cannot redirect.")
        if form.get("Status") == "completed":
            await call.hang_up()
        elif "Twiml" in form:
            call.follow(str(form["Twiml"]))
        return web.json_response(self._resource(call))

    def _resource(self, call: TwilioCallStandIn) -> dict[str, Any]:
        return {
            "sid": call.sid,
            "account_sid": self.account_sid,
            "status": call.status,
            "direction": call.direction,
            "from": call.from_number,
            "to": call.to_number,
            "uri": f"{urlsplit(self.url).path}{API}/{self.account_sid}/Calls/{call.sid}.json",
        }


def _error(status: int, code: int, message: str) -> web.Response:
    body = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return web.json_response({**body, "status": status}, status=status)
