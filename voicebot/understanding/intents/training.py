"""Trains the intent model on a library's examples, and keeps what was trained: shipped for the shipped library,
cached else."""

from __future__ import annotations

import hashlib
import logging
import os
import time
import zlib
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from voicebot.understanding.intents.calibration import expected_error, fit_temperature, reliability
from voicebot.understanding.intents.composing import Labelled, composed
from voicebot.understanding.intents.encoder import Encoder
from voicebot.understanding.intents.examples import Example
from voicebot.understanding.intents.model import Floats, IntentModel, train
from voicebot.understanding.intents.vectors import VectorStore
from voicebot.understanding.normalise import Normaliser

_log = logging.getLogger(__name__)
_FORM = "6"
"""Raised when features or training change, so that a model of another form is never loaded."""
_HELD_OUT = 5
"""Every so many-th pattern of the library is held out to measure and to calibrate, before the model learns all."""
SHIPPED = Path(__file__).parent / "trained"
"""Models trained on the shipped library, in the wheel."""


def default_cache() -> Path:
    """Where trained models are kept: `$VOICEBOT_CACHE`, or the user's own cache folder."""
    named = os.environ.get("VOICEBOT_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "voicebot") / "understanding"


@dataclass(frozen=True)
class Lessons:
    """What a library teaches, as the model reads it."""

    texts: list[str]
    """Cleaned sentences, in the order of the examples."""
    examples: Sequence[Example]
    several: Sequence[Labelled] = ()
    """Cleaned turns of more than one meaning."""

    @property
    def intents(self) -> list[str]:
        """The intent of each text."""
        return [example.intent for example in self.examples]

    @classmethod
    def of(cls, normaliser: Normaliser, examples: Sequence[Example], several: Sequence[Labelled] = ()) -> Lessons:
        """Cleans what a library holds."""
        return cls(
            [normaliser.clean(normaliser.plain(example.text)) for example in examples],
            examples,
            [(normaliser.clean(normaliser.plain(text)), labels) for text, labels in several],
        )

    def without(self, left_out: Set[int]) -> Lessons:
        """The same without the texts at some places."""
        kept = [place for place in range(len(self.texts)) if place not in left_out]
        return replace(
            self, texts=[self.texts[place] for place in kept], examples=[self.examples[place] for place in kept]
        )


def model_name(lessons: Lessons, encoder: Encoder | None) -> str:
    """File name that changes with every example, the form of the features and the encoder."""
    mark = hashlib.sha256(f"{_FORM} {encoder.mark if encoder else ''}".encode())
    for text, label in zip(lessons.texts, lessons.intents, strict=True):
        mark.update(f"{label}\t{text}\n".encode())
    for text, labels in lessons.several:
        mark.update(f"{' '.join(labels)}\t{text}\n".encode())
    return f"intents-{mark.hexdigest()[:16]}.npz"


def trained_model(lessons: Lessons, encoder: Encoder | None, cache: Path | None = None) -> IntentModel:
    """The model for these lessons: shipped, cached, or trained now and cached."""
    name = model_name(lessons, encoder)
    for folder in (SHIPPED, cache or default_cache()):
        path = folder / name
        if path.exists():
            try:
                return IntentModel.load(path)
            except (OSError, ValueError, KeyError):
                _log.warning("trained intent model unreadable, training again", extra={"path": str(path)})
    path = (cache or default_cache()) / name
    _log.info("training the intent model", extra={"examples": len(lessons.texts), "path": str(path)})
    model = fit(lessons, encoder, cache)
    try:
        model.save(path)
    except OSError:
        _log.warning("intent model not cached, it will be trained at every start", extra={"path": str(path)})
    return model


def fit(lessons: Lessons, encoder: Encoder | None, cache: Path | None = None) -> IntentModel:
    """Trains twice: without a fifth of the patterns, to measure and to calibrate on them, and then on all."""
    begun = time.perf_counter()
    store = None if encoder is None else VectorStore(encoder, cache or default_cache())
    held = [place for place, example in enumerate(lessons.examples) if _held_out(example.source)]
    trial = _learn(lessons.without(set(held)), store)
    labels = lessons.intents
    temperature, record = _measure(
        trial, [lessons.texts[place] for place in held], [labels[place] for place in held], store
    )
    model = _learn(lessons, store)
    record |= {
        "examples": dict(sorted(Counter(labels).items())),
        "encoder": encoder.mark if encoder else None,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    return model.measured(temperature, record)


def _held_out(source: str) -> bool:
    """By pattern, not by sentence: two sentences of one pattern are too alike to be learned from and measured on."""
    return zlib.crc32(source.encode()) % _HELD_OUT == 0


def _learn(lessons: Lessons, store: VectorStore | None) -> IntentModel:
    several = [*lessons.several, *composed(lessons.texts, lessons.intents)]
    everything = [*lessons.texts, *(text for text, _ in several)]
    marks = [*((label,) for label in lessons.intents), *(given for _, given in several)]
    return train(everything, marks, None if store is None else store.vectors(everything))


def _measure(
    trial: IntentModel, texts: Sequence[str], labels: Sequence[str], store: VectorStore | None
) -> tuple[float, dict[str, Any]]:
    """Temperature and record of sentences that the trial model has not seen."""
    place = {label: number for number, label in enumerate(trial.labels)}
    seen = [number for number, label in enumerate(labels) if label in place]
    if not seen:
        return 1.0, {"held_out": {"n": 0}}
    vectors: Sequence[Floats | None] = (
        [None] * len(seen) if store is None else list(store.vectors([texts[number] for number in seen]))
    )
    logits = np.stack([trial.logits(texts[n], v) for n, v in zip(seen, vectors, strict=True)])
    truth = [place[labels[number]] for number in seen]
    temperature = fit_temperature(logits, truth)
    scaled = np.exp(logits / temperature - (logits / temperature).max(1, keepdims=True))
    guess = scaled / scaled.sum(1, keepdims=True)
    best = guess.argmax(1)
    right = [int(found) == wanted for found, wanted in zip(best, truth, strict=True)]
    bins = reliability(guess.max(1).tolist(), right)
    tally: dict[str, list[bool]] = {}
    for number, hit in zip(seen, right, strict=True):
        tally.setdefault(labels[number], []).append(hit)
    held = {
        "n": len(seen),
        "right": round(sum(right) / len(right), 4),
        "calibration_error": expected_error(bins),
        "reliability": [asdict(found) for found in bins],
        "recall": {label: round(sum(hits) / len(hits), 4) for label, hits in sorted(tally.items())},
    }
    return temperature, {"held_out": held}


def previous_model(folder: Path, encoder: Encoder | None, name: str) -> IntentModel | None:
    """The newest other model of the same kind in a folder, to say what changed; None where there is none."""
    mark = encoder.mark if encoder else None
    kept = [path for path in folder.glob("intents-*.npz") if path.name != name]
    for path in sorted(kept, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            model = IntentModel.load(path)
        except (OSError, ValueError, KeyError):
            continue
        if model.record.get("encoder") == mark:
            return model
    return None
