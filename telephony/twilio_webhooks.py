"""The routes at which Twilio reaches us: webhooks and media streams, every one of them signed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import WSCloseCode, web

from telephony.twilio_call import TwilioCall
from telephony.twilio_forms import FormRefused, SignedForms
from telephony.twilio_messages import ProtocolViolation
from telephony.twilio_settings import TwilioSettings
from telephony.twilio_signature import SIGNATURE_HEADER, Form
from telephony.twilio_stream import TwilioStream, new_websocket
from telephony.twilio_twiml import hang_up_twiml

_log = logging.getLogger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_FormHandler = Callable[[web.Request, Form], Awaitable[web.Response]]


class Switchboard(Protocol):
    """What the routes ask of the carrier."""

    async def incoming(self, form: Form) -> str:
        """TwiML for an inbound call."""
        ...

    async def called_back(self, key: str | None, form: Form) -> None:
        """A status callback, of our call `key` or of an inbound call."""
        ...

    def call(self, key: str) -> TwilioCall | None:
        """A call that goes on, by our own name for it."""
        ...

    def redeem(self, ticket: str, call_sid: str) -> TwilioCall | None:
        """The call that a stream's ticket was issued for; a ticket admits once."""
        ...


class TwilioWebhooks:
    """Checks who asks, reads what they say, passes it on. Answers 403 to what Twilio did not sign."""

    def __init__(self, settings: TwilioSettings, switchboard: Switchboard) -> None:
        self._settings = settings
        self._switchboard = switchboard
        self._forms = SignedForms(settings)

    def routes(self) -> list[web.RouteDef]:
        """Route definitions for `web.Application.add_routes`."""
        prefix = self._settings.path_prefix
        return [
            web.post(f"{prefix}/voice", self._posted(self._voice)),
            web.post(f"{prefix}/status", self._posted(self._status)),
            web.post(f"{prefix}/status/{{key}}", self._posted(self._status)),
            web.post(f"{prefix}/transfer/{{key}}/answered", self._posted(self._transfer_answered)),
            web.post(f"{prefix}/transfer/{{key}}/done", self._posted(self._transfer_done)),
            web.get(f"{prefix}/stream", self._stream),
        ]

    def _posted(self, handler: _FormHandler) -> _Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            try:
                form = await self._forms.read(request)
            except FormRefused as refusal:
                return refusal.response()
            return await handler(request, form)

        return checked

    async def _voice(self, request: web.Request, form: Form) -> web.Response:
        return _twiml(await self._switchboard.incoming(form))

    async def _status(self, request: web.Request, form: Form) -> web.Response:
        await self._switchboard.called_back(request.match_info.get("key"), form)
        return web.Response(status=204)

    async def _transfer_answered(self, request: web.Request, form: Form) -> web.Response:
        call = self._switchboard.call(request.match_info["key"])
        if call is not None:
            call.transfer_answered()
        return web.Response(status=204)

    async def _transfer_done(self, request: web.Request, form: Form) -> web.Response:
        call = self._switchboard.call(request.match_info["key"])
        if call is None:
            return _twiml(hang_up_twiml())
        instructions = call.transfer_done(
            form.get("DialCallStatus", ""), sip_status(form, "DialSipResponseCode"), form.get("CallStatus", "")
        )
        return _twiml(instructions)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        signature = request.headers.get(SIGNATURE_HEADER)
        if not self._forms.signature.signs_handshake(self._forms.path(request), signature):
            return FormRefused(403, "not signed by Twilio for this address").response()
        socket = new_websocket()
        if not socket.can_prepare(request):
            return FormRefused(426, "a media stream is a websocket").response()
        await socket.prepare(request)
        stream = TwilioStream(socket)
        try:
            started = await stream.started()
            if started.account_sid != self._settings.account_sid:
                raise ProtocolViolation("expected a stream of our account, got another's")
            call = self._switchboard.redeem(started.parameters.get("ticket", ""), started.call_sid)
            if call is None:
                raise ProtocolViolation("expected the ticket of a call that waits for its stream, got none")
        except ProtocolViolation as violation:
            _log.warning("A media stream was turned away", extra={"why": str(violation)})
            await stream.close(WSCloseCode.POLICY_VIOLATION)
        else:
            await call.carry(stream)
            await stream.close()
        return socket


def sip_status(form: Form, name: str = "SipResponseCode") -> int | None:
    """The SIP status that the far network gave, where Twilio passes it on."""
    text = form.get(name, "")
    return int(text) if len(text) == 3 and text.isascii() and text.isdecimal() else None


def _twiml(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml")
