"""Dialect wordings turned into Mandarin, by lexicons that authors keep in the scripts library.

A lexicon is `scripts_library/<language>/dialects/*.yaml`: `dialect`, `name`, and `words`, a mapping from the dialect's
wording to the Mandarin one. The longest wording wins. A wording that is also ordinary Mandarin belongs in `only_with`,
where it is turned only in a sentence that shows another sign of the dialect. A word that stands for itself (联系: 联系)
stays as it is, whatever wording it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


@dataclass(frozen=True)
class Lexicon:
    """One dialect's wordings."""

    dialect: str
    """Short name: cantonese, sichuan, northeastern, min, hakka, wu, english."""
    words: Mapping[str, str]
    """Wording to Mandarin, turned wherever it stands."""
    only_with: Mapping[str, str] = field(default_factory=dict)
    """Wording to Mandarin, turned only beside another sign of the dialect."""


class LexiconError(ValueError):
    """A lexicon file that cannot be used; the message says where and how to mend it."""


class Dialects:
    """Every lexicon together, as one pass over the text."""

    def __init__(self, lexicons: Sequence[Lexicon]) -> None:
        self._words: dict[str, str] = {}
        self._conditional: list[tuple[re.Pattern[str], re.Pattern[str], Mapping[str, str]]] = []
        for lexicon in lexicons:
            self._words.update(lexicon.words)
        kept = {word: word for word, meant in self._words.items() if word == meant}
        for lexicon in lexicons:
            if lexicon.only_with and lexicon.words:
                signs = _any_of([*lexicon.words, *lexicon.only_with])
                turned = kept | dict(lexicon.only_with)
                self._conditional.append((signs, _any_of(list(turned)), turned))
        self._pattern = _any_of(list(self._words)) if self._words else None

    def to_mandarin(self, text: str) -> str:
        """The text with every known wording replaced. Text without one comes back as it is."""
        for signs, pattern, words in self._conditional:
            if len(set(signs.findall(text))) > 1:
                text = pattern.sub(lambda match, words=words: words[match[0]], text)  # type: ignore[misc]
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._words[match[0]], text)


def _any_of(words: list[str]) -> re.Pattern[str]:
    parts = []
    for word in sorted(words, key=len, reverse=True):
        escaped = re.escape(word)
        parts.append(rf"(?<![a-z]){escaped}(?![a-z])" if word.isascii() else escaped)
    return re.compile("|".join(parts))


def load_dialects(library: Path) -> Dialects:
    """Reads `*/dialects/*.yaml` under the library. Raises LexiconError with file and remedy on a file that is not a
    lexicon."""
    return Dialects([read_lexicon(path) for path in sorted(library.glob("*/dialects/*.yaml"))])


def read_lexicon(path: Path) -> Lexicon:
    """One lexicon file."""
    try:
        data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as problem:
        raise LexiconError(
            f"{path}: not readable as YAML ({problem}); write `dialect:` and `words:` as in the other lexicons"
        ) from problem
    if not isinstance(data, dict) or not isinstance(data.get("words"), dict):
        raise LexiconError(f"{path}: `words:` must be a mapping from the dialect's wording to Mandarin")
    words = {str(key): str(value) for key, value in data["words"].items()}
    extra = {str(key): str(value) for key, value in (data.get("only_with") or {}).items()}
    return Lexicon(str(data.get("dialect", path.stem)), words, extra)
