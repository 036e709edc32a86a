"""The durable side of a worker: work is done once for its key and again only while its row asks for it, nothing of a
person is kept in it, and closing it takes nothing from the live calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from dbos import DBOS

from voicebot.campaign import durable
from voicebot.campaign.durable import DurableWork
from voicebot.campaign.work import Kind
from voicebot.store.errors import StoreUnavailable

LONG_AGO = timedelta(days=14)
NOW = timedelta(seconds=-60)


@asynccontextmanager
async def running(
    folder: Path, *, again: timedelta = durable.AGAIN, **does: Callable[..., Awaitable[str]]
) -> AsyncIterator[DurableWork]:
    work = DurableWork(f"sqlite:///{folder}/store.db", "w1", again=again)
    for name, handler in does.items():
        work.handle(Kind[name.upper()], handler)
    await work.start()
    try:
        yield work
    finally:
        await work.close()


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1200):  # the library writes the end down in its own time
        if await reached():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it was not reached within a minute")


async def test_one_key_is_one_piece_of_work_and_the_loop_keeps_threads_after_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "PRUNED", 1)
    done: list[tuple[Kind, str]] = []

    async def dial(name: str) -> str:
        done.append((Kind.DIAL, name))
        return "placed"

    async def step(name: str) -> str:
        done.append((Kind.STEP, name))
        return "done"

    async with running(tmp_path, dial=dial, step=step) as work:
        for _ in range(3):
            await work.hand(Kind.DIAL, "key-1", "member-1")
            await work.hand(Kind.STEP, "key-2", "step-1")
        assert await work.prune(LONG_AGO) == 0
        gone = 0

        async def forgotten() -> bool:
            nonlocal gone
            gone += await work.prune(NOW)
            return gone == 2

        await until(forgotten)
        assert await work.prune(NOW) == 0
    assert sorted(done, key=str) == [(Kind.DIAL, "member-1"), (Kind.STEP, "step-1")]
    # A call that still talks closes its evidence on a thread.
    assert await asyncio.to_thread(lambda: "on a thread") == "on a thread"


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), ValueError("王小样 cannot be called"), None])
async def test_work_is_begun_again_while_its_row_asks_for_it(tmp_path: Path, fault: Exception | None) -> None:
    begun = 0

    async def step() -> str:
        nonlocal begun
        begun += 1
        if fault is not None and begun < 3:
            raise fault
        return "done"

    async with running(tmp_path, again=timedelta(milliseconds=20), step=step) as work:

        async def again_and_again() -> bool:
            # On a slow machine work that is only slow is taken up too, under the number that it has.
            await work.hand(Kind.STEP, "key-1")
            return begun >= 3 and len(await DBOS.list_workflows_async(name=Kind.STEP.value)) >= 2

        await until(again_and_again)
        kept = await DBOS.list_workflows_async(name=Kind.STEP.value)
    assert {str(one.error or one.output) for one in kept} <= {"None", "done", "failed", "the store was away"}


async def test_what_is_handed_over_before_the_start_is_left_to_the_next_look(tmp_path: Path) -> None:
    done: list[str] = []

    async def step(name: str) -> str:
        done.append(name)
        return "done"

    work = DurableWork(f"sqlite:///{tmp_path}/store.db", "w1")
    work.handle(Kind.STEP, step)
    await work.hand(Kind.STEP, "key-1", "early")
    await work.start()
    try:
        assert done == []
        await work.hand(Kind.STEP, "key-1", "in time")

        async def reached() -> bool:
            return done == ["in time"]

        await until(reached)
    finally:
        await work.close()
    await work.hand(Kind.STEP, "key-2", "late")
    assert done == ["in time"]


def test_a_kind_has_one_handler(tmp_path: Path) -> None:
    async def step() -> str:
        return "done"

    work = DurableWork(f"sqlite:///{tmp_path}/store.db", "w1")
    work.handle(Kind.STEP, step)
    with pytest.raises(ValueError, match="one handler"):
        work.handle(Kind.STEP, step)
