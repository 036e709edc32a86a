"""Why the machine decided so is told in the author's language: all of it in Chinese, or all of it in English."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from compliance_filters.verdict import Action, CallState, Verdict
from voicebot.cli.flow import app
from voicebot.dialog.chatting import Chat
from voicebot.dialog.conversation import Conversation
from voicebot.dialog.events import Event
from voicebot.dialog.examples import EXAMPLE_CASE
from voicebot.dialog.facts import Facts
from voicebot.dialog.library import Library
from voicebot.dialog.loader import load_flow
from voicebot.dialog.machine import Machine
from voicebot.dialog.reasons import EVENTS, told
from voicebot.understanding.meaning import Answer, Context, IntentScore, Meaning, Slot

NOW = datetime.fromisoformat("2026-03-10T15:00:00+08:00")
HAN = re.compile(r"[\u4e00-\u9fff]")


def understand(words: str, _: Context) -> Meaning:
    """Stands in for the understander."""
    known = {
        "是我": Meaning(words, words, (IntentScore("confirm_identity", 0.9),), Answer.YES),
        "转人工": Meaning(words, words, (IntentScore("ask_human", 0.9),)),
        "是机器人吗": Meaning(words, words, (IntentScore("ask_if_robot", 0.9),)),
        "后四位不记得": Meaning(words, words, (), None, {"digits": Slot("digits", None, words)}),
    }
    return known.get(words, Meaning(words, words))


def allow(_: str, __: CallState) -> Verdict:
    return Verdict(Action.ALLOW, (), "hash")


@pytest.fixture
def chat(library: Library, facts: Facts) -> Callable[[str], Chat]:
    def begin(locale: str) -> Chat:
        machine = Machine(load_flow("reminder_first", library), library, facts)
        talk = Chat(machine, NOW, understand, allow, EXAMPLE_CASE, locale)
        talk.begin()
        return talk

    return begin


STEPS = ["是我", "是机器人吗", "/silence", "转人工", "/agent no_answer", "/hangup"]


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_why_follows_the_locale(chat: Callable[[str], Chat], locale: str) -> None:
    talk = chat(locale)
    told = []
    for step in STEPS:
        talk.hear(step)
        told.extend(talk.hear("/why"))
    assert len(told) == len(STEPS)
    events = {"zh": ["听到", "听到", "没出声", "听到", "转人工有了结果", "对方不在线"]}
    events["en"] = ["Heard", "Heard", "SilenceElapsed", "Heard", "HandoffEnded", "CallerGone"]
    assert [re.split("[；;]", line)[0] for line in told] == events[locale]
    assert "parts/identity.yaml:" in told[0]
    causes = {"zh": ("没有人接这通电话", "对方挂机"), "en": ("nobody took the call", "caller hung up")}
    assert causes[locale][0] in told[4]
    assert causes[locale][1] in told[5]
    if locale == "en":
        assert not HAN.search("".join(told))


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_what_chat_says_itself_follows_the_locale(chat: Callable[[str], Chat], locale: str, tmp_path: Path) -> None:
    talk = chat(locale)
    answers = [*talk.hear("/nonsense")[:2], *talk.hear("/agent perhaps"), *talk.hear("/undo")]
    answers += talk.hear(f"/save {tmp_path / 'kept'}")
    answers += talk.hear(f"/save {tmp_path / 'none' / 'kept'}")
    answers += [talk.hear("/hangup")[-1], *talk.hear("是我")]
    assert len(answers) == 8
    assert [bool(HAN.search(line)) for line in answers] == [locale == "zh"] * 8


def test_the_command_gives_the_locale_to_the_chat() -> None:
    typed = "/key 1\n/why\n/quit\n"
    runner = CliRunner()
    assert "按键；" in runner.invoke(app, ["chat", "reminder_first", "--locale", "zh"], input=typed).stdout
    assert "Pressed; " in runner.invoke(app, ["chat", "reminder_first", "--locale", "en"], input=typed).stdout


def test_the_timeline_keeps_the_english_reason(talk: Callable[..., Conversation]) -> None:
    for exchange in talk().exchanges:
        assert exchange.decision.why == told(exchange.trace.why, "en")
        assert told(exchange.trace.why, "zh").startswith("接通")


def test_every_event_has_a_name_in_both_languages() -> None:
    assert {kind.__name__ for kind in get_args(Event)} - {"Started"} == EVENTS.keys() - {
        "started",
        "started already",
        "over",
    }
    for reason in EVENTS.values():
        assert HAN.search(reason.zh)
        assert not HAN.search(reason.en)
