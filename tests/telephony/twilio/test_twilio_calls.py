"""A call over Twilio is a call over any carrier: dialled, answered, heard, ended, refused, transferred, causes typed.

Everything here goes through the genuine SDK, genuine signatures and a real websocket; only Twilio itself is a stand-in.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from telephony.carrier import CallLeg, CarrierUnavailable, Cause, DialFailed, DialRequest, Direction, TransferFailed
from telephony.g711 import decode_ulaw, encode_ulaw
from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded, MediaPort

if TYPE_CHECKING:
    from tests.telephony.twilio.conftest import Line, OpenLine
    from tests.telephony.twilio.stand_in import TwilioStandIn

TO = "+8613800000001"
CALLER = "+8613800000002"
OURS = "+12025550100"


def tone(seconds: float, hertz: float = 440.0) -> bytes:
    time = np.arange(round(8000 * seconds)) / 8000
    return (8000 * np.sin(2 * np.pi * hertz * time)).astype("<i2").tobytes()


async def next_of(port: MediaPort, kind: type) -> object:
    async with asyncio.timeout(30):
        while True:
            event = await port.receive()
            if isinstance(event, kind):
                return event
            assert not isinstance(event, MediaEnded), f"the call ended before {kind.__name__}"


async def loud_audio(port: MediaPort, seconds: float) -> bytes:
    """What comes from the first loud piece on."""
    pcm = b""
    while len(pcm) < seconds * 16000:
        event = await next_of(port, AudioReceived)
        assert isinstance(event, AudioReceived)
        if pcm or np.abs(np.frombuffer(event.pcm, "<i2")).max() > 1000:
            pcm += event.pcm
    return pcm[: round(seconds * 16000)]


async def test_an_outbound_call_speaks_and_hears(line: Line) -> None:
    leg = await line.carrier.dial(DialRequest(TO, headers={"X-Attempt-Id": "a-1"}))
    call = await line.twilio.placed()
    assert (leg.direction, leg.id, leg.from_number, leg.to_number) == (Direction.OUTBOUND, call.sid, OURS, TO)
    assert leg.headers == {"x-attempt-id": "a-1"}
    assert line.carrier.active_calls() == 1

    said = tone(0.3)
    leg.media.send(said)
    call.stream.speak(encode_ulaw(tone(0.3, 700.0)))
    assert await loud_audio(leg.media, 0.2) == decode_ulaw(encode_ulaw(tone(0.3, 700.0)))[: round(0.2 * 16000)]
    leg.media.mark("said")
    await next_of(leg.media, MarkReached)
    assert call.stream.heard == encode_ulaw(said)

    await leg.hang_up()
    assert await leg.ended() is Cause.NORMAL
    assert line.carrier.active_calls() == 0
    await call.over.wait()
    assert call.status == "completed"
    await leg.hang_up()
    assert sum(request.startswith("POST") and call.sid in request for request in line.twilio.requests) == 1


async def test_the_stream_is_told_what_the_request_says(line: Line) -> None:
    await line.carrier.dial(DialRequest(TO, caller_id="+12025550199", ring_seconds=25, headers={"X-Attempt-Id": "a-1"}))
    call = await line.twilio.placed()
    assert call.from_number == "+12025550199"
    assert call.ring_seconds == 25
    assert 'name="X-Attempt-Id" value="a-1"' in call.instructions[0]


async def test_an_inbound_call_is_answered_by_the_handler(line: Line) -> None:
    legs: asyncio.Queue[CallLeg] = asyncio.Queue()

    async def handler(leg: CallLeg) -> None:
        with pytest.raises(RuntimeError, match="offered"):
            _ = leg.media
        await leg.answer()
        legs.put_nowait(leg)

    line.carrier.on_incoming(handler)
    call = await line.twilio.ring_in(
        line.public_url, from_number=CALLER, to_number=OURS, **{"SipHeader_X-Case": "case-7"}
    )
    leg = await legs.get()
    assert (leg.direction, leg.id, leg.from_number, leg.to_number) == (Direction.INBOUND, call.sid, CALLER, OURS)
    assert leg.headers["x-case"] == "case-7"
    await call.stream.press("7")
    assert await next_of(leg.media, DtmfReceived) == DtmfReceived("7")
    await call.hang_up()
    assert await leg.ended() is Cause.NORMAL
    while not isinstance(await leg.media.receive(), MediaEnded):
        pass
    assert await leg.media.receive() == MediaEnded()


@pytest.mark.parametrize("hidden", ["anonymous", "+266696687", "Restricted", ""])
async def test_a_hidden_number_is_none(line: Line, hidden: str) -> None:
    numbers: asyncio.Queue[str | None] = asyncio.Queue()

    async def handler(leg: CallLeg) -> None:
        numbers.put_nowait(leg.from_number)
        await leg.reject()

    line.carrier.on_incoming(handler)
    await line.twilio.ring_in(line.public_url, from_number=hidden, to_number=OURS)
    assert await numbers.get() is None


@pytest.mark.parametrize(
    ("cause", "reason"),
    [(Cause.BUSY, "busy"), (Cause.OVERLOADED, "busy"), (Cause.DECLINED, "rejected")],
)
async def test_an_inbound_call_is_rejected_without_being_answered(line: Line, cause: Cause, reason: str) -> None:
    ends: asyncio.Queue[Cause] = asyncio.Queue()

    async def handler(leg: CallLeg) -> None:
        await leg.reject(cause)
        ends.put_nowait(await leg.ended())

    line.carrier.on_incoming(handler)
    call = await line.twilio.ring_in(line.public_url, from_number=CALLER, to_number=OURS)
    assert f'<Reject reason="{reason}" />' in call.instructions[0]
    assert await ends.get() is cause
    assert line.carrier.active_calls() == 0


async def test_callers_hear_busy_without_a_handler_and_over_the_limit(open_line: OpenLine) -> None:
    line = await open_line(max_calls=1)
    call = await line.twilio.ring_in(line.public_url, from_number=CALLER, to_number=OURS)
    assert 'reason="busy"' in call.instructions[0]

    await line.carrier.dial(DialRequest(TO))

    async def never(leg: CallLeg) -> None:
        raise AssertionError("no call is offered over the limit")

    line.carrier.on_incoming(never)
    call = await line.twilio.ring_in(line.public_url, from_number=CALLER, to_number=OURS)
    assert 'reason="busy"' in call.instructions[0]
    with pytest.raises(DialFailed) as failed:
        await line.carrier.dial(DialRequest(TO))
    assert failed.value.cause is Cause.OVERLOADED


async def test_a_handler_that_fails_or_forgets_costs_one_call(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    async def fails(leg: CallLeg) -> None:
        raise LookupError("no flow")

    async def forgets(leg: CallLeg) -> None:
        pass

    for handler, logged in ((fails, "handler of an inbound call failed"), (forgets, "neither answered nor rejected")):
        line.carrier.on_incoming(handler)
        call = await line.twilio.ring_in(line.public_url, from_number=CALLER, to_number=OURS)
        assert "<Reject" in call.instructions[0]
        assert logged in caplog.text
    assert line.carrier.active_calls() == 0


async def test_a_handler_that_ponders_too_long_gives_busy(open_line: OpenLine) -> None:
    line = await open_line(decision_seconds=0.1)
    outcome: asyncio.Queue[DialFailed] = asyncio.Queue()

    async def ponders(leg: CallLeg) -> None:
        assert await leg.ended() is Cause.OVERLOADED
        with pytest.raises(DialFailed) as failed:
            await leg.answer()
        outcome.put_nowait(failed.value)

    line.carrier.on_incoming(ponders)
    call = await line.twilio.ring_in(line.public_url, from_number=CALLER, to_number=OURS)
    assert 'reason="busy"' in call.instructions[0]
    assert (await outcome.get()).cause is Cause.OVERLOADED


async def test_a_caller_who_gives_up_first_is_cancelled(line: Line) -> None:
    offered, go_on = asyncio.Event(), asyncio.Event()
    failures: asyncio.Queue[DialFailed] = asyncio.Queue()

    async def slow(leg: CallLeg) -> None:
        offered.set()
        await go_on.wait()
        with pytest.raises(DialFailed) as failed:
            await leg.answer()
        failures.put_nowait(failed.value)

    line.carrier.on_incoming(slow)
    ringing = asyncio.create_task(line.twilio.ring_in(line.public_url, from_number=CALLER, to_number=OURS))
    await offered.wait()
    (call,) = line.twilio.calls.values()
    await call.become("canceled", 487)
    await ringing
    go_on.set()
    assert (await failures.get()).cause is Cause.CANCELLED


@pytest.mark.parametrize(
    ("outcome", "sip_status", "cause"),
    [
        ("busy", 486, Cause.BUSY),
        ("busy", 600, Cause.BUSY),
        ("busy", 603, Cause.DECLINED),
        ("failed", 403, Cause.DECLINED),
        ("failed", 404, Cause.NOT_FOUND),
        ("failed", 410, Cause.NOT_FOUND),
        ("failed", 484, Cause.NOT_FOUND),
        ("failed", 402, Cause.REFUSED_BY_TRUNK),
        ("failed", 503, Cause.OVERLOADED),
        ("failed", 500, Cause.NETWORK_ERROR),
        ("no-answer", 480, Cause.NO_ANSWER),
        ("no-answer", 487, Cause.NO_ANSWER),
        ("unreachable", 480, Cause.UNAVAILABLE),
    ],
)
async def test_a_failed_dial_has_a_typed_cause(line: Line, outcome: str, sip_status: int, cause: Cause) -> None:
    person = line.twilio.person(TO)
    person.outcome, person.sip_status = outcome, sip_status
    with pytest.raises(DialFailed) as failed:
        await line.carrier.dial(DialRequest(TO))
    assert (failed.value.cause, failed.value.status) == (cause, sip_status)
    assert line.carrier.active_calls() == 0


async def test_ringing_ends_after_ring_seconds(line: Line) -> None:
    line.twilio.person(TO).rings_seconds = 60
    with pytest.raises(DialFailed) as failed:
        await line.carrier.dial(DialRequest(TO, ring_seconds=1))
    assert failed.value.cause is Cause.NO_ANSWER


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        ((400, 21211, "Invalid 'To' Phone Number: +861380000XXXX"), Cause.NOT_FOUND),
        ((400, 21219, "The number +8613800000001 is unverified"), Cause.REFUSED_BY_TRUNK),
        ((429, 20429, "Too many requests"), Cause.OVERLOADED),
        ((429, 10004, "Call concurrency limit exceeded"), Cause.OVERLOADED),
        ((503, 20503, "Service unavailable"), Cause.NETWORK_ERROR),
    ],
)
async def test_a_call_that_twilio_does_not_place(line: Line, refusal: tuple[int, int, str], cause: Cause) -> None:
    line.twilio.refuse_calls = refusal
    with pytest.raises(DialFailed) as failed:
        await line.carrier.dial(DialRequest(TO))
    assert (failed.value.cause, failed.value.status) == (cause, refusal[1])
    assert "8613800000001" not in failed.value.reason
    assert line.carrier.active_calls() == 0


async def test_a_cancelled_dial_ends_the_call_even_before_its_sid_is_known(line: Line) -> None:
    line.twilio.answer_after_seconds = 0.3
    line.twilio.person(TO).rings_seconds = 30
    dialling = asyncio.create_task(line.carrier.dial(DialRequest(TO)))
    call = await line.twilio.placed()
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    assert line.carrier.active_calls() == 0
    async with asyncio.timeout(30):
        await call.over.wait()
    assert call.status == "canceled"


async def test_a_cancelled_dial_ends_a_ringing_call(line: Line) -> None:
    line.twilio.person(TO).rings_seconds = 30
    dialling = asyncio.create_task(line.carrier.dial(DialRequest(TO)))
    call = await line.twilio.placed()
    await call.until(lambda: call.status == "ringing")
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    async with asyncio.timeout(30):
        await call.over.wait()
    assert call.status == "canceled"


async def test_a_call_whose_placing_timed_out_does_not_live_on(open_line: OpenLine) -> None:
    line = await open_line(rest_seconds=0.2)
    line.twilio.answer_after_seconds = 0.5
    line.twilio.person(TO).rings_seconds = 0.3
    with pytest.raises(DialFailed) as failed:
        await line.carrier.dial(DialRequest(TO))
    assert failed.value.cause is Cause.NETWORK_ERROR
    assert "did not answer in time" in failed.value.reason
    line.twilio.answer_after_seconds = 0.0
    call = await line.twilio.placed()
    async with asyncio.timeout(30):
        await call.over.wait()
    assert not any(stream.received for stream in call.streams)


async def test_a_stream_that_never_arrives_is_a_clear_error(open_line: OpenLine) -> None:
    line = await open_line(stream_seconds=0.2)
    line.twilio.person(TO).stream_arrives = False
    with pytest.raises(
        DialFailed, match=r"no media stream arrived in 0\.2 s: check that Twilio reaches http"
    ) as failed:
        await line.carrier.dial(DialRequest(TO))
    assert failed.value.cause is Cause.NETWORK_ERROR
    call = await line.twilio.placed()
    assert call.status == "completed"
    assert line.carrier.active_calls() == 0


async def test_missing_status_callbacks_are_a_clear_error(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.twilio._RING_SLACK_SECONDS", 0.1)
    line.twilio.person(TO).outcome = "silence"
    with pytest.raises(DialFailed, match=r"the call is ringing: check that Twilio reaches .*/status") as failed:
        await line.carrier.dial(DialRequest(TO, ring_seconds=0.1))
    assert failed.value.cause is Cause.NO_ANSWER
    assert (await line.twilio.placed()).status == "canceled"


async def test_a_transfer_joins_the_caller_to_the_agent_and_leaves(line: Line) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    await leg.transfer("+12025550111", timeout_seconds=15)
    assert await leg.ended() is Cause.NORMAL
    assert call.dialled == [
        {
            "target": "+12025550111",
            "noun": "Number",
            "action": f"{line.public_url}/transfer/{leg.key}/done",
            "callerId": OURS,
            "method": "POST",
            "timeout": "15",
        }
    ]
    await leg.hang_up()
    assert call.status == "in-progress", "a call that was handed over is no longer ours to end"
    line.twilio.conversation_over.set()
    await call.over.wait()
    assert call.status == "completed"


async def test_a_transfer_to_a_sip_uri_dials_it(line: Line) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    await leg.transfer("sip:agent@pbx.example.com")
    call = await line.twilio.placed()
    assert (call.dialled[0]["noun"], call.dialled[0]["target"]) == ("Sip", "sip:agent@pbx.example.com")


@pytest.mark.parametrize(("outcome", "sip_status"), [("busy", 486), ("no-answer", 480), ("failed", 404)])
async def test_after_a_failed_transfer_the_caller_is_back(line: Line, outcome: str, sip_status: int) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    agent = line.twilio.person("+12025550111")
    agent.outcome, agent.sip_status = outcome, sip_status
    before = await next_of(leg.media, AudioReceived)
    with pytest.raises(TransferFailed) as failed:
        await leg.transfer("+12025550111")
    assert (failed.value.status, failed.value.reason) == (sip_status, outcome)
    assert len(call.streams) == 2
    call.stream.speak(encode_ulaw(tone(0.2)))
    await loud_audio(leg.media, 0.1)
    leg.media.send(tone(0.1))
    leg.media.mark("back")
    await next_of(leg.media, MarkReached)
    assert call.stream.heard == encode_ulaw(tone(0.1))
    after = await next_of(leg.media, AudioReceived)
    assert isinstance(before, AudioReceived)
    assert isinstance(after, AudioReceived)
    assert after.media_seconds > before.media_seconds + 0.2, "the media clock goes on through a transfer"
    await leg.hang_up()


async def test_a_transfer_of_which_nothing_is_heard_is_taken_back(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.twilio_call._TRANSFER_SLACK_SECONDS", -4.7)
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    line.twilio.person("+12025550111").outcome = "silence"
    with pytest.raises(TransferFailed, match="did not say what became of it"):
        await leg.transfer("+12025550111", timeout_seconds=5)
    assert len(call.streams) == 2
    await leg.hang_up()


async def test_a_caller_who_leaves_during_a_transfer(line: Line) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    line.twilio.person("+12025550111").rings_seconds = 30
    transferring = asyncio.create_task(leg.transfer("+12025550111"))
    await call.until(lambda: bool(call.dialled))
    await call.hang_up()
    with pytest.raises(TransferFailed, match="the caller has gone"):
        await transferring
    assert await leg.ended() is Cause.NORMAL


@pytest.mark.parametrize("target", ["", "12025550111", "+1<Hangup/>", "javascript:1", "sip:a b"])
async def test_a_transfer_to_nowhere_leaves_the_call_alone(line: Line, target: str) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    with pytest.raises(TransferFailed, match="neither a number"):
        await leg.transfer(target)
    await next_of(leg.media, AudioReceived)
    await leg.hang_up()


async def test_closing_ends_every_call(line: Line) -> None:
    legs = [await line.carrier.dial(DialRequest(f"+861380000001{n}")) for n in range(3)]
    await line.carrier.close()
    assert [await leg.ended() for leg in legs] == [Cause.NORMAL] * 3
    assert {call.status for call in line.twilio.calls.values()} == {"completed"}
    with pytest.raises(DialFailed, match="not started"):
        await line.carrier.dial(DialRequest(TO))


async def test_twilio_away_at_the_end_of_a_call_still_ends_it(open_line: OpenLine) -> None:
    line = await open_line(rest_seconds=0.2)
    leg = await line.carrier.dial(DialRequest(TO))
    call = await line.twilio.placed()
    line.twilio.answer_after_seconds = 60
    await leg.hang_up()
    assert await leg.ended() is Cause.NORMAL
    async with asyncio.timeout(30):
        await call.over.wait()
    line.twilio.answer_after_seconds = 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"account_sid": "AC1", "public_url": "http://bot.example.com", "max_calls": 0},
            "account_sid.*https.*max_calls",
        ),
        ({"auth_token": "f" * 32}, "HTTP 401, Twilio 20003.*Check account_sid and auth_token"),
        ({"rest_url": "http://127.0.0.1:9"}, "127.0.0.1:9: Twilio cannot be reached.*Check the network"),
        ({"api_key_sid": "SK" + "0" * 32}, "belong together"),
    ],
)
async def test_a_carrier_that_cannot_start_says_how_to_mend_it(
    open_line: OpenLine, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(CarrierUnavailable, match=says):
        await open_line(**changes)


async def test_a_suspended_account_is_said_at_the_start(open_line: OpenLine, twilio: TwilioStandIn) -> None:
    twilio.account_status = "suspended"
    with pytest.raises(CarrierUnavailable, match="is suspended"):
        await open_line()


async def test_settings_do_not_show_their_secrets(line: Line) -> None:
    assert line.settings.auth_token not in repr(line.settings)


async def test_an_inbound_caller_is_transferred_under_our_number(line: Line) -> None:
    legs: asyncio.Queue[CallLeg] = asyncio.Queue()

    async def handler(leg: CallLeg) -> None:
        await leg.answer()
        legs.put_nowait(leg)

    line.carrier.on_incoming(handler)
    call = await line.twilio.ring_in(line.public_url, from_number=CALLER, to_number=OURS)
    leg = await legs.get()
    await leg.transfer("+12025550111")
    assert call.dialled[0]["callerId"] == OURS
    assert line.carrier.active_calls() == 0


async def test_a_step_out_of_order_is_an_error_that_says_so(line: Line) -> None:
    leg = await line.carrier.dial(DialRequest(TO))
    with pytest.raises(RuntimeError, match="cannot be answered: it is talking"):
        await leg.answer()
    with pytest.raises(RuntimeError, match="it is talking; hang up instead"):
        await leg.reject()
    await leg.hang_up()
    await leg.reject()
    with pytest.raises(TransferFailed, match="the call is ended"):
        await leg.transfer("+12025550111")


async def test_hanging_up_an_offered_call_declines_it(line: Line) -> None:
    ends: asyncio.Queue[Cause] = asyncio.Queue()

    async def handler(leg: CallLeg) -> None:
        await leg.hang_up()
        ends.put_nowait(await leg.ended())

    line.carrier.on_incoming(handler)
    call = await line.twilio.ring_in(line.public_url, from_number=CALLER, to_number=OURS)
    assert await ends.get() is Cause.DECLINED
    assert '<Reject reason="rejected" />' in call.instructions[0]


async def test_a_dial_needs_a_caller_id_and_parameters_that_fit(open_line: OpenLine) -> None:
    line = await open_line(caller_id=None)
    with pytest.raises(DialFailed, match="no caller id: set one"):
        await line.carrier.dial(DialRequest(TO))
    with pytest.raises(DialFailed, match="stream parameter 'X-Note' is longer than 500"):
        await line.carrier.dial(DialRequest(TO, caller_id=OURS, headers={"X-Note": "长" * 500}))
    assert line.carrier.active_calls() == 0
    assert not line.twilio.calls


async def test_twilio_may_ask_twice_about_one_call(line: Line) -> None:
    legs: list[CallLeg] = []

    async def handler(leg: CallLeg) -> None:
        legs.append(leg)
        await leg.answer()

    line.carrier.on_incoming(handler)
    form = {"AccountSid": line.twilio.account_sid, "CallSid": "CA" + "1" * 32, "From": CALLER, "To": OURS}
    first, second = [await line.twilio.post(f"{line.public_url}/voice", form) for _ in range(2)]
    assert "<Stream" in first
    assert first == second
    assert len(legs) == 1
