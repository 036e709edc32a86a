"""Mood from words, sharpened by voice; distress with recall first; the trend of a call."""

from __future__ import annotations

import pytest

from voicebot.understanding import Mood, Sentiment, VoiceStats
from voicebot.understanding.sentiment import Trend, read_sentiment

SHOUTING = VoiceStats(level_dbfs=-8.0, pitch_hz=280.0, characters_per_second=8.0, overlap_seconds=2.0)


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("好的，我知道了", Mood.CALM),
        ("我不想活了", Mood.DISTRESSED),
        ("我真的要崩溃了", Mood.DISTRESSED),
        ("你们这群王八蛋", Mood.ANGRY),
        ("别再打了", Mood.ANNOYED),
        ("你说的是什么意思，我不明白", Mood.CONFUSED),
        ("我好怕，会不会抓我", Mood.AFRAID),
    ],
)
def test_mood_of_words(text: str, mood: Mood) -> None:
    assert read_sentiment(text).mood is mood


def test_an_intent_of_risk_is_distress() -> None:
    assert read_sentiment("我先走了", ["self_harm_risk"]).distress == 1.0


def test_voice_sharpens_and_never_invents_anger() -> None:
    assert read_sentiment("你们太过分了", voice=SHOUTING).intensity > read_sentiment("你们太过分了").intensity
    assert read_sentiment("好的", voice=SHOUTING).mood is not Mood.ANGRY


def test_distress_fades_slowly_over_turns() -> None:
    trend = Trend().after(Sentiment(Mood.DISTRESSED, 1.0, 1.0)).after(Sentiment())
    assert trend.worsening
    assert trend.turns == 2
    assert not Trend().after(Sentiment()).worsening


def test_lasting_anger_is_noticed() -> None:
    angry = Sentiment(Mood.ANGRY, 0.9, 0.0)
    assert Trend().after(angry).after(angry).worsening
