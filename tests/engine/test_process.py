"""A worker as a process: what a kill leaves, how it drains, and that it goes promptly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
import pytest

from recordings.cipher import KeyRing
from recordings.reading import read_audio, read_entries
from recordings.verify import verify
from voicebot.demo.telephones import free_port
from voicebot.settings import Settings
from voicebot.store.records import AttemptState, Case
from voicebot.store.store import Store

if TYPE_CHECKING:
    from tests.engine.conftest import OpenEngine, StartSipp

pytestmark = pytest.mark.peer
ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    """A served worker."""

    process: asyncio.subprocess.Process
    http: aiohttp.ClientSession
    log: Path

    async def place(self, key: str, expect: int = 202) -> str:
        body = {"case": "case-1", "flow": "reminder_first"}
        async with self.http.post("/api/v1/calls", json=body, headers={"Idempotency-Key": key}) as answer:
            document: dict[str, Any] = await answer.json(content_type=None)
            assert answer.status == expect, (document, self.log.read_text())
            return str(document.get("id", ""))

    async def state(self, call_id: str) -> dict[str, Any]:
        async with self.http.get(f"/api/v1/calls/{call_id}") as answer:
            document: dict[str, Any] = await answer.json()
            return document

    async def until(self, what: str, happened: Callable[[], Any], within: float = 30.0) -> None:
        ends = time.monotonic() + within
        while not await happened():
            assert time.monotonic() < ends, f"{what} did not come: {self.log.read_text()[-3000:]}"
            await asyncio.sleep(0.05)

    async def talking(self, call_id: str, seconds: float) -> None:
        """Waits until the call has been recorded for so long."""

        async def spoken() -> bool:
            async with self.http.get(f"/api/v1/calls/{call_id}/timeline") as answer:
                entries = (await answer.json())["entries"] if answer.status == 200 else []
            return any(entry["kind"] == "line.started" for entry in entries)

        await self.until("the first line", spoken)
        await asyncio.sleep(seconds)  # audio has to flow for as long as the test is about

    async def exit_code(self, within: float) -> int:
        try:
            return await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            raise AssertionError(f"it did not stop within {within} s: {self.log.read_text()[-3000:]}") from None


Serve = Callable[..., Any]


@pytest.fixture
async def serve(tmp_path: Path, case: Case) -> AsyncIterator[Serve]:
    """`await serve(settings)` starts a worker process on a prepared store and waits until it is ready."""
    started: list[Process] = []

    async def start(settings: Settings) -> Process:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        keys = KeyRing.load_or_create(settings.key_file)
        async with await Store.open(settings.database, keys) as store:
            await store.cases.add(case)
            token = (await store.tokens.issue("test", frozenset({"admin"}))).secret
        file = tmp_path / "voicebot.toml"
        file.write_text(_toml(settings), encoding="utf-8")
        log = tmp_path / "worker.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.engine.serving",
                str(file),
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=out,
                stderr=out,
            )
        http = aiohttp.ClientSession(
            f"http://127.0.0.1:{settings.http.port}", headers={"Authorization": f"Bearer {token}"}
        )
        worker = Process(process, http, log)
        started.append(worker)

        async def ready() -> bool:
            assert process.returncode is None, log.read_text()
            try:
                async with http.get("/readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await worker.until("readiness", ready, 120.0)
        return worker

    yield start
    for worker in started:
        await worker.http.close()
        if worker.process.returncode is None:
            worker.process.kill()
            await worker.process.wait()


def _toml(settings: Settings) -> str:
    trunk = settings.sip.trunks[0].port if settings.sip.trunks else None
    lines = [
        "[worker]",
        f'id = "{settings.worker.id}"',
        f"data_dir = {json.dumps(str(settings.data_dir))}",
        f"drain_seconds = {settings.worker.drain_seconds}",
        "[http]",
        f"port = {settings.http.port}",
        "[sip]",
        f"port = {settings.sip.port}",
        f"rtp_port_first = {settings.sip.rtp_port_first}",
        f"rtp_port_last = {settings.sip.rtp_port_last}",
        f"max_calls = {settings.sip.max_calls}",
        'accept_from = "anyone"',
    ]
    if trunk is not None:
        lines += ["[[sip.trunks]]", 'name = "peer"', 'host = "127.0.0.1"', f"port = {trunk}"]
    return "\n".join(lines) + "\n"


def served(make_settings: Callable[..., Settings], trunk: int | None, drain_seconds: float = 20.0) -> Settings:
    settings = make_settings(trunk=trunk)
    return settings.model_copy(
        update={
            "http": settings.http.model_copy(update={"port": free_port()}),
            "worker": settings.worker.model_copy(update={"drain_seconds": drain_seconds}),
        }
    )


async def test_a_killed_worker_loses_its_calls_and_nothing_else(
    serve: Serve, make_settings: Callable[..., Settings], open_engine: OpenEngine, sipp: StartSipp
) -> None:
    debtor = await sipp("uas_answer")
    settings = served(make_settings, debtor.port)
    worker = await serve(settings)
    call_id = await worker.place("only-once")
    await worker.talking(call_id, 4.0)
    worker.process.kill()
    killed_at = datetime.now(UTC)
    await worker.process.wait()

    async with open_engine(settings) as engine:
        store, keys = engine.worker.store, engine.worker.keys
        (attempt,) = await store.attempts.list()
        assert attempt.state is AttemptState.INTERRUPTED
        call = await store.calls.get(call_id)
        assert call is not None
        assert (call.disposition, call.ended_at is not None) == ("interrupted", True)
        folder = settings.recordings_root / (call.evidence_path or "")
        proof = verify(folder, keys, require_seal=True)
        assert proof.valid, proof.reason
        assert proof.recovered
        answered = next(entry.at for entry in read_entries(folder, keys) if entry.kind == "call.answered")
        talked = (killed_at - answered).total_seconds()
        audio, rate = read_audio(folder, keys)
        assert talked - 1.3 <= len(audio) / rate <= talked + 0.1, "audio up to the last second is missing"
        for channel, side in enumerate(("caller", "engine")):
            last_heard = np.flatnonzero(np.abs(audio[:, channel]) > 1000)[-1] / rate
            assert last_heard > talked - 2.5, f"the {side}'s audio ends at {last_heard:.1f} of {talked:.1f} s"
        assert await engine.place(key="only-once") == call_id
        assert engine.worker.engine.live == 0
        assert len(await store.attempts.list()) == 1


async def test_a_drained_worker_lets_its_call_end_by_itself_and_takes_no_other(
    serve: Serve, make_settings: Callable[..., Settings], sipp: StartSipp
) -> None:
    debtor = await sipp("uas_bye", words={'<pause milliseconds="500"/>': '<pause milliseconds="6000"/>'})
    settings = served(make_settings, debtor.port)
    worker = await serve(settings)
    call_id = await worker.place("last")
    await worker.talking(call_id, 0.2)
    worker.process.send_signal(signal.SIGTERM)

    async def draining() -> bool:
        async with worker.http.get("/readyz") as answer:
            return bool(answer.status == 503)

    await worker.until("draining", draining)
    await worker.place("too-late", expect=503)
    await (await sipp("uac_refused", to=settings.sip.port)).verdict()
    assert (await worker.state(call_id))["ended_at"] is None, "the live call was cut"
    await debtor.verdict()
    assert await worker.exit_code(10.0) == 0
    async with await Store.open(settings.database, KeyRing.load_or_create(settings.key_file)) as store:
        (attempt,) = await store.attempts.list()
        assert (attempt.state, attempt.cause) == (AttemptState.ENDED, "normal")


async def test_what_still_talks_after_the_drain_is_ended_in_order(
    serve: Serve, make_settings: Callable[..., Settings], sipp: StartSipp
) -> None:
    debtor = await sipp("uas_answer")
    settings = served(make_settings, debtor.port, drain_seconds=1.0)
    worker = await serve(settings)
    call_id = await worker.place("cut")
    await worker.talking(call_id, 1.0)
    worker.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert await worker.exit_code(60.0) == 0
    assert time.monotonic() - began > 1.0
    await debtor.verdict()  # it was told BYE
    keys = KeyRing.load_or_create(settings.key_file)
    async with await Store.open(settings.database, keys) as store:
        (attempt,) = await store.attempts.list()
        assert attempt.state is AttemptState.ENDED
        call = await store.calls.get(call_id)
        assert call is not None
        assert call.ended_at is not None
        proof = verify(settings.recordings_root / (call.evidence_path or ""), keys, require_seal=True)
        assert (proof.valid, proof.recovered, proof.digest) == (True, False, call.evidence_digest)


async def test_an_idle_worker_goes_at_once_even_with_watchers_connected(
    serve: Serve, make_settings: Callable[..., Settings]
) -> None:
    worker = await serve(served(make_settings, None, drain_seconds=120.0))
    async with worker.http.get("/api/v1/events", timeout=aiohttp.ClientTimeout(None)) as events:
        assert events.status == 200
        worker.process.send_signal(signal.SIGTERM)
        assert await worker.exit_code(60.0) == 0
