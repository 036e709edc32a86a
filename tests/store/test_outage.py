"""While the database is away nothing that was heard is lost and nothing is dialled; afterwards all is there once."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import text

from recordings.cipher import KeyRing
from voicebot.store import Store, StoreUnavailable
from voicebot.store import database as database_module
from voicebot.store.journal import Journal
from voicebot.store.records import AttemptState, Call, Callback, Case, NumberState, Promise, Suppression

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MakeCase = Callable[..., Case]


class Outage(Protocol):
    """Takes the database away while the block runs."""

    def __call__(self) -> Any: ...


@pytest.fixture
def outage(url: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Outage:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)

    @contextmanager
    def locked() -> Iterator[None]:
        holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
        holder.close()

    @contextmanager
    def stopped() -> Iterator[None]:
        cluster = request.getfixturevalue("cluster")
        cluster.stop()
        yield
        cluster.start()

    return locked if url.startswith("sqlite") else stopped


async def test_what_is_heard_during_an_outage_arrives_after_it(
    url: str, keys: KeyRing, outage: Outage, tmp_path: Path, make_case: MakeCase
) -> None:
    async with await Store.open(url, keys, migrate=True, journal=tmp_path / "journal") as store:
        case = await store.cases.add(make_case())
        begun = await store.attempts.begin(idempotency_key="k", case_id=case.id, number="+8613800000001", worker_id="w")
        promise = Promise(case.id, Decimal("2000.00"), date(2026, 11, 27), words="下周五还两千", recorded_at=NOW)
        callback = Callback(NOW, case_id=case.id, recorded_at=NOW)
        with outage():
            await store.calls.begin(Call("inbound", "callback", NOW, "w", id="c", number="13800000001"))
            await store.promises.add(promise)
            await store.callbacks.add(callback)
            await store.cases.set_flag(case.id, "dispute", at=NOW)
            await store.cases.set_number_state("+8613800000001", NumberState.STOP)
            await store.attempts.finish(begun.attempt.id, cause="normal", disposition="promise", at=NOW)
            await store.calls.finish("c", ended_at=NOW, disposition="promise")
            assert store.pending == 7
            with pytest.raises(StoreUnavailable, match="is not available"):
                await store.attempts.begin(
                    idempotency_key="k2", case_id=case.id, number="+8613800000001", worker_id="w"
                )
            journal = b"".join(path.read_bytes() for path in (tmp_path / "journal").iterdir())
            assert "两千".encode() not in journal
            assert b"8613800000001" not in journal
        assert await store.replay() == 0
        assert await store.promises.list() == [promise]
        assert await store.callbacks.list() == [callback]
        ended = await store.attempts.get(begun.attempt.id)
        assert ended is not None
        assert (ended.state, ended.disposition, ended.ended_at) == (AttemptState.ENDED, "promise", NOW)
        call = await store.calls.get("c")
        assert call is not None
        assert call.disposition == "promise"
        mended = await store.cases.get(case.id)
        assert mended is not None
        assert mended.has_flag("dispute")
        assert mended.first_valid_number() is None
    assert list((tmp_path / "journal").iterdir()) == []


async def test_the_store_comes_back_by_itself(
    url: str, keys: KeyRing, outage: Outage, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voicebot.store.keeping.RETRY_SECONDS", 0.01)
    async with await Store.open(url, keys, migrate=True) as store:
        case = await store.cases.add(make_case())
        with outage():
            await store.promises.add(Promise(case.id, Decimal(1), date(2026, 11, 27)))
            assert store.pending == 1
        task = store._keeper._task
        assert task is not None
        await task
        assert store.pending == 0
        assert len(await store.promises.list()) == 1


CHILD_THAT_HEARS = """
import asyncio, sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from recordings.cipher import KeyRing
from voicebot.store import Store, database
from voicebot.store.records import Promise
database.BUSY_SECONDS = 0.05

async def main():
    keys = KeyRing.load(Path(sys.argv[2]))
    store = await Store.open(sys.argv[1], keys, migrate=False, journal=Path(sys.argv[3]))
    for n in range(1000):
        promise = Promise(sys.argv[4], Decimal(n), date(2026, 11, 27))
        await store.promises.add(promise)
        print(promise.id, flush=True)

asyncio.run(main())
"""


async def test_a_worker_killed_during_an_outage_loses_nothing_it_heard(
    url: str, outage: Outage, tmp_path: Path, make_case: MakeCase
) -> None:
    keys = KeyRing.load_or_create(tmp_path / "keys.json")
    journal = tmp_path / "journal"
    async with await Store.open(url, keys, migrate=True) as store:
        case = await store.cases.add(make_case())
    with outage():
        heard = _run_and_kill(CHILD_THAT_HEARS, 20, url, str(tmp_path / "keys.json"), str(journal), case.id)
    async with await Store.open(url, keys, journal=journal) as store:
        assert store.pending == 0
        kept = {promise.id for promise in await store.promises.list(limit=10_000)}
    assert heard <= kept
    assert len(kept) <= len(heard) + 1


CHILD_THAT_DIALS = """
import asyncio, sys
from pathlib import Path
from recordings.cipher import KeyRing
from voicebot.store import Store

async def main():
    store = await Store.open(sys.argv[1], KeyRing.load(Path(sys.argv[2])))
    for n in range(10_000):
        begun = await store.attempts.begin(
            idempotency_key=f"k{n}", case_id=sys.argv[3], number="+8613800000001", worker_id="dead"
        )
        assert begun.created
        print(f"k{n}", flush=True)

asyncio.run(main())
"""


async def test_a_worker_killed_while_dialling_leaves_each_attempt_recorded_once(
    url: str, tmp_path: Path, make_case: MakeCase
) -> None:
    keys = KeyRing.load_or_create(tmp_path / "keys.json")
    async with await Store.open(url, keys, migrate=True) as store:
        case = await store.cases.add(make_case())
        dialled = _run_and_kill(CHILD_THAT_DIALS, 25, url, str(tmp_path / "keys.json"), case.id)
        open_ones = {attempt.idempotency_key for attempt in await store.attempts.open_ones("dead")}
        assert dialled <= open_ones
        assert len(open_ones) <= len(dialled) + 1
        for key in dialled:
            again = await store.attempts.begin(
                idempotency_key=key, case_id=case.id, number="+8613800000001", worker_id="next"
            )
            assert not again.created
        interrupted = await store.attempts.interrupt("dead")
        assert {attempt.state for attempt in interrupted} == {AttemptState.INTERRUPTED}
        assert await store.attempts.open_ones() == []


def _run_and_kill(program: str, lines: int, *arguments: str) -> set[str]:
    """Runs a program until it has printed some lines, kills it, and gives every line it got out."""
    child = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = {child.stdout.readline().strip() for _ in range(lines)}
    child.send_signal(signal.SIGKILL)
    said.update(line for line in child.stdout.read().splitlines() if line)
    child.wait()
    child.stdout.close()
    assert "" not in said
    return said


async def test_what_the_database_will_never_take_is_set_aside_and_stops_nothing(
    url: str, keys: KeyRing, tmp_path: Path, make_case: MakeCase
) -> None:
    async with await Store.open(url, keys, migrate=True, journal=tmp_path / "journal") as store:
        case = await store.cases.add(make_case())
        await store.promises.add(Promise("no such case", Decimal(1), date(2026, 11, 27)))
        await store.promises.add(Promise(case.id, Decimal(2), date(2026, 11, 27)))
        assert store.pending == 0
        assert [promise.amount for promise in await store.promises.list()] == [Decimal(2)]
    aside = json.loads((tmp_path / "journal" / "rejected.jsonl").read_text())
    assert aside["operation"] == "promise.add"
    assert "refused" in aside["reason"]


async def test_a_journal_that_cannot_be_written_does_not_stop_the_database(
    store: Store, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await store.cases.add(make_case())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "append", full)
    await store.promises.add(Promise(case.id, Decimal(2), date(2026, 11, 27)))
    assert len(await store.promises.list()) == 1


async def test_a_database_that_hangs_does_not_hold_up_a_call(
    store: Store, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another transaction holds the table: the caller waits for a moment, not for the database."""
    monkeypatch.setattr("voicebot.store.keeping.PATIENCE_SECONDS", 0.05)
    case = await store.cases.add(make_case())
    async with store._database.write() as connection:
        if not store.name.startswith("sqlite"):
            await connection.execute(text("LOCK TABLE promise IN ACCESS EXCLUSIVE MODE"))
        async with asyncio.timeout(20):
            await store.promises.add(Promise("no such case", Decimal(1), date(2026, 11, 27)))
            await store.cases.set_flag(case.id, "dispute")
            await store.suppressions.add(Suppression("stop", debtor_id=case.debtor.id))
        waiting = store.pending
    assert await store.replay() == 0
    assert waiting == 3
    mended = await store.cases.get(case.id)
    assert mended is not None
    assert mended.has_flag("dispute")
