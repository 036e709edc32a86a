"""A console over a real store, with a placer and timelines that remember what they were asked."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from voicebot.call.board import CallBoard, LiveCall, PlaceCall, PlacementRefused, TimelineEntry
from voicebot.console import ConsoleLimits, ConsoleServices, EngineMetrics, Probe, create_application
from voicebot.store import Store
from voicebot.store.agent_records import AgentRecord, Handoff
from voicebot.store.records import Call, Case, Debt, Debtor, PhoneNumber

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass
class Placer:
    """Places nothing and remembers everything."""

    refusal: PlacementRefused | None = None
    requests: list[PlaceCall] = field(default_factory=list)
    live: set[str] = field(default_factory=set)
    by_key: dict[str | None, str] = field(default_factory=dict)

    async def place(self, request: PlaceCall) -> str:
        self.requests.append(request)
        if self.refusal:
            raise self.refusal
        return self.by_key.setdefault(request.idempotency_key, f"call-{len(self.by_key) + 1}")

    async def hang_up(self, call_id: str) -> bool:
        found = call_id in self.live
        self.live.discard(call_id)
        return found


class KeptTimelines:
    def __init__(self) -> None:
        self.of: dict[str, list[TimelineEntry]] = {}

    async def read(self, call_id: str) -> Sequence[TimelineEntry] | None:
        return self.of.get(call_id)


@dataclass
class Console:
    """A running console and everything behind it."""

    client: TestClient[Any, Any]
    store: Store
    placer: Placer
    board: CallBoard
    timelines: KeptTimelines
    metrics: EngineMetrics
    secrets: dict[str, str]
    """Role to a token with that role alone; the agent's token is labelled a1."""
    clock: list[float]
    """Monotonic seconds of the brake on guessing; write to [0]."""

    def auth(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets[role]}"}

    def happen(self, call_id: str, kind: str, **data: Any) -> TimelineEntry:
        """Something happens in a live call: it is kept and published."""
        known = self.timelines.of.setdefault(call_id, [])
        entry = TimelineEntry(call_id, len(known), float(len(known)), AT, kind, data)
        known.append(entry)
        self.metrics.observe(entry)
        self.board.publish(entry)
        return entry

    def ring(self, call_id: str, case_id: str | None = "case-1") -> None:
        """A call becomes live."""
        self.board.put(LiveCall(call_id, case_id, "outbound", "reminder_first", "greet", AT))
        self.placer.live.add(call_id)
        self.timelines.of.setdefault(call_id, [])


Opener = Callable[..., Awaitable[Console]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and a few records, made once and copied for each test."""
    file = tmp_path_factory.mktemp("console") / "voicebot.db"

    async def fill() -> None:
        async with await Store.open(f"sqlite:///{file}") as store:
            await store.cases.add(make_case())
            await store.agents.put(AgentRecord("a1", "客服一", "sip:a1@127.0.0.1"))
            await store.agents.put(AgentRecord("a2", "客服二", "sip:a2@127.0.0.1"))
            await store.calls.begin(
                Call("outbound", "reminder_first", AT, "worker-1", id="old", number="+8613800000001", case_id="case-1")
            )
            await store.calls.finish("old", ended_at=AT, disposition="promise", cause="normal")
            await store.calls.begin(Call("inbound", "inbound", AT, "worker-9", id="elsewhere"))
            await store.handoffs.open(
                Handoff("old", "dispute", "agent", id="h1", case_id="case-1", brief=dict(BRIEF), opened_at=AT)
            )
            await store.handoffs.assign("h1", "a1", at=AT)

    asyncio.run(fill())
    return file


BRIEF = {"姓名": "王小样", "号码": "+8613800000001", "欠款": "2000元", "来电人说": "我是王小样，尾号1234"}


def make_case() -> Case:
    return Case(
        id="case-1",
        external_id="contract-1",
        debtor=Debtor("王小样", surname="王", numbers=(PhoneNumber("+8613800000001"),)),
        debt=Debt("示例银行", Decimal("2000.00"), date(2026, 11, 1)),
    )


@pytest.fixture
async def open_console(migrated: Path, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens consoles with the limits, probes and state of drain that a test wants."""
    opened: list[Console] = []

    async def opener(
        limits: ConsoleLimits | None = None,
        probes: dict[str, Probe] | None = None,
        draining: Callable[[], bool] = lambda: False,
    ) -> Console:
        file = tmp_path / "voicebot.db"
        shutil.copy(migrated, file)
        store = await Store.open(f"sqlite:///{file}", migrate=False)
        placer, board, timelines, metrics, clock = Placer(), CallBoard(), KeptTimelines(), EngineMetrics(), [0.0]
        services = ConsoleServices(
            store,
            placer,
            board,
            timelines,
            metrics,
            probes or {},
            draining,
            version="1.2.3",
            limits=limits or ConsoleLimits(),
        )
        metrics.watch_live_calls(lambda: len(board.live()))
        client = TestClient(TestServer(create_application(services, monotonic=lambda: clock[0])))
        await client.start_server()
        secrets = {
            role: (await store.tokens.issue("a1" if role == "agent" else role, frozenset({role}))).secret
            for role in ("operator", "agent", "officer", "admin")
        }
        await asyncio.sleep(0)
        opened.append(Console(client, store, placer, board, timelines, metrics, secrets, clock))
        return opened[-1]

    yield opener
    for one in opened:
        await one.client.close()
        await one.store.close()


@pytest.fixture
async def console(open_console: Opener) -> Console:
    return await open_console()
