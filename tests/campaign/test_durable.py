"""The durable side of a worker: a dial happens once for its key, and closing it takes nothing from the live calls."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from voicebot.call.board import PlaceCall
from voicebot.campaign.durable import DurableDials


async def forgotten(dials: DurableDials) -> None:
    """The one dial is over, and forgotten once it is old enough."""
    for _ in range(1200):  # the library writes the end down in its own time
        if await dials.prune(timedelta(seconds=-60)) == 1:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("the dial was not forgotten within a minute")
    assert await dials.prune(timedelta(seconds=-60)) == 0


async def test_one_key_is_one_dial_and_the_loop_keeps_threads_after_the_end(tmp_path: Path) -> None:
    dialled: list[str] = []
    done = asyncio.Event()

    async def dial(order: PlaceCall, member_id: str) -> str:
        dialled.append(member_id)
        done.set()
        return "placed"

    dials = DurableDials(f"sqlite:///{tmp_path}/store.db", "w1")
    await dials.start(dial)
    order = PlaceCall("case-1", "reminder_first", idempotency_key="key-1")
    await dials.dial(order, "member-1")
    await dials.dial(order, "member-1")
    await asyncio.wait_for(done.wait(), 60)
    assert await dials.prune(timedelta(days=14)) == 0
    await forgotten(dials)
    await dials.close()
    assert dialled == ["member-1"]
    # A call that still talks closes its evidence on a thread.
    assert await asyncio.to_thread(lambda: "on a thread") == "on a thread"
