"""The tables of `voicebot.toml` about ways in and out: SIP, Twilio, AudioSocket, the browser."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Literal

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from telephony import sip_trunk
from telephony.audiosocket import AudioSocketGate
from telephony.browser import BrowserSettings
from telephony.twilio_settings import TwilioSettings
from voicebot.settings.section import Identifier, Port, Secret, Section, plain, unique


class SipTrunk(Section):
    """One way to the telephone network over SIP."""

    name: Identifier
    """Name by which agents and metrics refer to the trunk."""
    host: str = Field(min_length=1)
    """Host name or address of the provider or PBX."""
    port: Port = 5060
    """Port of the provider or PBX, 1 to 65535."""
    transport: Literal["udp", "tcp", "tls"] = "udp"
    """Transport of the signalling: udp, tcp or tls."""
    user: str | None = None
    """User for digest authentication; leave out where the trunk knows our address."""
    password: Secret | None = None
    """Password for digest authentication. `file:/path` reads it from a file."""
    auth_user: str | None = None
    """Name used in digest authentication, where it is not `user`."""
    domain: str | None = None
    """Domain of our own address, where the trunk wants one; left out, its host and port."""
    outbound_proxy: str | None = None
    """host or host:port that every request goes through; left out, the trunk itself."""
    register_: bool = Field(False, alias="register")
    """Whether to register with the trunk (needed when it must find us behind a changing address)."""
    caller_id: str | None = None
    """Number shown to the person called, E.164; left out, the trunk's own."""
    codecs: tuple[Literal["PCMA", "PCMU"], ...] = Field(("PCMA", "PCMU"), min_length=1)
    """Codecs in order of preference."""
    dtmf: Literal["auto", "rtpevent", "info"] = "auto"
    """How keys are pressed towards the trunk: auto, rtpevent (RFC 4733) or info (SIP INFO)."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True, populate_by_name=True
    )

    @model_validator(mode="after")
    def _registration_has_credentials(self) -> SipTrunk:
        if self.register_ and (not self.user or self.password is None):
            raise PydanticCustomError("trunk", "`register = true` needs `user` and `password`")
        return self

    def account(self) -> sip_trunk.SipTrunk:
        """The trunk as the carrier takes it."""
        return sip_trunk.SipTrunk(
            name=self.name,
            host=self.host,
            port=self.port,
            user=self.user or "",
            password=plain(self.password) or "",
            auth_user=self.auth_user,
            domain=self.domain,
            outbound_proxy=self.outbound_proxy,
            register=self.register_,
            transport=sip_trunk.SipTransport(self.transport),
            codecs=tuple(sip_trunk.Codec(codec.lower()) for codec in self.codecs),
            caller_id=self.caller_id,
            dtmf=sip_trunk.DtmfMode(self.dtmf),
        )


class SipSettings(Section):
    """Telephone calls over SIP and RTP."""

    enabled: bool = True
    """Whether the engine speaks SIP."""
    host: str = "127.0.0.1"
    """Address to listen on for signalling and media. Set it to the machine's own address to be reached from outside;
    0.0.0.0 is every address."""
    port: Port = 5060
    """UDP and TCP port for signalling, 1 to 65535."""
    rtp_port_first: Port = 16384
    """First UDP port for media; every call takes two."""
    rtp_port_last: Port = 18383
    """Last UDP port for media, above the first."""
    max_calls: int = Field(60, ge=1, le=180)
    """Calls at a time on this worker, 1 to 180; the next one is refused as busy here."""
    accept_from: Literal["trunks", "anyone"] | None = None
    """Whose calls are taken: trunks (the last hop must name a trunk's host) or anyone who reaches the port. Left out:
    trunks where there are any, else anyone. It keeps scanners out, not a forger: on the open internet put an access
    list in front."""
    trunks: tuple[SipTrunk, ...] = ()
    """Ways to the telephone network. The first one dials unless a caller names another."""

    @model_validator(mode="after")
    def _ranges(self) -> SipSettings:
        ports = self.rtp_port_last - self.rtp_port_first + 1
        if ports < 2 * self.max_calls:
            raise PydanticCustomError(
                "rtp_ports",
                "the media range has {ports} ports, and {calls} calls need {need}: widen it or lower max_calls",
                {"ports": max(ports, 0), "calls": self.max_calls, "need": 2 * self.max_calls},
            )
        if self.rtp_port_first <= self.port <= self.rtp_port_last:
            raise PydanticCustomError(
                "rtp_ports", "port {port} lies inside the range of media ports", {"port": self.port}
            )
        unique("trunk", [trunk.name for trunk in self.trunks])
        return self

    def end(self) -> sip_trunk.SipSettings:
        """The engine's SIP end as the carrier takes it."""
        accept = self.accept_from or ("trunks" if self.trunks else "anyone")
        return sip_trunk.SipSettings(
            host=self.host,
            port=self.port,
            rtp_ports=(self.rtp_port_first, self.rtp_port_last),
            trunks=tuple(trunk.account() for trunk in self.trunks),
            accept_from=sip_trunk.AcceptFrom(accept),
            max_calls=self.max_calls,
        )


class TwilioSection(Section):
    """Telephone calls over Twilio: its API for calls, its media streams for audio."""

    enabled: bool = False
    """Whether the engine takes and places calls over Twilio."""
    account_sid: str = ""
    """Account SID from the Twilio console: AC and 32 hexadecimal digits."""
    auth_token: Secret = SecretStr("")
    """Primary auth token; it also checks the signatures of incoming requests. `file:/path` reads it from a file."""
    secondary_auth_token: Secret | None = None
    """The other auth token while the primary one is being rotated."""
    api_key_sid: str | None = None
    """API key for REST calls (SK and 32 hexadecimal digits); left out, the auth token is used."""
    api_key_secret: Secret | None = None
    """Secret of the API key. `file:/path` reads it from a file."""
    public_url: str = ""
    """Address under which Twilio reaches our routes, such as https://voice.example.com/twilio, as seen from outside of
    any proxy. Signatures are computed over it."""
    path_prefix: str = "/twilio"
    """Path of the routes on this engine. Differs from public_url's only when a proxy rewrites paths."""
    caller_id: str | None = None
    """Number shown to people called, E.164, bought from or verified with Twilio."""
    region: str | None = None
    """Twilio region for REST calls, such as ie1; left out, the United States."""
    edge: str | None = None
    """Twilio edge for REST calls, such as dublin; left out, Twilio chooses."""
    rest_url: str | None = Field(None, pattern=r"^https?://[^/?#]+[^?#]*$")
    """Address that answers Twilio's REST instead of api.twilio.com: a proxy of yours."""
    max_calls: int = Field(50, ge=1, le=1000)
    """Calls at a time over Twilio on this worker, 1 to 1000; more are refused as busy."""
    rest_seconds: float = Field(10.0, gt=0, le=60)
    """Seconds that one REST request may take, up to 60."""
    decision_seconds: float = Field(10.0, gt=0, le=14)
    """Seconds in which an inbound call is answered or refused, up to 14: Twilio gives up on a webhook after 15."""
    stream_seconds: float = Field(10.0, gt=0, le=60)
    """Seconds in which the media stream must arrive after a call was answered, up to 60."""
    ahead_seconds: float = Field(0.06, ge=0.02, le=2)
    """Seconds of audio that may lie at Twilio unplayed, 0.02 to 2. More survives worse networks, and stops later when a
    caller breaks in."""

    @model_validator(mode="after")
    def _usable(self) -> TwilioSection:
        if self.enabled and (problems := self.account().problems()):
            raise PydanticCustomError("twilio", "{problems}", {"problems": " ".join(problems)})
        return self

    def account(self) -> TwilioSettings:
        """The account as the carrier takes it."""
        return TwilioSettings(
            account_sid=self.account_sid,
            auth_token=self.auth_token.get_secret_value(),
            public_url=self.public_url,
            caller_id=self.caller_id,
            path_prefix=self.path_prefix,
            secondary_auth_token=plain(self.secondary_auth_token),
            api_key_sid=self.api_key_sid,
            api_key_secret=plain(self.api_key_secret),
            region=self.region,
            edge=self.edge,
            rest_url=self.rest_url,
            max_calls=self.max_calls,
            rest_seconds=self.rest_seconds,
            decision_seconds=self.decision_seconds,
            stream_seconds=self.stream_seconds,
            ahead_seconds=self.ahead_seconds,
        )


class AudioSocketSettings(Section):
    """Audio from an Asterisk PBX over AudioSocket."""

    enabled: bool = False
    """Whether the engine listens for AudioSocket connections."""
    host: str = "127.0.0.1"
    """Address to listen on. The protocol has no authentication: keep it off public networks."""
    port: Port = 9092
    """TCP port, 1 to 65535."""
    allowed: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that connections may come from, such as 10.0.0.0/8."""
    max_calls: int = Field(50, ge=1, le=1000)
    """Calls at a time over AudioSocket on this worker, 1 to 1000."""
    announce_token: Secret | None = None
    """Token with which the dialplan announces a call's numbers over HTTP; left out, nothing can be announced."""
    announced_only: bool = False
    """Whether calls that were not announced are turned away."""

    @field_validator("allowed")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text)
            except ValueError as error:
                given = {"text": text, "error": str(error)}
                raise PydanticCustomError("network", "`{text}` is not a network: {error}", given) from error
        return value

    def gate(self) -> AudioSocketGate:
        """Whom the carrier lets in."""
        return AudioSocketGate(
            allowed=self.allowed,
            max_calls=self.max_calls,
            announce_token=plain(self.announce_token),
            announced_only=self.announced_only,
        )


class BrowserSection(Section):
    """A telephone on a web page, for trying a flow by ear. Calls come in over it; it cannot be called."""

    enabled: bool = False
    """Whether the engine serves the page and takes its calls."""
    token: Secret = SecretStr("")
    """Secret that the page asks for, 16 characters at least. `file:/path` reads it from a file."""
    path_prefix: str = "/phone"
    """Path of the page on this engine."""
    max_calls: int = Field(4, ge=1, le=100)
    """Calls at a time from browsers, 1 to 100; more are turned away."""

    @model_validator(mode="after")
    def _usable(self) -> BrowserSection:
        if self.enabled and len(self.token.get_secret_value()) < 16:
            raise PydanticCustomError(
                "browser", "`enabled = true` needs a `token` of at least 16 characters: whoever has it can call"
            )
        if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", self.path_prefix) or self.path_prefix.startswith("/api"):
            raise PydanticCustomError(
                "path",
                "path_prefix `{path}` must begin with /, not end with it, and lie outside of /api",
                {"path": self.path_prefix},
            )
        return self

    def page(self) -> BrowserSettings:
        """The page as the carrier takes it."""
        return BrowserSettings(
            token=self.token.get_secret_value(), path_prefix=self.path_prefix, max_calls=self.max_calls
        )
