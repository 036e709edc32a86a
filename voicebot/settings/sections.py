"""The sections of `voicebot.toml`. A field's description is its documentation: meaning, unit, range."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from telephony import sip_trunk
from telephony.audiosocket import AudioSocketGate
from telephony.twilio_settings import TwilioSettings

Port = Annotated[int, Field(ge=1, le=65535)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


def _read_secret(value: object) -> object:
    """`file:/run/secrets/name` stands for the first line of that file: a secret need not lie in the configuration."""
    if not isinstance(value, str) or not value.startswith("file:"):
        return value
    path = Path(value.removeprefix("file:"))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PydanticCustomError(
            "secret_file",
            "the file {path} that holds this secret cannot be read: {error}",
            {"path": str(path), "error": str(error)},
        ) from error
    if not lines or not lines[0].strip():
        raise PydanticCustomError("secret_file", "the file {path} that holds this secret is empty", {"path": str(path)})
    return lines[0].strip()


Secret = Annotated[SecretStr, BeforeValidator(_read_secret)]


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes, values do not change while the engine runs."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)


class WorkerSettings(Section):
    """The process itself."""

    id: Identifier = "worker-1"
    """Name of this worker in logs, metrics and records. Unique among workers of one database; with `--workers N` a
    number is appended."""
    data_dir: Path = Path("voicebot-data")
    """Folder for everything the engine keeps on this machine: database, keys, recordings. A
    relative path counts from the configuration file."""
    drain_seconds: float = Field(60.0, ge=0, le=3600)
    """Seconds that live calls get to end by themselves after SIGTERM, 0 to 3600. New calls are refused meanwhile; what
    still talks afterwards is ended."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least grave log message that is written."""
    log_format: Literal["json", "text"] = "text"
    """`json` writes one object a line for a collector, `text` is for a terminal."""


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
            password=_plain(self.password) or "",
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
        _unique("trunk", [trunk.name for trunk in self.trunks])
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
    max_calls: int = Field(50, ge=1, le=1000)
    """Calls at a time over Twilio on this worker, 1 to 1000; more are refused as busy."""

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
            secondary_auth_token=_plain(self.secondary_auth_token),
            api_key_sid=self.api_key_sid,
            api_key_secret=_plain(self.api_key_secret),
            region=self.region,
            edge=self.edge,
            max_calls=self.max_calls,
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
            announce_token=_plain(self.announce_token),
            announced_only=self.announced_only,
        )


class HttpSettings(Section):
    """The console: live page, API, health, metrics; also Twilio's webhooks."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(8080, ge=0, le=65535)
    """TCP port; 0 takes a free one."""
    tls_certificate: Path | None = None
    """PEM file with the certificate chain; together with `tls_key` the console speaks HTTPS."""
    tls_key: Path | None = None
    """PEM file with the private key."""
    max_body_bytes: int = Field(1_048_576, ge=1024, le=67_108_864)
    """Largest request body, bytes, 1 KiB to 64 MiB."""
    failed_tokens_per_minute: int = Field(10, ge=1, le=1000)
    """Wrong tokens a minute that one address may show before it is refused for a minute."""
    metrics_need_token: bool = False
    """Whether /metrics asks for a token (role operator or above). Metrics hold no personal data."""

    @model_validator(mode="after")
    def _tls_pair(self) -> HttpSettings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise PydanticCustomError("tls", "`tls_certificate` and `tls_key` belong together: give both or neither")
        return self


class KeySettings(Section):
    """Keys that protect stored personal data and recordings."""

    file: Path | None = None
    """File with the engine's encryption keys, made on first start with permissions 0600. Left out: `keys.json` under
    data_dir. Back it up: without it recordings cannot be read."""


class RecordingSettings(Section):
    """Recordings and the evidence beside them."""

    root: Path | None = None
    """Folder for recordings. Left out: `recordings` under data_dir."""
    encrypt: bool = True
    """Whether recordings are encrypted at rest."""
    retention_days: int = Field(1826, ge=183, le=36500)
    """Days after which a recording is deleted, 183 to 36500. The default is five years, the longest that the Chinese
    pack names."""


class ComplianceSettings(Section):
    """The law that applies, and who we are."""

    pack: Literal["cn", "us", "uk_eu", "hk", "tw"] = "cn"
    """Rule pack: cn, us, uk_eu, hk or tw. A flow may name a stricter one."""
    firm_name: str = Field("示例服务中心", min_length=1, max_length=60)
    """Name of the firm as the bot says it when it introduces itself."""
    callback_number: str = Field("4000000000", pattern=r"^[+0-9][0-9-]{2,19}$")
    """Number on which the firm can be called back, as the bot reads it out."""
    timezone: str = "Asia/Shanghai"
    """Time zone that a case is in when it names none, as in the IANA database."""

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise PydanticCustomError(
                "timezone", "`{value}` is not a time zone of the IANA database, such as Asia/Shanghai", {"value": value}
            ) from error
        return value


class HandoffSettings(Section):
    """Handing a caller over to a human. Agents themselves are kept in the database (`voicebot agent add`)."""

    ring_seconds: float = Field(20.0, ge=3, le=120)
    """Seconds that one agent's telephone rings before the next one is tried, 3 to 120."""
    longest_seconds: float = Field(80.0, ge=5, le=1800)
    """Seconds after which the search for an agent ends, 5 to 1800; then a callback is offered. Below
    call.limits.longest_hold_seconds."""
    wait_seconds: float = Field(0.0, ge=0, le=600)
    """Seconds to wait for an agent to become free when all are busy, 0 to 600. 0 offers a callback at once."""
    wrap_up_seconds: float = Field(30.0, ge=0, le=3600)
    """Seconds that an agent has for notes after a call before the next one rings, 0 to 3600."""
    caller_id: str | None = None
    """Number shown on the agent's telephone. Left out: the trunk's own."""


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise PydanticCustomError(
                "unique",
                "two entries are named `{name}`; every {what} needs a name of its own",
                {"what": what, "name": name},
            )
