"""Whole turns: what decides the response comes first, what is risky is never missed, noise promises nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.understanding import Context, Expecting, Mood, Understander

Asking = Callable[..., Context]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("那我礼拜四还八百整", "promise_to_pay"),
        ("等我手头松了再还给你们", "vague_promise"),
        ("帮我接人工吧", "ask_human"),
        ("我是他姐姐，他出门了", "third_party_answers"),
        ("人早就不在了，去年去世的", "deceased"),
        ("我请律师了，有什么事跟他讲", "attorney_represented"),
        ("往后别给我打电话了", "cease_contact"),
        ("这钱我没借过", "dispute_debt"),
        ("（静默7秒）", "silence"),
        ("（按键3）", "dtmf_choice"),
        ("", "silence"),
    ],
)
def test_the_first_intent(engine: Understander, asking: Asking, text: str, intent: str) -> None:
    assert engine.understand(text, asking()).intents[0].id == intent


@pytest.mark.parametrize(
    "text", ["我今天真的不想活了", "再打我就从楼上跳下去", "安眠药都在手边了", "死了算了，一了百了"]
)
def test_risk_to_life_comes_first(engine: Understander, asking: Asking, text: str) -> None:
    meaning = engine.understand(text, asking())
    assert meaning.intents[0].id == "self_harm_risk"
    assert meaning.sentiment.mood is Mood.DISTRESSED
    assert meaning.sentiment.distress >= 0.9


@pytest.mark.parametrize("text", ["是我", "嗯，就是我", "本人"])
def test_who_names_himself_confirms_whatever_was_asked(engine: Understander, asking: Asking, text: str) -> None:
    assert [intent.id for intent in engine.understand(text, asking()).intents] == ["confirm_identity"]
    assert engine.understand("是的", asking()).intents == ()


@pytest.mark.parametrize("text", ["我是男的", "我女的啊", "我是个男生"])
def test_a_man_or_a_woman_is_nobody_yet(engine: Understander, asking: Asking, text: str) -> None:
    meaning = engine.understand(text, asking(Expecting.IDENTITY))
    assert "confirm_identity" not in {intent.id for intent in meaning.intents}
    assert meaning.answer is None
    assert "name" not in meaning.slots


def test_several_intents_in_one_turn(engine: Understander, asking: Asking) -> None:
    found = {intent.id for intent in engine.understand("我要投诉，叫你们经理来接电话", asking()).intents}
    assert {"complaint_regulator", "ask_human"} <= found


@pytest.mark.parametrize("text", ["那个那个呃就是然后那个", "呃这个就是那个嗯", "嗯那个什么来着那个"])
def test_noise_promises_nothing(engine: Understander, asking: Asking, text: str) -> None:
    meaning = engine.understand(text, asking(Expecting.DATE))
    assert [intent.id for intent in meaning.intents] == ["asr_noise"]
    assert meaning.answer is None


def test_a_promise_without_day_or_sum_is_vague(engine: Understander, asking: Asking) -> None:
    found = [intent.id for intent in engine.understand("我一定还，肯定还", asking()).intents]
    assert "promise_to_pay" not in found


def test_off_topic_chatter_is_none_of_these(engine: Understander, asking: Asking) -> None:
    meaning = engine.understand("今天晚上吃火锅吗", asking())
    assert not meaning.understood


def test_raw_words_are_kept(engine: Understander, asking: Asking) -> None:
    meaning = engine.understand("嗯，我要申請分期，還一萬二", asking())
    assert meaning.raw == "嗯，我要申請分期，還一萬二"
    assert "申请分期" in meaning.text
    assert "12000" in meaning.text


def test_layers_are_named(engine: Understander) -> None:
    assert engine.layers[:2] == ("exact", "model")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    from datetime import UTC, datetime

    from voicebot.understanding.slots import extract

    extract(text, Context(datetime(2026, 3, 10, 15, tzinfo=UTC)))
