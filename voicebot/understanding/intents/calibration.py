"""How far a confidence can be believed: the temperature that makes it so, and the table that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_BINS = 10


@dataclass(frozen=True)
class Bin:
    """Sentences whose confidence lies in one tenth of the scale."""

    low: float
    """Confidence from which the bin begins, 0 to 1."""
    high: float
    count: int
    """Sentences in the bin."""
    confidence: float
    """Their mean confidence."""
    right: float
    """The share that was right: equal to the confidence where it can be believed."""


def reliability(confidences: Sequence[float], right: Sequence[bool]) -> list[Bin]:
    """The table of reliability in tenths; empty tenths are left out."""
    sure, hit = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    place = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    return [
        Bin(
            number / _BINS,
            (number + 1) / _BINS,
            int((place == number).sum()),
            round(float(sure[place == number].mean()), 4),
            round(float(hit[place == number].mean()), 4),
        )
        for number in range(_BINS)
        if (place == number).any()
    ]


def expected_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: how far confidence and truth lie apart, on average over the sentences; 0 to 1."""
    total = sum(found.count for found in bins)
    if not total:
        return 0.0
    return round(sum(found.count * abs(found.confidence - found.right) for found in bins) / total, 4)


def fit_temperature(logits: Floats, truth: Sequence[int]) -> float:
    """The divisor of the logits under which held-out sentences are likeliest; above 1 where the model is too sure."""
    from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

    rows = np.arange(len(truth))

    def cost(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(1)) - scaled[rows, list(truth)]).mean())

    found = minimize_scalar(cost, bounds=(-2.5, 2.5), method="bounded")
    return round(float(np.exp(found.x)), 4)
