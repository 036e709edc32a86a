"""Fixed lines rendered ahead and kept on disk, at telephone rate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from voicebot.speech.protocols import SpeechRequest, Synthesiser


class PromptCache:
    """A `Synthesiser` in front of another: what was warmed comes from disk, the rest is spoken and resampled live.

    Only what `warm` names is ever written: a line with a debtor's name or amount in it never reaches the disk.
    """

    name: str
    languages: Sequence[str]
    sample_rate: int
    licence_note: str | None

    def __init__(
        self, synthesiser: Synthesiser, directory: Path, *, sample_rate: int = 8000, limit_bytes: int = 256_000_000
    ) -> None:
        raise NotImplementedError

    async def warm(self, lines: Iterable[SpeechRequest]) -> int:
        """Renders the lines that are not there yet; says how many it rendered."""
        raise NotImplementedError

    def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
