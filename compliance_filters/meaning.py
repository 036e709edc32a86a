"""The meaning model: a logistic model over characters, sounds and concepts, learnt from the pack's own examples.

It is small on purpose: it trains in seconds, the same each time, and judges a sentence in a fraction of a millisecond.
Weights are kept beside the user's caches under the hash of the pack, and are made anew when the pack changes.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compliance_filters import sounds, template
from compliance_filters.verdict import CallState, Finding

if TYPE_CHECKING:
    from compliance_filters.guard import PhraseGuard
    from compliance_filters.pack import RulePack
    from compliance_filters.patterns import Match, Scan

_FORMAT = "5"
_BUCKETS = 1 << 17
_DISCLOSING = ("third_party_disclosure", "pre_verification_leak")
_PER_TEMPLATE = 24
_ALONE, _SUPPORTING = 0.80, 0.35


def _bucket(feature: str) -> int:
    digest = hashlib.blake2b(feature.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") % _BUCKETS


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
    """Buckets of everything that is seen in units `first` to `end`: runs of one to three characters and of two to four sounds,
    and the named concepts present."""
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
    return np.fromiter(sorted(seen), dtype=np.int64, count=len(seen))


class MeaningModel:
    """One weight vector a category."""

    def __init__(
        self, categories: Sequence[str], weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
    ) -> None:
        self.categories = tuple(categories)
        self._weights = weights
        self._bias = bias

    def scores(self, scan: Scan, first: int = 0, end: int | None = None) -> npt.NDArray[np.float32]:
        """Probability of each category for units `first` to `end`."""
        seen = features(scan, first, end)
        if not len(seen):
            return np.zeros(len(self.categories), dtype=np.float32)
        raw = self._weights[seen].sum(axis=0) / np.sqrt(len(seen)) + self._bias
        return np.asarray(1.0 / (1.0 + np.exp(-raw)), dtype=np.float32)

    def supports(self, category: str, scan: Scan, match: Match) -> bool:
        """True when the sentence of a weak match also means the category."""
        first, end = _sentence(scan, match.start)
        return bool(self.scores(scan, first, end)[self.categories.index(category)] >= _SUPPORTING)

    def findings(self, scan: Scan, guard: PhraseGuard, state: CallState) -> list[Finding]:
        """Sentences that mean something forbidden though no pattern names it."""
        found: list[Finding] = []
        for first, end in _sentences(scan):
            scores = self.scores(scan, first, end)
            for index in np.flatnonzero(scores >= _ALONE):
                category = self.categories[int(index)]
                shown = category
                if category in _DISCLOSING:
                    from compliance_filters.guard import disclosing_category

                    shown = disclosing_category(state)
                if not guard.applies(category, state) or guard.permitted(category, state):
                    continue
                why = f"meaning: the sentence reads as {category} ({scores[index]:.2f})"
                found.append(guard.finding(shown, scan, first, end, why))
        return found


def _sentences(scan: Scan) -> list[tuple[int, int]]:
    units = scan.normal.units
    found: list[tuple[int, int]] = []
    first = 0
    for at in range(1, len(units) + 1):
        if at == len(units) or units[at].sentence != units[first].sentence:
            found.append((first, at))
            first = at
    return found if units else []


def _sentence(scan: Scan, unit: int) -> tuple[int, int]:
    return next((f, e) for f, e in _sentences(scan) if f <= unit < e)


def _fit(rows: Sequence[npt.NDArray[np.int64]], labels: npt.NDArray[np.int8]) -> tuple[npt.NDArray[np.float32], float]:
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression

    lengths = np.array([len(r) for r in rows])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate(rows)
    values = np.repeat(1.0 / np.sqrt(np.maximum(lengths, 1)), lengths)
    matrix = csr_matrix((values, indices, indptr), shape=(len(rows), _BUCKETS))
    model = LogisticRegression(C=12.0, class_weight="balanced", solver="liblinear", random_state=0, max_iter=200)
    model.fit(matrix, labels)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def _written_out(templates: Iterable[str], concepts: Mapping[str, Sequence[str]]) -> list[str]:
    return [s for t in templates for s in template.expand(t, concepts, limit=_PER_TEMPLATE)]


def train(pack: RulePack, guard: PhraseGuard) -> MeaningModel:
    """Learns from the examples of a pack. Deterministic."""
    concepts = dict(guard.lexicon.concepts)
    positive: dict[str, list[str]] = {}
    lawful = _written_out(pack.vocabulary.lawful, concepts)
    neutral = _written_out(pack.vocabulary.neutral, concepts)
    for saying in pack.sayings:
        own = positive.setdefault(saying.category, [])
        own.extend(_written_out((*saying.examples, *saying.permissible_examples, *saying.phrases), concepts))
        (neutral if saying.category in _DISCLOSING else lawful).extend(_written_out(saying.lawful, concepts))
    categories = [c for c, texts in positive.items() if texts]
    if not categories or not lawful:
        return MeaningModel((), np.zeros((_BUCKETS, 0), dtype=np.float32), np.zeros(0, dtype=np.float32))
    dice = random.Random(pack.hash)
    rows: list[npt.NDArray[np.int64]] = []
    owner: list[str] = []
    for label, texts in [*positive.items(), ("lawful", lawful), ("neutral", neutral)]:
        for text in dict.fromkeys(texts):
            rows.append(features(guard.read(text)))
            owner.append(label)
    order = list(range(len(rows)))
    dice.shuffle(order)
    rows = [rows[i] for i in order]
    owner = [owner[i] for i in order]
    weights = np.zeros((_BUCKETS, len(categories)), dtype=np.float32)
    bias = np.zeros(len(categories), dtype=np.float32)
    disclosing = {i for i, o in enumerate(owner) if o in _DISCLOSING}
    for column, category in enumerate(categories):
        if category in _DISCLOSING:
            chosen = [i for i, o in enumerate(owner) if o == "neutral" or i in disclosing]
            labels = np.array([owner[i] in _DISCLOSING for i in chosen], dtype=np.int8)
        else:
            chosen = [i for i in range(len(rows)) if i not in disclosing]
            labels = np.array([owner[i] == category for i in chosen], dtype=np.int8)
        weights[:, column], bias[column] = _fit([rows[i] for i in chosen], labels)
    return MeaningModel(categories, weights, bias)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "voicebot" / "guard"


def model_for(pack: RulePack, guard: PhraseGuard) -> MeaningModel:
    """The trained model of a pack, from the cache when the same pack was trained before."""
    path = _cache() / f"{pack.hash}-{_FORMAT}.npz"
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as kept:
                weights = np.zeros((_BUCKETS, len(kept["categories"])), dtype=np.float32)
                weights[kept["rows"]] = kept["weights"]
                return MeaningModel([str(c) for c in kept["categories"]], weights, kept["bias"])
        except (OSError, ValueError, KeyError):
            path.unlink(missing_ok=True)
    model = train(pack, guard)
    rows = np.flatnonzero(np.any(model._weights != 0, axis=1))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.npz")
        np.savez_compressed(
            draft, categories=np.array(model.categories), rows=rows, weights=model._weights[rows], bias=model._bias
        )
        draft.replace(path)
    except OSError:
        # A read-only home costs a few seconds at the next start and nothing else.
        return model
    return model
