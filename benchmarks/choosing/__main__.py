"""What it costs to choose the next 1,000 members of a campaign, as its queue grows.

    python -m benchmarks.choosing --sizes 10000 100000 1000000 [--database postgresql://...]

Half of the queue is ready, a tenth falls due while it is measured, the rest waits. Every choice is one transaction
that makes due members ready, reads the campaign's standing, takes the first 1,000 by rank and writes their keys.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from sqlalchemy import text

from benchmarks.machine import describe, quantile
from recordings.cipher import KeyRing
from voicebot.store import Store
from voicebot.store.campaign_records import Campaign, CampaignState, Grant, Member, MemberState, Standing
from voicebot.store.database import Database
from voicebot.store.records import new_id

CHOSEN = 1000
ROUNDS = 5
BATCH = 5000
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


async def fill(store: Store, database: Database, campaign: Campaign, size: int) -> None:
    """Members with a case and a debtor each; the cases are as small as the tables let them be."""
    debtor = "INSERT INTO debtor (id, name, age_band) VALUES (:id, :name, 'unknown')"
    case = (
        "INSERT INTO debt_case (id, debtor_id, status, creditor, amount_due, currency, due_date, time_zone, language, "
        "jurisdiction, preferred_hours, created_at) VALUES (:id, :id, 'open', 'x', 1, 'CNY', :day, 'Asia/Shanghai', "
        "'zh-CN', 'cn', '[]', :at)"
    )
    sqlite = database.is_sqlite
    day = "2026-11-01" if sqlite else NOW.date()
    at = NOW.replace(tzinfo=None).isoformat(" ") if sqlite else NOW
    for start in range(0, size, BATCH):
        ids = [new_id() for _ in range(min(BATCH, size - start))]
        async with database.write() as connection:
            await connection.execute(text(debtor), [{"id": one, "name": b"\x00x"} for one in ids])
            await connection.execute(text(case), [{"id": one, "day": day, "at": at} for one in ids])
        members = [_member(campaign, one, start + n) for n, one in enumerate(ids)]
        await store.campaigns.enrol(members)


def _member(campaign: Campaign, case_id: str, n: int) -> Member:
    part = n % 10
    waits = NOW + (timedelta(seconds=n % ROUNDS) if part == 5 else timedelta(hours=1 + n % 100))
    return Member(
        campaign_id=campaign.id,
        case_id=case_id,
        debtor_id=case_id,
        flow="reminder_first",
        rank=(n * 7919) % 1_000_003,
        state=MemberState.READY if part < 5 else MemberState.WAITING,
        next_at=None if part < 5 else waits,
        first_by=NOW + timedelta(hours=20),
        entered_at=NOW,
    )


async def measure(size: int, url: str) -> dict[str, object]:
    keys = KeyRing.generate()
    async with await Store.open(url, keys, migrate=True) as store:
        database = Database(url, keys)
        campaign = await store.campaigns.create(Campaign(f"bench-{new_id()}", {}))
        await fill(store, database, campaign, size)
        await store.campaigns.set_state(
            campaign.id, CampaignState.RUNNING, because="bench", expecting=[CampaignState.DRAFT], at=NOW
        )
        if not database.is_sqlite:
            async with database.write() as connection:
                await connection.execute(text("ANALYZE campaign_member"))
        took: list[float] = []
        chosen = 0
        for step in range(ROUNDS):
            at = NOW + timedelta(seconds=step)
            began = time.perf_counter()
            given = await store.campaigns.claim(campaign.id, worker_id="bench", day=at.date(), at=at, grant=_thousand)
            took.append((time.perf_counter() - began) * 1000)
            chosen += len(given)
            await _end_given(database, campaign)
        await database.close()
    return {
        "members": size,
        "chosen": chosen,
        "first_ms": round(took[0], 1),
        "median_ms": round(quantile(took, 0.5), 1),
        "worst_ms": round(max(took), 1),
    }


def _thousand(standing: Standing) -> Grant:
    return Grant((None,) * CHOSEN, None)


async def _end_given(database: Database, campaign: Campaign) -> None:
    """Ends what was given out, outside the measured time."""
    async with database.write() as connection:
        statement = text(
            "UPDATE campaign_member SET state = 'done', key = NULL WHERE campaign_id = :id AND state = 'dialling'"
        )
        await connection.execute(statement, {"id": campaign.id})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--database")
    options = parser.parse_args()
    results = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as name:
            url = options.database or f"sqlite:///{Path(name)}/store.db"
            results.append(asyncio.run(measure(size, url)))
            Console(stderr=True).print(results[-1])
    Console().print_json(data={"machine": describe(), "chosen_each_time": CHOSEN, "results": results})


if __name__ == "__main__":
    main()
