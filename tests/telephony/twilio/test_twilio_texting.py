"""Texts over the genuine SDK: handed over once, reported and answered by signed webhooks only."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from telephony.texting import Fate, IncomingText, OutgoingText, TextRefused, TextReport, TextStatus
from telephony.twilio_settings import TwilioSettings
from telephony.twilio_texting import TwilioTexting

ACCOUNT = "AC" + secrets.token_hex(16)
TOKEN = secrets.token_hex(16)
OUR_NUMBER = "+12025550100"
THEIR_NUMBER = "+12025550123"


@dataclass
class Messages:
    """Twilio's Messages resource on the loopback, and its webhooks with genuine signatures."""

    forms: list[dict[str, str]] = field(default_factory=list)
    refuse: tuple[int, int, str] | None = None
    silent: bool = False

    async def create(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == aiohttp.encode_basic_auth(ACCOUNT, TOKEN)
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        if self.silent:
            await asyncio.sleep(60)
        if self.refuse is not None:
            status, code, words = self.refuse
            return web.json_response({"code": code, "message": words, "status": status}, status=status)
        return web.json_response({"sid": "SM" + "1" * 32, "status": "queued", "account_sid": ACCOUNT}, status=201)


@dataclass
class Line:
    """The texting under test, its public address, and what it told its listeners."""

    texting: TwilioTexting
    messages: Messages
    url: str
    session: aiohttp.ClientSession
    settings: TwilioSettings
    reports: list[TextReport] = field(default_factory=list)
    texts: list[IncomingText] = field(default_factory=list)

    async def reported(self, report: TextReport) -> None:
        self.reports.append(report)

    async def received(self, text: IncomingText) -> None:
        self.texts.append(text)

    async def post(self, path: str, token: str = TOKEN, **form: str) -> int:
        values = {"AccountSid": ACCOUNT, **form}
        url = f"{self.url}{path}"
        signature = RequestValidator(token).compute_signature(url, values)
        async with self.session.post(url, data=values, headers={"X-Twilio-Signature": str(signature)}) as response:
            return response.status


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    messages = Messages()
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{reserved.getsockname()[1]}"
    settings = TwilioSettings(ACCOUNT, TOKEN, f"{base}/twilio", rest_url=base, rest_seconds=2.0)
    texting = TwilioTexting(settings, OUR_NUMBER)
    app = web.Application()
    app.router.add_post(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", messages.create)
    app.add_routes(texting.routes())
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.SockSite(runner, reserved).start()
    async with aiohttp.ClientSession() as session:
        made = Line(texting, messages, f"{base}/twilio", session, settings)
        texting.listen(made.reported, made.received)
        yield made
    await texting.close()
    await runner.cleanup()


TEXT = OutgoingText("m-1", THEIR_NUMBER, "您好")


async def test_a_message_is_handed_over_with_the_address_for_reports(line: Line) -> None:
    receipt = await line.texting.send(TEXT)
    assert (receipt.status, receipt.provider_id) == (TextStatus.TAKEN, "SM" + "1" * 32)
    assert line.messages.forms == [
        {"To": THEIR_NUMBER, "From": OUR_NUMBER, "Body": "您好", "StatusCallback": f"{line.url}/message/m-1/status"}
    ]


async def test_a_messaging_service_takes_the_place_of_a_number(line: Line) -> None:
    service = "MG" + "a" * 32
    texting = TwilioTexting(line.settings, service)
    await texting.send(TEXT)
    await texting.close()
    assert line.messages.forms[0]["MessagingServiceSid"] == service
    assert "From" not in line.messages.forms[0]


@pytest.mark.parametrize(
    ("refuse", "fate", "opted_out"),
    [
        ((400, 21211, "Invalid 'To' Phone Number +12025550123"), Fate.NEVER, False),
        ((400, 21610, "Attempt to send to unsubscribed recipient"), Fate.NEVER, True),
        ((429, 20429, "Too Many Requests"), Fate.NOT_SENT, False),
        ((500, 20500, "Internal Server Error"), Fate.UNSURE, False),
    ],
)
async def test_a_refusal_says_whether_it_may_be_tried_again(
    line: Line, refuse: tuple[int, int, str], fate: Fate, opted_out: bool
) -> None:
    line.messages.refuse = refuse
    with pytest.raises(TextRefused) as caught:
        await line.texting.send(TEXT)
    assert (caught.value.fate, caught.value.opted_out) == (fate, opted_out)
    assert "2025550123" not in caught.value.reason
    assert len(line.messages.forms) == 1, "it was repeated"


async def test_no_answer_leaves_it_unsure_and_no_connection_leaves_it_unsent(line: Line) -> None:
    line.messages.silent = True
    with pytest.raises(TextRefused) as caught:
        await line.texting.send(TEXT)
    assert caught.value.fate is Fate.UNSURE
    nobody = TwilioSettings(ACCOUNT, TOKEN, line.url, rest_url="http://127.0.0.1:9")
    texting = TwilioTexting(nobody, OUR_NUMBER)
    with pytest.raises(TextRefused) as caught:
        await texting.send(TEXT)
    await texting.close()
    assert caught.value.fate is Fate.NOT_SENT


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("queued", TextStatus.TAKEN),
        ("sent", TextStatus.TAKEN),
        ("delivered", TextStatus.DELIVERED),
        ("undelivered", TextStatus.FAILED),
        ("failed", TextStatus.FAILED),
        ("something-new", TextStatus.TAKEN),
    ],
)
async def test_a_report_names_the_message_and_what_became_of_it(line: Line, status: str, means: TextStatus) -> None:
    assert await line.post("/message/m-1/status", MessageSid="SM1", MessageStatus=status) == 204
    assert line.reports == [TextReport("m-1", "SM1", means)]


async def test_the_reason_of_a_failure_is_passed_on_without_numbers(line: Line) -> None:
    words = f"Unreachable destination {THEIR_NUMBER}"
    await line.post(
        "/message/m-1/status", MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003", ErrorMessage=words
    )
    assert line.reports[0].reason == "undelivered: Twilio 30003 Unreachable destination (number)"


async def test_an_answer_arrives_and_nothing_is_sent_back(line: Line) -> None:
    form = {"MessageSid": "SM2", "From": THEIR_NUMBER, "To": OUR_NUMBER, "Body": "退订"}
    assert await line.post("/message", **form) == 200
    (text,) = line.texts
    assert (text.provider_id, text.from_number, text.body) == ("SM2", THEIR_NUMBER, "退订")
    assert line.messages.forms == []


async def test_what_twilio_did_not_sign_is_turned_away(line: Line) -> None:
    other = secrets.token_hex(16)
    assert await line.post("/message/m-1/status", other, MessageSid="SM1", MessageStatus="delivered") == 403
    assert await line.post("/message", other, From=THEIR_NUMBER, Body="STOP") == 403
    async with line.session.post(
        f"{line.url}/message", data={"Body": "STOP"}, headers={"X-Twilio-Signature": "x"}
    ) as r:
        assert r.status == 403
    assert (line.reports, line.texts) == ([], [])
