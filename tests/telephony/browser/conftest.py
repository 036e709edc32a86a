"""A browser carrier on a free loopback port, and the legs that its handler is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from telephony.browser import BrowserCarrier, BrowserSettings
from telephony.browser_leg import BrowserLeg
from telephony.carrier import CallLeg


@dataclass
class Desk:
    """Answers every call and keeps it."""

    carrier: BrowserCarrier
    url: str
    token: str
    offered: asyncio.Queue[BrowserLeg] = field(default_factory=asyncio.Queue)
    """Every call that was let in."""
    legs: asyncio.Queue[BrowserLeg] = field(default_factory=asyncio.Queue)
    """Every call that was answered."""

    async def take(self, leg: CallLeg) -> None:
        assert isinstance(leg, BrowserLeg)
        self.offered.put_nowait(leg)
        await leg.answer()
        self.legs.put_nowait(leg)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    token = "a token for tests only"
    carrier = BrowserCarrier(BrowserSettings(token, max_calls=2))
    app = web.Application()
    app.add_routes(carrier.routes())
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await carrier.start()
    opened = Desk(carrier, f"http://127.0.0.1:{runner.addresses[0][1]}/phone/", token)
    carrier.on_incoming(opened.take)
    yield opened
    await carrier.close()
    await runner.cleanup()
