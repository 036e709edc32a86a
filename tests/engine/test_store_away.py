"""The database goes away in the middle of a call: the call goes on, and what it came to is stored when it is back."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.people import ANSWERS, WORDS, Person, PitchSpeech, take_up
from voicebot.settings import Settings
from voicebot.store.records import AttemptState, Case
from voicebot.store.store import Store

if TYPE_CHECKING:
    from tests.engine.conftest import Engine, OpenEngine
    from tests.telephony.twilio.stand_in import TwilioStandIn

BINARIES = Path("/usr/lib/postgresql/15/bin")


class Cluster:
    """A PostgreSQL of this test's own, on a Unix socket, that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._user: list[str] = []
        if os.geteuid() == 0:
            self._user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", f"{folder}/data", "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.url = f"postgresql://tester@/postgres?host={folder}"

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        data, log = f"{self.folder}/data", f"{self.folder}/log"
        self._run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "-t", "50", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._user, str(BINARIES / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60, cwd="/")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    # A socket's path is limited to 107 characters, which pytest's own folders can pass.
    folder = Path(tempfile.mkdtemp(prefix="vb-pg-"))
    try:
        running = Cluster(folder)
        running.start()
        yield running
        running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def all_is_stored(engine: Engine, call_id: str) -> None:
    """The promise, the attempt and the call are in the database itself."""
    store = engine.worker.store
    for _ in range(100):
        if not await store.replay():
            break
        await asyncio.sleep(0.2)
    (promise,) = await store.promises.list(case_id="case-1")
    assert (promise.amount, promise.call_id) == (Decimal(2000), call_id)
    (attempt,) = await store.attempts.list()
    assert (attempt.state, attempt.disposition) == (AttemptState.ENDED, "partial")
    call = await store.calls.get(call_id)
    assert call is not None
    assert (call.disposition, call.evidence_digest is not None) == ("partial", True)


@pytest.mark.peer
async def test_postgresql_is_stopped_while_the_debtor_promises(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, cluster: Cluster, case: Case
) -> None:
    async with await Store.open(cluster.url, migrate=True):
        settings = twilio_settings.model_copy(update={"database_url": cluster.url})
    person = Person(WORDS, ANSWERS)
    async with open_engine(settings, PitchSpeech(WORDS), cases=[case], sinks=[person]) as engine:
        call_id = await engine.place()
        take_up(person, await twilio.placed())
        await engine.happens("line.heard", line="identity.are_you")
        await asyncio.to_thread(cluster.stop)
        await engine.over(call_id)
        assert engine.of("promise"), "the call did not go on"
        assert engine.of("call.finished")[0].data["disposition"] == "partial"
        assert engine.worker.store.pending > 0
        async with engine.http.get("/healthz") as health:
            assert health.status == 200
        await asyncio.to_thread(cluster.start)
        await all_is_stored(engine, call_id)


async def test_sqlite_is_locked_by_somebody_else_while_the_debtor_promises(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, case: Case
) -> None:
    person = Person(WORDS, ANSWERS)
    async with open_engine(twilio_settings, PitchSpeech(WORDS), cases=[case], sinks=[person]) as engine:
        call_id = await engine.place()
        take_up(person, await twilio.placed())
        await engine.happens("line.heard", line="identity.are_you")
        other = sqlite3.connect(twilio_settings.data_dir / "voicebot.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        await engine.over(call_id)
        assert engine.of("promise"), "the call did not go on"
        assert engine.worker.store.pending > 0
        other.execute("COMMIT")
        other.close()
        await all_is_stored(engine, call_id)
