"""The tables of `voicebot.toml` about what goes out beside calls: follow-ups of promises, messages, webhooks."""

from __future__ import annotations

import re
from datetime import time
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from voicebot.followup.plan import FollowUpPlan, RemindBy
from voicebot.messages.caps import MessageCaps
from voicebot.settings.section import Secret, Section
from voicebot.webhooks.delivering import Receiver
from voicebot.webhooks.signing import SecretFault, key_of

Kind = Literal["attempt.ended", "call.ended", "promise.recorded", "promise.settled"]
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SENDER = re.compile(r"\+[1-9][0-9]{5,14}|MG[0-9a-fA-F]{32}")


class FollowUpSettings(Section):
    """What follows a promise to pay: a reminder on its day, a look at what came in, a call about a broken one."""

    enabled: bool = True
    """Whether promises are followed up."""
    remind_by: Literal["message", "call", "nothing"] = "message"
    """What reminds a debtor on the promised day: message, call or nothing. A call that the contact policy does not
    permit before the day is over, or that no flow of `reminder_flows` is for, becomes a message."""
    remind_at: str = Field("10:00", pattern=_CLOCK)
    """Time of the reminder where the debtor is."""
    grace_days: int = Field(1, ge=0, le=30)
    """Days after the promised day that a payment may take to be booked, 0 to 30."""
    check_at: str = Field("08:00", pattern=_CLOCK)
    """Time, where the debtor is, at which a promise is found kept, kept in part or broken, on the day after
    `grace_days`."""
    flows: dict[str, str] = Field(default_factory=lambda: {"zh-CN": "promise_followup"})
    """Flow of the call about a broken promise, by the language of the case. Others are not called."""
    reminder_flows: dict[str, str] = Field(default_factory=dict)
    """Flow of the reminding call, by the language of the case."""
    callers: tuple[str, ...] = ()
    """Numbers shown on these calls, E.164; left out, the carrier's own."""
    concurrency: int = Field(10, ge=1, le=2000)
    """Follow-up calls at the same time, on all workers together."""
    attempts_at_most: int = Field(3, ge=1, le=30)
    """Attempts to reach a debtor about one promise, 1 to 30."""

    def plan(self) -> FollowUpPlan:
        """The plan as the follow-ups take it."""
        return FollowUpPlan(
            remind_by=RemindBy(self.remind_by),
            remind_at=time.fromisoformat(self.remind_at),
            grace_days=self.grace_days,
            check_at=time.fromisoformat(self.check_at),
            flows=self.flows,
            reminder_flows=self.reminder_flows,
            callers=self.callers,
            concurrency=self.concurrency,
            attempts_at_most=self.attempts_at_most,
        )


class MessageSettings(Section):
    """Text messages to debtors: only with their consent, and to numbers on which they were verified in a call."""

    sender: Literal["outbox", "twilio"] = "outbox"
    """What sends them. outbox writes them into the database, where `voicebot message list` shows them, and nothing
    leaves this machine; twilio sends them over the account of [twilio]."""
    from_: str = Field("", alias="from")
    """For twilio: number of the account, E.164, or the SID of a messaging service (MG and 32 hexadecimal digits)."""
    per_day: int = Field(2, ge=0, le=10)
    """Messages to one person on one day, all cases together, 0 to 10."""
    per_week: int = Field(5, ge=0, le=30)
    """Messages to one person in any seven days, 0 to 30."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True, populate_by_name=True
    )

    @model_validator(mode="after")
    def _usable(self) -> MessageSettings:
        if self.sender == "twilio" and not _SENDER.fullmatch(self.from_):
            raise PydanticCustomError(
                "sender",
                '`sender = "twilio"` needs `from`: a number of the account such as +12025550100, or a messaging '
                "service's SID (MG and 32 hexadecimal digits)",
            )
        return self

    def caps(self) -> MessageCaps:
        """The counts as the policy takes them."""
        return MessageCaps(self.per_day, self.per_week)


class WebhookSettings(Section):
    """Notices of how attempts and promises ended, posted to another system. They hold no names and no numbers."""

    url: str | None = None
    """Address that takes them, https; left out, nothing is posted. Plain http only on this machine."""
    secret: Secret = SecretStr("")
    """Secret that signs them, from `voicebot webhook secret`. `file:/path` reads it from a file."""
    previous_secret: Secret | None = None
    """The secret before it, while the receiver is being given the new one: notices are signed with both."""
    kinds: tuple[Kind, ...] = ("attempt.ended", "call.ended", "promise.recorded", "promise.settled")
    """What is told: attempt.ended, call.ended (calls that came in), promise.recorded, promise.settled."""
    seconds: float = Field(10.0, gt=0, le=60)
    """Seconds that one request may take, up to 60."""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        lawful = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not parts.hostname or not lawful or parts.username is not None:
            raise PydanticCustomError(
                "url", "`{url}` is not an https address without user and password", {"url": parts.hostname or value}
            )
        return value

    @model_validator(mode="after")
    def _secrets(self) -> WebhookSettings:
        if self.url is not None:
            self._keys()
        return self

    def _keys(self) -> tuple[bytes, ...]:
        secrets = [self.secret, *([self.previous_secret] if self.previous_secret else [])]
        try:
            return tuple(key_of(secret.get_secret_value()) for secret in secrets)
        except SecretFault as error:
            raise PydanticCustomError("secret", "{error}", {"error": str(error)}) from error

    def receiver(self) -> Receiver | None:
        """The receiver as the courier takes it; None when there is none."""
        return None if self.url is None else Receiver(self.url, self._keys(), self.seconds)
