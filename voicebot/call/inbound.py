"""Who may be calling: open cases behind a number, the attempt that was missed, and what it was about.

A number is a hint, never a proof: what is found here decides what is asked first, and nothing of it is said before the
caller is verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from zoneinfo import ZoneInfo

from voicebot.call.promise_facts import Kept, PromiseBook, PromiseStanding, latest_promise
from voicebot.dialog.facts import Facts, FactValue
from voicebot.store.protocols import Calls, Cases
from voicebot.store.records import Call, Case

REMEMBERED = timedelta(days=14)
"""How long after a missed call a caller is taken to return it."""
LATE = 30
"""Days overdue from which a case that was never called is spoken of as a late one."""
_READ = 20

_MISSED = frozenset(
    {
        "no_answer",
        "busy",
        "switched_off",
        "rejected",
        "abandoned",
        "voicemail",
        "phone_assistant",
        "silence",
        "no_media",
    }
)
"""Dispositions of a call that its person did not take."""


class Stage(Enum):
    """What a case's calls are about: the fact `case.stage`."""

    DUE_SOON = "due_soon"
    FIRST = "first"
    LATER = "later"
    PROMISE = "promise"


_STAGES: Mapping[str, Stage] = {
    "reminder_due_soon": Stage.DUE_SOON,
    "reminder_later": Stage.LATER,
    "promise_followup": Stage.PROMISE,
}
"""By the flow of the latest call; a flow that is not here speaks of a first reminder."""


class InboundStore(PromiseBook, Protocol):
    """The repositories in which a caller is looked for."""

    @property
    def cases(self) -> Cases: ...
    @property
    def calls(self) -> Calls: ...


@dataclass(frozen=True)
class KnownCase:
    """One case that a caller may be calling about."""

    case: Case
    stage: Stage
    missed: Call | None = None
    """The call that was missed, when it was the last one and not long ago."""
    promise: PromiseStanding | None = None
    can_text: bool = False
    """Whether the debtor could be sent a message, once verified."""


async def recognise(store: InboundStore, number: str, at: datetime) -> Sequence[KnownCase]:
    """The cases a number may belong to, one for each debtor: several when it is shared. Raises StoreUnavailable.

    Of several cases of one debtor it is the one that was called last, and of cases never called the newest.
    """
    by_debtor: dict[str, tuple[Case, Call | None]] = {}
    for case in await store.cases.find_by_number(number):
        last = await _last_outbound(store.calls, case.id)
        known = by_debtor.get(case.debtor.id)
        if known is None or (last is not None and (known[1] is None or last.started_at > known[1].started_at)):
            by_debtor[case.debtor.id] = (case, last)
    found = []
    for case, last in by_debtor.values():
        promise = await latest_promise(store, case, at)
        missed = last if last is not None and _is_missed(last, at) else None
        found.append(KnownCase(case, stage_of(case, last, promise, at), missed, promise))
    return found


def stage_of(case: Case, last: Call | None, promise: PromiseStanding | None, at: datetime) -> Stage:
    """What the case's flow was about when it was called last; without a call, what it would be about."""
    if promise is not None and promise.due and promise.kept is not Kept.KEPT:
        return Stage.PROMISE
    today = at.astimezone(ZoneInfo(case.time_zone)).date()
    if today < case.debt.due_date:
        return Stage.DUE_SOON
    if last is not None:
        stage = _STAGES.get(last.flow, Stage.FIRST)
        # What was still to come then is overdue now, and a promise that is not open any more is not spoken of.
        return stage if stage is Stage.LATER else Stage.FIRST
    return Stage.LATER if case.debt.days_overdue(today) >= LATE else Stage.FIRST


def with_caller(
    facts: Facts,
    *,
    closed: bool,
    withheld: bool = False,
    can_text: bool = False,
    known: KnownCase | None = None,
) -> Facts:
    """The facts of a call with what is true of this caller and this hour."""
    more: dict[str, FactValue] = {}
    if closed:
        more["firm.closed"] = True
    if withheld:
        more["call.withheld"] = True
    if can_text or (known is not None and known.can_text):
        more["case.can_text"] = True
    if known is not None:
        more["case.stage"] = known.stage.value
        more["case.callback_expected"] = known.missed is not None
    return Facts({**facts.values, **more}, facts.currency)


OF_THE_HOUR = ("firm.closed", "call.withheld", "case.can_text", "case.stage", "case.callback_expected")
"""Facts that are true of one call only: its timeline keeps them, for the case does not."""


def of_the_hour(facts: Facts) -> Mapping[str, FactValue]:
    """What `with_caller` added."""
    return {name: facts[name] for name in OF_THE_HOUR if name in facts}


async def _last_outbound(calls: Calls, case_id: str) -> Call | None:
    return next((call for call in await calls.list(case_id=case_id, limit=_READ) if call.direction == "outbound"), None)


def _is_missed(call: Call, at: datetime) -> bool:
    return call.disposition in _MISSED and call.started_at >= at - REMEMBERED
