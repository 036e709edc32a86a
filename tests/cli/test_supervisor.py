"""Several workers: each has ports of its own, a dead one comes back, all are drained, a hopeless one is said."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from voicebot.cli._supervisor import Supervisor, WorkerPlan, plan_workers
from voicebot.settings import Settings, SipSettings, WorkerSettings

# A worker that writes its name, and then does what the third argument says until SIGTERM.
WORKER = """
import os, pathlib, signal, sys, time
folder, role = pathlib.Path(sys.argv[1]), sys.argv[2]
name = os.environ["VOICEBOT_WORKER__ID"]
with (folder / name).open("a") as out: out.write("up\\n")
stop = []
signal.signal(signal.SIGTERM, lambda *_: (stop.append(1), (folder / name).open("a").write("drained\\n"), sys.exit(0)))
if role == "dies": sys.exit(3)
if role == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True: time.sleep(0.02)
"""


def plans(*names: str) -> list[WorkerPlan]:
    return [WorkerPlan(name, {"VOICEBOT_WORKER__ID": name}) for name in names]


def command(folder: Path, role: str) -> list[str]:
    return [sys.executable, "-c", WORKER, str(folder), role]


async def appears(file: Path, text: str) -> None:
    """Waits for another process to write a file."""

    def look() -> None:
        ends = time.monotonic() + 20
        while not file.exists() or text not in file.read_text(encoding="utf-8"):
            assert time.monotonic() < ends, f"{file} never said {text!r}"
            time.sleep(0.02)

    await asyncio.to_thread(look)


async def test_all_workers_start_and_all_are_drained(tmp_path: Path) -> None:
    supervisor = Supervisor(plans("w-1", "w-2"), command(tmp_path, "lives"), drain_seconds=20)
    running = asyncio.create_task(supervisor.run())
    for name in ("w-1", "w-2"):
        await appears(tmp_path / name, "up")
    supervisor.stop()
    assert await running == 0
    for name in ("w-1", "w-2"):
        assert (tmp_path / name).read_text(encoding="utf-8") == "up\ndrained\n"


async def test_a_worker_that_is_killed_comes_back(tmp_path: Path) -> None:
    supervisor = Supervisor(plans("w-1"), command(tmp_path, "lives"), drain_seconds=20, pause=lambda deaths: 0.0)
    running = asyncio.create_task(supervisor.run())
    await appears(tmp_path / "w-1", "up")
    supervisor._alive["w-1"].kill()
    await appears(tmp_path / "w-1", "up\nup")
    supervisor.stop()
    assert await running == 0


async def test_a_worker_that_dies_again_and_again_stops_everything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = Supervisor(plans("w-1"), command(tmp_path, "dies"), drain_seconds=1, pause=lambda deaths: 0.0)
    assert await supervisor.run() == 1
    assert (tmp_path / "w-1").read_text(encoding="utf-8").count("up") == 5
    assert "cannot be kept running" in caplog.text


async def test_a_worker_that_does_not_drain_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicebot.cli._supervisor._GRACE_SECONDS", 0.2)
    supervisor = Supervisor(plans("w-1"), command(tmp_path, "deaf"), drain_seconds=0.1)
    running = asyncio.create_task(supervisor.run())
    await appears(tmp_path / "w-1", "up")
    await asyncio.sleep(0.1)
    supervisor.stop()
    assert await asyncio.wait_for(running, 20) == 0


def test_workers_share_the_media_ports_and_have_ports_of_their_own() -> None:
    settings = Settings(
        worker=WorkerSettings(id="w"), sip=SipSettings(max_calls=10, rtp_port_first=20000, rtp_port_last=20099)
    )
    made = plan_workers(settings, 3)
    assert [plan.name for plan in made] == ["w-1", "w-2", "w-3"]
    ranges = [
        (int(p.environment["VOICEBOT_SIP__RTP_PORT_FIRST"]), int(p.environment["VOICEBOT_SIP__RTP_PORT_LAST"]))
        for p in made
    ]
    assert ranges == [(20000, 20031), (20032, 20063), (20064, 20095)]
    assert [p.environment["VOICEBOT_SIP__PORT"] for p in made] == ["5060", "5061", "5062"]
    assert [p.environment["VOICEBOT_HTTP__PORT"] for p in made] == ["8080", "8081", "8082"]


def test_too_few_media_ports_for_all_are_said() -> None:
    settings = Settings(sip=SipSettings(max_calls=10, rtp_port_first=20000, rtp_port_last=20039))
    with pytest.raises(ValueError, match=r"3 workers with sip\.max_calls = 10 need 60 media ports"):
        plan_workers(settings, 3)
