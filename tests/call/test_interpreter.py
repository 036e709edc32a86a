"""What a turn is taken for where digits were asked for: its words, or the digits that it sounded like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from voicebot.call.ear import Attention
from voicebot.call.frames import TurnFrame
from voicebot.call.interpreter import CaseContext, Interpreter
from voicebot.understanding import Understander
from voicebot.understanding.meaning import Answer, Expecting, Meaning

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


Understand = Callable[..., Awaitable[Meaning]]


@pytest.fixture
def meaning_of(understander: Understander) -> Understand:
    async def understand(turn: TurnFrame, expecting: Expecting = Expecting.DIGITS) -> Meaning:
        interpreter = Interpreter(understander, CaseContext(), Attention(expecting, 4))
        return await interpreter.meaning_of(turn, NOW, None)

    return understand


@pytest.mark.parametrize("words", ["", "三八", "先帮", "箱包", "简单", "下班"])
async def test_words_that_may_be_misheard_digits_are_taken_for_the_digits(meaning_of: Understand, words: str) -> None:
    turn = TurnFrame(text=words, digits="38", confident=False)
    meaning = await meaning_of(turn)
    assert meaning.slots["digits"].value == "38"
    assert turn.confident


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("转人工", "ask_human"),
        ("他已经去世了", "deceased"),
        ("我不想活了", "self_harm_risk"),
        ("你打错了", "deny_identity_wrong_number"),
        ("我下周五先还一部分吧", "partial_payment"),
    ],
)
async def test_words_that_say_something_else_are_taken_for_what_they_say(
    meaning_of: Understand, words: str, intent: str
) -> None:
    turn = TurnFrame(text=words, digits="38", confident=True)
    meaning = await meaning_of(turn)
    assert "digits" not in meaning.slots
    assert intent in {score.id for score in meaning.intents}


async def test_a_no_to_the_question_for_digits_stays_a_no(meaning_of: Understand) -> None:
    assert (await meaning_of(TurnFrame(text="不是", digits="24"))).answer is Answer.NO


async def test_other_digits_in_the_words_count_for_more(meaning_of: Understand) -> None:
    turn = TurnFrame(text="三八二五", digits="38", confident=False)
    assert (await meaning_of(turn)).slots["digits"].value == "3825"
    assert not turn.confident


async def test_digits_count_only_where_they_were_asked_for(meaning_of: Understand) -> None:
    meaning = await meaning_of(TurnFrame(text="先帮", digits="38"), Expecting.OPEN)
    assert "digits" not in meaning.slots
