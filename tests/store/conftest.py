"""Stores on both databases: SQLite in a file, and a private PostgreSQL cluster that ends with the tests."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from recordings.cipher import KeyRing
from voicebot.store import Store
from voicebot.store.records import Case, Debt, Debtor, PhoneNumber

_BINARIES = Path("/usr/lib/postgresql/15/bin")


@dataclass
class Cluster:
    """A PostgreSQL server of the tests' own, on a Unix socket."""

    folder: Path
    user: list[str]
    """Prefix that runs a command as a user PostgreSQL accepts: it refuses root."""

    def run(self, *command: str) -> None:
        subprocess.run([*self.user, *command], check=True, capture_output=True, timeout=60, cwd="/")

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=60"
        log = str(self.folder / "log")
        data = str(self.folder / "data")
        self.run(str(_BINARIES / "pg_ctl"), "-D", data, "-l", log, "-o", options, "-w", "-t", "50", "start")

    def stop(self) -> None:
        self.run(str(_BINARIES / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def url(self, database: str) -> str:
        return f"postgresql://tester@/{database}?host={self.folder}"

    async def empty(self) -> str:
        """The URL of the tests' database with nothing in it: far quicker than a fresh database for each test."""
        connection = await asyncpg.connect(host=str(self.folder), user="tester", database="postgres")
        try:
            await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        finally:
            await connection.close()
        return self.url("postgres")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    # A socket's path is limited to 107 characters, which pytest's own folders can pass.
    folder = Path(tempfile.mkdtemp(prefix="vb-pg-"))
    user: list[str] = []
    if os.geteuid() == 0:
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres", "postgres")
    running = Cluster(folder, user)
    try:
        running.run(
            str(_BINARIES / "initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            "tester",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        )
        running.start()
        yield running
        running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing.generate()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on each of the two."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    running: Cluster = request.getfixturevalue("cluster")
    return asyncio.run(running.empty())


@pytest.fixture
async def store(url: str, keys: KeyRing) -> AsyncIterator[Store]:
    async with await Store.open(url, keys, migrate=True) as opened:
        yield opened


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Makes an invented case."""

    def made(number: str = "+8613800000001", **fields: object) -> Case:
        debtor = Debtor(name="王小样", surname="王", id_last_four="123X", numbers=(PhoneNumber(number),))
        debt = Debt(creditor="示例银行", amount_due=Decimal("2350.75"), due_date=date(2026, 11, 1))
        return Case(**{"debtor": debtor, "debt": debt, **fields})  # type: ignore[arg-type]

    return made
