"""The engine's configuration: one validated file, `voicebot.toml`, with the environment over it.

`load_settings()` is the way in. Every key has a default that works on one machine, and a description from which
`voicebot config init` writes its comments and `docs/configuration.md` its table.
"""

from voicebot.call.settings import CallSettings
from voicebot.settings.carriers import AudioSocketSettings, BrowserSection, SipSettings, SipTrunk, TwilioSection
from voicebot.settings.file import ConfigurationError, Finding, find_file, load_settings
from voicebot.settings.model import Settings
from voicebot.settings.outgoing import FollowUpSettings, MessageSettings, WebhookSettings
from voicebot.settings.sections import (
    ComplianceSettings,
    HandoffSettings,
    HttpSettings,
    KeySettings,
    RecordingSettings,
    WorkerSettings,
)
from voicebot.speech.settings import SpeechSettings

__all__ = [
    "AudioSocketSettings",
    "BrowserSection",
    "CallSettings",
    "ComplianceSettings",
    "ConfigurationError",
    "Finding",
    "FollowUpSettings",
    "HandoffSettings",
    "HttpSettings",
    "KeySettings",
    "MessageSettings",
    "RecordingSettings",
    "Settings",
    "SipSettings",
    "SipTrunk",
    "SpeechSettings",
    "TwilioSection",
    "WebhookSettings",
    "WorkerSettings",
    "find_file",
    "load_settings",
]
