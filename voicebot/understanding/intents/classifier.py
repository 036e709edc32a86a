"""A fine-tuned transformers classifier: a sequence-classification head whose labels are intents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from voicebot.understanding.intents.catalogue import INTENTS, NONE
from voicebot.understanding.intents.folder import EncoderError, Floats, ModelFolder

_SHARE = 0.6
"""What the fine-tuned model's word counts beside the library's own model, which knows the newest examples."""


class Classifier:
    """Gives probabilities of intents. Its head may know only some of them."""

    def __init__(self, folder: Path) -> None:
        """`folder` is a transformers folder with `model.onnx` and a `config.json` whose `id2label` names intents."""
        self._model = ModelFolder(folder)
        self.labels = self._model.labels
        unknown = sorted(set(self.labels) - {*INTENTS, NONE})
        if not self.labels:
            raise EncoderError(
                f"{folder}: no classification head; its config.json needs `id2label` and its graph the output `logits`"
            )
        if unknown:
            raise EncoderError(
                f"{folder / 'config.json'}: labels that are no intents: {', '.join(unknown[:5])}; train it on the "
                "names of the catalogue, or rename them in id2label"
            )

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Texts by `labels`."""
        logits, _ = self._model.run(texts)
        grown = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(grown / grown.sum(1, keepdims=True), dtype=np.float32)

    def weigh(self, row: Floats, labels: Sequence[str], found: Floats) -> Floats:
        """A row of the library's model over `labels` together with this model's over its own; sums to one."""
        place = {label: number for number, label in enumerate(labels)}
        mixed = row * (1.0 - _SHARE)
        for label, probability in zip(self.labels, found, strict=True):
            if label in place:
                mixed[place[label]] += _SHARE * probability
        return np.asarray(mixed / mixed.sum(), dtype=np.float32)


def is_classifier(folder: Path) -> bool:
    """Whether a folder holds a model with a classification head rather than a bare encoder."""
    return bool(ModelFolder(folder).labels)
