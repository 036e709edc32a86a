"""The tables of `voicebot.toml` about the engine itself. A field's description is its documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from voicebot.settings.section import Identifier, Section


class WorkerSettings(Section):
    """The process itself."""

    id: Identifier = "worker-1"
    """Name of this worker in logs, metrics and records. Unique among workers of one database; with `--workers N` a
    number is appended."""
    data_dir: Path = Path("voicebot-data")
    """Folder for everything the engine keeps on this machine: database, keys, recordings. A
    relative path counts from the configuration file."""
    content: Path | None = None
    """Folder with your own `dialog_flows` and `scripts_library`, watched for edits. A flow there stands in for the
    shipped one of its name, and so does a file of lines; others come besides. Left out: the shipped ones alone."""
    drain_seconds: float = Field(60.0, ge=0, le=3600)
    """Seconds that live calls get to end by themselves after SIGTERM, 0 to 3600. New calls are refused meanwhile; what
    still talks afterwards is ended."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least grave log message that is written."""
    log_format: Literal["json", "text"] = "text"
    """`json` writes one object a line for a collector, `text` is for a terminal."""


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
    caller_number: str | None = Field(None, pattern=r"^\+[1-9][0-9]{5,14}$")
    """Number that the carrier shows on calls that name no other, E.164. The contact policy refuses calls from a number
    that is not known."""
    registered_callers: tuple[str, ...] | None = None
    """Numbers registered for these calls, E.164. Left out, the contact policy refuses where it asks for them."""
    collects_for_others: bool | None = None
    """Whether the firm collects for other creditors, whose debtors must have been told. Left out, calls are refused."""
    debts_bought: bool | None = None
    """Whether its debts were bought from others, whose debtors must have been told. Left out, calls are refused."""
    whitelisted_callers: tuple[str, ...] = ()
    """Those of them for which the carrier has lifted its own limits on calls to one number, E.164."""
    conservative: bool = False
    """Whether lunch time and public holidays are left alone, and calls are fewer."""
    overrides: Path | None = None
    """YAML file with local changes of the rules before dialling. A looser one must be signed by an officer; see
    compliance.md."""
    officers: dict[str, Annotated[str, Field(pattern=r"^(compliance_officer|legal_counsel) [A-Za-z0-9+/]{43}=$")]] = (
        Field(default_factory=dict)
    )
    """Who may sign looser rules: name to role and public key, `"compliance_officer KEY"`, as `voicebot policy keygen`
    prints it. Roles: compliance_officer, legal_counsel."""

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


class UnderstandingSettings(Section):
    """How the words of a caller are understood."""

    encoder: Path | None = None
    """Folder of a fine-tuned transformers model with its graph in ONNX: an encoder, which takes the place of the pulled
    one, or a classifier of intents, which stands beside it; see understanding.md. Left out: the pulled encoder."""


_SPAN = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"


class HandoffSettings(Section):
    """Handing a caller over to a human. Agents themselves are kept in the database (`voicebot agent add`)."""

    ring_seconds: float = Field(20.0, ge=3, le=120)
    """Seconds that one agent's telephone rings before the next one is tried, 3 to 120."""
    longest_seconds: float = Field(80.0, ge=5, le=1800)
    """Seconds after which the search for an agent ends, 5 to 1800; then a callback is offered. Below
    call.limits.longest_hold_seconds."""
    wait_seconds: float = Field(60.0, ge=0, le=600)
    """Seconds to wait for an agent to become free when all are busy, 0 to 600. Meanwhile the caller hears their place
    in the queue, and may be called back instead. 0 offers a callback at once, and so does an office with nobody in."""
    wrap_up_seconds: float = Field(30.0, ge=0, le=3600)
    """Seconds that an agent has for notes after a call before the next one rings, 0 to 3600."""
    caller_id: str | None = None
    """Number shown on the agent's telephone. Left out: the trunk's own."""
    hours: tuple[Annotated[str, Field(pattern=_SPAN)], ...] = ()
    """Spans of the day in which people take calls, such as 09:00-18:00, in compliance.timezone. Outside them the
    inbound line says so and takes a time for a callback. Left out: around the clock."""
    working_days_only: bool = False
    """Whether people are there on working days only, by the calendar of compliance.pack."""
