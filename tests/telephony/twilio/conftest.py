"""A carrier on a free loopback port, and the stand-in for Twilio that drives it through the genuine SDK."""

from __future__ import annotations

import importlib.util
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from telephony.twilio import TwilioCarrier
from telephony.twilio_settings import TwilioSettings

if TYPE_CHECKING:
    from tests.telephony.twilio.stand_in import TwilioStandIn
else:
    # Test folders are no packages: the peer is loaded from the file beside this one.
    _spec = importlib.util.spec_from_file_location("twilio_stand_in", Path(__file__).with_name("stand_in.py"))
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_spec.name] = _module
    _spec.loader.exec_module(_module)
    TwilioStandIn = _module.TwilioStandIn


@dataclass
class Line:
    """A started carrier with its routes served, and the Twilio behind it."""

    carrier: TwilioCarrier
    twilio: TwilioStandIn
    settings: TwilioSettings
    public_url: str
    port: int
    """Where the routes are served, whatever the public address says."""


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioStandIn]:
    async with TwilioStandIn() as stand_in:
        yield stand_in


OpenLine = Callable[..., Awaitable[Line]]


@pytest.fixture
async def open_line(twilio: TwilioStandIn) -> AsyncIterator[OpenLine]:
    """Opens a line with the given settings changed."""
    async with AsyncExitStack() as stack:

        async def open_it(**changes: Any) -> Line:
            settings = TwilioSettings(
                account_sid=twilio.account_sid,
                auth_token=twilio.auth_token,
                public_url="http://127.0.0.1",
                caller_id="+12025550100",
                rest_url=twilio.url,
            )
            app = web.Application()
            runner = web.AppRunner(app, shutdown_timeout=1.0)
            reserved = socket.socket()
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
            public_url = f"http://127.0.0.1:{port}/twilio"
            settings = replace(settings, **{"public_url": public_url, **changes})
            carrier = TwilioCarrier(settings)
            app.add_routes(carrier.routes())
            await runner.setup()
            await web.SockSite(runner, reserved).start()
            stack.push_async_callback(runner.cleanup)
            await carrier.start()
            stack.push_async_callback(carrier.close)
            return Line(carrier, twilio, settings, public_url, port)

        yield open_it


@pytest.fixture
async def line(open_line: OpenLine) -> Line:
    """A line with ordinary settings."""
    return await open_line()
