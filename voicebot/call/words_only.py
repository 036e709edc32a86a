"""Understanding under a rule pack that forbids to read a caller's mood from the voice."""

from __future__ import annotations

from voicebot.call.interpreter import Understands
from voicebot.understanding.meaning import Context, Meaning, VoiceStats


class WordsOnly:
    """Passes on what was said and keeps back how it sounded."""

    def __init__(self, understander: Understands) -> None:
        self._understander = understander

    def understand(self, text: str, context: Context, voice: VoiceStats | None = None) -> Meaning:
        """The meaning of the words; `voice` is not looked at."""
        del voice
        return self._understander.understand(text, context)
