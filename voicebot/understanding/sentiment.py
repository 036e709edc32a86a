"""Mood from words and, where it is allowed, from voice; distress with recall first; and the trend of a call.

It steers how the bot speaks and when a human is called. It never scores anyone's willingness to pay.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from voicebot.understanding.meaning import Mood, Sentiment, VoiceStats

_WORDS: tuple[tuple[Mood, float, re.Pattern[str]], ...] = tuple(
    (mood, weight, re.compile(words))
    for mood, weight, words in (
        (
            Mood.DISTRESSED,
            1.0,
            r"不想活|活不下去|想死|去死了?算|自杀|跳楼|跳河|跳下去|割腕|安眠药|遗书|轻生|一了百了|了断|"
            r"死给你|逼死|喝农药|烧炭|结束生命|不如死",
        ),
        (
            Mood.DISTRESSED,
            0.8,
            r"崩溃|绝望|受不了|撑不住|撑不下去|走投无路|活着没意思|哭|哽咽|抽泣|呜呜|扛不住|喘不过气|逼疯|生不如死",
        ),
        (
            Mood.DISTRESSED,
            0.5,
            r"求求你|求你们|没办法了|太难了|难受|睡不着|失眠|压力太?大|心慌|焦虑|抑郁|放过我|太累了|心里苦|去世|办丧事",
        ),
        (Mood.AFRAID, 0.7, r"害怕|好怕|我怕|吓|担心死|不敢|别抓我|怎么办啊|坐牢吗|会不会抓|别找我家人|发抖"),
        (Mood.AFRAID, 0.4, r"担心|怕|会不会(?:坐牢|被抓|起诉)|紧张"),
        (
            Mood.ANGRY,
            0.9,
            r"他妈|妈的|滚|王八蛋|混蛋|畜生|傻逼|去死|不得好死|操你|狗日|放屁|不要脸|人渣|吸血鬼|"
            r"没一个好|弄死|混账|垃圾|神经病|有病",
        ),
        (
            Mood.ANGRY,
            0.6,
            r"投诉|举报|告你|曝光|太过分|欺人太甚|凭什么|有完没完|烦死|闭嘴|什么态度|骚扰|暴力催收|岂有此理",
        ),
        (
            Mood.ANNOYED,
            0.5,
            r"烦|别再打|不要再打|别打了|说了多少遍|怎么又|又是你们|天天打|老打|啰嗦|催什么|急什么|"
            r"不耐烦|没完没了|都说了",
        ),
        (
            Mood.CONFUSED,
            0.5,
            r"什么意思|不明白|听不懂|没听懂|不懂|糊涂|搞不清|怎么回事|啥意思|哪一笔|不清楚|莫名其妙|"
            r"听不清|没听清|什么情况",
        ),
    )
)
_BY_INTENT: dict[str, tuple[Mood, float]] = {
    "self_harm_risk": (Mood.DISTRESSED, 1.0),
    "crying_distress": (Mood.DISTRESSED, 0.9),
    "abusive_anger": (Mood.ANGRY, 0.8),
    "complaint_regulator": (Mood.ANGRY, 0.5),
    "third_party_refuses": (Mood.ANNOYED, 0.5),
    "cease_contact": (Mood.ANNOYED, 0.5),
    "hardship_illness": (Mood.DISTRESSED, 0.35),
    "hardship_disaster_family": (Mood.DISTRESSED, 0.4),
    "elderly_hearing": (Mood.CONFUSED, 0.5),
    "asks_repeat_slower": (Mood.CONFUSED, 0.4),
}
_LOUD_DBFS = -14.0
_HIGH_PITCH_HZ = 260.0
_FAST = 6.5  # characters a second
_SLOW = 2.0
_ORDER = (Mood.DISTRESSED, Mood.AFRAID, Mood.ANGRY, Mood.ANNOYED, Mood.CONFUSED)


def read_sentiment(text: str, intents: Collection[str] = (), voice: VoiceStats | None = None) -> Sentiment:
    """Mood of one turn. Voice alone never makes a mood out of calm words; it sharpens what the words already show."""
    strength = dict.fromkeys(_ORDER, 0.0)
    for mood, weight, pattern in _WORDS:
        hits = len(pattern.findall(text))
        if hits:
            strength[mood] = max(strength[mood], min(1.0, weight + 0.1 * (hits - 1)))
    for intent in intents:
        if intent in _BY_INTENT:
            mood, weight = _BY_INTENT[intent]
            strength[mood] = max(strength[mood], weight)
    if text.count("！") + text.count("!") > 1:
        strength[Mood.ANGRY] = min(1.0, strength[Mood.ANGRY] * 1.1)
    if voice is not None:
        _sharpen(strength, voice)
    distress = max(strength[Mood.DISTRESSED], 0.6 * strength[Mood.AFRAID])
    mood, best = max(strength.items(), key=lambda item: (item[1], -_ORDER.index(item[0])))
    if strength[Mood.DISTRESSED] >= 0.8:
        mood, best = Mood.DISTRESSED, strength[Mood.DISTRESSED]
    return Sentiment(mood if best >= 0.3 else Mood.CALM, round(best, 3) if best >= 0.3 else 0.0, round(distress, 3))


def _sharpen(strength: dict[Mood, float], voice: VoiceStats) -> None:
    loud = voice.level_dbfs > _LOUD_DBFS
    high = voice.pitch_hz > _HIGH_PITCH_HZ
    if loud and (voice.characters_per_second > _FAST or voice.overlap_seconds > 1.0):
        for mood in (Mood.ANGRY, Mood.ANNOYED):
            strength[mood] = min(1.0, strength[mood] * 1.3)
        strength[Mood.ANNOYED] = max(strength[Mood.ANNOYED], 0.3)
    if high and not loud:
        strength[Mood.AFRAID] = min(1.0, strength[Mood.AFRAID] * 1.2)
    if 0 < voice.characters_per_second < _SLOW:
        strength[Mood.DISTRESSED] = min(1.0, strength[Mood.DISTRESSED] * 1.2)


@dataclass(frozen=True)
class Trend:
    """Mood over the turns of a call, newer turns counting more. Pure: `after` gives the next one."""

    anger: float = 0.0
    distress: float = 0.0
    confusion: float = 0.0
    turns: int = 0

    def after(self, turn: Sentiment) -> Trend:
        """The trend with one more turn. Distress falls slowly: one calm sentence does not end it."""
        anger = (
            turn.intensity if turn.mood is Mood.ANGRY else 0.6 * turn.intensity if turn.mood is Mood.ANNOYED else 0.0
        )
        confusion = turn.intensity if turn.mood is Mood.CONFUSED else 0.0
        return Trend(
            anger=round(0.5 * self.anger + 0.5 * anger, 3),
            distress=round(max(turn.distress, 0.8 * self.distress), 3),
            confusion=round(0.5 * self.confusion + 0.5 * confusion, 3),
            turns=self.turns + 1,
        )

    @property
    def worsening(self) -> bool:
        """True when a human should be considered: lasting anger, or distress that has not passed."""
        return self.distress >= 0.7 or (self.turns >= 2 and self.anger >= 0.6)
