"""The telephones of the demo: separate processes with real SIP and RTP, and what they said they heard."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from voicebot.demo.script import TelephoneScript

Told = Callable[[str, dict[str, Any]], None]


class TelephoneFailed(Exception):
    """A telephone did not come up, or came down before its call was over."""


class Telephone:
    """One telephone process. `events` holds what it told, in order."""

    def __init__(self, script: TelephoneScript, folder: Path, on_event: Told) -> None:
        self.script = script
        self.events: list[dict[str, Any]] = []
        self._folder = folder
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def start(self, ready_seconds: float = 90.0) -> None:
        """Starts the process and waits until it can be called. Raises TelephoneFailed with what it said last."""
        config = self._folder / f"{self.script.name}.json"
        config.write_text(self.script.model_dump_json(indent=2), encoding="utf-8")
        log = (self._folder / f"{self.script.name}.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "voicebot.demo.telephone",
            "--config",
            str(config),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        log.close()
        self._reader = asyncio.create_task(self._read())
        if await self.wait_for("ready", ready_seconds) is None:
            await self.stop()
            raise TelephoneFailed(
                f"the telephone {self.script.name} did not come up; see {self._folder / (self.script.name + '.log')}"
            )

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            self.events.append(event)
            with (self._folder / f"{self.script.name}.events.jsonl").open("ab") as kept:
                kept.write(line)
            self._on_event(self.script.name, event)
            self._changed.set()
        self.events.append({"event": "exited"})
        self._changed.set()

    async def wait_for(self, kind: str, seconds: float) -> dict[str, Any] | None:
        """The first event of this kind, waited for; None when time ran out or the process ended without it."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            for event in self.events:
                if event["event"] == kind:
                    return event
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or any(event["event"] == "exited" for event in self.events):
                return None
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                return None

    def heard(self) -> list[str]:
        """What its person heard, as the telephone's own recogniser wrote it down."""
        return [event["text"] for event in self.events if event["event"] == "heard"]

    def said(self) -> list[str]:
        return [event["text"] for event in self.events if event["event"] == "said"]

    async def stop(self) -> None:
        """Ends the process, by force after three seconds."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 3.0)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reader is not None:
            await self._reader


# Below the ports that systems give out by themselves: what is free now is not taken by a passing connection.
_FIRST_PORT, _LAST_PORT = 10_000, 31_000
_given: set[int] = set()


def free_port(host: str = "127.0.0.1", span: int = 1) -> int:
    """An even port with `span - 1` free ones behind it, for UDP and TCP. This process gives none of them out twice."""
    for _ in range(500):
        first = random.randrange(_FIRST_PORT, _LAST_PORT - span, 2)
        wanted = range(first, first + span)
        if _given.isdisjoint(wanted) and all(_is_free(host, port) for port in wanted):
            _given.update(wanted)
            return first
    raise OSError(f"no {span} free ports in a row were found on {host}")


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
