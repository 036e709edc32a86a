"""What a turn of the caller means, with what is known of the call and of its case."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from voicebot.call.ear import Attention
from voicebot.call.frames import TurnFrame
from voicebot.understanding.intents.catalogue import PRIORITY
from voicebot.understanding.meaning import Context, Expecting, Meaning, VoiceStats

_SURE = 0.5
"""Confidence of a pressing intent from which the words of a turn count for more than the digits they may have been."""

_DIGITS = "digits"
_NOTHING = frozenset({"silence", "asr_noise"})

_SYLLABLE = re.compile(r"[\u4e00-\u9fff]|[a-z']+|\d", re.IGNORECASE)


class Understands(Protocol):
    """What a call needs of `voicebot.understanding`."""

    def understand(self, text: str, context: Context, voice: VoiceStats | None = None) -> Meaning: ...


@dataclass(frozen=True)
class CaseContext:
    """What understanding may know of the case."""

    payday: int | None = None
    amount_due: Decimal | None = None
    language: str = "zh-CN"


class Interpreter:
    """Understands the turns of one call, on a thread of their own."""

    def __init__(self, understander: Understands, case: CaseContext, attention: Attention) -> None:
        self._understander = understander
        self._case = case
        self._attention = attention

    async def meaning_of(self, turn: TurnFrame, now: datetime, language: str | None) -> Meaning:
        """In the language that is spoken, None taking the case's.

        Where digits were asked for and the turn may have been digits, it is taken for them, unless its words clearly
        say something else. Digits that were heard so are sure.
        """
        context = Context(
            now=now,
            expecting=self._attention.expecting,
            payday=self._case.payday,
            amount_due=self._case.amount_due,
            language=language or self._case.language,
        )
        meaning = await asyncio.to_thread(self._understander.understand, turn.text, context, turn.voice)
        if context.expecting is not Expecting.DIGITS or not turn.digits:
            return meaning
        as_digits = await asyncio.to_thread(self._understander.understand, turn.digits, context, turn.voice)
        if _DIGITS not in as_digits.slots or _says_something_else(meaning, as_digits, turn):
            return meaning
        turn.confident = True
        return as_digits


def _says_something_else(meaning: Meaning, as_digits: Meaning, turn: TurnFrame) -> bool:
    """The words are other digits, a yes or no, a pressing matter, or anything that digits could not sound like.

    Words with as many syllables as there are digits are what a recogniser makes of digits that it did not know for
    such (三八 becomes 先帮, and that a wish to pay a part): of them only what must never be missed counts.
    """
    if _DIGITS in meaning.slots:
        return meaning.slots[_DIGITS].value != as_digits.slots[_DIGITS].value
    sure = {intent.id for intent in meaning.intents if intent.confidence >= _SURE} - _NOTHING
    if meaning.answer is not None or sure & set(PRIORITY):
        return True
    alike = len(_SYLLABLE.findall(turn.text)) == len(turn.digits)
    return not alike and bool(sure or meaning.slots)
