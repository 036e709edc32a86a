"""Whisper on CTranslate2, for utterances of a telephone call: short ones are not padded to thirty seconds."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from voicebot.speech.mandarin import simplified
from voicebot.speech.pool import DecodingPool
from voicebot.speech.protocols import RecognitionStream, Transcript

MODEL_RATE = 16_000  # Hz
LONGEST_SECONDS = 29.0
"""The network hears thirty seconds at once; of a longer utterance the end counts."""

Floats = NDArray[np.float32]


class RecogniserBusy(Exception):
    """More utterances wait than the settings allow: this process has too many calls for its cores."""


@dataclass(frozen=True)
class WhisperSettings:
    """How an utterance is shown to the network and what is made of its answer."""

    context: str = ""
    """Words of the trade, in simplified characters, which the network is told came before."""
    short_context: str = ""
    """The same for an utterance of less speech than `short_seconds`: short answers only. Out of a syllable in noise the
    network makes the words of the trade that it was told of (转人工, 投诉), which nobody says that fast."""
    short_seconds: float = 0.7
    threads: int = 1
    """Utterances decoded at once."""
    waiting: int = 64
    """Utterances that may wait for a thread."""
    shortest_window: float = 12.0
    """Seconds the network is shown at least; under six it loops."""
    beam: int = 5
    beam_seconds: float = 8.0
    """Utterances up to this long are worth a beam search; longer ones are decoded greedily."""
    lead: float = 0.2
    """Seconds of silence before the first sound: the network was trained on speech that does not begin at once."""
    level: float = 0.08
    """Root mean square the speech is brought to, of full scale. Telephone speech is often far softer."""
    most_gain: float = 12.0
    no_speech: float = 0.6
    """Above this probability of no speech the words are not believed."""
    believable: float = 0.2
    """Confidence under which words are taken for the network's invention, as it makes them from noise."""
    quietest: float = 0.001
    """Level of the louder part, of full scale, under which nobody speaks: -60 dBFS."""

    digits_log: float = -1.3
    """Mean log probability of a token under which an utterance was not a number said digit by digit."""


_DIGIT = re.compile(r"[0-9零一二三四五六七八九幺]")
_ONE_DIGIT = re.compile(r"[0-9零一二三四五六七八九 ,，、。.-]")
_BEFORE_DIGITS = "身份证后四位。"
"""What the network is told came before a number said digit by digit; of the prompts tried it mishears fewest then."""

_LOUD = 0.3
"""Share of the loudest level from which a moment is speech rather than the noise of a line at 15 dB."""

ASK_AGAIN_LOG = -0.6
"""Mean log probability of a token under which a transcript is more often wrong than right."""


class WhisperRecogniser:
    """A `Recogniser`. Build it off the event loop: it reads a file of 145 MB."""

    name = "whisper"
    languages: Sequence[str] = ("zh-CN", "yue", "en-US")
    ask_again_below = float(np.exp(ASK_AGAIN_LOG))

    def __init__(self, folder: Path, settings: WhisperSettings | None = None) -> None:
        from faster_whisper import WhisperModel

        self.settings = settings or WhisperSettings()
        self._model = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=self.settings.threads
        )
        self._pool = DecodingPool(self.settings.threads, thread_name_prefix="whisper")
        self._places = threading.Semaphore(self.settings.threads + self.settings.waiting)
        self._decoders: dict[str, Any] = {}
        self._not_digits: list[int] | None = None

    def stream(self, *, sample_rate: int, language: str, phrases: Sequence[str] = ()) -> RecognitionStream:
        """Begins an utterance. The network hears it whole, so there are no partials."""
        code = {"zh": "zh", "yue": "zh", "en": "en"}.get(language.split("-", maxsplit=1)[0].lower())
        if code is None:
            raise ValueError(f"Whisper is not set up for {language!r}; it hears {', '.join(self.languages)}")
        return _WhisperStream(self, sample_rate, code, tuple(phrases))

    @property
    def waiting(self) -> int:
        return self._pool.waiting

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def _hear(self, pcm: bytes, sample_rate: int, language: str, phrases: tuple[str, ...]) -> Transcript:
        if not self._places.acquire(blocking=False):
            raise RecogniserBusy(
                f"{self.settings.waiting} utterances wait for recognition already. Give this process fewer calls, "
                "or more recognition threads where there are cores for them"
            )
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, self._decode, pcm, sample_rate, language, phrases)
        finally:
            self._places.release()

    def _decode(self, pcm: bytes, sample_rate: int, language: str, phrases: tuple[str, ...]) -> Transcript:
        began = time.perf_counter()
        seconds = len(pcm) / 2 / sample_rate
        sound = _sound(pcm, sample_rate, self.settings)
        heard = self._listen(sound, language, phrases) if len(sound) else _Heard("", 0.0)
        return Transcript(
            digits=heard.digits,
            text=heard.text,
            confidence=heard.confidence,
            final=True,
            audio_seconds=seconds,
            compute_seconds=time.perf_counter() - began,
            engine=self.name,
        )

    def _listen(self, sound: Floats, language: str, phrases: tuple[str, ...]) -> _Heard:
        settings = self.settings
        tokenizer = self._tokenizer(language)
        encoded = self._encode(sound)
        wants_digits = bool(phrases) and all(_DIGIT.fullmatch(phrase) for phrase in phrases)
        digits = self._digits(tokenizer, encoded, len(sound) / MODEL_RATE) if wants_digits else ""
        # A prompt of digits makes the network count on by itself; what was said is heard better without it.
        short = _spoken_seconds(sound) < settings.short_seconds
        prompt = self._prompt(tokenizer, language, () if wants_digits else phrases, short=short)
        result = self._generate(prompt, encoded, len(sound) / MODEL_RATE, no_repeat_ngram_size=3)
        confidence = float(np.exp(min(0.0, result.scores[0])))
        if result.no_speech_prob > settings.no_speech or confidence < settings.believable:
            return _Heard("", 0.0, digits)
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        text = tokenizer.decode(tokens).strip()
        if language == "zh":
            text = simplified(text)
        return _Heard(text, confidence if text else 0.0, digits)

    def _generate(self, prompt: list[int], encoded: Any, seconds: float, **options: Any) -> Any:
        settings = self.settings
        return self._model.model.generate(
            encoded,
            [prompt],
            beam_size=settings.beam if seconds <= settings.beam_seconds + settings.lead else 1,
            max_length=min(448, len(prompt) + 8 + int(9 * seconds)),
            return_scores=True,
            return_no_speech_prob=True,
            **options,
        )[0]

    def _digits(self, tokenizer: Any, encoded: Any, seconds: float) -> str:
        """The utterance as digits: the network may write nothing else. Empty when that fits what was said too badly."""
        if self._not_digits is None:
            last = int(self._model.hf_tokenizer.get_vocab_size())
            kept = {tokenizer.eot, *tokenizer.encode("幺")}
            kept |= {token for token in range(tokenizer.eot) if _ONE_DIGIT.fullmatch(tokenizer.decode([token]))}
            self._not_digits = [token for token in range(last) if token not in kept]
        before = [tokenizer.sot_prev, *tokenizer.encode(_BEFORE_DIGITS)]
        prompt = [*before, *tokenizer.sot_sequence, tokenizer.no_timestamps]
        result = self._generate(prompt, encoded, seconds, suppress_tokens=self._not_digits)
        if result.no_speech_prob > self.settings.no_speech or result.scores[0] < self.settings.digits_log:
            return ""
        text = tokenizer.decode([token for token in result.sequences_ids[0] if token < tokenizer.eot])
        return "".join(_DIGIT.findall(text))

    def _encode(self, sound: Floats) -> Any:
        """Shows the network the sound and a little quiet after it, rather than thirty seconds."""
        padded = np.concatenate([sound, np.zeros(MODEL_RATE, np.float32)])
        mel = self._model.feature_extractor(padded, padding=160)
        wanted = max(int(self.settings.shortest_window * 100), mel.shape[1] // 2 * 2)
        mel = mel[:, : min(wanted, 3000)]
        if mel.shape[1] < wanted:
            mel = np.pad(mel, ((0, 0), (0, wanted - mel.shape[1])), constant_values=float(mel.min()))
        return self._model.encode(mel)

    def _prompt(self, tokenizer: Any, language: str, phrases: tuple[str, ...], *, short: bool = False) -> list[int]:
        context = self.settings.short_context if short and self.settings.short_context else self.settings.context
        words = context if language == "zh" else ""
        if phrases:
            words += "、".join(phrases) + "。" if language == "zh" else ", ".join(phrases) + "."
        before = [tokenizer.sot_prev, *tokenizer.encode(words)[-200:]] if words else []
        return [*before, *tokenizer.sot_sequence, tokenizer.no_timestamps]

    def _tokenizer(self, language: str) -> Any:
        if language not in self._decoders:
            from faster_whisper.tokenizer import Tokenizer

            hf = self._model.hf_tokenizer
            self._decoders[language] = Tokenizer(hf, multilingual=True, task="transcribe", language=language)
        return self._decoders[language]


@dataclass(frozen=True)
class _Heard:
    text: str
    confidence: float
    digits: str = ""


@dataclass
class _WhisperStream:
    """One utterance. What it was given is kept until it is finished."""

    _recogniser: WhisperRecogniser
    _sample_rate: int
    _language: str
    _phrases: tuple[str, ...]
    _pieces: list[bytes] = field(default_factory=list)
    _spent: bool = False

    def accept(self, pcm: bytes) -> None:
        if self._spent:
            raise RuntimeError("This stream is finished; begin another")
        self._pieces.append(pcm)

    async def partial(self) -> Transcript | None:
        return None

    async def finish(self) -> Transcript:
        if self._spent:
            raise RuntimeError("This stream is finished; begin another")
        self._spent = True
        pcm = b"".join(self._pieces)
        self._pieces.clear()
        longest = int(LONGEST_SECONDS * self._sample_rate) * 2
        return await self._recogniser._hear(pcm[-longest:], self._sample_rate, self._language, self._phrases)


def _spoken_seconds(sound: Floats) -> float:
    """From the first to the last moment that is about as loud as speech."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    if not len(frames):
        return 0.0
    level = np.sqrt(np.mean(np.square(frames), axis=1))
    loud = np.flatnonzero(level > _LOUD * float(np.percentile(level, 95)))
    return float(loud[-1] - loud[0] + 1) * 160 / MODEL_RATE if len(loud) else 0.0


def _sound(pcm: bytes, sample_rate: int, settings: WhisperSettings) -> Floats:
    """At the network's rate, brought to an even level, with a moment of quiet before it. Empty when all is quiet."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32) / 32768.0
    if sample_rate != MODEL_RATE:
        samples = np.asarray(soxr.resample(samples, sample_rate, MODEL_RATE), np.float32)
    samples = samples - float(samples.mean()) if len(samples) else samples
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    loudest = float(np.sqrt(np.percentile(np.mean(np.square(frames), axis=1), 80))) if len(frames) else 0.0
    if loudest < settings.quietest:
        return np.zeros(0, np.float32)
    gain = min(settings.most_gain, settings.level / loudest)
    peak = float(np.abs(samples).max()) * gain
    samples = samples * (gain if peak <= 0.99 else gain * 0.99 / peak)
    return np.concatenate([np.zeros(int(settings.lead * MODEL_RATE), np.float32), samples.astype(np.float32)])
