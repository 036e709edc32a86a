"""A transformers sentence encoder on ONNX Runtime: what a sentence means, whatever its words. Optional; no torch."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from voicebot.understanding.intents.e5_graph import LAYERS, WeightsError, build
from voicebot.understanding.intents.folder import EncoderError, Floats, ModelFolder

DEFAULT_NAME = "multilingual-e5-small"
WEIGHTS = "e5-small-q4.bin"
"""The 4-bit weights, as a package ships them."""
_log = logging.getLogger(__name__)
_BATCH = 32


class Encoder:
    """Gives sentences as vectors of length one."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds a model without a head (input_ids and attention_mask in, token states out)."""
        self._model = ModelFolder(folder)
        self.mark = self._model.mark
        """Names the model in the key of what was trained with it."""
        if self._model.labels:
            raise EncoderError(
                f"{folder}: a classifier, not an encoder; name it as the classifier, or export the encoder alone"
            )

    def vector(self, text: str) -> Floats:
        """The sentence as one vector of length one."""
        row: Floats = self.vectors([text])[0]
        return row

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Sentences as rows of length one, in the order given; sentences of like length are run together."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        rows: dict[int, Floats] = {}
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            for place, row in zip(places, self._run([texts[place] for place in places]), strict=True):
                rows[place] = row
        return np.stack([rows[place] for place in range(len(texts))])

    def _run(self, texts: Sequence[str]) -> Floats:
        states, mask = self._model.run(texts)
        if self._model.pools_first:
            pooled = states[:, 0]
        else:
            share = mask[:, :, None]
            pooled = (states * share).sum(1) / share.sum(1)
        return np.asarray(pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def installed_encoder() -> Path | None:
    """The pulled default encoder, None when it was not pulled: `$VOICEBOT_MODELS`, or the user's data directory.

    Where the pulled model is the 4-bit weights, the graph is made from them once, beside the trained models.
    """
    named = os.environ.get("VOICEBOT_MODELS")
    models = Path(named) if named else Path.home() / ".local" / "share" / "voicebot" / "models"
    folder = models / DEFAULT_NAME
    if (folder / "model.onnx").exists() and (folder / "tokenizer.json").exists():
        return folder
    weights, tokenizer = folder / WEIGHTS, folder / "tokenizer.json"
    if not (weights.exists() and tokenizer.exists()):
        return None
    cached = os.environ.get("VOICEBOT_CACHE")
    kept = (Path(cached) if cached else Path.home() / ".cache" / "voicebot") / "encoders"
    made = kept / f"{DEFAULT_NAME}-{LAYERS}-layers"
    if not (made / "model.onnx").exists():
        try:
            build(weights, tokenizer, made)
        except (ImportError, OSError, WeightsError) as problem:
            _log.warning("the sentence encoder could not be made", extra={"path": str(weights), "reason": str(problem)})
            return None
    return made
