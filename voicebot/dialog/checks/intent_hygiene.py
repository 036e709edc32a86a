"""Intent examples that will mislead: the same under two intents, too close to another, or too few."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rapidfuzz import fuzz

from voicebot.dialog.library import shown
from voicebot.dialog.places import Finding, FlowError, Place, Severity, finding, read_yaml

RULE = "intent-hygiene"
FEWEST = 8
CLOSE = 96.0
"""Similarity, 0 to 100, from which two examples are as good as one."""


def check_intents(folder: Path) -> Iterator[Finding]:
    """Over scripts_library/<language>/intents."""
    examples: list[tuple[str, str, Place]] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            placed = read_yaml(path, shown(path))
        except FlowError as error:
            yield from error.findings
            continue
        content = placed.content
        if not isinstance(content, Mapping) or not isinstance(content.get("intent"), str):
            continue
        intent, told = content["intent"], content.get("examples", [])
        if not isinstance(told, list):
            continue
        for index, text in enumerate(told):
            examples.append((intent, str(text), placed.at(("examples", index))))
        count = sum(wordings(str(text)) for text in told)
        if count < FEWEST:
            few = finding(
                RULE,
                placed.at(("examples",)),
                f"意图 {intent} 只有 {count} 个说法。",
                f"intent {intent} has only {count} wordings.",
                f"至少写 {FEWEST} 个不同的说法。",
                f"Write at least {FEWEST} different ways to say it.",
            )
            yield replace(few, severity=Severity.WARNING)
    yield from _clashes(examples)


def wordings(pattern: str) -> int:
    """How many sentences an example stands for: (a|b) is two, [a] is said or left out."""
    count = 1
    for group in re.finditer(r"\(([^()]*)\)", pattern):
        count *= group[1].count("|") + 1
    return count << pattern.count("[")


def _clashes(examples: list[tuple[str, str, Place]]) -> Iterator[Finding]:
    seen: dict[str, tuple[str, Place]] = {}
    by_length: dict[int, list[tuple[str, str, Place]]] = {}
    for intent, text, place in examples:
        known = seen.get(text)
        if known is not None and known[0] != intent:
            yield finding(
                RULE,
                place,
                f"“{text}”同时是 {intent} 和 {known[0]}（{known[1]}）的例句。",
                f"{text!r} is an example of {intent} and of {known[0]} ({known[1]}).",
                "只留在一个意图下。",
                "Keep it under one of them.",
            )
            continue
        seen[text] = (intent, place)
        for length in (len(text) - 1, len(text), len(text) + 1):
            for other, near, where in by_length.get(length, ()):
                if other != intent and len(text) >= 6 and fuzz.ratio(text, near) >= CLOSE:
                    close = finding(
                        RULE,
                        place,
                        f"“{text}”（{intent}）和“{near}”（{other}，{where}）几乎一样。",
                        f"{text!r} ({intent}) is all but the same as {near!r} ({other}, {where}).",
                        "换一个能分清两个意图的说法。",
                        "Choose a wording that tells the two intents apart.",
                    )
                    yield replace(close, severity=Severity.WARNING)
        by_length.setdefault(len(text), []).append((intent, text, place))
