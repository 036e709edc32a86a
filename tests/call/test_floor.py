"""What was heard of a line goes by what was played of it, never by what was made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voicebot.call.floor import Floor
from voicebot.dialog.events import Say


def say(text: str = "您好，这里是示例服务中心。", interruptible: bool = True) -> Say:
    return Say(line="common.greet", text=text, language="zh-CN", interruptible=interruptible)


def test_a_line_played_to_its_end_was_heard_whole() -> None:
    floor = Floor()
    line = floor.take(1, say(), "您好，这里是示例服务中心。")
    line.synthesised_seconds, line.synthesis_complete = 3.0, True
    outcome = floor.settle(1, played=True, played_seconds=3.0)
    assert outcome is not None
    assert outcome.complete
    assert outcome.heard_text == "您好，这里是示例服务中心。"
    assert outcome.unsaid_text == ""
    assert not floor.bot_has_it


def test_a_line_cut_in_the_middle_keeps_both_halves() -> None:
    floor = Floor()
    line = floor.take(1, say(), "一二三四五六七八九十")
    line.synthesised_seconds, line.synthesis_complete = 5.0, True
    outcome = floor.settle(1, played=False, played_seconds=2.0)
    assert outcome is not None
    assert (outcome.heard_text, outcome.unsaid_text) == ("一二三四", "五六七八九十")


def test_a_line_dropped_before_its_first_sound_was_not_heard_at_all() -> None:
    floor = Floor()
    floor.take(1, say(), "一二三四五")
    outcome = floor.settle(1, played=False, played_seconds=0.0)
    assert outcome is not None
    assert outcome.heard_text == ""


def test_the_first_of_several_lines_decides_whether_the_bot_may_be_interrupted() -> None:
    floor = Floor()
    floor.take(1, say(interruptible=False), "一")
    floor.take(2, say(interruptible=True), "二")
    assert not floor.may_be_interrupted
    floor.settle(1, played=True, played_seconds=1.0)
    assert floor.may_be_interrupted


def test_a_line_is_settled_once() -> None:
    floor = Floor()
    floor.take(1, say(), "一")
    assert floor.settle(1, played=True, played_seconds=1.0) is not None
    assert floor.settle(1, played=False, played_seconds=0.0) is None


@given(st.text(min_size=1, max_size=60), st.floats(0, 20), st.floats(0, 20), st.booleans())
def test_heard_and_unsaid_always_make_up_the_line(text: str, played: float, made: float, complete: bool) -> None:
    floor = Floor()
    line = floor.take(1, say(text), text)
    line.synthesised_seconds, line.synthesis_complete = made, complete
    outcome = floor.settle(1, played=False, played_seconds=played)
    assert outcome is not None
    assert outcome.heard_text + outcome.unsaid_text == text
