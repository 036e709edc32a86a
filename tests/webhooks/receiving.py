"""A receiver of notices that verifies what it is sent and answers as it is told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from voicebot.webhooks.delivering import Receiver
from voicebot.webhooks.signing import key_of, new_secret


@dataclass
class ReceivingServer:
    """A real HTTP server of somebody else's, on the loopback. It checks signatures with code of its own."""

    secret: str = field(default_factory=new_secret)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of the next answers; afterwards it takes everything."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """Ids of all requests, refused ones too."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once one was taken."""
    port: int = 0

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        self.port = runner.addresses[0][1]
        return runner

    @property
    def receiver(self) -> Receiver:
        return Receiver(f"http://127.0.0.1:{self.port}/hook", (key_of(self.secret),), seconds=10.0)

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        event_id = request.headers["webhook-id"]
        self.seen.append(event_id)
        signed = b".".join([event_id.encode(), request.headers["webhook-timestamp"].encode(), body])
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if expected not in request.headers["webhook-signature"].split(" "):
            return web.Response(status=401)
        if self.answers:
            status, headers = self.answers.pop(0)
            return web.Response(status=status, headers=headers)
        self.taken.append(json.loads(body))
        self.arrived.set()
        return web.Response(status=204)
