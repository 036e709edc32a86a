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
from voicebot.understanding.intents.examples import ExampleError, expand, load_examples, load_several, read_intent_file
from voicebot.understanding.intents.training import SHIPPED, Lessons, model_name
from voicebot.understanding.normalise import Normaliser

LIBRARY = Path(scripts_library.__file__).parent
BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "nlu"


def test_every_intent_has_examples() -> None:
    counts = Counter(example.intent for example in load_examples(LIBRARY))
    assert set(INTENTS) <= set(counts)
    assert all(counts[intent] >= 20 for intent in INTENTS if intent not in ("silence", "dtmf_choice"))


def test_the_shipped_model_is_of_these_examples() -> None:
    normaliser = Normaliser(load_dialects(LIBRARY))
    lessons = Lessons.of(normaliser, load_examples(LIBRARY), load_several(LIBRARY))
    assert (SHIPPED / model_name(lessons, None)).exists(), "run `voicebot nlu train --output` into this folder"


def test_turns_of_several_meanings_name_intents_of_the_catalogue() -> None:
    several = load_several(LIBRARY)
    assert len(several) >= 100
    assert all(len(intents) >= 2 and set(intents) <= set(INTENTS) for _, intents in several)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("{text: 你好, intents: [ask_human, no_such]}", "no_such"),
        ("{text: 你好, intents: [ask_human]}", "fewer than two"),
        ("{intents: [ask_human, end_call]}", "text"),
    ],
)
def test_an_unusable_turn_of_several_meanings_says_where(tmp_path: Path, items: str, said: str) -> None:
    folder = tmp_path / "zh-CN" / "intents"
    folder.mkdir(parents=True)
    (folder / "several.yaml").write_text(f"several:\n  - {items}\n", encoding="utf-8")
    with pytest.raises(ExampleError, match=rf"several\.yaml.*{said}"):
        load_several(tmp_path)


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
