"""Turns that mean several things at once, put together from examples that mean one: callers rarely keep to one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from voicebot.understanding.intents.catalogue import NONE

_ALONE = frozenset({NONE, "silence", "dtmf_choice", "asr_noise", "voicemail_assistant"})
"""What is never said together with something else."""
_BETWEEN = ("，", "，", "。", "", "", "")
"""What stands between two parts; nothing, half the time, because recognisers write no punctuation."""
_SEED = 20
_SHARE = 3
"""One composed turn for so many examples."""

Labelled = tuple[str, tuple[str, ...]]


def composed(texts: Sequence[str], labels: Sequence[str]) -> list[Labelled]:
    """Turns of two intents, some of three, with their labels; the same ones each time for the same examples."""
    by_label: dict[str, list[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        if label not in _ALONE:
            by_label.setdefault(label, []).append(text)
    if len(by_label) < 3:
        return []
    chance, names = random.Random(_SEED), sorted(by_label)
    found: list[Labelled] = []
    for number in range(len(texts) // _SHARE):
        chosen = chance.sample(names, 3 if number % 7 == 0 else 2)
        between = chance.choice(_BETWEEN)
        found.append((between.join(chance.choice(by_label[name]) for name in chosen), tuple(chosen)))
    return found
