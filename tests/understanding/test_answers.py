"""A short answer is never lost, and never misread when the bot has just asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from voicebot.understanding import Answer, Context, Expecting, Understander
from voicebot.understanding.answers import read_answer

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
