"""Whether a person speaks, for many calls at once."""

from __future__ import annotations

from pathlib import Path

from voicebot.speech.protocols import VoiceActivity


class VoiceActivityModel:
    """One Silero model a process, batched across calls in one worker thread; a cheap gate a call stands before it."""

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        raise NotImplementedError

    def open_call(self) -> VoiceActivity:
        """The view of one call: frames of 256 samples (32 ms) at 8 kHz, its own state."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
