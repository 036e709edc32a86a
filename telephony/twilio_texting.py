"""Text messages over Twilio: sent by REST, reported and answered by signed webhooks.

Mount `routes()` where Twilio reaches us, and enter `<public_url>/message` as the number's (or messaging service's)
webhook for incoming messages. Source: Twilio's "Messages resource" and "Track outbound message status".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from telephony.texting import (
    Fate,
    IncomingText,
    IncomingTexts,
    OutgoingText,
    TextReceipt,
    TextRefused,
    TextReport,
    TextReports,
    TextStatus,
)
from telephony.twilio_forms import FormRefused, SignedForms
from telephony.twilio_rest import TwilioRefused, TwilioRest
from telephony.twilio_settings import TwilioSettings

_log = logging.getLogger(__name__)

OPTED_OUT = 21610
"""Twilio's code for a person who answered STOP."""
_TOO_MANY = 429
_THEIR_FAULT = 500
_EMPTY_ANSWER = "<Response/>"
_STATUSES: Mapping[str, TextStatus] = {
    "delivered": TextStatus.DELIVERED,
    "read": TextStatus.DELIVERED,
    "undelivered": TextStatus.FAILED,
    "failed": TextStatus.FAILED,
    "canceled": TextStatus.FAILED,
}


class TwilioTexting:
    """A Twilio account as a `MessageSender`."""

    name = "twilio"

    def __init__(self, settings: TwilioSettings, sender: str) -> None:
        """`sender` is a number of the account, E.164, or the SID of a messaging service."""
        self._settings = settings
        self._sender = sender
        self._forms = SignedForms(settings)
        self._rest: TwilioRest | None = None
        self._on_report: TextReports | None = None
        self._on_text: IncomingTexts | None = None

    def listen(self, on_report: TextReports, on_text: IncomingTexts) -> None:
        """Sets who is told of reports and of answers. What they raise is answered 500, and Twilio logs it."""
        self._on_report = on_report
        self._on_text = on_text

    def routes(self) -> list[web.RouteDef]:
        """Route definitions for `web.Application.add_routes`."""
        prefix = self._settings.path_prefix
        return [
            web.post(f"{prefix}/message", self._incoming),
            web.post(f"{prefix}/message/{{id}}/status", self._status),
        ]

    async def send(self, text: OutgoingText) -> TextReceipt:
        """Hands a message over, once. Raises TextRefused."""
        if self._rest is None:
            self._rest = TwilioRest(self._settings)
        try:
            sid = await self._rest.send_message(
                to=text.to,
                sender=self._sender,
                body=text.body,
                status_url=f"{self._settings.public_url.rstrip('/')}/message/{text.id}/status",
            )
        except TwilioRefused as refused:
            raise TextRefused(_fate(refused), str(refused), opted_out=refused.code == OPTED_OUT) from None
        return TextReceipt(TextStatus.TAKEN, sid)

    async def close(self) -> None:
        if self._rest is not None:
            rest, self._rest = self._rest, None
            await rest.close()

    async def _status(self, request: web.Request) -> web.Response:
        try:
            form = await self._forms.read(request)
        except FormRefused as refused:
            return refused.response()
        status = form.get("MessageStatus", "")
        code, words = form.get("ErrorCode", ""), re.sub(r"\+?\d{7,}", "(number)", form.get("ErrorMessage", ""))
        report = TextReport(
            request.match_info["id"],
            form.get("MessageSid", ""),
            _STATUSES.get(status, TextStatus.TAKEN),
            f"{status}: Twilio {code} {words}".rstrip() if code else "",
        )
        if self._on_report is not None:
            await self._on_report(report)
        return web.Response(status=204)

    async def _incoming(self, request: web.Request) -> web.Response:
        try:
            form = await self._forms.read(request)
        except FormRefused as refused:
            return refused.response()
        text = IncomingText(
            form.get("MessageSid", ""),
            form.get("From", ""),
            form.get("To", ""),
            form.get("Body", ""),
            datetime.now(UTC),
        )
        if self._on_text is not None:
            await self._on_text(text)
        # Twilio sends nothing back of its own accord for an empty answer.
        return web.Response(text=_EMPTY_ANSWER, content_type="text/xml")


def _fate(refused: TwilioRefused) -> Fate:
    if refused.status is None:
        return Fate.UNSURE if refused.sent else Fate.NOT_SENT
    if refused.status == _TOO_MANY:
        return Fate.NOT_SENT
    return Fate.UNSURE if refused.status >= _THEIR_FAULT else Fate.NEVER
