"""The durable side of a worker: a dial happens once for its key, and closing it takes nothing from the live calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

from voicebot.call.board import PlaceCall
from voicebot.campaign.durable import DurableDials


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
    await dials.close()
    assert dialled == ["member-1"]
    # A call that still talks closes its evidence on a thread.
    assert await asyncio.to_thread(lambda: "on a thread") == "on a thread"
