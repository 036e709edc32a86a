"""Training on a library from the command line: what came of it, and what is different from the model before."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import scripts_library
from voicebot.understanding.dialect import load_dialects
from voicebot.understanding.intents.encoder import Encoder
from voicebot.understanding.intents.examples import load_examples, load_several
from voicebot.understanding.intents.model import IntentModel
from voicebot.understanding.intents.training import Lessons, default_cache, fit, model_name, previous_model
from voicebot.understanding.intents.vectors import VectorStore
from voicebot.understanding.normalise import Normaliser
from voicebot.understanding.replies import load_replies

_SHOWN = 20
_MOVED_LEAST = 0.02
"""Recall that moved by less than this is left out of the comparison."""


def train_library(
    *, library: Path | None = None, encoder: Path | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """Trains on a library, keeps the models in `folder` (the cache when None), and says what changed.

    Raises ValueError on a library or an encoder that is unusable.
    """
    library = library or Path(scripts_library.__file__).parent
    normaliser = Normaliser(load_dialects(library))
    examples = load_examples(library)
    meaning = None if encoder is None else Encoder(encoder)
    lessons = Lessons.of(normaliser, examples, load_several(library))
    texts, labels = lessons.texts, lessons.intents
    name, kept = model_name(lessons, meaning), folder or default_cache()
    before = previous_model(kept, meaning, name)
    model = fit(lessons, meaning)
    model.save(kept / name)
    load_replies(library, normaliser, kept)
    store = None if meaning is None else VectorStore(meaning, default_cache())
    vectors = [None] * len(texts) if store is None else list(store.vectors(texts))
    guessed = [_best(model, text, vector) for text, vector in zip(texts, vectors, strict=True)]
    confused = [
        {"text": text, "expected": label, "got": got, "source": example.source}
        for text, label, got, example in zip(texts, labels, guessed, examples, strict=True)
        if got != label
    ]
    held, counts = model.record["held_out"], Counter(labels)
    return {
        "examples": len(texts),
        "intents": len(counts),
        "encoder": meaning is not None,
        "seconds": model.record["seconds"],
        "path": str(kept / name),
        "fewest": dict(sorted(counts.items(), key=lambda item: item[1])[:8]),
        "held_out": held,
        "weakest": dict(sorted(held.get("recall", {}).items(), key=lambda item: item[1])[:8]),
        "confused": confused[:_SHOWN],
        "confused_total": len(confused),
        "changed": None if before is None else changes(before, model, texts, vectors, guessed),
    }


def _best(model: IntentModel, text: str, vector: Any) -> str:
    return model.labels[int(model.probabilities(text, vector).argmax())]


def changes(
    before: IntentModel, after: IntentModel, texts: list[str], vectors: list[Any], guessed: list[str]
) -> dict[str, Any]:
    """What is different from the model before: examples and held-out recall by intent, sentences read otherwise."""
    old, new = before.record["held_out"], after.record["held_out"]
    moved = []
    for text, vector, now in zip(texts, vectors, guessed, strict=True):
        then = _best(before, text, vector)
        if then != now:
            moved.append({"text": text, "before": then, "after": now})
    recall = {
        intent: {"before": old["recall"][intent], "after": share}
        for intent, share in new.get("recall", {}).items()
        if intent in old.get("recall", {}) and abs(old["recall"][intent] - share) >= _MOVED_LEAST
    }
    counted, counts = before.record["examples"], after.record["examples"]
    examples = {
        intent: {"before": counted.get(intent, 0), "after": counts.get(intent, 0)}
        for intent in sorted(set(counted) | set(counts))
        if counted.get(intent, 0) != counts.get(intent, 0)
    }
    return {
        "right": {"before": old.get("right"), "after": new.get("right")},
        "recall": recall,
        "examples": examples,
        "read_otherwise": moved[:_SHOWN],
        "read_otherwise_total": len(moved),
    }
