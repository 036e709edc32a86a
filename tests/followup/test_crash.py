"""Workers that follow promises up are killed with SIGKILL: nothing is sent or dialled twice, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.followup.worker_process import BEGINS
from tests.webhooks.receiving import ReceivingServer
from voicebot.followup.plan import CAMPAIGN
from voicebot.store import Store
from voicebot.store.outgoing import DeliveryState, MessageState, StepState
from voicebot.store.records import AttemptState, Case, Consent, Promise, PromiseState

ROOT = Path(__file__).parents[2]
REMIND = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
CHECK = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
CASES = 6
LIMIT = 170.0
"""Seconds that one stage may take on a machine that is busy with other things."""


class Worker:
    """A process that can be killed and started again."""

    def __init__(self, url: str, folder: Path, server: ReceivingServer) -> None:
        self._arguments = [url, str(folder), "w1"]
        self._clock = folder / "clock"
        self.at = BEGINS
        self._hook = [server.receiver.url, server.secret]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.followup.worker_process", *self._arguments, *self._hook],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, "it ended by itself"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def set(self, at: datetime) -> None:
        """Sets the clock of the process, now and when it is started again."""
        self.at = at
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(at.isoformat(), encoding="ascii")
        fresh.rename(self._clock)

    async def until(self, reached: Callable[[], bool], *, step: timedelta = timedelta(0)) -> None:
        """Moves the clock on until something is reached. The process must live until then."""
        async with asyncio.timeout(LIMIT):
            while not reached():
                assert self._process is not None
                assert self._process.poll() is None, "it ended by itself"
                await asyncio.sleep(0.02)
                self.set(self.at + step)

    async def end(self, *, step: timedelta) -> int:
        """Moves the clock on until the process ends by itself."""
        assert self._process is not None
        async with asyncio.timeout(LIMIT):
            while (code := self._process.poll()) is None:
                await asyncio.sleep(0.02)
                self.set(self.at + step)
        return code

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="ascii").splitlines() if file.exists() else []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)], indirect=True)
async def test_a_worker_killed_again_and_again_follows_every_promise_up_once(
    url: str, tmp_path: Path, make_case: Callable[..., Case]
) -> None:
    server = ReceivingServer()
    runner = await server.start()
    worker = Worker(url, tmp_path, server)
    try:
        await _promise(url, make_case)
        sent, dialled = tmp_path / "sent", tmp_path / "dialled"
        worker.set(BEGINS)
        worker.start()
        await worker.until(lambda: len(server.seen) >= 2)
        worker.kill()
        worker.set(REMIND)
        worker.start()
        await worker.until(lambda: len(lines(sent)) >= 2)
        worker.kill()
        worker.start()
        await worker.until(lambda: len(lines(sent)) >= CASES - 1)
        worker.set(CHECK)
        await worker.until(lambda: len(lines(dialled)) >= 2, step=timedelta(seconds=1))
        worker.kill()
        worker.start()
        assert await worker.end(step=timedelta(minutes=2)) == 0
        await _check(url, server, lines(sent), lines(dialled))
    finally:
        worker.close()
        await runner.cleanup()


async def _promise(url: str, make_case: Callable[..., Case]) -> None:
    async with await Store.open(url, migrate=True) as store:
        consent = Consent("sms", True, datetime(2026, 1, 1, tzinfo=UTC))
        for n in range(CASES):
            made = make_case(f"+86138{n:08d}", external_id=f"c-{n}")
            case = await store.cases.add(replace(made, consents=(consent,)))
            await store.messages.verified(case.id, f"+86138{n:08d}", call_id="c", at=BEGINS)
            await store.promises.add(Promise(case.id, Decimal(100), date(2026, 11, 21), recorded_at=BEGINS))


async def _check(url: str, server: ReceivingServer, sent: list[str], dialled: list[str]) -> None:
    async with await Store.open(url, migrate=False) as store:
        promises = await store.promises.list()
        steps = await store.follow_ups.list(limit=1000)
        messages = await store.messages.list(limit=1000)
        attempts = [one for one in await store.attempts.list(limit=1000) if one.state is not AttemptState.REFUSED]
        members = await store.campaigns.members(CAMPAIGN)
        deliveries = await store.deliveries.list(limit=1000)

    assert {promise.state for promise in promises} == {PromiseState.BROKEN}
    assert len(steps) == 3 * CASES
    assert all(step.state is not StepState.WAITING and step.outcome for step in steps)

    assert len(messages) == CASES
    assert [name for name, count in Counter(sent).items() if count > 1] == [], "a message was sent twice"
    settled = {MessageState.SENT, MessageState.UNSURE, MessageState.REFUSED}
    assert {message.state for message in messages} <= settled
    assert {message.id for message in messages if message.state is MessageState.SENT} <= set(sent)
    assert len(sent) >= CASES - 1, "of those in hand at the kill one may be lost, and no other"

    keys = [line.split()[0] for line in dialled]
    assert [key for key, count in Counter(keys).items() if count > 1] == [], "a dial was made twice"
    assert {attempt.case_id for attempt in attempts} == {promise.case_id for promise in promises}, "somebody was lost"
    assert len(members) == CASES

    assert {delivery.state for delivery in deliveries} == {DeliveryState.DELIVERED}
    kinds = Counter(delivery.kind for delivery in deliveries)
    assert (kinds["promise.recorded"], kinds["promise.settled"]) == (CASES, CASES)
    assert kinds["attempt.ended"] == len(attempts)
    assert {delivery.event_id for delivery in deliveries} == set(server.seen)
