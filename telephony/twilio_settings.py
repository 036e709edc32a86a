"""What the operator tells us about a Twilio account, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class TwilioSettings:
    """One Twilio account (or subaccount) and the address under which Twilio reaches us."""

    account_sid: str
    """Account SID: AC and 32 hexadecimal digits."""
    auth_token: str = field(repr=False)
    """Primary auth token. It signs the webhooks, so it is needed even when REST goes by API key."""
    public_url: str
    """Address of our routes as Twilio sees them, such as `https://bot.example.com/twilio`. Signatures cover it,
    so it is the address outside of any proxy, not the one we listen on."""
    caller_id: str | None = None
    """Number shown to people called, E.164, bought from or verified with Twilio; None: every dial brings its own."""
    path_prefix: str = "/twilio"
    """Path under which the routes are mounted here. Differs from `public_url`'s when a proxy rewrites paths."""
    secondary_auth_token: str | None = field(default=None, repr=False)
    """The other token while the primary one is being rotated; webhooks signed with either are accepted."""
    api_key_sid: str | None = None
    """API key for REST calls (SK and 32 hexadecimal digits); None uses the auth token."""
    api_key_secret: str | None = field(default=None, repr=False)
    """Secret of the API key."""
    region: str | None = None
    """Twilio region for REST calls: `ie1`, `au1`; None is the United States."""
    edge: str | None = None
    """Twilio edge for REST calls, such as `dublin`; None lets Twilio choose."""
    rest_url: str | None = None
    """Address that answers Twilio's REST instead of api.twilio.com: a proxy, or a stand-in for tests."""
    max_calls: int = 50
    """Calls that may ring or talk at once; more are refused as busy."""
    rest_seconds: float = 10.0
    """Seconds one REST request may take."""
    decision_seconds: float = 10.0
    """Seconds in which an inbound call must be answered or rejected; Twilio gives up on a webhook after 15."""
    stream_seconds: float = 10.0
    """Seconds in which the media stream must arrive after a call was answered."""
    ahead_seconds: float = 0.06
    """Seconds of audio that may lie at Twilio unplayed. More survives worse networks, and stops later."""

    @property
    def stream_url(self) -> str:
        """Address of the media stream as Twilio is told it."""
        return f"{self.public_url.rstrip('/').replace('http', 'ws', 1)}/stream"

    def problems(self) -> list[str]:
        """What is wrong, one sentence each with the remedy; empty when the settings can be used."""
        found: list[str] = []
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", self.account_sid):
            found.append("account_sid is not AC and 32 hexadecimal digits: copy it from the Twilio console.")
        if not self.auth_token:
            found.append(
                "auth_token is empty: without it webhooks cannot be verified; copy it from the Twilio console."
            )
        if (self.api_key_sid is None) != (self.api_key_secret is None):
            found.append("api_key_sid and api_key_secret belong together: set both or neither.")
        public = urlsplit(self.public_url)
        if not public.hostname or public.query or public.fragment:
            found.append(
                f"public_url {self.public_url!r} is not an address without query, like https://bot.example.com/twilio."
            )
        elif public.scheme != "https" and not (public.scheme == "http" and public.hostname in _LOOPBACK):
            found.append(f"public_url {self.public_url!r} must begin with https: Twilio streams media over TLS only.")
        if self.caller_id is not None and not re.fullmatch(r"\+[1-9]\d{6,14}", self.caller_id):
            found.append("caller_id is not in E.164, like +12025550100.")
        if self.path_prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", self.path_prefix):
            found.append(f"path_prefix {self.path_prefix!r} must begin with / and not end with it.")
        found.extend(
            f"{name} must be greater than 0."
            for name in ("max_calls", "rest_seconds", "decision_seconds", "stream_seconds", "ahead_seconds")
            if getattr(self, name) <= 0
        )
        return found
