"""Measures the phrase guard on its own test sets, and its latency with ten thousand further phrases in the pack.

Run from the repository root: `python -m benchmarks.guard.measure`. Prints one JSON object a set. The sets hold no
training
example of the packs; `overlap` counts sentences that a training template happens to spell out word for word.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from compliance_filters import template
from compliance_filters.evaluation import evaluate
from compliance_filters.guard import PhraseGuard, load_guard
from compliance_filters.pack import Wording, load_pack, read_located
from compliance_filters.verdict import CallState, Party

SETS = ("tuning_first", "tuning_second", "fresh")
HERE = Path(__file__).parent
_out = Console(soft_wrap=True)


def taught(guard: PhraseGuard) -> set[str]:
    """Every sentence the templates of a pack spell out, up to a thousand a template."""
    lines = [*guard.pack.vocabulary.lawful, *guard.pack.vocabulary.neutral]
    for saying in guard.pack.sayings:
        lines += [*saying.examples, *saying.permissible_examples, *saying.phrases, *saying.lawful]
    known = guard.lexicon.concepts
    return {s.rstrip("。？！") for line in lines for s in template.expand(line, known, limit=1000)}


def texts_of(path: Path) -> list[str]:
    data = read_located(path).data
    return [
        item["text"]
        for category in data["categories"]
        for kind in ("positives", "evasive", "benign")
        for item in category.get(kind) or []
    ]


def latency(guard: PhraseGuard, texts: list[str], rounds: int = 3) -> dict[str, float]:
    """Milliseconds a turn, warm, on the clock of this thread: one core, other work on the machine not counted."""
    state = CallState(party=Party.DEBTOR, identity_verified=True, ledger_amount=Decimal("1286.40"))
    for text in texts:
        guard.check(text, state)
    taken = []
    for _ in range(rounds):
        for text in texts:
            before = time.thread_time()
            guard.check(text, state)
            taken.append((time.thread_time() - before) * 1000)
    cuts = statistics.quantiles(taken, n=100)
    return {"p50": round(cuts[49], 3), "p95": round(cuts[94], 3), "p99": round(cuts[98], 3)}


def grown(phrases: int) -> PhraseGuard:
    """The pack of mainland China with so many more phrases: invented four-character words that no sentence holds."""
    pack = load_pack("cn")
    dice = random.Random(7)
    common = "天地人山水火风云花草木石金银铜铁东西南北春夏秋冬日月星光声色香味大小多少高低长短远近新旧"
    extra = sorted({"".join(dice.choices(common, k=5)) for _ in range(phrases + 500)})[:phrases]
    sayings = (*pack.sayings, Wording(category="threat", patterns=tuple(extra)))
    return PhraseGuard(pack.model_copy(update={"sayings": sayings}))


def main() -> int:
    guard = load_guard("cn")
    spelled = taught(guard)
    every: list[str] = []
    for name in SETS:
        path = HERE / f"{name}.yaml"
        texts = texts_of(path)
        every += texts
        result: dict[str, Any] = evaluate(path, load_guard).as_json()
        overlap = sum(text.rstrip("。？！") in spelled for text in texts)
        shown = {"set": name, "n": len(texts), "overlap": overlap, **result, "pack_hash": guard.hash}
        _out.print_json(json.dumps(shown, ensure_ascii=False))
    bigger = grown(10_000)
    bigger.model = guard.model
    speed = {
        "latency_ms": latency(guard, every),
        "words": guard.lexicon.size,
        "latency_ms_with_10000_more_phrases": latency(bigger, every),
        "words_then": bigger.lexicon.size,
    }
    _out.print_json(json.dumps(speed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
