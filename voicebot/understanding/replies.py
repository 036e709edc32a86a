"""Short replies to a question of yes or no in words that nobody wrote down: a small model beside the known answers.

It learns from `scripts_library/<language>/answers.yaml` (lists `yes`, `no`, `unsure`, and `none` for short replies that
are no answer) and from the answers known by heart, in a second or two.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voicebot.understanding.answers import KNOWN, compact
from voicebot.understanding.intents.model import IntentModel, train
from voicebot.understanding.intents.training import SHIPPED, default_cache
from voicebot.understanding.meaning import Answer, Expecting
from voicebot.understanding.normalise import Normaliser

_log = logging.getLogger(__name__)
NONE = "none"
_KINDS = {answer.value: answer for answer in Answer}
_LONGEST = 14
"""Characters of a reply; what is longer says more than yes or no, and is read for what it says."""
_SURE = 0.55
"""Probability from which a reply is taken for an answer."""
_RARE = 2
"""N-grams seen in fewer replies are left out."""
_FORM = "1"


class AnswersError(ValueError):
    """A file of replies that cannot be used; the message says file, what is wrong and how to mend it."""


class Replies:
    """Reads short replies. Holds a model and no state of any call."""

    def __init__(self, model: IntentModel) -> None:
        self._model = model

    def read(self, clean: str, expecting: Expecting) -> Answer | None:
        """What a cleaned reply answers; None for a longer turn, a question back, and where no yes or no was asked."""
        words = compact(clean)
        if expecting not in (Expecting.YES_NO, Expecting.IDENTITY) or not 0 < len(words) <= _LONGEST:
            return None
        if clean.rstrip().endswith(("?", "？")):
            return None
        found = self._model.probabilities(words, None)
        best = int(found.argmax())
        return _KINDS.get(self._model.labels[best]) if found[best] >= _SURE else None


def load_replies(library: Path, normaliser: Normaliser, cache: Path | None = None) -> Replies | None:
    """The model of a library's replies: shipped, cached, or trained now; None for a library without `answers.yaml`.

    Raises AnswersError.
    """
    texts, labels = _taught(library, normaliser)
    if not texts:
        return None
    name = _name(texts, labels)
    kept = cache or default_cache()
    for folder in (SHIPPED, kept):
        if (folder / name).exists():
            try:
                return Replies(IntentModel.load(folder / name))
            except (OSError, ValueError, KeyError):
                _log.warning("model of replies unreadable, training again", extra={"path": str(folder / name)})
    model = train(texts, [(label,) for label in labels], None, rare=_RARE)
    try:
        model.save(kept / name)
    except OSError:
        _log.warning("model of replies not cached, it will be trained at every start", extra={"path": str(kept / name)})
    return Replies(model)


def replies_file(library: Path, normaliser: Normaliser) -> str:
    """Name of the file that holds the model of a library's replies."""
    return _name(*_taught(library, normaliser))


def _name(texts: Sequence[str], labels: Sequence[str]) -> str:
    mark = hashlib.sha256("\n".join([_FORM, *map("\t".join, zip(labels, texts, strict=True))]).encode())
    return f"replies-{mark.hexdigest()[:16]}.npz"


def _taught(library: Path, normaliser: Normaliser) -> tuple[list[str], list[str]]:
    pairs: dict[str, str] = {}
    for path in sorted(library.glob("*/answers.yaml")):
        for label, replies in _read(path).items():
            for reply in replies:
                pairs[compact(normaliser.clean(normaliser.plain(reply)))] = label
    if pairs:
        pairs |= {word: answer.value for answer, words in KNOWN for word in words}
    pairs.pop("", None)
    texts = sorted(pairs)
    return texts, [pairs[text] for text in texts]


def _read(path: Path) -> dict[str, Sequence[str]]:
    try:
        data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as problem:
        raise AnswersError(f"{path}: not readable as YAML: {problem}") from problem
    wanted = (*_KINDS, NONE)
    if not isinstance(data, dict) or sorted(map(str, data)) != sorted(wanted):
        raise AnswersError(f'{path}: write lists {", ".join(wanted)}, with "yes" and "no" in quotes')
    return {str(label): [str(reply) for reply in replies or []] for label, replies in data.items()}
