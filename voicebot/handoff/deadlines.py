"""Watches by when complaints are owed: what lies too long with one tier moves up, once for each day missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from voicebot.store.complaint_records import Complaint, ComplaintState, Tier, TierCount
from voicebot.store.desk_protocols import Complaints
from voicebot.store.errors import StoreUnavailable

log = logging.getLogger(__name__)

LOOK_SECONDS = 300.0
"""Between two looks: deadlines are days."""
ACTOR = "deadlines"
_AT_ONCE = 500


def missed_day(complaint: Complaint, today: date) -> date | None:
    """The latest day of a complaint that went by without what was owed on it; None when it is in time."""
    days = [complaint.answer_by] if complaint.answer_by < today else []
    if complaint.state is ComplaintState.OPEN and complaint.respond_by < today:
        days.append(complaint.respond_by)
    return max(days, default=None)


def moves_to(complaint: Complaint, today: date, zone: ZoneInfo) -> Tier | None:
    """The tier that takes over; None when it stays. A missed day moves it once, and the last tier keeps it. Pure."""
    missed = missed_day(complaint, today)
    if missed is None or complaint.state is ComplaintState.CLOSED:
        return None
    if complaint.escalated_at is not None and complaint.escalated_at.astimezone(zone).date() > missed:
        return None
    return complaint.tier.above


class DeadlineWatch:
    """One a worker; any number of them at the same time moves each complaint once."""

    def __init__(
        self,
        complaints: Complaints,
        *,
        zone: str,
        now: Callable[[], datetime],
        on_count: Callable[[TierCount], None] = lambda count: None,
    ) -> None:
        """`zone` is where the days end; `on_count` is told what lies with each tier."""
        self._complaints = complaints
        self._zone = ZoneInfo(zone)
        self._now = now
        self._on_count = on_count

    async def run(self, stop: asyncio.Event) -> None:
        """Looks again and again until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except StoreUnavailable as away:
                log.warning(
                    "deadlines of complaints cannot be looked at: the store is away", extra={"reason": str(away)}
                )
            except Exception:
                log.exception("a look at the deadlines failed; the next one follows")
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> int:
        """Moves up what is overdue and tells the counts. How many moved."""
        at = self._now()
        today = at.astimezone(self._zone).date()
        moved = 0
        for complaint in await self._complaints.list(overdue_on=today, limit=_AT_ONCE):
            tier = moves_to(complaint, today, self._zone)
            if tier is None:
                continue
            if await self._complaints.move(complaint.id, tier, expecting=complaint.tier, by=ACTOR, at=at):
                moved += 1
                log.error(
                    "a complaint is overdue and moved up a tier",
                    extra={"reference": complaint.reference, "kind": complaint.kind.value, "tier": tier.value},
                )
        for count in await self._complaints.counts(today):
            self._on_count(count)
        return moved
