"""Short text messages: what sends them, what came of them, and what people answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol


@dataclass(frozen=True)
class OutgoingText:
    """One message to one telephone."""

    id: str
    """Our own name for it; reports about it carry it."""
    to: str
    """E.164."""
    body: str


class TextStatus(Enum):
    """How far a message came."""

    TAKEN = "taken"
    """The provider has it."""
    DELIVERED = "delivered"
    FAILED = "failed"
    KEPT = "kept"
    """It was written down here and went nowhere."""


@dataclass(frozen=True)
class TextReceipt:
    """Answer of `MessageSender.send`."""

    status: TextStatus
    provider_id: str = ""
    """The provider's name for it; empty where there is no provider."""


@dataclass(frozen=True)
class TextReport:
    """What the provider says about a message later on."""

    id: str
    """Our own name for the message."""
    provider_id: str
    status: TextStatus
    reason: str = ""
    """Of a failure: the provider's code and words, without telephone numbers."""


@dataclass(frozen=True)
class IncomingText:
    """A message from a person to one of our numbers."""

    provider_id: str
    from_number: str
    """E.164."""
    to_number: str
    body: str
    at: datetime


class Fate(Enum):
    """Of a message that could not be handed over."""

    NOT_SENT = "not_sent"
    """It certainly did not go out, and may be tried again."""
    NEVER = "never"
    """It did not go out, and never will: a wrong number, a person who does not want it, our own account."""
    UNSURE = "unsure"
    """It may have gone out: the provider did not answer."""


class TextRefused(Exception):
    """The message was not handed over. The text holds no telephone numbers."""

    def __init__(self, fate: Fate, reason: str, *, opted_out: bool = False) -> None:
        super().__init__(reason)
        self.fate = fate
        self.reason = reason
        self.opted_out = opted_out
        """The person told the provider to send nothing more."""


class MessageSender(Protocol):
    """A way for messages to leave, or not to."""

    @property
    def name(self) -> str:
        """outbox, twilio."""
        ...

    async def send(self, text: OutgoingText) -> TextReceipt:
        """Hands a message over, once. Raises TextRefused."""
        ...


TextReports = Callable[[TextReport], Awaitable[None]]
IncomingTexts = Callable[[IncomingText], Awaitable[None]]
