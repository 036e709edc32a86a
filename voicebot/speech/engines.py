"""From settings to loaded engines, one of each model a process."""

from __future__ import annotations

from voicebot.speech.protocols import Recogniser, Synthesiser
from voicebot.speech.settings import SpeechSettings
from voicebot.speech.vad import VoiceActivityModel


async def load_recogniser(settings: SpeechSettings, language: str) -> Recogniser:
    """Loads the engine that listens to `language` (BCP 47). Raises `ModelMissing` with the command that mends it."""
    raise NotImplementedError


async def load_synthesiser(settings: SpeechSettings, language: str) -> Synthesiser:
    """Loads the engine that speaks `language` (BCP 47). Raises `ModelMissing` with the command that mends it."""
    raise NotImplementedError


async def load_voice_activity(settings: SpeechSettings) -> VoiceActivityModel:
    """Loads the voice activity model; `open_call()` then gives each call its own view of it."""
    raise NotImplementedError


class SpeechEngines:
    """All engines of one process: each model is loaded once, when first asked for, and shared."""

    def __init__(self, settings: SpeechSettings) -> None:
        self.settings = settings

    async def recogniser(self, language: str) -> Recogniser:
        raise NotImplementedError

    async def synthesiser(self, language: str) -> Synthesiser:
        """The voice for `language` behind the cache of rendered lines, at 8 kHz."""
        raise NotImplementedError

    async def voice_activity(self) -> VoiceActivityModel:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
