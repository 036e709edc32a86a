"""What sends messages to debtors: the provider that the configuration names, or the outbox."""

from __future__ import annotations

from aiohttp import web

from telephony.texting import MessageSender
from telephony.twilio_texting import TwilioTexting
from voicebot.messages.outbox import Outbox
from voicebot.settings import Settings


def build_sender(settings: Settings) -> MessageSender:
    """What sends messages: the provider that the configuration names, or the outbox."""
    if settings.messages.sender == "twilio":
        return TwilioTexting(settings.twilio.account(), settings.messages.from_)
    return Outbox()


def texting_routes(sender: MessageSender) -> list[web.RouteDef]:
    """What the provider reaches us at."""
    return sender.routes() if isinstance(sender, TwilioTexting) else []
