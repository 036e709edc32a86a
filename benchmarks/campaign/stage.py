"""The processes of a simulated campaign: the far end, and workers that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.campaign.clock import SharedClock
from benchmarks.campaign.world import CALLERS
from recordings.cipher import KeyRing
from voicebot.demo.telephones import free_port

ROOT = Path(__file__).parents[2]
READY_SECONDS = 800.0
RING_SECONDS = 5.01


class RunFailed(Exception):
    """The run itself broke down: there is nothing to judge."""


@dataclass(frozen=True)
class Kill:
    """One SIGKILL."""

    worker: str
    at: datetime
    """By the campaign's clock."""
    port: int
    """The worker's SIP port: where its INVITEs come from."""


@dataclass
class Worker:
    """A place for a worker process: its settings stay, processes come and go."""

    name: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    ready: Path = field(init=False)

    def __post_init__(self) -> None:
        self.ready = self.folder / "ready"


class Stage:
    """Starts and ends the processes. `close` ends whatever still runs."""

    def __init__(self, folder: Path, database: str | None, workers: int, calls: int, clock: SharedClock) -> None:
        """`database` None is the embedded one; `calls` is how many one worker carries at a time."""
        self.folder = folder
        self.clock = clock
        self.log = folder / "far_end.jsonl"
        self.kills: list[Kill] = []
        self._far_end: subprocess.Popen[bytes] | None = None
        self._far_port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        keys = folder / "keys.json"
        self.keys = KeyRing.load_or_create(keys)
        self.database = database or f"sqlite:///{folder / 'store.db'}"
        self.workers = [self._place(f"w{n}", calls, keys) for n in range(1, workers + 1)]

    def start_far_end(self) -> None:
        self._far_end = self._spawn("far_end", str(self._far_port), str(self.folder / "clock"), str(self.log))

    def start(self, worker: Worker) -> None:
        """Starts a worker; whether it is ready is asked with `wait_until_ready`."""
        worker.ready.unlink(missing_ok=True)
        settings = str(worker.folder / "voicebot.toml")
        worker.process = self._spawn(
            "worker", settings, str(self.folder / "clock"), str(worker.ready), name=worker.name
        )

    def wait_until_ready(self, worker: Worker) -> None:
        until = time.monotonic() + READY_SECONDS
        while not worker.ready.exists():
            if worker.process is None or worker.process.poll() is not None or time.monotonic() > until:
                raise RunFailed(f"worker {worker.name} did not come up; see {self.folder / worker.name}.err")
            time.sleep(0.1)

    def kill(self, worker: Worker) -> None:
        assert worker.process is not None
        self.kills.append(Kill(worker.name, self.clock.now(), worker.port))
        worker.process.kill()
        worker.process.wait(10)
        worker.process = None

    def failed(self) -> str | None:
        """A process that ended by itself, which none may do."""
        for worker in self.workers:
            if worker.process is not None and worker.process.poll() is not None:
                return (
                    f"worker {worker.name} ended with {worker.process.returncode}; see {self.folder / worker.name}.err"
                )
        if self._far_end is not None and self._far_end.poll() is not None:
            return f"the far end ended with {self._far_end.returncode}; see {self.folder}/far_end.err"
        return None

    def stop_workers(self) -> list[int]:
        """Drains them all. Their exit codes."""
        for worker in self.workers:
            if worker.process is not None:
                worker.process.send_signal(signal.SIGTERM)
        codes = []
        for worker in self.workers:
            if worker.process is not None:
                codes.append(worker.process.wait(120))
                worker.process = None
        return codes

    def close(self) -> None:
        for process in (*(worker.process for worker in self.workers), self._far_end):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(10)

    def _spawn(self, module: str, *arguments: str, name: str | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name or module}.err").open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", f"benchmarks.campaign.{module}", *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                stdout=errors,
                stderr=errors,
            )

    def _place(self, name: str, calls: int, keys: Path) -> Worker:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        rtp = free_port(span=2 * calls + 20)
        settings = [
            f"database_url = {json.dumps(self.database)}",
            "[worker]",
            f'id = "{name}"',
            f"data_dir = {json.dumps(str(folder))}",
            "drain_seconds = 60",
            "[keys]",
            f"file = {json.dumps(str(keys))}",
            "[http]",
            f"port = {free_port()}",
            "[call]",
            f"ring_seconds = {RING_SECONDS}",
            "[compliance]",
            f'caller_number = "{CALLERS[0]}"',
            f"registered_callers = {json.dumps(list(CALLERS))}",
            "collects_for_others = false",
            "debts_bought = false",
            "[sip]",
            f"port = {port}",
            f"rtp_port_first = {rtp}",
            f"rtp_port_last = {rtp + 2 * calls + 19}",
            f"max_calls = {calls}",
            "[[sip.trunks]]",
            'name = "far"',
            'host = "127.0.0.1"',
            f"port = {self._far_port}",
        ]
        (folder / "voicebot.toml").write_text("\n".join(settings) + "\n", encoding="utf-8")
        return Worker(name, folder, port)
