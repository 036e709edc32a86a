"""Routes on a mood, and on where it goes from turn to turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from voicebot.dialog.author_tests import read_tests
from voicebot.dialog.places import FlowError
from voicebot.dialog.trying import Bench
from voicebot.dialog.turns import worsens

FLOW = """\
flow: moody
title: 心情
language: zh-CN
direction: outbound
start: hello
states:
  hello:
    say: common.slower
    listen: {}
    on:
      mood angry: angry
      mood worsening: worse
      else: {go: stay, at_most: 9, then: angry}
  angry: {say: common.goodbye, end: noise}
  worse: {say: common.goodbye, end: human_req}
"""
TESTS = """\
flow: moody
clock: 2026-03-10T15:00:00+08:00
tests:
  - name: 心情
    turns: TURNS
    expect: {disposition: WHAT}
"""


@pytest.mark.parametrize(
    ("moods", "worse"),
    [
        ((), False),
        (("angry",), False),
        (("annoyed", "annoyed"), True),
        (("annoyed", "angry"), True),
        (("angry", "annoyed"), False),
        (("angry", "calm", "angry"), False),
        (("calm", "afraid", "distressed"), True),
        (("confused", "confused"), False),
    ],
)
def test_a_mood_worsens_that_stays_bad_or_gets_worse(moods: tuple[str, ...], worse: bool) -> None:
    assert worsens(moods) is worse


@pytest.mark.parametrize(
    ("moods", "disposition"),
    [(["annoyed", "annoyed"], "human_req"), (["annoyed", "angry"], "human_req"), (["angry"], "noise")],
)
def test_a_route_on_a_mood_that_worsens_goes_before_one_on_the_mood(
    written: Callable[[str, str], Path], moods: list[str], disposition: str
) -> None:
    written("moody", FLOW)
    turns = ", ".join(f"{{caller: 唉, means: [mood {mood}]}}" for mood in moods)
    path = written("moody.test", TESTS.replace("TURNS", f"[{turns}]").replace("WHAT", disposition))
    assert not Bench().run(read_tests(path)).failures


def test_a_mood_that_there_is_none_of_is_named(written: Callable[[str, str], Path]) -> None:
    from voicebot.dialog.library import load_library
    from voicebot.dialog.loader import load_flow

    with pytest.raises(FlowError) as caught:
        load_flow(written("moody", FLOW.replace("mood worsening", "mood worsning")), load_library("zh-CN"))
    (item,) = caught.value.findings
    assert item.rule == "unknown-intent"
    assert "mood worsening" in item.text("en")
