"""What sends messages to debtors: the provider that the configuration names, or the outbox."""

from __future__ import annotations

from aiohttp import web

from telephony.texting import MessageSender
from telephony.twilio_texting import TwilioTexting
from voicebot.call.parts import CanText
from voicebot.campaign.policy import ContactPolicy
from voicebot.messages.outbox import Outbox
from voicebot.messages.outlook import TextOutlook
from voicebot.messages.policy import MessagePolicy
from voicebot.settings import Settings
from voicebot.store.outgoing_protocols import Messages


def build_sender(settings: Settings) -> MessageSender:
    """What sends messages: the provider that the configuration names, or the outbox."""
    if settings.messages.sender == "twilio":
        return TwilioTexting(settings.twilio.account(), settings.messages.from_)
    return Outbox()


def can_text(settings: Settings, sender: MessageSender, messages: Messages, contact: ContactPolicy) -> CanText | None:
    """What says whether a caller may be told that a message follows; None where nothing would leave this machine."""
    if isinstance(sender, Outbox):
        return None
    return TextOutlook(messages, MessagePolicy(contact, settings.messages.caps())).can_text


def texting_routes(sender: MessageSender) -> list[web.RouteDef]:
    """What the provider reaches us at."""
    return sender.routes() if isinstance(sender, TwilioTexting) else []
