"""How well a recogniser hears: the manifest of a test set, and the error rates over it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from voicebot.speech.mandarin import simplified, spell_out, syllables
from voicebot.speech.protocols import Recogniser
from voicebot.speech.wav import Recording, WavError, read_wav

SHORT_CHARACTERS = 3
"""Answers up to this long are also counted by themselves: 嗯, 对, 不是, 没有钱."""


class ManifestError(Exception):
    """The manifest, or a file it names, cannot be used. The message has file, line and remedy, one fault a line."""


@dataclass(frozen=True)
class Utterance:
    """One line of a manifest, with its sound."""

    recording: Recording
    text: str
    language: str
    condition: str
    speaker: str


@dataclass(frozen=True)
class Heard:
    """What an engine made of an utterance."""

    utterance: Utterance
    text: str
    confidence: float
    compute_seconds: float
    latency_seconds: float
    """From the end of the utterance to its transcript."""


def read_manifest(path: Path) -> list[Utterance]:
    """Reads a JSON Lines manifest and the WAV files beside it. Raises `ManifestError` with all faults at once."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ManifestError(f"{path}: cannot be read ({unreadable}). Give a UTF-8 JSON Lines file") from unreadable
    utterances: list[Utterance] = []
    faults: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            utterances.append(_utterance(path.parent, line))
        except ManifestError as fault:
            faults.append(f"{path}:{number}: {fault}")
    if not utterances and not faults:
        faults.append(f"{path}:1: no utterances. Add lines such as {_EXAMPLE}")
    if faults:
        raise ManifestError("\n".join(faults))
    return utterances


_EXAMPLE = '{"audio": "1.wav", "text": "我下个月还", "language": "zh-CN", "condition": "clean", "speaker": "a"}'


def _utterance(folder: Path, line: str) -> Utterance:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as broken:
        raise ManifestError(f"not JSON ({broken}). Write one object a line, such as {_EXAMPLE}") from broken
    if not isinstance(row, dict):
        raise ManifestError(f"not a JSON object. Write one object a line, such as {_EXAMPLE}")
    for key in ("audio", "text"):
        if not isinstance(row.get(key), str) or not row[key]:
            raise ManifestError(f"no {key!r} string. Every line needs at least audio and text")
    for key in ("language", "condition", "speaker"):
        if not isinstance(row.get(key, ""), str):
            raise ManifestError(f"{key!r} is not a string. Put it in quotation marks")
    try:
        recording = read_wav(folder / row["audio"])
    except WavError as wrong:
        raise ManifestError(f"{row['audio']}: {wrong}") from wrong
    except (OSError, ValueError) as missing:
        raise ManifestError(
            f"{row['audio']}: cannot be read ({missing}). Paths are taken from the manifest's own folder"
        ) from missing
    return Utterance(
        recording, row["text"], row.get("language") or "zh-CN", row.get("condition", ""), row.get("speaker", "")
    )


async def listen(recogniser: Recogniser, utterances: Sequence[Utterance], tell: Callable[[], None]) -> list[Heard]:
    """Has the engine hear each utterance, one after another, warmed up on the first. `tell` is called after each."""
    if utterances:
        await _hear(recogniser, utterances[0])
    heard = []
    for utterance in utterances:
        heard.append(await _hear(recogniser, utterance))
        tell()
    return heard


async def _hear(recogniser: Recogniser, utterance: Utterance) -> Heard:
    recording = utterance.recording
    stream = recogniser.stream(sample_rate=recording.sample_rate, language=utterance.language)
    step = recording.sample_rate // 50 * 2
    for start in range(0, len(recording.pcm), step):
        stream.accept(recording.pcm[start : start + step])
    began = time.perf_counter()
    transcript = await stream.finish()
    latency = time.perf_counter() - began
    return Heard(utterance, transcript.text, transcript.confidence, transcript.compute_seconds, latency)


@dataclass
class Score:
    """Error counts over some utterances."""

    n: int = 0
    characters: int = 0
    character_errors: int = 0
    syllables: int = 0
    syllable_errors: int = 0
    exact: int = 0
    short: int = 0
    short_right: int = 0
    audio_seconds: float = 0.0
    compute_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def add(self, heard: Heard) -> None:
        """Counts one utterance in."""
        wanted, got = plain(heard.utterance.text), plain(heard.text)
        wanted_sounds, got_sounds = sounds(wanted), sounds(got)
        self.n += 1
        self.characters += len(units(wanted))
        self.character_errors += distance(units(wanted), units(got))
        self.syllables += len(wanted_sounds)
        self.syllable_errors += distance(wanted_sounds, got_sounds)
        self.exact += wanted == got
        if len(units(wanted)) <= SHORT_CHARACTERS:
            self.short += 1
            self.short_right += wanted_sounds == got_sounds
        self.audio_seconds += heard.utterance.recording.seconds
        self.compute_seconds += heard.compute_seconds
        self.latencies.append(heard.latency_seconds)

    def facts(self) -> dict[str, Any]:
        """The figures under the names of the evaluation contract."""
        milliseconds = 1000 * np.array(self.latencies or [0.0])
        return {
            "n": self.n,
            "cer": round(self.character_errors / max(1, self.characters), 4),
            "pinyin_er": round(self.syllable_errors / max(1, self.syllables), 4),
            "sentence_exact": round(self.exact / max(1, self.n), 4),
            "short_answer": {"n": self.short, "right": self.short_right},
            "rtf": round(self.compute_seconds / max(1e-9, self.audio_seconds), 4),
            "latency_ms": {f"p{p}": round(float(np.percentile(milliseconds, p)), 1) for p in (50, 95)},
        }


def score(heard: Sequence[Heard]) -> dict[str, Any]:
    """Over all, and by condition."""
    whole = Score()
    parts: dict[str, Score] = {}
    for one in heard:
        whole.add(one)
        parts.setdefault(one.utterance.condition or "unnamed", Score()).add(one)
    return {**whole.facts(), "by_condition": {name: part.facts() for name, part in sorted(parts.items())}}


def plain(text: str) -> str:
    """Words only: simplified characters, small Latin letters, figures in words, no punctuation."""
    written = spell_out(simplified(text)).lower()
    return re.sub(r"[^\w\s]|_", "", re.sub(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])", "", written)).strip()


def units(text: str) -> list[str]:
    """What is counted: each Chinese character, each word of an alphabet."""
    return re.findall(r"[a-z0-9']+|[^\x00-\x7f]", text.lower())


def sounds(text: str) -> list[str]:
    """Syllables without tone, 还 read as the sentence has it; words of an alphabet as they stand."""
    found: list[str] = []
    for run in re.findall(r"[a-z0-9']+|[^\x00-\x7f]+", text.lower()):
        found += [run] if run.isascii() else [syllable.pinyin for syllable in syllables(run)]
    return found


def distance(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Insertions, deletions and substitutions (Levenshtein)."""
    from rapidfuzz.distance import Levenshtein

    return int(Levenshtein.distance(wanted, got))
