"""The meaning model: a logistic model over characters, sounds and concepts, learnt from the pack's own examples.

It is small on purpose: it trains in seconds, the same each time, and judges a sentence in a fraction of a millisecond.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compliance_filters import sounds, template

if TYPE_CHECKING:
    from compliance_filters.guard import PhraseGuard
    from compliance_filters.pack import RulePack
    from compliance_filters.patterns import Scan

FORMAT = "11"
"""Goes up when features or training change: models trained before are then not used."""
STEP = 32
"""Weights are whole multiples of 1/32: small to keep, and the same on every machine."""
_BUCKETS = 1 << 18
_DISCLOSING = ("third_party_disclosure", "pre_verification_leak")
_PER_TEMPLATE = 24
_REGISTER_WEIGHT = 0.2
_STEM = 5  # letters of a word in an alphabet that stand for all its forms: visit, visits, visited

MISCONDUCT, DISCLOSURE = "misconduct", "disclosure"
_QUESTIONS = (MISCONDUCT, DISCLOSURE)


def _bucket(feature: str) -> int:
    digest = hashlib.blake2b(feature.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") % _BUCKETS


Scores = npt.NDArray[np.float32]
"""One probability a column of the model."""


class _Buckets(dict[str, int]):
    """Remembers where each feature lies, so that hashing is paid once a feature."""

    def __missing__(self, feature: str) -> int:
        if len(self) > 400_000:
            self.clear()
        place = _bucket(feature)
        self[feature] = place
        return place


_buckets = _Buckets()


def features(scan: Scan, first: int = 0, end: int | None = None) -> npt.NDArray[np.int64]:
    """Buckets of everything that is seen in units `first` to `end`: runs of one to three characters and of two to
    four sounds, pairs of characters with a little between them, beginnings of words in an alphabet, and how it begins
    and ends."""
    units = scan.normal.units[first:end]
    words = [u.text for u in units]
    spoken = [sounds.code(w) if len(w) == 1 else w for w in words]
    seen: set[int] = set()
    for size in (1, 2, 3):
        for at in range(len(words) - size + 1):
            seen.add(_buckets["c" + "\x00".join(words[at : at + size])])
    for size in (2, 3, 4):
        for at in range(len(spoken) - size + 1):
            seen.add(_buckets["s" + "\x00".join(spoken[at : at + size])])
    if any(len(word) > _STEM for word in words):
        stems = [word[:_STEM] for word in words]
        for size in (1, 2):
            for at in range(len(stems) - size + 1):
                seen.add(_buckets["p" + "\x00".join(stems[at : at + size])])
    for at, word in enumerate(words):
        for other in words[at + 2 : at + 5]:
            seen.add(_buckets[f"j{word}\x00{other}"])
    for mark, edge in (("^", words[:1]), ("^", words[:2]), ("$", words[-1:]), ("$", words[-2:])):
        seen.add(_buckets[mark + "\x00".join(edge)])
    return np.fromiter(sorted(seen), dtype=np.int64, count=len(seen))


def _in_steps(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return (np.round(weights * STEP) / STEP).astype(np.float32)


class MeaningModel:
    """Two questions (is it misconduct, does it disclose) and one weight vector a category to say which."""

    def __init__(self, columns: Sequence[str], weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> None:
        self.columns = tuple(columns)
        self._weights = _in_steps(weights)
        self._bias = bias
        self._place = {name: index for index, name in enumerate(self.columns)}
        self._naming = [i for i, name in enumerate(self.columns) if name not in (*_QUESTIONS, *_DISCLOSING)]

    @classmethod
    def untaught(cls) -> MeaningModel:
        """A model that has learnt nothing and believes nothing: patterns decide alone."""
        return cls((), np.zeros((_BUCKETS, 0), dtype=np.float32), np.zeros(0, dtype=np.float32))

    @classmethod
    def unpacked(cls, kept: Mapping[str, npt.NDArray[Any]]) -> MeaningModel:
        """The model out of the arrays of `packed`. Raises KeyError and ValueError when they are no model."""
        weights = np.zeros((_BUCKETS, len(kept["columns"])), dtype=np.float32)
        weights[np.cumsum(kept["gaps"], dtype=np.int64)] = kept["steps"].astype(np.float32) / STEP
        return cls([str(c) for c in kept["columns"]], weights, kept["bias"])

    def packed(self) -> dict[str, npt.NDArray[Any]]:
        """Everything there is to keep: names of the columns, gaps between the buckets in use, their weights in steps,
        and the bias."""
        used = np.flatnonzero(np.any(self._weights != 0, axis=1))
        return {
            "columns": np.array(self.columns),
            "gaps": np.diff(used, prepend=0).astype(np.int32),
            "steps": np.round(self._weights[used] * STEP).astype(np.int16),
            "bias": self._bias,
        }

    def scores(self, scan: Scan, first: int = 0, end: int | None = None) -> npt.NDArray[np.float32]:
        """Probability of each column for units `first` to `end`."""
        seen = features(scan, first, end)
        if not len(seen) or not self.columns:
            return np.zeros(len(self.columns), dtype=np.float32)
        raw = self._weights[seen].sum(axis=0) / np.sqrt(len(seen)) + self._bias
        return np.asarray(1.0 / (1.0 + np.exp(-raw)), dtype=np.float32)

    def score(self, column: str, scores: npt.NDArray[np.float32]) -> float:
        """One column of `scores`; 0.5 when the pack taught nothing about it, so that patterns decide alone."""
        place = self._place.get(column)
        return 0.5 if place is None else float(scores[place])

    def named(self, scores: npt.NDArray[np.float32]) -> list[tuple[str, float]]:
        """Categories of misconduct, likeliest first."""
        order = sorted(self._naming, key=lambda i: -scores[i])
        return [(self.columns[i], float(scores[i])) for i in order]


def sentences(scan: Scan) -> list[tuple[int, int]]:
    units = scan.normal.units
    found: list[tuple[int, int]] = []
    first = 0
    for at in range(1, len(units) + 1):
        if at == len(units) or units[at].sentence != units[first].sentence:
            found.append((first, at))
            first = at
    return found if units else []


def _rarity(rows: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.float64]:
    """How much a bucket tells: the log of how seldom it is seen, about 1 at the mean of the buckets in use."""
    seen = np.bincount(np.concatenate(rows), minlength=_BUCKETS)
    rarity = np.log((1 + len(rows)) / (1 + seen))
    return np.where(seen > 0, rarity / rarity[seen > 0].mean(), 1.0)


def _fit(
    rows: Sequence[npt.NDArray[np.int64]],
    labels: npt.NDArray[np.bool_],
    shares: npt.NDArray[np.float64],
    rarity: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float32], float]:
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression

    lengths = np.array([len(r) for r in rows])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate(rows)
    values = np.repeat(1.0 / np.sqrt(np.maximum(lengths, 1)), lengths) * rarity[indices]
    matrix = csr_matrix((values, indices, indptr), shape=(len(rows), _BUCKETS))
    model = LogisticRegression(
        C=6.0, class_weight="balanced", solver="liblinear", dual=True, tol=0.02, random_state=0, max_iter=300
    )
    model.fit(matrix, labels, sample_weight=shares)
    return (model.coef_[0] * rarity).astype(np.float32), float(model.intercept_[0])


def _other_register(text: str) -> str:
    """The same sentence with the other word for "you": a threat is no politer with 您, nor a greeting ruder with 你."""
    return text.replace("您", "你") if "您" in text else text.replace("你", "您")


def train(pack: RulePack, guard: PhraseGuard) -> MeaningModel:
    """Learns from the examples of a pack. Deterministic."""
    concepts = guard.lexicon.concepts
    by_label: dict[str, list[tuple[str, float]]] = {}

    def learn(label: str, templates: Iterable[str]) -> None:
        for line in templates:
            sentences = template.expand(line, concepts, limit=_PER_TEMPLATE)
            # A template counts for more than one sentence, though not for as many as it can be spun out to.
            weight = len(sentences) ** -0.5
            for sentence in sentences:
                by_label.setdefault(label, []).append((sentence, weight))
                other = _other_register(sentence)
                if other != sentence:
                    by_label[label].append((other, weight * _REGISTER_WEIGHT))

    learn("lawful", pack.vocabulary.lawful)
    learn("neutral", pack.vocabulary.neutral)
    for saying in pack.sayings:
        learn(saying.category, (*saying.examples, *saying.permissible_examples, *saying.phrases))
        learn("neutral" if saying.category in _DISCLOSING else "lawful", saying.lawful)
    if "lawful" not in by_label or not any(label in by_label for label in _misconduct(pack)):
        return MeaningModel.untaught()
    rows: list[npt.NDArray[np.int64]] = []
    owner: list[str] = []
    weight: list[float] = []
    for label in sorted(by_label):
        for text, share in dict(reversed(by_label[label])).items():
            rows.append(features(guard.read(text)))
            owner.append(label)
            weight.append(share)
    rarity = _rarity(rows)
    owners = np.array(owner)
    shares = np.array(weight)
    disclosing = np.isin(owners, _DISCLOSING)
    neutral = owners == "neutral"
    lawful = neutral | (owners == "lawful")
    columns: list[str] = []
    learnt: list[tuple[npt.NDArray[np.float32], float]] = []
    for column in (MISCONDUCT, DISCLOSURE, *_misconduct(pack)):
        if column == MISCONDUCT:
            chosen, labels = ~disclosing, ~lawful
        elif column == DISCLOSURE:
            chosen, labels = disclosing | neutral, disclosing
        else:
            chosen, labels = ~disclosing, owners == column
        picked = np.flatnonzero(chosen)
        # A question with examples of one answer only teaches nothing.
        if len(np.unique(labels[picked])) == 2:
            columns.append(column)
            learnt.append(_fit([rows[i] for i in picked], labels[picked], shares[picked], rarity))
    weights = np.stack([w for w, _ in learnt], axis=1)
    bias = np.array([b for _, b in learnt], dtype=np.float32)
    return MeaningModel(columns, weights, bias)


def _misconduct(pack: RulePack) -> list[str]:
    return [c for c in pack.categories if c not in _DISCLOSING]
