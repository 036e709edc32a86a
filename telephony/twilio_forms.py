"""Forms that Twilio posts to us: read only when Twilio signed them."""

from __future__ import annotations

import logging

from aiohttp import web
from multidict import MultiDict

from telephony.twilio_settings import TwilioSettings
from telephony.twilio_signature import SIGNATURE_HEADER, Form, WebhookSignature

_log = logging.getLogger(__name__)

FORM_LIMIT = 65536
"""Bytes of a webhook. A genuine one stays under 8 KiB."""


class FormRefused(Exception):
    """What was posted is not a form of Twilio's; `status` answers it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why

    def response(self) -> web.Response:
        _log.warning("A request to Twilio's routes was refused", extra={"status": self.status, "why": self.why})
        return web.Response(status=self.status, text=self.why)


class SignedForms:
    """Reads the forms of one account."""

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        tokens = [token for token in (settings.auth_token, settings.secondary_auth_token) if token]
        self.signature = WebhookSignature(settings.public_url, tokens)

    async def read(self, request: web.Request) -> Form:
        """The form of a request that Twilio signed for this address and account. Raises FormRefused."""
        if request.content_type != "application/x-www-form-urlencoded":
            raise FormRefused(415, "a webhook is a posted form")
        if request.content_length is None or request.content_length > FORM_LIMIT:
            raise FormRefused(413, "a webhook says how long it is, and is short")
        try:
            posted = await request.post()
        except (ValueError, LookupError):
            raise FormRefused(400, "the form cannot be read") from None
        form = MultiDict((name, value) for name, value in posted.items() if isinstance(value, str))
        if not self.signature.signs_form(self.path(request), form, request.headers.get(SIGNATURE_HEADER)):
            raise FormRefused(403, "not signed by Twilio for this address")
        if form.get("AccountSid", self._settings.account_sid) != self._settings.account_sid:
            raise FormRefused(403, "signed for another account")
        return form

    def path(self, request: web.Request) -> str:
        """What follows `public_url` in the address that Twilio asked for."""
        return request.rel_url.raw_path_qs.removeprefix(self._settings.path_prefix)
