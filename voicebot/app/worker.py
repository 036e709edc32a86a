"""One worker: opened, served from, drained and closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass

from aiohttp import web

from recordings.cipher import KeyRing
from telephony.carrier import Carrier
from telephony.texting import MessageSender
from voicebot.app.carriers import routes
from voicebot.app.speech import WorkerSpeech
from voicebot.app.texting import texting_routes
from voicebot.call.board import CallBoard
from voicebot.call.engine import CallEngine
from voicebot.campaign.policy import ContactPolicy
from voicebot.console.application import create_application
from voicebot.console.metrics import EngineMetrics
from voicebot.console.services import ConsoleServices
from voicebot.handoff.desk import HandoffDesk
from voicebot.settings import Settings
from voicebot.store.store import Store

log = logging.getLogger(__name__)

_HTTP_CLOSE_SECONDS = 3.0
"""Longest that open HTTP connections are waited for once no call is live."""


@dataclass
class Worker:
    """Everything that runs in this process."""

    settings: Settings
    store: Store
    engine: CallEngine
    board: CallBoard
    carriers: Mapping[str, Carrier]
    speech: WorkerSpeech
    metrics: EngineMetrics
    services: ConsoleServices
    desk: HandoffDesk
    keys: KeyRing | None
    fixed_lines: tuple[str, ...]
    """Lines that are the same on every call; rendered ahead while no call is live."""
    watch_flows: Callable[[], Coroutine[None, None, None]]
    """Takes up edits of flows until it is cancelled."""
    policy: ContactPolicy
    """Judges whoever is called or written to, unless a caller of `assemble` brought a permit of their own."""
    watch_overrides: Callable[[], Coroutine[None, None, None]]
    """Takes up changes of the overrides until it is cancelled."""
    sender: MessageSender
    """What sends messages to debtors."""
    http: web.AppRunner | None = None
    http_port: int | None = None
    _tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Opens the doors: carriers, then HTTP. Raises CarrierUnavailable or OSError with what to change."""
        self.engine.start()
        for carrier in self.carriers.values():
            await carrier.start()
        listen = self.settings.http
        application = create_application(self.services)
        application.add_routes(routes(self.carriers))
        application.add_routes(texting_routes(self.sender))
        self.http = web.AppRunner(application, access_log=None, shutdown_timeout=_HTTP_CLOSE_SECONDS)
        await self.http.setup()
        site = web.TCPSite(self.http, listen.host, listen.port, ssl_context=_tls(self.settings))
        try:
            await site.start()
        except OSError as error:
            raise OSError(
                error.errno,
                f"cannot listen for HTTP on {listen.host}:{listen.port}: {error.strerror}. "
                "Stop what uses the port, or set http.port to another one",
            ) from error
        self.http_port = self.http.addresses[0][1] if self.http.addresses else listen.port
        self._tasks = (
            asyncio.create_task(self._render_ahead(), name="render lines ahead"),
            asyncio.create_task(self.watch_flows(), name="watch flows"),
            asyncio.create_task(self.watch_overrides(), name="watch overrides"),
        )

    async def _render_ahead(self) -> None:
        """Renders fixed lines one by one, and only while nobody is on the line: a live call has the voice to itself."""
        rendered = 0
        for text in self.fixed_lines:
            await self.engine.idle.wait()
            try:
                rendered += await self.speech.render(text, "zh-CN")
            except OSError as error:
                log.warning("fixed lines cannot be kept; they are spoken live", extra={"reason": str(error)})
                return
        log.info("fixed lines are ready", extra={"rendered": rendered, "lines": len(self.fixed_lines)})

    async def drain(self) -> None:
        """Lets live calls end for `worker.drain_seconds`; no new ones are taken."""
        await self.engine.drain(self.settings.worker.drain_seconds)

    async def close(self) -> None:
        """Closes everything, calls first. What fails to close is logged and does not keep the rest open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _closed("calls", self.engine.drain(0.0))
        for name, carrier in self.carriers.items():
            await _closed(name, carrier.close())
        if self.http is not None:
            await _closed("http", self.http.cleanup())
        await _closed("speech", self.speech.close())
        await _closed("store", self.store.close())


async def _closed(what: str, closing: Awaitable[None]) -> None:
    began = asyncio.get_running_loop().time()
    try:
        await closing
    except Exception:
        log.exception("a part of the worker did not close well", extra={"part": what})
    log.debug("closed", extra={"part": what, "seconds": round(asyncio.get_running_loop().time() - began, 2)})


def _tls(settings: Settings) -> ssl.SSLContext | None:
    http = settings.http
    if http.tls_certificate is None or http.tls_key is None:
        return None
    certificate, key = settings.path(http.tls_certificate), settings.path(http.tls_key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise OSError(
            error.errno,
            f"the certificate {certificate} and its key {key} cannot be used: {error.strerror or error}. "
            "Both are PEM files of one pair: mend http.tls_certificate and http.tls_key",
        ) from error
    return context


@contextlib.asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[Worker]:
    """A started worker; drained and closed at the end, whatever happened."""
    try:
        await worker.start()
        yield worker
    finally:
        await worker.close()
