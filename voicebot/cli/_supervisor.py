"""Several workers as processes: started, watched, started again when one dies, drained together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicebot.settings import Settings

log = logging.getLogger(__name__)

_HEALTHY_SECONDS = 30.0
"""A worker that lived this long was well; its next death starts the count anew."""
_LONGEST_PAUSE_SECONDS = 30.0
_DEATHS_IN_A_ROW = 5
_GRACE_SECONDS = 15.0
"""Beyond the drain, for closing recordings and the database."""


@dataclass(frozen=True)
class WorkerPlan:
    """One worker process."""

    name: str
    environment: Mapping[str, str]
    """What differs from the supervisor's own environment."""


def plan_workers(settings: Settings, count: int) -> list[WorkerPlan]:
    """Names, ports and shares of the media ports for `count` workers on this machine.

    Worker n listens on the configured SIP and HTTP ports plus n - 1. Raises ValueError when the media ports do not
    suffice for all.
    """
    sip, http = settings.sip, settings.http
    share = (sip.rtp_port_last - sip.rtp_port_first + 1) // count // 2 * 2
    if sip.enabled and share < 2 * sip.max_calls:
        raise ValueError(
            f"{count} workers with sip.max_calls = {sip.max_calls} need {2 * sip.max_calls * count} media ports: "
            "widen sip.rtp_port_first to sip.rtp_port_last, or lower sip.max_calls"
        )
    plans = []
    for number in range(count):
        first = sip.rtp_port_first + number * share
        environment = {
            "VOICEBOT_WORKER__ID": f"{settings.worker.id}-{number + 1}",
            "VOICEBOT_SIP__PORT": str(sip.port + number),
            "VOICEBOT_SIP__RTP_PORT_FIRST": str(first),
            "VOICEBOT_SIP__RTP_PORT_LAST": str(first + share - 1),
            "VOICEBOT_HTTP__PORT": str(http.port + number if http.port else 0),
        }
        if settings.audiosocket.enabled:
            environment["VOICEBOT_AUDIOSOCKET__PORT"] = str(settings.audiosocket.port + number)
        plans.append(WorkerPlan(environment["VOICEBOT_WORKER__ID"], environment))
    return plans


class Supervisor:
    """Keeps the planned workers running until it is told to stop, or until one cannot be kept running."""

    def __init__(
        self,
        plans: Sequence[WorkerPlan],
        command: Sequence[str],
        drain_seconds: float,
        *,
        pause: Callable[[int], float] = lambda deaths: min(2.0 ** (deaths - 1), _LONGEST_PAUSE_SECONDS),
    ) -> None:
        """`command` runs one worker; `pause` gives the seconds to wait after that many deaths in a row."""
        self._plans = plans
        self._command = command
        self._drain_seconds = drain_seconds
        self._pause = pause
        self._stopping = asyncio.Event()
        self._alive: dict[str, asyncio.subprocess.Process] = {}
        self._failed = False

    async def run(self) -> int:
        """Runs until `stop`; gives the exit status: 0, or 1 when a worker died again and again."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        async with asyncio.TaskGroup() as keeping:
            for plan in self._plans:
                keeping.create_task(self._keep(plan), name=plan.name)
        return 1 if self._failed else 0

    def stop(self) -> None:
        """Drains every worker."""
        self._stopping.set()

    async def _keep(self, plan: WorkerPlan) -> None:
        deaths = 0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            process = await asyncio.create_subprocess_exec(*self._command, env={**os.environ, **plan.environment})
            self._alive[plan.name] = process
            log.info("worker started", extra={"worker": plan.name, "pid": process.pid})
            status = await self._until_gone(process)
            del self._alive[plan.name]
            if self._stopping.is_set():
                return
            deaths = 1 if loop.time() - began >= _HEALTHY_SECONDS else deaths + 1
            log.error("worker died", extra={"worker": plan.name, "status": status, "deaths": deaths})
            if deaths >= _DEATHS_IN_A_ROW:
                log.error("a worker cannot be kept running; stopping all", extra={"worker": plan.name})
                self._failed = True
                self.stop()
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._pause(deaths))

    async def _until_gone(self, process: asyncio.subprocess.Process) -> int:
        gone = asyncio.create_task(process.wait())
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({gone, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                process.terminate()
                try:
                    await asyncio.wait_for(asyncio.shield(gone), self._drain_seconds + _GRACE_SECONDS)
                except TimeoutError:
                    log.error("a worker did not end in time and is killed", extra={"pid": process.pid})
                    process.kill()
            return await gone
        finally:
            stop.cancel()


def worker_command(config: str | None) -> list[str]:
    """How one worker is started."""
    return [sys.executable, "-m", "voicebot", "serve", *(["--config", config] if config else [])]
