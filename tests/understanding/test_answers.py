"""A short answer is never lost, and never misread when the bot has just asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from voicebot.understanding import Answer, Context, Expecting, Understander
from voicebot.understanding.answers import read_answer
from voicebot.understanding.evaluation import SentenceFileError, measure_intents, read_sentences

YES = [
    "嗯",
    "嗯嗯",
    "对",
    "对对对",
    "是",
    "是的",
    "是啊",
    "没错",
    "好的",
    "行行行",
    "可以吧",
    "可以可以",
    "同意",
    "嗯，好的",
    "哦，对",
    "得嘞",
    "要得",
    "ok",
    "行吧",
]
NO = [
    "不",
    "不是",
    "不是不是",
    "没有没有",
    "不行",
    "不用",
    "不对",
    "不要",
    "不可以",
    "没空",
    "嗯，不是",
    "不方便",
    "不用了",
    "不同意",
]
UNSURE = ["可能吧", "再说吧", "不一定", "看情况吧", "说不准", "考虑考虑", "不知道"]


RHETORICAL = [
    ("有什么不可以的", Answer.YES),
    ("这有啥不行", Answer.YES),
    ("怎么不行", Answer.YES),
    ("那不是我是谁", Answer.YES),
    ("除了我还能是谁啊", Answer.YES),
    ("哪里会", Answer.NO),
    ("怎么会呢", Answer.NO),
    ("我怎么可能", Answer.NO),
    ("这怎么行", Answer.NO),
]


@pytest.mark.parametrize(("text", "answer"), RHETORICAL)
@pytest.mark.parametrize("expecting", [Expecting.YES_NO, Expecting.IDENTITY])
def test_a_question_that_is_none_says_the_opposite_of_its_words(
    text: str, answer: Answer, expecting: Expecting
) -> None:
    assert read_answer(text, expecting) is answer


@pytest.mark.parametrize("text", ["怎么不对", "再说一遍", "再说清楚点", "再说大声一点"])
def test_a_question_back_is_no_answer(text: str) -> None:
    assert read_answer(text, Expecting.YES_NO) is None


def test_a_wrong_number_is_no_answer_but_a_no() -> None:
    assert read_answer("你打错电话了", Expecting.IDENTITY) is Answer.NO


@pytest.mark.parametrize("text", YES)
@pytest.mark.parametrize("expecting", [Expecting.NOTHING, Expecting.YES_NO, Expecting.IDENTITY])
def test_yes(text: str, expecting: Expecting) -> None:
    assert read_answer(text, expecting) is Answer.YES


@pytest.mark.parametrize("text", NO)
@pytest.mark.parametrize("expecting", [Expecting.NOTHING, Expecting.YES_NO, Expecting.IDENTITY])
def test_no(text: str, expecting: Expecting) -> None:
    assert read_answer(text, expecting) is Answer.NO


@pytest.mark.parametrize("text", UNSURE)
def test_unsure(text: str) -> None:
    assert read_answer(text, Expecting.YES_NO) is Answer.UNSURE


@pytest.mark.parametrize("text", ["对不起，我在开会", "行吗", "是不是骗子", "我要投诉", "好多钱啊", "不还会坐牢吗"])
def test_free_speech_is_no_answer(text: str) -> None:
    assert read_answer(text) is None


def test_a_longer_answer_counts_after_a_question() -> None:
    assert read_answer("对，我就是想问一下", Expecting.YES_NO) is Answer.YES
    assert read_answer("不是，我要改一下", Expecting.YES_NO) is Answer.NO


@pytest.mark.parametrize("text", ["嗯", "对", "是的", "对对对", "是我"])
def test_bare_yes_confirms_the_person(engine: Understander, asking: Callable[..., Context], text: str) -> None:
    meaning = engine.understand(text, asking(Expecting.IDENTITY))
    assert meaning.answer is Answer.YES
    assert meaning.intents[0].id == "confirm_identity"


@pytest.mark.parametrize("text", ["不是", "不是我", "打错了", "你打错了"])
def test_bare_no_denies_the_person(engine: Understander, asking: Callable[..., Context], text: str) -> None:
    meaning = engine.understand(text, asking(Expecting.IDENTITY))
    assert meaning.answer is Answer.NO
    assert meaning.intents[0].id == "deny_identity_wrong_number"


def test_a_bare_yes_elsewhere_names_nobody(engine: Understander, asking: Callable[..., Context]) -> None:
    meaning = engine.understand("嗯", asking(Expecting.YES_NO))
    assert meaning.answer is Answer.YES
    assert not meaning.intents


@pytest.mark.parametrize(
    "text", ["昂", "嗯呐", "听你的", "行听你的", "那也中", "没有啊没有", "不太合适吧", "not yet", "我也不晓得"]
)
def test_everyday_answers_in_other_words(text: str) -> None:
    assert read_answer(text, Expecting.YES_NO) is not None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("收到了", Answer.YES),
        ("绑好了", Answer.YES),
        ("短信看到了呀", Answer.YES),
        ("已经下载好了", Answer.YES),
        ("没收到", Answer.NO),
        ("还没有", Answer.NO),
        ("还没绑好呢", Answer.NO),
        ("短信一直没来", Answer.NO),
    ],
)
def test_whether_it_was_done_answers_a_yes_no_question(text: str, answer: Answer) -> None:
    assert read_answer(text, Expecting.YES_NO) is answer


@pytest.mark.parametrize("text", ["绑好了", "没收到", "弄好了", "看到了", "还没弄好"])
def test_whether_it_was_done_means_nothing_else(
    engine: Understander, asking: Callable[..., Context], text: str
) -> None:
    for expecting in (Expecting.NOTHING, Expecting.YES_NO):
        assert not engine.understand(text, asking(expecting)).intents


def test_having_paid_is_a_meaning_of_its_own(engine: Understander, asking: Callable[..., Context]) -> None:
    meaning = engine.understand("已经还了", asking(Expecting.YES_NO))
    assert [intent.id for intent in meaning.intents][:1] == ["already_paid"]


@pytest.mark.parametrize("expecting", list(Expecting))
def test_a_wrong_number_is_one_whatever_was_asked(
    engine: Understander, asking: Callable[..., Context], expecting: Expecting
) -> None:
    meaning = engine.understand("打错了", asking(expecting))
    assert meaning.intents[0].id == "deny_identity_wrong_number"


def test_answers_are_measured(engine: Understander, tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(
        """
intents: []
answers:
- {text: 行, expecting: yes_no, answer: "yes"}
- {text: 不行, expecting: yes_no, answer: "yes"}
- {text: 你是谁, expecting: yes_no, answer: none}
""",
        encoding="utf-8",
    )
    found = measure_intents(engine, read_sentences(path))
    assert found["answers"] == {"n": 3, "right": 2}
    assert [(error["expected"], error["got"]) for error in found["errors"]] == [("yes", ["no"])]


def test_an_unknown_answer_says_where(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("intents: []\nanswers:\n- {text: 行, answer: perhaps}\n", encoding="utf-8")
    with pytest.raises(SentenceFileError, match=r"answers\.yaml.*perhaps"):
        read_sentences(path)
