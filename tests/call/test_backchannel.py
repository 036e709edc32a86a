"""A sign of listening does not take the floor; a bare answer near the end of a question is never lost."""

from __future__ import annotations

import pytest

from voicebot.call.backchannel import Overlap, judge


@pytest.mark.parametrize("text", ["嗯", "嗯嗯", "哦", "好的", "对。", "知道了", "喂", "uh", "OK"])
def test_signs_of_listening_in_the_middle_of_a_statement_pass_by(text: str) -> None:
    assert judge(text, interruptible=True, asks=False, remaining_seconds=3.0) is Overlap.BACKCHANNEL


@pytest.mark.parametrize("text", ["对", "嗯", "是的", "好的"])
def test_the_same_words_at_the_end_of_a_question_are_its_answer(text: str) -> None:
    assert judge(text, interruptible=True, asks=True, remaining_seconds=0.6) is Overlap.LATER


@pytest.mark.parametrize("text", ["等一下", "不是", "我没欠钱", "你说什么", "转人工"])
def test_anything_else_takes_the_floor(text: str) -> None:
    assert judge(text, interruptible=True, asks=False, remaining_seconds=3.0) is Overlap.TURN


def test_words_over_a_line_that_must_be_heard_are_kept() -> None:
    assert judge("等一下", interruptible=False, asks=False, remaining_seconds=3.0) is Overlap.LATER
