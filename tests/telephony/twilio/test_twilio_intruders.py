"""Nobody but Twilio gets in, and nothing that comes in takes more than one call with it."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from telephony.carrier import CallLeg, Cause, DialRequest
from telephony.media import AudioReceived
from telephony.twilio_twiml import stream_twiml

if TYPE_CHECKING:
    from tests.telephony.twilio.conftest import Line, OpenLine
    from tests.telephony.twilio.stand_in import TwilioStandIn

TO = "+8613800000001"
HEADER = "X-Twilio-Signature"


def form_of(twilio: TwilioStandIn) -> dict[str, str]:
    return {"AccountSid": twilio.account_sid, "CallSid": "CA" + "0" * 32, "From": TO, "To": "+12025550100"}


async def post(url: str, form: dict[str, str], signature: str | None, **how: Any) -> int:
    headers = {} if signature is None else {HEADER: signature}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, headers=headers, **(how or {"data": form})) as response,
    ):
        return response.status


@pytest.fixture
def offered(line: Line) -> list[CallLeg]:
    """Calls that reached the handler: intruders must not."""
    legs: list[CallLeg] = []

    async def handler(leg: CallLeg) -> None:
        legs.append(leg)
        await leg.reject()

    line.carrier.on_incoming(handler)
    return legs


@pytest.mark.parametrize("route", ["voice", "status", "status/x", "transfer/x/done", "transfer/x/answered"])
@pytest.mark.parametrize("fault", ["missing", "empty", "nonsense", "other token", "other address", "other form"])
async def test_a_webhook_that_twilio_did_not_sign_is_refused(
    line: Line, offered: list[CallLeg], route: str, fault: str
) -> None:
    url, form = f"{line.public_url}/{route}", form_of(line.twilio)
    signature = {
        "missing": None,
        "empty": "",
        "nonsense": "签名",
        "other token": str(RequestValidator("f" * 32).compute_signature(url, form)),
        "other address": line.twilio.sign(url.replace("/twilio/", "/"), form),
        "other form": line.twilio.sign(url, {**form, "From": "+12025550123"}),
    }[fault]
    if fault == "nonsense":
        signature = signature and base64.b64encode(signature.encode()).decode()
    assert await post(url, form, signature) == 403
    assert not offered


async def test_a_webhook_that_twilio_signed_is_taken(line: Line, offered: list[CallLeg]) -> None:
    url, form = f"{line.public_url}/voice", form_of(line.twilio)
    assert await post(url, form, line.twilio.sign(url, form)) == 200
    assert await post(f"{url}?flow=a%20b", form, line.twilio.sign(f"{url}?flow=a%20b", form)) == 200
    assert len(offered) == 2


async def test_a_webhook_of_another_account_is_refused(line: Line, offered: list[CallLeg]) -> None:
    url, form = f"{line.public_url}/voice", {**form_of(line.twilio), "AccountSid": "AC" + "f" * 32}
    assert await post(url, form, line.twilio.sign(url, form)) == 403
    assert not offered


async def test_during_a_rotation_both_tokens_sign(open_line: OpenLine) -> None:
    line = await open_line(secondary_auth_token="9" * 32)
    url, form = f"{line.public_url}/voice", form_of(line.twilio)
    assert await post(url, form, line.twilio.sign(url, form)) == 200
    assert await post(url, form, str(RequestValidator("9" * 32).compute_signature(url, form))) == 200
    assert await post(url, form, str(RequestValidator("8" * 32).compute_signature(url, form))) == 403


async def test_behind_a_proxy_the_public_address_counts(open_line: OpenLine) -> None:
    line = await open_line(public_url="https://bot.example.com/calls")
    form = form_of(line.twilio)
    (path,) = {route.path for route in line.carrier.routes() if route.path.endswith("/voice")}
    inside = f"http://127.0.0.1:{line.port}{path}"
    assert await post(inside, form, line.twilio.sign("https://bot.example.com/calls/voice", form)) == 200
    assert await post(inside, form, line.twilio.sign(inside, form)) == 403


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"json": {"CallSid": "CA1"}}, 415),
        ({"data": b"CallSid=" + b"C" * 70000, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 413),
        ({"data": b"a=%ff%fe&b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 403),
        ({"data": b"a=1", "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=nope"}}, 400),
    ],
)
async def test_a_malformed_webhook_is_refused(
    line: Line, offered: list[CallLeg], how: dict[str, Any], status: int
) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{line.public_url}/voice", **how) as response:
        assert response.status == status
    assert not offered


@pytest.mark.parametrize("fault", ["missing", "other token", "http address", "no websocket"])
async def test_a_stream_that_twilio_did_not_open_is_refused(line: Line, fault: str) -> None:
    url = line.settings.stream_url
    headers = {
        "missing": {},
        "other token": {HEADER: str(RequestValidator("f" * 32).compute_signature(url, {}))},
        "http address": {HEADER: line.twilio.sign(url.replace("ws", "http", 1), {})},
        "no websocket": {HEADER: line.twilio.sign(url, {})},
    }[fault]
    async with aiohttp.ClientSession() as session:
        if fault == "no websocket":
            async with session.get(url.replace("ws", "http", 1), headers=headers) as response:
                assert response.status == 426
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(url, headers=headers)
            assert refused.value.status == 403


def start(twilio: TwilioStandIn, call_sid: str, ticket: str | None, **changes: Any) -> str:
    body = {
        "accountSid": twilio.account_sid,
        "streamSid": "MZ1",
        "callSid": call_sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {} if ticket is None else {"ticket": ticket},
    }
    return json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": {**body, **changes}})


CONNECTED = json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})


async def close_code_after(line: Line, *texts: str | bytes) -> int | None:
    """Opens a stream with a genuine signature, says all of it, and waits to be thrown out."""
    url = line.settings.stream_url
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers={HEADER: line.twilio.sign(url, {})}, max_msg_size=0) as ws,
    ):
        for text in texts:
            if isinstance(text, bytes):
                await ws.send_bytes(text)
            else:
                await ws.send_str(text)
        async with asyncio.timeout(30):
            while (await ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return ws.close_code


async def test_a_ticket_admits_once_and_only_its_own_call(line: Line) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    used = call.instructions[0].split('name="ticket" value="')[1].split('"')[0]
    for ticket in (used, secrets.token_urlsafe(24), "", None):
        assert await close_code_after(line, CONNECTED, start(line.twilio, call.sid, ticket)) == 1008

    line.twilio.person("+8613800000009").rings_seconds = 30
    dialling = asyncio.create_task(line.carrier.dial(DialRequest("+8613800000009")))
    await line.twilio.placed(2)
    fresh = next(iter(line.carrier._tickets))
    assert await close_code_after(line, CONNECTED, start(line.twilio, call.sid, fresh)) == 1008
    other_account = start(line.twilio, call.sid, fresh, accountSid="AC" + "f" * 32)
    assert await close_code_after(line, CONNECTED, other_account) == 1008
    assert fresh in line.carrier._tickets, "a stranger must not use up the ticket either"
    dialling.cancel()
    assert isinstance(await leg.media.receive(), AudioReceived), "the call itself goes on"


async def test_a_stream_that_never_says_what_it_is_for(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.twilio_stream.START_SECONDS", 0.1)
    assert await close_code_after(line, CONNECTED) == 1008


MEDIA = {"event": "media", "media": {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": "/w=="}}
HOSTILE: dict[str, str | bytes] = {
    "no JSON": "}{",
    "no object": "[1]",
    "deep": "[" * 30000,
    "huge number": '{"event": ' + "1" * 5000 + "}",
    "binary": b"\x00\x01",
    "start again": json.dumps({"event": "start", "start": {}}),
    "greeting again": CONNECTED,
    "no base64": json.dumps({**MEDIA, "media": {**MEDIA["media"], "payload": "???"}}),  # type: ignore[dict-item]
    "no payload": json.dumps({**MEDIA, "media": {"timestamp": "1"}}),
    "no time": json.dumps({**MEDIA, "media": {"payload": "/w==", "timestamp": "-1"}}),
    "other stream": json.dumps({**MEDIA, "streamSid": "MZother"}),
    "no key": json.dumps({"event": "dtmf", "dtmf": {"digit": 5}}),
    "oversized": json.dumps({"event": "media", "padding": "x" * 100_000}),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_messages_end_their_own_call_and_no_other(line: Line, kind: str) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    other = await line.carrier.dial(DialRequest("+8613800000002"))
    call = await line.twilio.placed()
    hostile = HOSTILE[kind]
    if isinstance(hostile, bytes):
        await call.stream.socket.send_bytes(hostile)
    else:
        try:
            known = json.loads(hostile)
        except (ValueError, RecursionError):
            known = None
        if isinstance(known, dict) and "streamSid" not in known:
            hostile = json.dumps({**known, "streamSid": call.stream.sid})
        await call.stream.socket.send_str(hostile)
    async with asyncio.timeout(30):
        assert await leg.ended() is Cause.NETWORK_ERROR
        await call.over.wait()
    assert line.carrier.active_calls() == 1
    while not isinstance(await other.media.receive(), AudioReceived):
        pass
    await other.hang_up()


async def test_a_broken_connection_ends_the_call_at_twilio_too(line: Line) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    call.stream.socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    async with asyncio.timeout(30):
        assert await leg.ended() is Cause.NETWORK_ERROR
        await call.over.wait()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
_message = st.one_of(
    st.text(max_size=200),
    st.binary(max_size=200),
    _json.map(json.dumps),
    st.fixed_dictionaries(
        {"event": st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "later"])},
        optional={
            "streamSid": st.sampled_from(["MZ1", "MZ2"]) | _json,
            "media": _json | st.fixed_dictionaries({"payload": st.text(max_size=30), "timestamp": _json}),
            "start": _json,
            "dtmf": _json | st.fixed_dictionaries({"digit": st.text(max_size=2)}),
            "mark": _json | st.fixed_dictionaries({"name": st.text(max_size=9) | st.just("m1")}),
            "stop": _json,
        },
    ).map(json.dumps),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(_message, max_size=6), ticketed=st.booleans())
async def test_whatever_a_stream_says_the_server_stays_up(
    line: Line, messages: list[str | bytes], ticketed: bool
) -> None:
    dialling = None
    opening: list[str | bytes] = []
    if ticketed:
        line.twilio.person(TO).stream_arrives = False
        dialling = asyncio.create_task(line.carrier.dial(DialRequest(TO)))
        call = await line.twilio.placed(len(line.twilio.calls) + 1)
        await call.until(lambda: bool(call.instructions))
        opening = [CONNECTED, start(line.twilio, call.sid, next(iter(line.carrier._tickets)))]
    url = line.settings.stream_url
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers={HEADER: line.twilio.sign(url, {})}) as ws,
    ):
        for message in [*opening, *messages]:
            if ws.closed:
                break
            if isinstance(message, bytes):
                await ws.send_bytes(message)
            else:
                await ws.send_str(message.encode("utf-8", "replace").decode())
    if dialling is not None:
        (outcome,) = await asyncio.gather(dialling, return_exceptions=True)
        if not isinstance(outcome, BaseException):
            async with asyncio.timeout(30):
                assert await outcome.ended() in {Cause.NORMAL, Cause.NETWORK_ERROR}
    assert line.carrier.active_calls() == 0


def test_stream_parameters_cannot_break_out_of_the_twiml() -> None:
    text = stream_twiml("wss://bot.example.com/stream", {"note": '"/><Hangup/>', "名": "王小样"})
    assert "<Hangup/>" not in text
    assert "王小样" in text
    for bad in ("x" * 500, "a\x00b", "a\nb"):
        with pytest.raises(ValueError, match="stream parameter 'note'"):
            stream_twiml("wss://bot.example.com/stream", {"note": bad})
