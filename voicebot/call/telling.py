"""What the timeline says of turns, verdicts and actions: JSON values only. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compliance_filters.verdict import Verdict
from voicebot.call.frames import TurnFrame
from voicebot.understanding.meaning import Meaning


def of_verdict(verdict: Verdict) -> dict[str, Any]:
    """A verdict, with the rules and the reasons for a person to read."""
    return {
        "action": verdict.action.value,
        "category": verdict.category,
        "rules": [rule for finding in verdict.findings for rule in finding.rule_ids],
        "why": [finding.why for finding in verdict.findings],
        "pack": verdict.pack_hash[:16],
    }


def of_action(value: object) -> dict[str, Any]:
    """Fields of an action as JSON values."""
    return {
        name: field
        if isinstance(field, bool | int | float | None)
        else dict(field)
        if isinstance(field, Mapping)
        else str(field)
        for name, field in vars(value).items()
    }


def of_turn(turn: TurnFrame, meaning: Meaning, understanding_seconds: float) -> dict[str, Any]:
    """One turn as JSON values for the timeline."""
    return {
        "text": turn.text,
        "normalised_text": meaning.text,
        "seconds": round(turn.ended - turn.began, 2),
        "confident": turn.confident,
        "confidence": round(turn.confidence, 3),
        "engine": turn.engine,
        "endpoint_seconds": round(turn.endpoint_seconds, 3),
        "recognition_seconds": round(turn.recognition_seconds, 3),
        "understanding_seconds": round(understanding_seconds, 4),
        "intents": [{"id": i.id, "confidence": round(i.confidence, 3), "why": i.why} for i in meaning.intents],
        "answer": meaning.answer.value if meaning.answer else None,
        "slots": {
            name: {
                "value": None if slot.value is None else str(slot.value),
                "text": slot.text,
                "approximate": slot.approximate,
                "needs_clarification": slot.needs_clarification,
            }
            for name, slot in meaning.slots.items()
        },
        "correction": meaning.correction,
        "mood": meaning.sentiment.mood.value,
        "intensity": round(meaning.sentiment.intensity, 2),
        "distress": round(meaning.sentiment.distress, 2),
        "interrupted_line": turn.interrupted_line,
        "voice": vars(turn.voice) if turn.voice else None,
    }
