"""What the console needs of the engine. The composition root fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from aiohttp import web

from voicebot.call.board import CallBoard, CallPlacer, TimelineEntry
from voicebot.console.metrics import EngineMetrics
from voicebot.dialog.places import Finding
from voicebot.dialog.publishing import OnOffer
from voicebot.store.access_protocols import Audit, Tokens
from voicebot.store.desk_protocols import Agents, Complaints, Handoffs
from voicebot.store.outgoing_protocols import Deliveries, Exports
from voicebot.store.protocols import Brakes, Callbacks, Calls, Campaigns, Cases, NewsDesk, Promises
from voicebot.store.records import utc_now

Probe = Callable[[], Awaitable[str | None]]
"""Asks a dependency whether it works: None when it does, else what is wrong and how to mend it."""


class ConsoleStore(Protocol):
    """The repositories that the console uses; `voicebot.store.Store` has them all."""

    @property
    def agents(self) -> Agents: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def brakes(self) -> Brakes: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def callbacks(self) -> Callbacks: ...
    @property
    def complaints(self) -> Complaints: ...
    @property
    def campaigns(self) -> Campaigns: ...
    @property
    def deliveries(self) -> Deliveries: ...
    @property
    def exports(self) -> Exports: ...
    @property
    def handoffs(self) -> Handoffs: ...
    @property
    def news(self) -> NewsDesk: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def tokens(self) -> Tokens: ...


class Timelines(Protocol):
    """Timelines of calls that live or have ended."""

    async def read(self, call_id: str) -> Sequence[TimelineEntry] | None:
        """Entries so far, in order; None when nothing is kept of the call."""
        ...


class Flows(Protocol):
    """The flows that calls are held with."""

    def on_offer(self) -> Sequence[OnOffer]: ...
    @property
    def refused(self) -> Mapping[str, Sequence[Finding]]:
        """What is wrong with edits that were not taken, by the name of the flow."""
        ...


class NoFlows:
    """A console without an engine behind it."""

    refused: Mapping[str, Sequence[Finding]] = {}

    def on_offer(self) -> Sequence[OnOffer]:
        return ()


@dataclass(frozen=True)
class ConsoleLimits:
    """How much the console puts up with."""

    max_body_bytes: int = 1_048_576
    """Largest request body, bytes."""
    failed_tokens_per_minute: int = 10
    """Wrong tokens that one address may show in a minute."""
    metrics_need_token: bool = False
    probe_seconds: float = 3.0
    """Seconds in which a dependency must answer a readiness probe."""
    event_backlog: int = 5000
    """Timeline entries kept for watchers who come back with Last-Event-ID."""
    heartbeat_seconds: float = 15.0
    """Seconds of quiet after which an event stream says that it is alive, so that proxies keep it open."""


@dataclass(frozen=True)
class ConsoleServices:
    """Everything behind the console."""

    store: ConsoleStore
    placer: CallPlacer
    board: CallBoard
    timelines: Timelines
    metrics: EngineMetrics
    probes: Mapping[str, Probe] = field(default_factory=dict)
    """Dependency to probe, such as database, sip, models, recordings, disk."""
    draining: Callable[[], bool] = lambda: False
    """True once the worker takes no new calls."""
    flows: Flows = field(default_factory=NoFlows)
    worker_id: str = "worker-1"
    version: str = "0"
    time_zone: str = "Asia/Shanghai"
    """IANA zone in which a day ends for deadlines."""
    limits: ConsoleLimits = ConsoleLimits()
    now: Callable[[], datetime] = utc_now


SERVICES = web.AppKey("services", ConsoleServices)
