"""One worker in a process of its own, to be killed.

Its clock runs `speed` times as fast as the wall's, from `started` on, and is the same in every
process. It says over a pipe when it has dialled.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import warnings
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from tests.campaign.simulated import SimulatedCalls
from voicebot.campaign.durable import DurableWork
from voicebot.campaign.runner import CampaignRunner
from voicebot.store import Store
from voicebot.store.campaign_records import CampaignState
from voicebot.store.records import ContactHistory, Permission

BEGINS = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CAP = 2


def cap(history: ContactHistory) -> Permission:
    """At most CAP attempts for a person, ever: a cap that a crash must not break."""
    count = len(history.attempts)
    return Permission(count < CAP, {"rules": [{"id": "CAP", "verdict": "refuse", "counts": {"n": count}}]})


async def work(database: str, dialled: Path, worker: str, told: Connection, started: float, speed: float) -> None:
    def now() -> datetime:
        return BEGINS + timedelta(seconds=(time.time() - started) * speed)

    async with await Store.open(database, migrate=False) as store:
        await store.attempts.interrupt(worker, at=now())
        calls = SimulatedCalls(
            store, worker, now, dialled=dialled, on_dial=lambda: told.send_bytes(b"d"), permit=cap, talk_seconds=0.2
        )
        work = DurableWork(database, worker)
        runner = CampaignRunner(
            store,
            calls,
            work,
            worker_id=worker,
            now=now,
            room=lambda: 20 - calls.live,
            look_seconds=0.05,
        )
        await runner.start()
        await work.start()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(runner.run(stop))
            tasks.create_task(_until_finished(store, stop))
        await work.close()


async def _until_finished(store: Store, stop: asyncio.Event) -> None:
    while await store.campaigns.list(state=CampaignState.RUNNING):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.1)
    stop.set()


def run(database: str, dialled: Path, worker: str, told: Connection, started: float, speed: float) -> None:
    """What the process does."""
    # The library warns of what a killed worker left open; the tests look at the store.
    warnings.simplefilter("ignore")
    asyncio.run(work(database, dialled, worker, told, started, speed))
