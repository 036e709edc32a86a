"""Whether a request really comes from Twilio. Source: Twilio's "Webhooks security"."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import MultiDict, MultiDictProxy
from twilio.request_validator import RequestValidator

SIGNATURE_HEADER = "X-Twilio-Signature"

Form = MultiDict[str] | MultiDictProxy[str]


class WebhookSignature:
    """Checks signatures against the address that Twilio knows us by."""

    def __init__(self, public_url: str, auth_tokens: Iterable[str]) -> None:
        """`auth_tokens` are all that may sign: the primary one, and the secondary one during a rotation."""
        self._public_url = public_url.rstrip("/")
        self._validators = [RequestValidator(token) for token in auth_tokens]

    def signs_form(self, path: str, form: Form, signature: str | None) -> bool:
        """True when `signature` covers the posted `form`; `path` is what follows `public_url`, with its query."""
        return self._signed(self._public_url + path, form, signature)

    def signs_handshake(self, path: str, signature: str | None) -> bool:
        """True when `signature` covers the opening of a websocket. Twilio signs it with the ws or wss address."""
        address = self._public_url.replace("http", "ws", 1) + path
        # Seen from Twilio in the field: the address signed with a slash behind it, which the request does not have.
        return any(self._signed(url, MultiDict(), signature) for url in (address, address + "/"))

    def _signed(self, url: str, form: Form, signature: str | None) -> bool:
        if not signature:
            return False
        return any(bool(validator.validate(url, form, signature)) for validator in self._validators)
