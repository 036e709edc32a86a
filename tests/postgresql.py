"""A PostgreSQL server of the tests' own, that ends with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]

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


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """A running server in a folder of its own."""
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
