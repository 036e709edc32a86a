"""Why a sentence was understood as it was: for `voicebot nlu why` and the timeline."""

from __future__ import annotations

from typing import Any

from voicebot.understanding.engine import Understander
from voicebot.understanding.meaning import Context


def explain(engine: Understander, text: str, context: Context, *, scores: int = 5) -> dict[str, Any]:
    """The meaning, the nearest examples of the library, and the model's best `scores` labels, as plain values."""
    meaning = engine.understand(text, context)
    clean = engine.clean(text)
    ranked = sorted(engine.scores(clean).items(), key=lambda item: -item[1])[:scores]
    return {
        "raw": meaning.raw,
        "text": meaning.text,
        "answer": meaning.answer.value if meaning.answer else None,
        "intents": [{"id": found.id, "confidence": found.confidence, "why": found.why} for found in meaning.intents],
        "slots": {
            name: {
                "value": None if slot.value is None else str(slot.value),
                "words": slot.text,
                "approximate": slot.approximate,
                "needs_clarification": slot.needs_clarification,
                "earliest": None if slot.earliest is None else str(slot.earliest),
                "latest": None if slot.latest is None else str(slot.latest),
            }
            for name, slot in meaning.slots.items()
        },
        "correction": meaning.correction,
        "mood": meaning.sentiment.mood.value,
        "distress": meaning.sentiment.distress,
        "nearest": engine.nearest(clean),
        "scores": {label: round(probability, 3) for label, probability in ranked},
    }
