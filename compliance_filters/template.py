"""Phrase templates: `(a|b)` chooses, `[c]` and `(c)?` may be left out, `<name>` stands for any word of a concept.

One line of a rule pack thus stands for many sentences, and an officer reads one line.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence


class TemplateError(ValueError):
    """A template that cannot be read: what is wrong and at which character."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


_OPENERS = {"(": ")", "[": "]"}


def _parse(text: str, at: int, closer: str | None) -> tuple[list[list[object]], int]:
    """Alternatives of one group, each a list of strings, nested groups and concept references."""
    alternatives: list[list[object]] = [[]]
    word = ""
    while at < len(text):
        character = text[at]
        if character in _OPENERS:
            inner, at = _parse(text, at + 1, _OPENERS[character])
            if word:
                alternatives[-1].append(word)
                word = ""
            optional = character == "[" or text[at : at + 1] == "?"
            if character == "(" and optional:
                at += 1
            alternatives[-1].append([*inner, []] if optional else inner)
            continue
        if character == "<":
            end = text.find(">", at)
            if end < 0:
                raise TemplateError("a concept opened with '<' is not closed with '>'", at)
            if word:
                alternatives[-1].append(word)
                word = ""
            alternatives[-1].append(("concept", text[at + 1 : end]))
            at = end + 1
            continue
        if character == closer:
            if word:
                alternatives[-1].append(word)
            return alternatives, at + 1
        if character in ")]":
            raise TemplateError(f"'{character}' closes nothing", at)
        if character == "|" and closer is not None:
            if word:
                alternatives[-1].append(word)
                word = ""
            alternatives.append([])
        else:
            word += character
        at += 1
    if closer is not None:
        raise TemplateError(f"'{closer}' is missing", len(text))
    if word:
        alternatives[-1].append(word)
    return alternatives, at


def _all(parsed: Sequence[Sequence[object]], concepts: Mapping[str, Sequence[str]]) -> list[str]:
    found: list[str] = []
    for alternative in parsed:
        parts: list[Sequence[str]] = []
        for item in alternative:
            if isinstance(item, str):
                parts.append([item])
            elif isinstance(item, tuple):
                parts.append(concepts[item[1]])
            elif isinstance(item, list):
                parts.append(_all(item, concepts))
        found.extend("".join(choice) for choice in itertools.product(*parts))
    return found


def _one(parsed: Sequence[Sequence[object]], concepts: Mapping[str, Sequence[str]], dice: random.Random) -> str:
    chosen = ""
    for item in dice.choice(list(parsed)):
        if isinstance(item, str):
            chosen += item
        elif isinstance(item, tuple):
            chosen += dice.choice(list(concepts[item[1]]))
        elif isinstance(item, list):
            chosen += _one(item, concepts, dice)
    return chosen


def _size(parsed: Sequence[Sequence[object]], concepts: Mapping[str, Sequence[str]]) -> int:
    total = 0
    for alternative in parsed:
        product = 1
        for item in alternative:
            if isinstance(item, tuple):
                if item[1] not in concepts:
                    raise TemplateError(f"there is no concept named '{item[1]}'", 0)
                product *= len(concepts[item[1]])
            elif isinstance(item, list):
                product *= _size(item, concepts)
        total += product
    return total


def expand(text: str, concepts: Mapping[str, Sequence[str]] | None = None, limit: int = 400) -> list[str]:
    """All sentences a template stands for. When there are more than `limit`, a fixed sample of that many, the same
    each time. Raises TemplateError."""
    known = concepts or {}
    parsed, _ = _parse(text, 0, None)
    size = _size(parsed, known)
    if size <= limit:
        return list(dict.fromkeys(_all(parsed, known)))
    dice = random.Random(text)
    sampled: dict[str, None] = {}
    for _ in range(limit * 4):
        sampled[_one(parsed, known, dice)] = None
        if len(sampled) >= limit:
            break
    return list(sampled)


def size(text: str, concepts: Mapping[str, Sequence[str]] | None = None) -> int:
    """How many sentences a template stands for. Raises TemplateError."""
    parsed, _ = _parse(text, 0, None)
    return _size(parsed, concepts or {})
