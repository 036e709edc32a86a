"""Measures the phrase guard on its own test sets, and its latency with ten thousand further phrases in the pack.

Run from the repository root: `python -m benchmarks.guard.measure`. Prints one JSON object a set. The sets hold no
training example of the packs; `overlap` counts sentences that a training template happens to spell out word for word.
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
from compliance_filters.evaluation import evaluate, state_from
from compliance_filters.guard import PhraseGuard, load_guard
from compliance_filters.listener import AgentListener
from compliance_filters.masking import mask
from compliance_filters.pack import Wording, load_pack, read_located
from compliance_filters.verdict import CallState, Party

SETS = (
    *("tuning_first", "tuning_second", "fresh"),
    *("varied_first", "varied_second", "varied_third", "varied_fourth", "varied_fifth", "varied_sixth"),
    *("auditor", "tester", "lawyer", "teller", "lecturer", "judge", "coach", "ombudsman", "officer"),
)
AGENT_SETS = ("varied_second", "varied_fourth")
ENGLISH_SETS = (
    "en",
    "en_spoken",
    "en_second",
    "en_third",
    "en_fourth",
    "en_journalist",
    "en_paralegal",
    "en_interpreter",
)
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


def streaming(guard: PhraseGuard, path: Path) -> dict[str, int]:
    """The agent's side: each sentence grows by four characters a result and is cut into two finals in its middle.

    Counts forbidden sentences warned of before their end (`early`), by their end (`warned`), and lawful ones warned of.
    """
    data = read_located(path).data
    base = state_from(data["base_context"])
    counts = {"forbidden": 0, "warned": 0, "early": 0, "lawful": 0, "false": 0}
    for category in data["categories"]:
        if category["id"] == "human_deception":
            continue
        state = state_from(category.get("default_context") or {}, base)
        for kind in ("positives", "evasive", "benign"):
            for item in category.get(kind) or []:
                text = item["text"]
                listener = AgentListener(guard, state)
                middle = len(text) // 2
                early = any(listener.feed(text[:end], final=False) for end in range(2, middle, 4))
                early = bool(listener.feed(text[:middle], final=True)) or early
                rest = text[middle:]
                early = any([listener.feed(rest[:end], final=False) for end in range(2, len(rest) - 1, 4)]) or early
                warned = bool(listener.feed(rest, final=True)) or early
                lawful = kind == "benign"
                counts["lawful" if lawful else "forbidden"] += 1
                counts["false" if lawful else "warned"] += warned
                counts["early"] += early and not lawful
    return counts


def following(guard: PhraseGuard, path: Path) -> dict[str, int]:
    """The agent's side: each sentence is one whole turn, and follows the lawful turn of another sentence."""
    data = read_located(path).data
    base = state_from(data["base_context"])
    said = [
        (category, kind, item["text"])
        for category in data["categories"]
        if category["id"] != "human_deception"
        for kind in ("positives", "evasive", "benign")
        for item in category.get(kind) or []
    ]
    allowed = [text for _, kind, text in said if kind == "benign" and guard.check(text, base).allowed]
    dice = random.Random(3)
    counts = {"forbidden": 0, "warned": 0, "lawful": 0, "false": 0}
    for category, kind, text in said:
        listener = AgentListener(guard, state_from(category.get("default_context") or {}, base))
        listener.feed(dice.choice(allowed).rstrip("。？！"), final=True)
        warned = bool(listener.feed(text, final=True))
        lawful = kind == "benign"
        counts["lawful" if lawful else "forbidden"] += 1
        counts["false" if lawful else "warned"] += warned
    return counts


def masking(path: Path) -> dict[str, dict[str, int]]:
    """What masking misses and what it hides for nothing, for each part of its set."""
    data = read_located(path).data
    names = ("李示例", "王小样")
    report = {}
    for part in ("first", "second"):
        hidden = [(mask(str(item["text"]), names=names), item["gone"]) for item in data[part]["hide"]]
        report[part] = {
            "to_hide": len(hidden),
            "missed": sum(any(str(piece) in text for piece in gone) for text, gone in hidden),
            "to_keep": len(data[part]["keep"]),
            "hidden_for_nothing": sum(mask(str(text), names=names) != str(text) for text in data[part]["keep"]),
        }
    return report


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
    for name in ENGLISH_SETS:
        result = evaluate(HERE / f"{name}.yaml", lambda _: load_guard("us")).as_json()
        _out.print_json(json.dumps({"set": name, **result}, ensure_ascii=False))
    agent = {
        name: {"cut": streaming(guard, HERE / f"{name}.yaml"), "following": following(guard, HERE / f"{name}.yaml")}
        for name in AGENT_SETS
    }
    _out.print_json(json.dumps({"agent": agent, "masking": masking(HERE / "masking.yaml")}))
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
