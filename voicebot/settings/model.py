"""The whole configuration, with every path made absolute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from voicebot.call.settings import CallSettings
from voicebot.settings.carriers import AudioSocketSettings, BrowserSection, SipSettings, TwilioSection
from voicebot.settings.outgoing import FollowUpSettings, MessageSettings, WebhookSettings
from voicebot.settings.sections import (
    ComplianceSettings,
    HandoffSettings,
    HttpSettings,
    KeySettings,
    RecordingSettings,
    UnderstandingSettings,
    WorkerSettings,
)
from voicebot.speech.settings import SpeechSettings

PREFIX = "VOICEBOT_"


class Settings(BaseSettings):
    """Everything that can be configured. The environment stands over the file: `VOICEBOT_SIP__PORT=5070`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    database_url: str | None = Field(None, pattern=r"^(sqlite|postgresql)(\+[a-z0-9_]+)?://")
    """Database: postgresql://user:password@host/name, or sqlite:///path. Left out: the SQLite file `voicebot.db` under
    data_dir."""
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    sip: SipSettings = Field(default_factory=SipSettings)
    twilio: TwilioSection = Field(default_factory=TwilioSection)
    audiosocket: AudioSocketSettings = Field(default_factory=AudioSocketSettings)
    browser: BrowserSection = Field(default_factory=BrowserSection)
    http: HttpSettings = Field(default_factory=HttpSettings)
    keys: KeySettings = Field(default_factory=KeySettings)
    recordings: RecordingSettings = Field(default_factory=RecordingSettings)
    speech: SpeechSettings = Field(default_factory=SpeechSettings)
    understanding: UnderstandingSettings = Field(default_factory=UnderstandingSettings)
    call: CallSettings = Field(default_factory=CallSettings)
    compliance: ComplianceSettings = Field(default_factory=ComplianceSettings)
    handoff: HandoffSettings = Field(default_factory=HandoffSettings)
    follow_ups: FollowUpSettings = Field(default_factory=FollowUpSettings)
    messages: MessageSettings = Field(default_factory=MessageSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)

    _base: Path = PrivateAttr(default_factory=Path.cwd)
    _file: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _the_desk_gives_up_before_the_call_does(self) -> Settings:
        if self.handoff.longest_seconds >= self.call.limits.longest_hold_seconds:
            raise PydanticCustomError(
                "handoff", "handoff.longest_seconds must be below call.limits.longest_hold_seconds, which ends the wait"
            )
        return self

    @model_validator(mode="after")
    def _messages_have_an_account(self) -> Settings:
        if self.messages.sender == "twilio" and (problems := self.twilio.account().problems()):
            raise PydanticCustomError(
                "messages", "messages.sender = twilio needs [twilio]: {problems}", {"problems": " ".join(problems)}
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what was read from the file."""
        return (env_settings, init_settings)

    @property
    def file(self) -> Path | None:
        """The configuration file that was read, None when there was none."""
        return self._file

    def within(self, base: Path, file: Path | None) -> Settings:
        """The same settings with relative paths counted from `base`."""
        copy = self.model_copy()
        copy._base = base
        copy._file = file
        return copy

    def path(self, path: Path) -> Path:
        """A path of the configuration, absolute, `~` expanded."""
        return (self._base / path.expanduser()).resolve()

    @property
    def data_dir(self) -> Path:
        return self.path(self.worker.data_dir)

    @property
    def content(self) -> Path | None:
        """Folder of the operator's own flows and lines, None for the shipped ones alone."""
        return self.path(self.worker.content) if self.worker.content else None

    @property
    def database(self) -> str:
        """`database_url`, or the embedded default."""
        return self.database_url or f"sqlite:///{self.data_dir / 'voicebot.db'}"

    @property
    def key_file(self) -> Path:
        return self.path(self.keys.file) if self.keys.file else self.data_dir / "keys.json"

    @property
    def encoder_folder(self) -> Path | None:
        """Folder of the fine-tuned model for understanding; None for the pulled encoder."""
        return self.path(self.understanding.encoder) if self.understanding.encoder else None

    @property
    def recordings_root(self) -> Path:
        return self.path(self.recordings.root) if self.recordings.root else self.data_dir / "recordings"

    @property
    def speech_models(self) -> SpeechSettings:
        """`speech` with absolute folders."""
        return self.speech.model_copy(
            update={
                "model_directory": self.path(self.speech.model_directory),
                "cache_directory": self.path(self.speech.cache_directory),
            }
        )

    def masked(self) -> dict[str, Any]:
        """JSON values for `voicebot config show`: passwords and tokens as stars, also inside the database's address."""
        values: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        if self.database_url:
            values["database_url"] = mask_url(self.database_url)
        return values


def mask_url(url: str) -> str:
    """A database address without its password."""
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    if not at or ":" not in credentials:
        return url
    return f"{scheme}{separator}{credentials.split(':', 1)[0]}:**********@{host}"
