"""The encoder's vectors of a library's sentences, kept on disk: after a change only the new sentences are encoded."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from voicebot.understanding.intents.encoder import Encoder
from voicebot.understanding.intents.model import Floats

_log = logging.getLogger(__name__)


class VectorStore:
    """One file an encoder in a cache folder; the vectors in 16-bit floats."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self._encoder = encoder
        self._path = folder / f"vectors-{encoder.mark}.npz"
        self._known: dict[str, Floats] | None = None

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Texts by the encoder's width, in the order given."""
        known = self._known = self._read() if self._known is None else self._known
        fresh = sorted({text for text in texts if text not in known})
        if fresh:
            known.update(zip(fresh, self._encoder.vectors(fresh), strict=True))
            self._write(known)
        return np.stack([known[text] for text in texts]).astype(np.float32)

    def _read(self) -> dict[str, Floats]:
        try:
            with np.load(self._path) as kept:
                texts = bytes(kept["texts"]).decode().split("\n")
                return dict(zip(texts, kept["vectors"].astype(np.float32), strict=True))
        except (OSError, ValueError, KeyError):
            return {}

    def _write(self, known: dict[str, Floats]) -> None:
        words = sorted(text for text in known if "\n" not in text)
        partial = self._path.with_suffix(".partial.npz")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                partial,
                texts=np.frombuffer("\n".join(words).encode(), np.uint8),
                vectors=np.stack([known[word] for word in words]).astype(np.float16),
            )
            partial.replace(self._path)
        except OSError:
            _log.warning("sentence vectors not kept, they are made again next time", extra={"path": str(self._path)})
