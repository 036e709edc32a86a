"""Speech over a line stops it by its words: signs of listening do not, words do, and going on does without fail."""

from __future__ import annotations

import asyncio

import pytest

from voicebot.call.barge_in import BargeIn
from voicebot.call.ear import Utterance
from voicebot.call.settings import TurnTaking
from voicebot.dialog.events import Say
from voicebot.speech.protocols import RecognitionStream, Transcript

SETTINGS = TurnTaking(barge_in_seconds=0.3, barge_in_seconds_sure=1.0)
FRAME = 0.05
LINE = Say("reminder.state", "您的账单已经逾期。", "zh-CN")
HELD = Say("common.recording", "本次通话会被录音。", "zh-CN", interruptible=False)


class NoStream:
    def accept(self, pcm: bytes) -> None: ...

    async def partial(self) -> Transcript | None:
        return None

    async def finish(self) -> Transcript:
        raise AssertionError("not asked for here")


class Caller:
    """Speaks frame by frame; `says` is what recognition makes of it so far, None when recognition fails."""

    def __init__(self, says: str | None, confidence: float = 0.9, line: Say | None = LINE) -> None:
        stream: RecognitionStream = NoStream()
        self.utterance = Utterance(stream)
        self.says, self.confidence, self.line = says, confidence, line
        self.stopped_after: float | None = None
        self.looks = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.barge_in = BargeIn(
            settings=SETTINGS, line=lambda: self.line, words=self.words, ask_again_below=0.55, stop=self.stop
        )

    async def words(self, utterance: Utterance) -> Transcript:
        self.looks += 1
        await self.may_answer.wait()
        if self.says is None:
            raise RuntimeError("too busy")
        return Transcript(self.says, self.confidence, True, 0.3, 0.1, "test")

    async def stop(self, utterance: Utterance, say: Say) -> None:
        assert say is LINE
        self.stopped_after = utterance.over_bot_seconds

    async def speak(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME)):
            await self.barge_in.voiced(self.utterance, FRAME)
            for _ in range(5):
                await asyncio.sleep(0)


async def test_words_stop_the_line_as_soon_as_they_are_looked_at() -> None:
    caller = Caller("等一下")
    await caller.speak(0.6)
    assert caller.stopped_after == pytest.approx(0.3)
    assert caller.utterance.interrupted_line == LINE.line


@pytest.mark.parametrize("text", ["嗯。", "好的,好的。", "知道了知道了", "是,是的。", "可以。", "OK"])
async def test_signs_of_listening_let_it_go_on_longer_than_words_unknown(text: str) -> None:
    caller = Caller(text)
    await caller.speak(1.5)
    assert caller.stopped_after is None
    assert caller.looks > 1, "what begins with 嗯 may become a question"
    await caller.speak(0.6)
    assert caller.stopped_after == pytest.approx(2.0)


async def test_a_sign_of_listening_that_becomes_a_sentence_stops_it() -> None:
    caller = Caller("好的")
    await caller.speak(0.5)
    caller.says = "好的那我问一下"
    await caller.speak(0.5)
    assert caller.stopped_after == pytest.approx(0.6)


async def test_a_noise_without_words_and_a_recogniser_that_fails_stop_it_only_by_going_on() -> None:
    for says in ("", None):
        caller = Caller(says)
        await caller.speak(0.9)
        assert caller.stopped_after is None
        await caller.speak(0.2)
        assert caller.stopped_after == pytest.approx(1.0)


async def test_unclear_words_need_a_caller_who_goes_on() -> None:
    caller = Caller("三。", confidence=0.3)
    caller.may_answer.clear()
    await caller.speak(0.3)
    caller.may_answer.set()
    await asyncio.sleep(0)
    await caller.speak(0.0)
    assert caller.stopped_after is None, "a 嗯 that was misheard, and then silence"
    caller = Caller("我要教育。", confidence=0.3)
    caller.may_answer.clear()
    await caller.speak(0.5)
    caller.may_answer.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert caller.stopped_after == pytest.approx(0.5)


async def test_a_slow_recogniser_does_not_keep_the_bot_talking() -> None:
    caller = Caller("等一下")
    caller.may_answer.clear()
    await caller.speak(1.1)
    assert caller.stopped_after == pytest.approx(1.0)
    await caller.barge_in.close()


async def test_a_line_that_must_be_heard_and_silence_of_the_bot_are_left_alone() -> None:
    for line in (HELD, None):
        caller = Caller("等一下", line=line)
        await caller.speak(3.0)
        assert caller.stopped_after is None
        assert caller.looks == 0


async def test_a_line_that_ended_meanwhile_is_not_stopped() -> None:
    caller = Caller("等一下")
    caller.may_answer.clear()
    await caller.speak(0.4)
    caller.line = None
    caller.may_answer.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert caller.stopped_after is None
    assert caller.utterance.interrupted_line is None
