"""Values that callers say, exact against the clock of the call."""

from voicebot.understanding.slots.extract import Values, extract

__all__ = ["Values", "extract"]
