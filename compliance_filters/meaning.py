"""The meaning model: a logistic model over characters, sounds and concepts, learnt from the pack's own examples.

It is small on purpose: it trains in seconds, the same each time, and judges a sentence in a fraction of a millisecond.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
DISCLOSING = ("third_party_disclosure", "pre_verification_leak")
"""What may be said to nobody but the verified debtor."""
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
    words = [unit.text for unit in scan.normal.units[first:end]]
    spoken = [sounds.code(word) if len(word) == 1 else word for word in words]
    names = [f"c{word}" for word in words]
    names += [f"c{a}\x00{b}" for a, b in itertools.pairwise(words)]
    names += [f"c{a}\x00{b}\x00{c}" for a, b, c in zip(words, words[1:], words[2:], strict=False)]
    for apart in (2, 3, 4):
        names += [f"j{a}\x00{b}" for a, b in zip(words, words[apart:], strict=False)]
    names += [f"s{a}\x00{b}" for a, b in itertools.pairwise(spoken)]
    names += [f"s{a}\x00{b}\x00{c}" for a, b, c in zip(spoken, spoken[1:], spoken[2:], strict=False)]
    for a, b, c, d in zip(spoken, spoken[1:], spoken[2:], spoken[3:], strict=False):
        names.append(f"s{a}\x00{b}\x00{c}\x00{d}")
    if any(len(word) > _STEM for word in words):
        stems = [word[:_STEM] for word in words]
        names += [f"p{stem}" for stem in stems]
        names += [f"p{a}\x00{b}" for a, b in itertools.pairwise(stems)]
    for mark, edge in (("^", words[:1]), ("^", words[:2]), ("$", words[-1:]), ("$", words[-2:])):
        names.append(mark + "\x00".join(edge))
    seen = {_buckets[name] for name in names}
    return np.sort(np.fromiter(seen, dtype=np.int64, count=len(seen)))


def _in_steps(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return (np.round(weights * STEP) / STEP).astype(np.float32)


class MeaningModel:
    """Two questions (is it misconduct, does it disclose) and one weight vector a category to say which."""

    def __init__(self, columns: Sequence[str], weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> None:
        self.columns = tuple(columns)
        self._weights = _in_steps(weights)
        self._bias = bias
        self._place = {name: index for index, name in enumerate(self.columns)}
        self._naming = [i for i, name in enumerate(self.columns) if name not in (*_QUESTIONS, *DISCLOSING)]

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
        raw = self._weights.take(seen, axis=0).sum(axis=0) / np.sqrt(len(seen)) + self._bias
        return np.asarray(1.0 / (1.0 + np.exp(-raw)), dtype=np.float32)

    def score(self, column: str, scores: npt.NDArray[np.float32]) -> float:
        """One column of `scores`; 0.5 when the pack taught nothing about it, so that patterns decide alone."""
        place = self._place.get(column)
        return 0.5 if place is None else float(scores[place])

    def named(self, scores: npt.NDArray[np.float32]) -> list[tuple[str, float]]:
        """Categories of misconduct, likeliest first."""
        values = scores.tolist()
        order = sorted(self._naming, key=values.__getitem__, reverse=True)
        return [(self.columns[i], values[i]) for i in order]


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


def _taught(pack: RulePack, guard: PhraseGuard) -> Iterator[tuple[str, str, int]]:
    """Label, sentence, and how many sentences its template was spun out to, for every example of a pack.

    Labels are the categories, `lawful` (towards the verified debtor) and `neutral` (towards anybody).
    """
    for label, templates in _lines(pack):
        for line in templates:
            sentences = template.expand(line, guard.lexicon.concepts, limit=_PER_TEMPLATE)
            for sentence in sentences:
                yield label, sentence, len(sentences)


def _lines(pack: RulePack) -> Iterator[tuple[str, Iterable[str]]]:
    yield "lawful", pack.vocabulary.lawful
    yield "neutral", pack.vocabulary.neutral
    for saying in pack.sayings:
        yield saying.category, (*saying.examples, *saying.permissible_examples, *saying.phrases)
        yield ("neutral" if saying.category in DISCLOSING else "lawful"), saying.lawful


def train(pack: RulePack, guard: PhraseGuard) -> MeaningModel:
    """Learns from the examples of a pack. Deterministic."""
    by_label: dict[str, list[tuple[str, float]]] = {}
    for label, sentence, variants in _taught(pack, guard):
        # A template counts for more than one sentence, though not for as many as it can be spun out to.
        share = variants**-0.5
        by_label.setdefault(label, []).append((sentence, share))
        other = _other_register(sentence)
        if other != sentence:
            by_label[label].append((other, share * _REGISTER_WEIGHT))
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
    disclosing = np.isin(owners, DISCLOSING)
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
    return [c for c in pack.categories if c not in DISCLOSING]
