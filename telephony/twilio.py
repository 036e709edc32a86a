"""Twilio as a carrier: calls by REST, decisions by webhook, audio by Media Streams.

Mount `TwilioCarrier.routes()` on an `aiohttp.web.Application` that Twilio reaches under `TwilioSettings.public_url`,
then `start()`. An outbound call carries its instructions with it, so its audio arrives without a further webhook.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web

from telephony.carrier import CarrierUnavailable, Cause, DialFailed, DialRequest, Direction, IncomingHandler
from telephony.twilio_call import TwilioCall
from telephony.twilio_cause import FINAL_STATUSES, cause_of_refusal, cause_of_status
from telephony.twilio_rest import TwilioRefused, TwilioRest
from telephony.twilio_settings import TwilioSettings
from telephony.twilio_signature import Form
from telephony.twilio_twiml import reject_twiml, stream_twiml
from telephony.twilio_webhooks import TwilioWebhooks, sip_status

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_RING_SLACK_SECONDS = 15.0
"""Twilio counts ringing from when the far network takes the call, and adds a few seconds of its own."""
_GIVEN_UP_KEPT = 1000
_WITHHELD = frozenset({"", "anonymous", "+266696687", "266696687", "+86282452253", "restricted", "unavailable"})
"""What Twilio puts in `From` when the caller hides their number; the digits spell ANONYMOUS."""


class TwilioCarrier:
    """A Twilio account as a `Carrier`."""

    name = "twilio"

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._webhooks = TwilioWebhooks(settings, self)
        self._handler: IncomingHandler | None = None
        self._rest: TwilioRest | None = None
        self._calls: dict[str, TwilioCall] = {}
        self._tickets: dict[str, TwilioCall] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._given_up: deque[str] = deque(maxlen=_GIVEN_UP_KEPT)
        self._closing = False

    def routes(self) -> list[web.RouteDef]:
        """The webhooks and the stream, for `web.Application.add_routes`."""
        return self._webhooks.routes()

    async def start(self) -> None:
        """Checks settings, address and credentials. Raises CarrierUnavailable with every remedy at once."""
        problems = self._settings.problems()
        if problems:
            raise CarrierUnavailable("Twilio cannot be used as configured. " + " ".join(problems))
        rest = TwilioRest(self._settings)
        try:
            await self._check_account(rest)
        except BaseException:
            await rest.close()
            raise
        self._rest = rest
        self._closing = False

    def on_incoming(self, handler: IncomingHandler) -> None:
        """Sets who is told of inbound calls; without one, callers hear busy."""
        self._handler = handler

    def active_calls(self) -> int:
        """Calls that ring or talk now."""
        return len(self._calls)

    async def dial(self, request: DialRequest) -> TwilioCall:
        """Places a call and returns when its audio flows. Raises DialFailed; cancelling ends the call."""
        caller_id = request.caller_id or self._settings.caller_id
        if self._rest is None or self._closing:
            raise DialFailed(Cause.NETWORK_ERROR, None, "the Twilio carrier is not started")
        if caller_id is None:
            raise DialFailed(Cause.REFUSED_BY_TRUNK, None, "no caller id: set one in the request or in the settings")
        if len(self._calls) >= self._settings.max_calls:
            raise DialFailed(Cause.OVERLOADED, None, f"{self._settings.max_calls} calls are going on already")
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = self._new_call(Direction.OUTBOUND, "", caller_id, request.to, headers)
        try:
            await self._place(call, request)
            await self._pick_up(call, request.ring_seconds)
            await call.talking()
        except BaseException:
            if call.active:
                self._spawn(call.hang_up())
            raise
        return call

    async def close(self) -> None:
        """Ends every call, then the connections to Twilio."""
        self._closing = True
        await asyncio.gather(*(call.hang_up() for call in list(self._calls.values())), return_exceptions=True)
        waiting = {task for task in self._tasks if task is not asyncio.current_task()}
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=self._settings.rest_seconds)
            for task in late:
                task.cancel()
        if self._rest is not None:
            rest, self._rest = self._rest, None
            await rest.close()

    # What the webhooks ask (`Switchboard`).

    async def incoming(self, form: Form) -> str:
        """Offers an inbound call to the handler and returns its decision as TwiML."""
        call_sid = form.get("CallSid", "")
        call = next((known for known in self._calls.values() if known.id == call_sid), None)
        if call is None:
            if self._handler is None or self._rest is None or self._closing or not call_sid:
                return reject_twiml(Cause.BUSY)
            if len(self._calls) >= self._settings.max_calls:
                _log.warning("An inbound call was refused: too many are going on")
                return reject_twiml(Cause.OVERLOADED)
            caller = form.get("From", "")
            call = self._new_call(
                Direction.INBOUND,
                call_sid,
                None if caller.lower() in _WITHHELD else caller,
                form.get("To", ""),
                {name.lower().removeprefix("sipheader_"): value for name, value in form.items()},
            )
            self._spawn(self._offer(call, self._handler))
        try:
            async with asyncio.timeout(self._settings.decision_seconds):
                return await asyncio.shield(call.decision)
        except TimeoutError:
            _log.error(
                "An inbound call was neither answered nor rejected in time; the caller hears busy",
                extra={"call": call.id},
            )
            call.finish(Cause.OVERLOADED, reason="not decided in time")
            return reject_twiml(Cause.OVERLOADED)

    async def called_back(self, key: str | None, form: Form) -> None:
        """Passes a status on; ends a call that was given up before we learned its SID."""
        call_sid, status = form.get("CallSid", ""), form.get("CallStatus", "")
        if key is None:
            call = next((known for known in self._calls.values() if known.id == call_sid), None)
        else:
            call = self._calls.get(key)
            if key in self._given_up and status not in FINAL_STATUSES and call_sid and self._rest is not None:
                self._spawn(self._end_stray(call_sid))
        if call is not None:
            if not call.id:
                call.identify(call_sid)
            call.status(status, sip_status(form))

    def call(self, key: str) -> TwilioCall | None:
        """A call that goes on, by our own name for it."""
        return self._calls.get(key)

    def redeem(self, ticket: str, call_sid: str) -> TwilioCall | None:
        """The call that a ticket was issued for, once, and only for the stream of that call."""
        call = self._tickets.get(ticket)
        if call is None or (call.id and call.id != call_sid):
            return None
        del self._tickets[ticket]
        call.identify(call_sid)
        return call

    # Its own steps.

    async def _check_account(self, rest: TwilioRest) -> None:
        sid, where = self._settings.account_sid, self._settings.rest_url or "api.twilio.com"
        try:
            status = await rest.account_status()
        except TwilioRefused as refusal:
            raise CarrierUnavailable(f"Twilio account {sid} at {where}: {refusal}. {_remedy(refusal)}") from None
        if status != "active":
            raise CarrierUnavailable(f"Twilio account {sid} is {status}: settle it in the Twilio console.")

    def _new_call(
        self, direction: Direction, call_sid: str, from_number: str | None, to_number: str, headers: dict[str, str]
    ) -> TwilioCall:
        assert self._rest is not None
        call = TwilioCall(
            secrets.token_urlsafe(18),
            direction=direction,
            call_sid=call_sid,
            from_number=from_number,
            to_number=to_number,
            headers=headers,
            settings=self._settings,
            rest=self._rest,
            new_ticket=self._new_ticket,
            on_end=self._forget,
        )
        self._calls[call.key] = call
        return call

    def _new_ticket(self, call: TwilioCall) -> str:
        self._revoke(call)
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = call
        return ticket

    def _revoke(self, call: TwilioCall) -> None:
        for ticket in [ticket for ticket, holder in self._tickets.items() if holder is call]:
            del self._tickets[ticket]

    def _forget(self, call: TwilioCall) -> None:
        self._calls.pop(call.key, None)
        self._revoke(call)

    async def _offer(self, call: TwilioCall, handler: IncomingHandler) -> None:
        try:
            await handler(call)
        except DialFailed as failure:
            _log.info(
                "An inbound call ended before it was answered", extra={"call": call.id, "why": failure.cause.value}
            )
        except Exception:
            _log.exception("The handler of an inbound call failed; the call is ended", extra={"call": call.id})
            await call.hang_up()
        if not call.decision.done():
            _log.error(
                "The handler of an inbound call neither answered nor rejected it; the caller hears busy",
                extra={"call": call.id},
            )
            await call.reject()

    async def _place(self, call: TwilioCall, request: DialRequest) -> None:
        assert self._rest is not None
        try:
            parameters = {**request.headers, "ticket": self._new_ticket(call)}
            twiml = stream_twiml(self._settings.stream_url, parameters)
        except ValueError as error:
            call.finish(Cause.REFUSED_BY_TRUNK)
            raise DialFailed(Cause.REFUSED_BY_TRUNK, None, str(error)) from None
        placing = self._spawn(
            self._rest.place_call(
                to=request.to,
                caller_id=str(call.from_number),
                twiml=twiml,
                status_url=f"{self._settings.public_url.rstrip('/')}/status/{call.key}",
                ring_seconds=min(600, max(1, math.ceil(request.ring_seconds))),
            )
        )
        try:
            # Twilio may already be dialling: a request once sent is never torn off, its answer names the call to end.
            call.identify(await asyncio.shield(placing))
        except TwilioRefused as refusal:
            if refusal.status is None:
                # No answer is no proof that nobody is being called.
                self._given_up.append(call.key)
                if call.id:
                    self._spawn(self._end_stray(call.id))
            cause = cause_of_refusal(refusal.status, refusal.code)
            call.finish(cause)
            raise DialFailed(cause, refusal.code or refusal.status, refusal.reason) from None
        except asyncio.CancelledError:
            self._given_up.append(call.key)
            call.finish(Cause.CANCELLED)
            self._spawn(self._end_when_placed(placing))
            raise

    async def _pick_up(self, call: TwilioCall, ring_seconds: float) -> None:
        assert self._rest is not None
        try:
            async with asyncio.timeout(ring_seconds + _RING_SLACK_SECONDS):
                await call.picked_up()
            return
        except TimeoutError:
            _log.warning("No status callback came for a call; Twilio is asked", extra={"call": call.id})
        try:
            status = await self._rest.call_status(call.id)
        except TwilioRefused:
            status = "unknown"
        cause = cause_of_status(status, None, rang=True) if status in FINAL_STATUSES else Cause.NO_ANSWER
        await call.hang_up()
        raise DialFailed(
            cause,
            None,
            f"Twilio did not report the end of ringing, the call is {status}: "
            f"check that Twilio reaches {self._settings.public_url}/status",
        )

    async def _end_when_placed(self, placing: asyncio.Task[str]) -> None:
        try:
            await self._end_stray(await placing)
        except TwilioRefused:
            _log.info("A call that was given up had not been placed")

    async def _end_stray(self, call_sid: str) -> None:
        assert self._rest is not None
        try:
            await self._rest.end_call(call_sid)
        except TwilioRefused as refusal:
            _log.warning("A call that was given up could not be ended", extra={"call": call_sid, "why": str(refusal)})

    def _spawn(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _remedy(refusal: TwilioRefused) -> str:
    if refusal.status == 401:
        return "Check account_sid and auth_token (or the API key) against the Twilio console."
    if refusal.status is None:
        return "Check the network and rest_url; outgoing HTTPS to Twilio must be open."
    return "See Twilio's error dictionary for the code."
