"""What a turn of the caller means, with what is known of the call and of its case."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from voicebot.call.ear import Attention
from voicebot.call.frames import TurnFrame
from voicebot.understanding.meaning import Context, Expecting, Meaning, VoiceStats

_SURE = 0.5
"""Confidence of an intent from which the words of a turn count for more than the digits they may have been."""


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
        """In the language that is spoken, None taking the case's. A turn that was expected to be digits, and whose
        words say nothing, is taken for the digits it sounded like, and is then sure."""
        context = Context(
            now=now,
            expecting=self._attention.expecting,
            payday=self._case.payday,
            amount_due=self._case.amount_due,
            language=language or self._case.language,
        )
        meaning = await asyncio.to_thread(self._understander.understand, turn.text, context, turn.voice)
        if context.expecting is Expecting.DIGITS and turn.digits and not _says_something(meaning):
            as_digits = await asyncio.to_thread(self._understander.understand, turn.digits, context, turn.voice)
            if as_digits.slots:
                turn.confident = True
                return as_digits
        return meaning


def _says_something(meaning: Meaning) -> bool:
    """The words make sense by themselves: a value, a yes or no, or an intent to be acted on."""
    sure = {intent.id for intent in meaning.intents if intent.confidence >= _SURE}
    return bool(meaning.slots) or meaning.answer is not None or bool(sure - {"silence", "asr_noise"})
