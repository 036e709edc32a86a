"""Trains the intent model on a library's examples, and keeps what was trained: shipped for the shipped library,
cached else."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voicebot.understanding.intents.encoder import Encoder
from voicebot.understanding.intents.examples import Example
from voicebot.understanding.intents.model import Floats, IntentModel, train
from voicebot.understanding.normalise import Normaliser

_log = logging.getLogger(__name__)
_FORM = "5"
"""Raised when features or training change, so that a model of another form is never loaded."""
SHIPPED = Path(__file__).parent / "trained"
"""Models trained on the shipped library, in the wheel."""


def default_cache() -> Path:
    """Where trained models are kept: `$VOICEBOT_CACHE`, or the user's own cache folder."""
    named = os.environ.get("VOICEBOT_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "voicebot") / "understanding"


def model_name(texts: Sequence[str], labels: Sequence[str], encoder: Encoder | None) -> str:
    """File name that changes with every example, the form of the features and the encoder."""
    mark = hashlib.sha256(f"{_FORM} {encoder.mark if encoder else ''}".encode())
    for text, label in zip(texts, labels, strict=True):
        mark.update(f"{label}\t{text}\n".encode())
    return f"intents-{mark.hexdigest()[:16]}.npz"


def cleaned(normaliser: Normaliser, examples: Sequence[Example]) -> tuple[list[str], list[str]]:
    """Texts as the model reads them, and their labels."""
    return [normaliser.clean(normaliser.plain(example.text)) for example in examples], [e.intent for e in examples]


def trained_model(
    normaliser: Normaliser, examples: Sequence[Example], encoder: Encoder | None, cache: Path | None = None
) -> IntentModel:
    """The model for these examples: shipped, cached, or trained now and cached."""
    texts, labels = cleaned(normaliser, examples)
    name = model_name(texts, labels, encoder)
    for folder in (SHIPPED, cache or default_cache()):
        path = folder / name
        if path.exists():
            try:
                return IntentModel.load(path)
            except (OSError, ValueError, KeyError):
                _log.warning("trained intent model unreadable, training again", extra={"path": str(path)})
    path = (cache or default_cache()) / name
    _log.info("training the intent model", extra={"examples": len(texts), "path": str(path)})
    model = train(texts, labels, [1.0] * len(texts), None if encoder is None else embed(texts, encoder))
    try:
        model.save(path)
    except OSError:
        _log.warning("intent model not cached, it will be trained at every start", extra={"path": str(path)})
    return model


def embed(texts: Sequence[str], encoder: Encoder) -> Floats:
    """The encoder's vectors of many sentences."""
    return np.asarray(encoder.vectors(texts), dtype=np.float32)


def train_report(
    normaliser: Normaliser, examples: Sequence[Example], encoder: Encoder | None, folder: Path | None = None
) -> dict[str, Any]:
    """Trains anew and says what came of it: sizes, time, thin intents, examples the model itself still misreads."""
    begun = time.perf_counter()
    texts, labels = cleaned(normaliser, examples)
    vectors = None if encoder is None else embed(texts, encoder)
    model = train(texts, labels, [1.0] * len(texts), vectors)
    path = (folder or default_cache()) / model_name(texts, labels, encoder)
    model.save(path)
    confused = []
    for place, (text, label) in enumerate(zip(texts, labels, strict=True)):
        row = model.probabilities(text, None if vectors is None else vectors[place])
        best = model.labels[int(row.argmax())]
        if best != label:
            confused.append({"text": text, "expected": label, "got": best, "source": examples[place].source})
    counts = Counter(labels)
    return {
        "examples": len(texts),
        "intents": len(counts),
        "encoder": encoder is not None,
        "seconds": round(time.perf_counter() - begun, 1),
        "path": str(path),
        "fewest": dict(sorted(counts.items(), key=lambda item: item[1])[:8]),
        "confused": confused[:20],
        "confused_total": len(confused),
    }
