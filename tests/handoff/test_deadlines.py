"""What is overdue moves up a tier, once for each day missed, by one worker, and is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from voicebot.handoff.deadlines import DeadlineWatch, moves_to
from voicebot.store import Store
from voicebot.store.complaint_records import Complaint, ComplaintKind, ComplaintState, Tier, TierCount

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
COMPLAINT = Complaint(
    id="call-1:complaint",
    reference="8835789168",
    kind=ComplaintKind.COMPLAINT,
    tier=Tier.SERVICE,
    respond_by=date(2026, 3, 13),
    answer_by=date(2026, 3, 25),
    call_id="call-1",
    received_at=NOON,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{tmp_path}/store.db", None, migrate=True) as opened:
        yield opened


@pytest.mark.parametrize(
    ("changes", "today", "tier"),
    [
        ({}, date(2026, 3, 13), None),
        ({}, date(2026, 3, 14), Tier.LEGAL),
        ({"state": ComplaintState.RESPONDED}, date(2026, 3, 14), None),
        ({"state": ComplaintState.RESPONDED}, date(2026, 3, 26), Tier.LEGAL),
        ({"tier": Tier.LEGAL, "escalated_at": datetime(2026, 3, 14, 1, tzinfo=UTC)}, date(2026, 3, 20), None),
        (
            {"tier": Tier.LEGAL, "escalated_at": datetime(2026, 3, 14, 1, tzinfo=UTC)},
            date(2026, 3, 26),
            Tier.REGULATOR_LIAISON,
        ),
        ({"tier": Tier.REGULATOR_LIAISON}, date(2026, 3, 26), None),
        ({"state": ComplaintState.CLOSED}, date(2026, 3, 26), None),
    ],
)
def test_a_missed_day_moves_it_once(changes: dict[str, object], today: date, tier: Tier | None) -> None:
    assert moves_to(replace(COMPLAINT, **changes), today, ZONE) is tier  # type: ignore[arg-type]


async def test_two_workers_move_each_complaint_once_and_count_it(store: Store) -> None:
    await store.complaints.add(COMPLAINT)
    clock = [NOON]
    counted: dict[Tier, TierCount] = {}

    def count(found: TierCount) -> None:
        counted[found.tier] = found

    here, there = (
        DeadlineWatch(store.complaints, zone="Asia/Shanghai", now=lambda: clock[0], on_count=count) for _ in range(2)
    )
    assert await here.look() == 0
    assert (counted[Tier.SERVICE].open, counted[Tier.SERVICE].overdue) == (1, 0)
    clock[0] = NOON + timedelta(days=4)
    assert [await here.look(), await there.look(), await here.look()] == [1, 0, 0]
    assert (counted[Tier.SERVICE].open, counted[Tier.LEGAL].overdue) == (0, 1)
    clock[0] = NOON + timedelta(days=16)
    assert [await there.look(), await here.look()] == [1, 0]
    (found,) = await store.complaints.list()
    assert found.tier is Tier.REGULATOR_LIAISON
    moved = [entry.data["to"] for entry in await store.audit.list() if entry.action == "complaint.moved"]
    assert moved == ["regulator_liaison", "legal"]
