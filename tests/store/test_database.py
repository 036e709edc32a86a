"""A database that cannot be used says which, what failed, and how to mend it; the password never shows."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from recordings.cipher import KeyRing
from voicebot.store import Store, StoreRefused, StoreUnavailable
from voicebot.store import database as database_module
from voicebot.store.agent_records import AgentRecord
from voicebot.store.database import Database


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "is not a URL"),
        ("mysql://root@localhost/x", "only sqlite:// and postgresql:// are supported"),
        ("", "is not a URL"),
    ],
)
async def test_a_url_that_is_not_understood(url: str, says: str) -> None:
    with pytest.raises(StoreUnavailable, match=says):
        await Store.open(url)


async def test_a_server_that_is_not_there(unused_tcp_port: int) -> None:
    async with await Store.open(f"postgresql://me:geheim@127.0.0.1:{unused_tcp_port}/x") as store:
        with pytest.raises(StoreUnavailable, match="Start the database or mend database_url") as found:
            await store.ping()
        assert "geheim" not in str(found.value)
        assert "127.0.0.1" in str(found.value)
        assert "geheim" not in store.name


@pytest.mark.peer
async def test_a_database_that_was_not_created(request: pytest.FixtureRequest) -> None:
    cluster = request.getfixturevalue("cluster")
    async with await Store.open(cluster.url("nothing_here")) as store:
        with pytest.raises(StoreUnavailable, match="Create the database and the user"):
            await store.ping()


async def test_tables_that_are_missing(url: str) -> None:
    async with await Store.open(url, migrate=False) as store:
        await store.ping()
        with pytest.raises(StoreUnavailable, match="voicebot db upgrade"):
            await store.cases.list()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreUnavailable, match="restore it from its backup"):
        await Store.open(f"sqlite:///{tmp_path}/store.db")


async def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="is not available"):
        await Store.open(f"sqlite:///{tmp_path}/file/store.db")
    with pytest.raises(StoreUnavailable, match="journal folder"):
        await Store.open(f"sqlite:///{tmp_path}/store.db", journal=tmp_path / "file" / "journal")


async def test_a_locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    async with await Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="look for a stuck one"):
            await store.agents.put(AgentRecord("a", "a", "sip:a@b"))
        assert await store.agents.list() == []
        holder.close()
        await store.agents.put(AgentRecord("a", "a", "sip:a@b"))


@pytest.mark.peer
async def test_a_value_that_does_not_fit_is_refused_and_the_store_goes_on(request: pytest.FixtureRequest) -> None:
    url = await request.getfixturevalue("cluster").empty()
    async with await Store.open(url, migrate=True) as store:
        with pytest.raises(StoreRefused, match="too long"):
            await store.agents.put(AgentRecord("a", "a", "sip:" + "x" * 300))
        await store.agents.put(AgentRecord("a", "a", "sip:a@b"))


async def test_readers_do_not_wait_for_a_writer(url: str, keys: KeyRing) -> None:
    async with await Store.open(url, keys, migrate=True) as store:
        other = Database(url, keys)
        async with other.write():
            assert await asyncio.wait_for(store.cases.list(), 30) == []
        await other.close()


async def test_a_store_in_memory_lasts_as_long_as_it_is_open() -> None:
    async with await Store.open("sqlite://") as store:
        await store.agents.put(AgentRecord("a", "a", "sip:a@b"))
        assert len(await store.agents.list()) == 1


async def test_sqlite_is_set_up_to_survive_the_power_cord(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/store.db", None)
    async with database.read() as connection:
        found = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    await database.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
