"""The model trained on the library's examples: a linear softmax over n-grams, sounds and, where there is one, an
encoder's vector."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicebot.understanding.intents.features import grams

Floats = NDArray[np.float32]
_SOUND_WEIGHT = 0.7
_MEANING_WEIGHT = 1.0
_RARE = 3  # n-grams seen in fewer sentences than this are left out
_RIDGE = 0.6  # strength of the penalty on large weights
_STEPS = 60


@dataclass(frozen=True)
class IntentModel:
    """Weights, read-only once trained."""

    labels: tuple[str, ...]
    vocabulary: dict[str, int]
    idf: Floats
    weights: Floats
    """Features by labels."""
    bias: Floats
    centre: Floats
    """Mean of the encoder's vectors over the examples; empty without an encoder."""
    temperature: float = 1.0
    """Divisor of the logits, fitted on held-out examples, so that a probability can be believed."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """What was measured when it was trained: held-out recall by intent, calibration, numbers of examples."""

    @property
    def meaning_size(self) -> int:
        return int(self.centre.shape[0])

    def probabilities(self, text: str, vector: Floats | None) -> Floats:
        """Probability of each label for one cleaned sentence. `vector` is the encoder's, where the model was
        trained with one."""
        logits = self.logits(text, vector)
        logits -= logits.max()
        grown: Floats = np.exp(logits)
        return np.asarray(grown / grown.sum(), dtype=np.float32)

    def logits(self, text: str, vector: Floats | None) -> Floats:
        """The model's evidence for each label, divided by the temperature."""
        logits = self.bias.copy()
        index, value = _sparse(text, self.vocabulary, self.idf)
        if len(index):
            logits += value @ self.weights[index]
        if self.meaning_size and vector is not None:
            logits += _centred(vector, self.centre) @ self.weights[len(self.vocabulary) :]
        return np.asarray(logits / self.temperature, dtype=np.float32)

    def measured(self, temperature: float, record: Mapping[str, Any]) -> IntentModel:
        """The same weights with what was found out about them."""
        return replace(self, temperature=temperature, record=record)

    def save(self, path: Path) -> None:
        """Writes one .npz file, weights in 8-bit integers with a scale a feature; complete or not at all."""
        partial = path.with_suffix(".partial.npz")
        path.parent.mkdir(parents=True, exist_ok=True)
        words = "\n".join(self.vocabulary)
        scale = np.maximum(np.abs(self.weights).max(1, keepdims=True), 1e-8) / 127.0
        np.savez_compressed(
            partial,
            labels=np.frombuffer("\n".join(self.labels).encode(), np.uint8),
            words=np.frombuffer(words.encode(), np.uint8),
            idf=self.idf,
            weights=np.round(self.weights / scale).astype(np.int8),
            scale=scale.astype(np.float32),
            bias=self.bias,
            centre=self.centre,
            temperature=np.float32(self.temperature),
            record=np.frombuffer(json.dumps(self.record, ensure_ascii=False).encode(), np.uint8),
        )
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> IntentModel:
        """Reads what `save` wrote. Raises OSError or ValueError on a file that is not one."""
        with np.load(path) as data:
            words = bytes(data["words"]).decode().split("\n")
            return cls(
                labels=tuple(bytes(data["labels"]).decode().split("\n")),
                vocabulary={word: place for place, word in enumerate(words)},
                idf=data["idf"],
                weights=data["weights"].astype(np.float32) * data["scale"],
                bias=data["bias"],
                centre=data["centre"],
                temperature=float(data["temperature"]),
                record=json.loads(bytes(data["record"]).decode()),
            )


def _sparse(text: str, vocabulary: dict[str, int], idf: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Places and values of a sentence's n-grams, each block of length one."""
    places: list[int] = []
    values: list[float] = []
    for block, weight in zip(grams(text), (1.0, _SOUND_WEIGHT), strict=True):
        counts = Counter(place for gram in block if (place := vocabulary.get(gram)) is not None)
        if not counts:
            continue
        raw = np.array([(1.0 + np.log(count)) * idf[place] for place, count in counts.items()])
        scale = weight / float(np.sqrt(raw @ raw))
        places.extend(counts)
        values.extend((raw * scale).tolist())
    return np.array(places, dtype=np.int64), np.array(values, dtype=np.float32)


def _centred(vectors: Floats, centre: Floats) -> Floats:
    moved = vectors - centre
    length = np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-6)
    return np.asarray(moved / length * _MEANING_WEIGHT, dtype=np.float32)


def train(
    texts: Sequence[str], labels: Sequence[tuple[str, ...]], vectors: Floats | None, *, rare: int = _RARE
) -> IntentModel:
    """Fits the model: seconds for thousands of sentences on one core. A sentence of several labels is shared evenly;
    n-grams seen in fewer than `rare` sentences are left out."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    names = tuple(sorted({label for several in labels for label in several}))
    seen: Counter[str] = Counter()
    for text in texts:
        for block in grams(text):
            seen.update(set(block))
    vocabulary = {
        gram: place for place, gram in enumerate(sorted(gram for gram, count in seen.items() if count >= rare))
    }
    counts = np.array([seen[gram] for gram in vocabulary], dtype=np.float32)
    idf = np.asarray(np.log((1 + len(texts)) / (1 + counts)) + 1, dtype=np.float32)
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        index, value = _sparse(text, vocabulary, idf)
        rows.extend([row] * len(index))
        columns.extend(index.tolist())
        values.extend(value.tolist())
    sparse = csr_matrix((values, (rows, columns)), shape=(len(texts), len(vocabulary)), dtype=np.float32)
    transposed = sparse.T.tocsr()
    centre: Floats = np.zeros(0, dtype=np.float32) if vectors is None else np.asarray(vectors.mean(0), dtype=np.float32)
    dense = None if vectors is None else _centred(vectors, centre)
    width, classes = len(vocabulary) + len(centre), len(names)
    place = {name: number for number, name in enumerate(names)}
    target = np.zeros((len(texts), classes), dtype=np.float32)
    for row, several in enumerate(labels):
        target[row, [place[label] for label in several]] = 1.0 / len(several)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        matrix = flat[: width * classes].reshape(width, classes).astype(np.float32)
        bias = flat[width * classes :].astype(np.float32)
        logits = sparse @ matrix[: len(vocabulary)] + bias
        if dense is not None:
            logits += dense @ matrix[len(vocabulary) :]
        logits -= logits.max(1, keepdims=True)
        grown = np.exp(logits)
        guess = grown / grown.sum(1, keepdims=True)
        cost = -float((target * (logits - np.log(grown.sum(1, keepdims=True)))).sum())
        error = guess - target
        slope = np.empty_like(matrix)
        slope[: len(vocabulary)] = transposed @ error
        if dense is not None:
            slope[len(vocabulary) :] = dense.T @ error
        slope += _RIDGE * matrix
        cost += 0.5 * _RIDGE * float((matrix.astype(np.float64) ** 2).sum())
        return cost, np.concatenate([slope.ravel(), error.sum(0)]).astype(np.float64)

    found = minimize(
        loss, np.zeros(width * classes + classes), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "maxcor": 8}
    ).x.astype(np.float32)
    return IntentModel(
        names, vocabulary, idf, found[: width * classes].reshape(width, classes), found[width * classes :], centre
    )
