"""Speech without a model, for both ends of the line: words travel as tones and arrive as words.

A bot's line sounds at a pitch that says what it asks, a person's answer at a pitch of its own. Everything between the
two ends is real: RTP, jitter buffer, voice activity by level, end of turn, understanding, dialog, guard, recorder.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from enum import Enum

from benchmarks.campaign.world import Role
from tests.engine.people import PitchSpeech, Words, pitch, tone
from voicebot.speech.protocols import SpeechRequest


class Asks(Enum):
    """What a bot's line wants to know; the value is its pitch, Hz."""

    NOTHING = 240
    WHO = 290
    LAST_FOUR = 340
    PAYMENT = 390
    TIME = 440
    RIGHT = 490
    RELAY = 540


_MARKS = (
    (Asks.WHO, re.compile("本人吗|是不是")),
    (Asks.LAST_FOUR, re.compile("四位")),
    (Asks.PAYMENT, re.compile("哪天|哪一天|分期|困难|方便处理|打算")),
    (Asks.TIME, re.compile("什么时候|换一个时间|说一个时间")),
    (Asks.RIGHT, re.compile("对吗|对不对")),
    (Asks.RELAY, re.compile("可以吗")),
)
SHORTEST_SECONDS = 0.4
CHARACTER_SECONDS = 0.02
_SEEN_SECONDS = 0.3

ME = "对，我就是"
RIGHT = "对，没错"
FOUR = "三八六六"
PART = "下周五还两千"
PAID = "我前天就还过了"
NEVER = "我不还"
LATER = "明天下午三点再打"
NOT_MINE = "这钱根本不是我借的"
NO_MORE = "以后别再给我打电话"
HIS_SISTER = "他不在家，我是他姐"
WRONG = "你打错了，没这个人"
LEAVE_A_MESSAGE = "您拨打的用户暂时无法接听，请留言"
ALL_RIGHT = "好的"
WORDS = Words(
    ME, RIGHT, FOUR, PART, PAID, NEVER, LATER, NOT_MINE, NO_MORE, HIS_SISTER, WRONG, LEAVE_A_MESSAGE, ALL_RIGHT
)

ANSWERS: dict[Role, dict[Asks, str]] = {
    Role.PROMISES: {Asks.WHO: ME, Asks.LAST_FOUR: FOUR, Asks.PAYMENT: PART, Asks.RIGHT: RIGHT},
    Role.PAID: {Asks.WHO: ME, Asks.LAST_FOUR: FOUR, Asks.PAYMENT: PAID},
    Role.REFUSES: {Asks.WHO: ME, Asks.LAST_FOUR: FOUR, Asks.PAYMENT: NEVER},
    Role.CALLS_BACK: {Asks.WHO: LATER, Asks.TIME: LATER, Asks.RIGHT: RIGHT},
    Role.DISPUTES: {Asks.WHO: NOT_MINE},
    Role.STOPS: {Asks.WHO: NO_MORE},
    Role.THIRD_PARTY: {Asks.WHO: HIS_SISTER, Asks.RELAY: ALL_RIGHT},
    Role.WRONG_PERSON: {Asks.WHO: WRONG},
    Role.VOICEMAIL: {Asks.WHO: LEAVE_A_MESSAGE},
    Role.HANGS_UP: {},
    Role.SILENT: {},
}
"""What each kind of person says to what is asked of them."""


def asked_by(text: str) -> Asks:
    return next((asks for asks, mark in _MARKS if mark.search(text)), Asks.NOTHING)


def asked_in(pcm: bytes) -> Asks:
    """What a line asked, from the end of its sound at 8 kHz."""
    heard = pitch(pcm[-int(_SEEN_SECONDS * 16000) :])
    return min(Asks, key=lambda asks: abs(asks.value - heard))


class TonedSpeech(PitchSpeech):
    """Takes the place of the speech engines of a worker."""

    def __init__(self) -> None:
        super().__init__(WORDS)

    async def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        seconds = max(SHORTEST_SECONDS, len(request.text) * CHARACTER_SECONDS)
        audio = tone(asked_by(request.text).value, seconds, 3000.0)
        for start in range(0, len(audio), 3200):
            yield audio[start : start + 3200]
            await asyncio.sleep(0)
