"""What a state puts on record when it is entered: a promise, a callback, a plan, a message to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from voicebot.dialog.events import Action, RecordCallback, RecordPlan, RecordPromise, SendMessage
from voicebot.dialog.flow import Recording
from voicebot.dialog.ground import Ground, value_of
from voicebot.dialog.state import DialogState
from voicebot.dialog.wording import Reader, kind_of

AS_SOON_AS_CAN_BE = "soon"
"""In place of a slot in `callback: {at: ...}`: nobody named a time."""


def recorded(recording: Recording, ground: Ground, state: DialogState, now: datetime, words: str) -> Iterator[Action]:
    """Actions that keep what was agreed. What lacks its amount or its time is not kept. `words` are the caller's."""

    def value(name: str) -> object:
        return value_of(ground, state, name, now, words)

    if recording.promise is not None:
        amount, on = (value(f"slot.{name}") for name in recording.promise)
        due = ground.facts.amount("debt.amount_due")
        if isinstance(amount, Decimal) and isinstance(on, date):
            told = "；".join(
                dict.fromkeys(state.slots[name].words for name in recording.promise if name in state.slots)
            )
            yield RecordPromise(amount, on, partial=due is not None and amount < due, words=told)
    if recording.callback is not None:
        soon = recording.callback[0] == AS_SOON_AS_CAN_BE
        at = now if soon else value(f"slot.{recording.callback[0]}")
        number = value(f"slot.{recording.callback[1]}") if recording.callback[1] else None
        if isinstance(at, datetime):
            yield RecordCallback(at, str(number) if number is not None else None)
    if recording.plan is not None:
        months = value(f"slot.{recording.plan}")
        yield RecordPlan(months if isinstance(months, int) else None, words or None)
    if recording.message is not None:
        template, names = recording.message
        reader = Reader(ground.library.language, ground.facts.currency, now.date())
        facts = {
            name: reader.read(kind, known)
            for name in names
            if (kind := kind_of(name)) is not None and (known := value_of(ground, state, name, now, words)) is not None
        }
        yield SendMessage(template, facts)
