"""The library's examples are usable, the shipped model fits them, and the test sentences are not among them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import scripts_library
from voicebot.understanding.answers import compact
from voicebot.understanding.dialect import load_dialects
from voicebot.understanding.evaluation import read_sentences
from voicebot.understanding.intents.catalogue import INTENTS
from voicebot.understanding.intents.examples import ExampleError, expand, load_examples, read_intent_file
from voicebot.understanding.intents.training import SHIPPED, cleaned, model_name
from voicebot.understanding.normalise import Normaliser

LIBRARY = Path(scripts_library.__file__).parent
BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "nlu"


def test_every_intent_has_examples() -> None:
    counts = Counter(example.intent for example in load_examples(LIBRARY))
    assert set(INTENTS) <= set(counts)
    assert all(counts[intent] >= 20 for intent in INTENTS if intent not in ("silence", "dtmf_choice"))


def test_the_shipped_model_is_of_these_examples() -> None:
    normaliser = Normaliser(load_dialects(LIBRARY))
    texts, labels = cleaned(normaliser, load_examples(LIBRARY))
    assert (SHIPPED / model_name(texts, labels, None)).exists(), "run `voicebot nlu train --output` into this folder"


def test_no_long_test_sentence_is_an_example() -> None:
    known = {compact(example.text) for example in load_examples(LIBRARY)}
    for path in sorted(BENCHMARKS.glob("*.yaml")):
        found = read_sentences(path)
        for sentence in (*found.single, *found.hard, *found.none):
            if len(compact(sentence.text)) >= 8 and not sentence.text.startswith("（"):
                assert compact(sentence.text) not in known, sentence.text


def test_patterns_spread_the_same_way_every_time() -> None:
    once = expand("(甲|乙)[丙]{n}", {"n": ["一", "二"]}, 20, "here")
    assert once == expand("(甲|乙)[丙]{n}", {"n": ["一", "二"]}, 20, "here")
    assert {"甲一", "乙丙二"} <= set(once)


def test_an_unknown_slot_says_where() -> None:
    with pytest.raises(ExampleError, match=r"here.*nowhere"):
        expand("{nowhere}", {}, 3, "here")


def test_an_unknown_intent_says_where(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("intent: no_such\nexamples: [a]\n", encoding="utf-8")
    with pytest.raises(ExampleError, match=r"x\.yaml.*no_such"):
        read_intent_file(path)
