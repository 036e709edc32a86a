"""Example sentences of the scripts library, and the patterns that stand for many of them.

A file is `scripts_library/<language>/intents/<intent>.yaml`: `intent`, and `examples`, a list of sentences. One may be
a pattern: `(甲|乙)` is one of several, `[丙]` may be left out, `{amount}` is any wording of `slots.yaml` beside it.
`several.yaml` holds turns that mean more than one thing.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voicebot.understanding.intents.catalogue import INTENTS, NONE

_GROUP = re.compile(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]")
_NO_EXAMPLES = frozenset({"slots.yaml", "several.yaml"})
_SLOT = re.compile(r"\{([a-z_0-9]+)\}")


@dataclass(frozen=True)
class Example:
    """A sentence that carries an intent."""

    text: str
    intent: str
    source: str
    """The line of the library it came from, `file: pattern`."""


class ExampleError(ValueError):
    """An example file that cannot be used; the message says file, what is wrong and how to mend it."""


def load_examples(library: Path, *, variants: int = 6) -> list[Example]:
    """Every example of every language, patterns spread into at most `variants` sentences each, the same ones each
    time."""
    found: list[Example] = []
    seen: set[tuple[str, str]] = set()
    for folder in sorted(library.glob("*/intents")):
        slots = _read_slots(folder / "slots.yaml")
        for path in sorted(folder.glob("*.yaml")):
            if path.name in _NO_EXAMPLES:
                continue
            intent, patterns = read_intent_file(path)
            for pattern in patterns:
                for text in expand(pattern, slots, variants, str(path)):
                    if (intent, text) not in seen:
                        seen.add((intent, text))
                        found.append(Example(text, intent, f"{path.name}: {pattern}"))
    if not found:
        raise ExampleError(f"{library}: no */intents/*.yaml with examples; point `library` at a scripts library")
    return found


def load_several(library: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Turns with more than one meaning, and their intents, from `several.yaml` of every language that has one."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for path in sorted(library.glob("*/intents/several.yaml")):
        data = _yaml(path)
        items = data.get("several") if isinstance(data, dict) else None
        if not isinstance(items, list):
            raise ExampleError(f"{path}: expected a list `several:` of items with `text:` and `intents:`")
        for item in items:
            intents = item.get("intents") if isinstance(item, dict) else None
            if not isinstance(intents, list) or not isinstance(item.get("text"), str):
                raise ExampleError(f"{path}: {item!r}: write `text: …` and `intents: [one, other]`")
            unknown = sorted({str(intent) for intent in intents} - set(INTENTS))
            if unknown or len(intents) < 2:
                raise ExampleError(
                    f"{path}: {item['text']!r}: {', '.join(unknown) or 'fewer than two intents'}; name two or more "
                    "intents of the catalogue"
                )
            found.append((item["text"], tuple(str(intent) for intent in intents)))
    return found


def read_intent_file(path: Path) -> tuple[str, list[str]]:
    """Intent and patterns of one file."""
    data = _yaml(path)
    if not isinstance(data, dict) or not isinstance(data.get("examples"), list):
        raise ExampleError(f"{path}: expected `intent:` and a list `examples:`")
    intent = str(data.get("intent", path.stem))
    if intent not in INTENTS and intent != NONE:
        raise ExampleError(f"{path}: unknown intent {intent!r}; use one of the intents of the catalogue, or none")
    return intent, [str(item) for item in data["examples"]]


def expand(pattern: str, slots: Mapping[str, Sequence[str]], variants: int, where: str) -> list[str]:
    """At most `variants` sentences of a pattern, chosen the same way on every machine."""
    if not _GROUP.search(pattern) and not _SLOT.search(pattern):
        return [pattern]
    chance = random.Random(zlib.crc32(pattern.encode()))
    sentences: list[str] = []
    for _ in range(variants * 3):
        text = _once(pattern, slots, chance, where)
        if text and text not in sentences:
            sentences.append(text)
        if len(sentences) == variants:
            break
    return sentences


def _once(pattern: str, slots: Mapping[str, Sequence[str]], chance: random.Random, where: str) -> str:
    text = pattern
    while match := _GROUP.search(text):
        if match[1] is not None:
            chosen = chance.choice(match[1].split("|"))
        else:
            chosen = chance.choice(match[2].split("|")) if chance.random() < 0.5 else ""
        text = text[: match.start()] + chosen + text[match.end() :]
    used: dict[str, str] = {}

    def fill(match: re.Match[str]) -> str:
        words = slots.get(match[1])
        if not words:
            raise ExampleError(f"{where}: {pattern}: slot {{{match[1]}}} is not in slots.yaml beside it")
        return used.setdefault(match[1], chance.choice(list(words)))

    return _SLOT.sub(fill, text).strip("，, ")


def _read_slots(path: Path) -> dict[str, list[str]]:
    if not path.exists():
        return {}
    data = _yaml(path)
    if not isinstance(data, dict):
        raise ExampleError(f"{path}: expected a mapping from a slot's name to its wordings")
    return {str(name): [str(word) for word in words] for name, words in data.items()}


def _yaml(path: Path) -> object:
    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as problem:
        raise ExampleError(f"{path}: not readable as YAML: {problem}") from problem
