"""Twilio's REST for calls, through its own SDK and its asynchronous client."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from telephony.twilio_settings import TwilioSettings

# The SDK writes whole requests into its log at INFO; ours stay out of it.
_sdk_log = logging.getLogger(f"{__name__}.sdk")
_sdk_log.setLevel(logging.WARNING)

CALL_IS_OVER = frozenset({20404, 21220})
"""Codes of requests about a call that has ended: no such call, or not in progress."""


class TwilioRefused(Exception):
    """Twilio did not do what was asked, or did not answer. The text holds no telephone numbers."""

    def __init__(self, status: int | None, code: int | None, reason: str, *, sent: bool = True) -> None:
        reason = re.sub(r"\+?\d{7,}", "(number)", reason)
        super().__init__(f"{reason} (HTTP {status or 'no answer'}, Twilio {code or 'no code'})")
        self.status = status
        """HTTP status, None when no answer came."""
        self.code = code
        """Twilio's error code, None when it gave none."""
        self.sent = sent
        """False when the request certainly did not reach Twilio."""
        self.reason = reason

    @property
    def call_is_over(self) -> bool:
        """True when the request failed only because its call has ended."""
        return self.code in CALL_IS_OVER


class _Transport:
    """The SDK's HTTP client, sent to another address and bounded in time."""

    is_async = True

    def __init__(self, settings: TwilioSettings) -> None:
        self._client = AsyncTwilioHttpClient(logger=_sdk_log)
        self._instead = urlsplit(settings.rest_url) if settings.rest_url else None
        self._seconds = settings.rest_seconds

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **arguments: Any,
    ) -> Any:
        headers = dict(headers or {})
        if auth is not None:
            # The SDK's own way goes through aiohttp.BasicAuth, which is on its way out and warns.
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        if self._instead is not None:
            asked = urlsplit(url)
            path = self._instead.path.rstrip("/") + asked.path
            url = urlunsplit((self._instead.scheme, self._instead.netloc, path, asked.query, ""))
        async with asyncio.timeout(self._seconds):
            return await self._client.request(method, url, headers=headers, **arguments)

    async def close(self) -> None:
        await self._client.close()


class TwilioRest:
    """What the carrier asks of Twilio. Every method raises TwilioRefused."""

    def __init__(self, settings: TwilioSettings) -> None:
        """Must be made inside a running event loop."""
        self._account_sid = settings.account_sid
        self._transport = _Transport(settings)
        self._client: Any = Client(
            username=settings.api_key_sid or settings.account_sid,
            password=settings.api_key_secret or settings.auth_token,
            account_sid=settings.account_sid,
            region=settings.region,
            edge=settings.edge,
            http_client=self._transport,
        )

    async def account_status(self) -> str:
        """`active`, `suspended` or `closed`: proves address and credentials."""
        account = await self._ask(self._client.api.v2010.accounts(self._account_sid).fetch_async())
        return str(account.status)

    async def place_call(self, *, to: str, caller_id: str, twiml: str, status_url: str, ring_seconds: int) -> str:
        """Begins to call `to` and returns the call's SID. Never repeated by itself: the call might ring twice."""
        call = await self._ask(
            self._client.calls.create_async(
                to=to,
                from_=caller_id,
                twiml=twiml,
                timeout=ring_seconds,
                status_callback=status_url,
                status_callback_method="POST",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
            )
        )
        return str(call.sid)

    async def call_status(self, call_sid: str) -> str:
        """The call's `CallStatus` now."""
        call = await self._ask(self._client.calls(call_sid).fetch_async())
        return str(call.status)

    async def end_call(self, call_sid: str) -> None:
        """Ends a call, ringing or talking; one that is over is none to complain about."""
        try:
            await self._ask(self._client.calls(call_sid).update_async(status="completed"))
        except TwilioRefused as refusal:
            if not refusal.call_is_over:
                raise

    async def redirect_call(self, call_sid: str, twiml: str) -> None:
        """Gives a call in progress other instructions; its media stream stops."""
        await self._ask(self._client.calls(call_sid).update_async(twiml=twiml))

    async def send_message(self, *, to: str, sender: str, body: str, status_url: str) -> str:
        """Hands a text message over and returns its SID. Never repeated by itself: it might be read twice.

        `sender` is a number of the account, or the SID of a messaging service (MG...).
        """
        service = sender.startswith("MG")
        message = await self._ask(
            self._client.messages.create_async(
                to=to,
                body=body,
                status_callback=status_url,
                **({"messaging_service_sid": sender} if service else {"from_": sender}),
            )
        )
        return str(message.sid)

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    @staticmethod
    async def _ask(request: Any) -> Any:
        try:
            return await request
        except TwilioRestException as error:
            raise TwilioRefused(error.status, error.code, str(error.msg)) from None
        except TimeoutError:
            raise TwilioRefused(None, None, "Twilio did not answer in time") from None
        except aiohttp.ClientError as error:
            sent = not isinstance(error, aiohttp.ClientConnectorError)
            raise TwilioRefused(None, None, f"Twilio cannot be reached: {error}", sent=sent) from None
        except (TwilioException, ValueError, KeyError) as error:
            raise TwilioRefused(None, None, f"what answers is not Twilio: {type(error).__name__}") from None
