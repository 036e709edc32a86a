"""What the caller meant: normalisation, dialects, intents, slots, sentiment. Pure: no clock, no network, no loop."""

from voicebot.understanding.engine import Understander, load_understander
from voicebot.understanding.meaning import (
    Answer,
    Context,
    Expecting,
    IntentScore,
    Meaning,
    Mood,
    Sentiment,
    Slot,
    VoiceStats,
)

__all__ = [
    "Answer",
    "Context",
    "Expecting",
    "IntentScore",
    "Meaning",
    "Mood",
    "Sentiment",
    "Slot",
    "Understander",
    "VoiceStats",
    "load_understander",
]
