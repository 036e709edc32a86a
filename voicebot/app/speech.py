"""The speech engines of one process as its calls use them."""

from __future__ import annotations

from typing import Protocol

from voicebot.call.parts import Speech
from voicebot.speech.engines import SpeechEngines
from voicebot.speech.protocols import Recogniser, SpeechRequest, Synthesiser, VoiceActivity
from voicebot.speech.settings import SpeechSettings
from voicebot.speech.vad import VoiceActivityModel


class WorkerSpeech(Speech, Protocol):
    """What a worker needs of its engines besides what its calls do. Whatever has it may take the engines' place."""

    @property
    def waiting(self) -> int:
        """Utterances that wait for a recognition thread."""
        ...

    async def render(self, text: str, language: str) -> bool:
        """Renders a line that every call has alike, and keeps it; False when it was there already. Raises OSError."""
        ...

    async def close(self) -> None: ...


class SharedSpeech:
    """The engines of the settings: each model is loaded once, and the voice activity model before the first call."""

    def __init__(self, engines: SpeechEngines, voice_activity: VoiceActivityModel) -> None:
        self._engines = engines
        self._voice_activity = voice_activity

    @classmethod
    async def load(cls, settings: SpeechSettings, language: str) -> SharedSpeech:
        """Loads what a call in `language` needs. Raises CatalogueError with the command that mends it."""
        engines = SpeechEngines(settings)
        try:
            speech = cls(engines, await engines.voice_activity())
            await engines.recogniser(language)
            await engines.synthesiser(language)
        except BaseException:
            await engines.close()
            raise
        return speech

    @property
    def waiting(self) -> int:
        return self._engines.waiting

    async def recogniser(self, language: str) -> Recogniser:
        return await self._engines.recogniser(language)

    async def synthesiser(self, language: str) -> Synthesiser:
        return await self._engines.synthesiser(language)

    def open_voice_activity(self) -> VoiceActivity:
        return self._voice_activity.open_call()

    async def render(self, text: str, language: str) -> bool:
        voice = await self._engines.synthesiser(language)
        return await voice.warm([SpeechRequest(text=text, language=language)]) > 0

    async def close(self) -> None:
        await self._engines.close()
