"""What tests against real peer programs share."""

from __future__ import annotations

import asyncio
from pathlib import Path


def held(port: int) -> bool:
    """Whether somebody holds the UDP port. It only looks: trying to bind it would keep its owner from doing so."""
    sockets = Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") for line in sockets)


async def listening(port: int, within: float = 30.0) -> None:
    """Waits until somebody holds the UDP port."""
    async with asyncio.timeout(within):
        while not held(port):  # noqa: ASYNC110 - another process's port tells nobody
            await asyncio.sleep(0.02)
