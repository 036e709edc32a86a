"""The board shows live calls and never lets a slow watcher hold one up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from voicebot.call.board import CallBoard, LiveCall, TimelineEntry


def entry(number: int, call_id: str = "a") -> TimelineEntry:
    return TimelineEntry(call_id, number, 0.0, datetime(2026, 3, 10, tzinfo=UTC), "turn.heard", {})


async def test_a_watcher_sees_entries_of_its_call_in_order() -> None:
    board = CallBoard()
    seen: list[int] = []

    async def watch() -> None:
        async for found in board.watch("a"):
            seen.append(found.sequence)
            if len(seen) == 2:
                return

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    for number, call_id in enumerate(["b", "a", "b", "a"]):
        board.publish(entry(number, call_id))
    await asyncio.wait_for(task, 1)
    assert seen == [1, 3]


async def test_a_slow_watcher_loses_the_oldest_entries_and_nothing_waits_for_it() -> None:
    board = CallBoard(backlog=3)
    stream = board.watch()
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    for number in range(10):
        board.publish(entry(number))
    assert (await waiting).sequence in {0, 7}
    rest = [(await anext(stream)).sequence for _ in range(2)]
    assert rest[-1] in {8, 9}
    await stream.aclose()  # type: ignore[attr-defined]


def test_live_calls_are_listed_oldest_first() -> None:
    board = CallBoard()
    for minute, call_id in ((5, "late"), (1, "early")):
        started = datetime(2026, 3, 10, 9, minute, tzinfo=UTC)
        board.put(LiveCall(call_id, None, "inbound", "f", "greet", started))
    assert [call.call_id for call in board.live()] == ["early", "late"]
    board.remove("early")
    assert board.get("early") is None
