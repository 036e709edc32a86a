"""How many calls may begin now, and which number each of them shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from datetime import datetime, timedelta

from voicebot.campaign.plan import CallerPool, CampaignPlan, Pacing
from voicebot.store.campaign_records import Grant, Standing

CATCH_UP = timedelta(seconds=0.5)
"""How far behind its pace a campaign may be and still make up for it: the time between two looks at the queue."""


def grant(plan: CampaignPlan, standing: Standing, at: datetime, wanted: int | None = None) -> Grant:
    """The dials that may be given out at `at`, by concurrency, pace, free agents and caller numbers together.

    `wanted` is how many more calls this worker can carry; None is any number.
    """
    room = _room(plan.pacing, standing)
    if wanted is not None:
        room = min(room, wanted)
    count, next_slot = _slots(plan.pacing, standing.next_slot_at, at, room)
    callers = pick_callers(plan.callers, standing.caller_calls, count, standing.reviewed_callers)
    if len(callers) < count:
        count, next_slot = _slots(plan.pacing, standing.next_slot_at, at, len(callers))
    return Grant(callers[:count], next_slot)


def _room(pacing: Pacing, standing: Standing) -> int:
    room = pacing.concurrency - standing.live
    if pacing.calls_per_free_agent is not None:
        room = min(room, math.floor(standing.free_agents * pacing.calls_per_free_agent) - standing.live)
    return max(0, room)


def _slots(pacing: Pacing, next_slot: datetime | None, at: datetime, room: int) -> tuple[int, datetime | None]:
    """Slots of an even pace that have come, at most `room`, and the one after them."""
    gap = timedelta(seconds=1 / pacing.calls_per_second)
    slot = at - CATCH_UP if next_slot is None else max(next_slot, at - CATCH_UP)
    if next_slot is None:
        slot = at
    count = 0
    while count < room and slot <= at:
        slot += gap
        count += 1
    return count, slot if count else next_slot


def pick_callers(
    pool: CallerPool, used: Mapping[str, int], count: int, reviewed: Set[str] = frozenset()
) -> tuple[str | None, ...]:
    """Numbers for so many calls, the least used first; fewer when all have done their day's work.

    A number that a person has `reviewed` goes on beyond it.
    """
    if not pool.numbers:
        return (None,) * count
    calls = {number: used.get(number, 0) for number in pool.numbers}
    picked: list[str | None] = []
    while len(picked) < count:
        able = [number for number in pool.numbers if calls[number] < pool.calls_per_day or number in reviewed]
        if not able:
            break
        number = min(able, key=lambda candidate: calls[candidate])
        calls[number] += 1
        picked.append(number)
    return tuple(picked)
