"""Whole engines as `voicebot serve` composes them, on free ports and a folder of their own, with real peers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from telephony.g711 import encode_ulaw
from tests.engine.people import OURS, PitchSpeech, tone
from tests.peers import listening
from tests.telephony.twilio.stand_in import TwilioStandIn
from voicebot import app
from voicebot.call.board import TimelineEntry
from voicebot.call.clock import Clock
from voicebot.call.proving import prove_apart
from voicebot.call.shelf import FlowShelf
from voicebot.call.timeline import TimelineSink
from voicebot.demo.telephones import free_port
from voicebot.dialog.publishing import Judged, Unproven, judge
from voicebot.settings import HttpSettings, Settings, SipSettings, SipTrunk, TwilioSection, WorkerSettings
from voicebot.store.records import Case, Debt, Debtor, Permission, PhoneNumber
from voicebot.understanding import Understander, load_understander

SCENARIOS = (Path(__file__).parent.parent / "telephony" / "sipp", Path(__file__).parent / "sipp")
TUESDAY = datetime(2026, 3, 10, 15, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
NUMBER = "+8613800000001"


@pytest.fixture(scope="session")
def understander() -> Understander:
    return load_understander()


async def trusting(content: Path, served: Mapping[str, str]) -> Mapping[str, Judged]:
    """Proves edits as the engine does. What it starts with is only read: other tests prove the shipped flows."""
    if served:
        return await prove_apart(content, served)
    return await asyncio.to_thread(judge, content, served, Unproven())


@pytest.fixture(scope="session")
def flows() -> FlowShelf:
    return FlowShelf(prove=trusting)


@pytest.fixture(autouse=True)
def _loaded_once(understander: Understander, flows: FlowShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real understanding and the shipped flows, loaded once for all workers of a test process."""
    monkeypatch.setattr(app, "load_understander", lambda **_: understander)
    monkeypatch.setattr(
        app, "FlowShelf", lambda content: flows if content is None else FlowShelf(content, prove=trusting)
    )


@pytest.fixture
def case() -> Case:
    """An invented case whose number is the one that the peers have."""
    debtor = Debtor(
        name="王小样", surname="王", honorific="女士", id_last_four="3866", numbers=(PhoneNumber(NUMBER),), id="d-1"
    )
    debt = Debt(creditor="安信银行", product="信用卡", amount_due=Decimal("2380"), due_date=date(2026, 3, 1))
    return Case(id="case-1", debtor=debtor, debt=debt)


@dataclass
class Engine:
    """A running worker and a program that uses its API."""

    worker: app.Worker
    http: aiohttp.ClientSession
    entries: list[TimelineEntry] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def follow(self, entry: TimelineEntry) -> None:
        self.entries.append(entry)
        self._changed.set()

    def of(self, kind: str, call_id: str | None = None) -> list[TimelineEntry]:
        return [e for e in self.entries if e.kind == kind and call_id in (None, e.call_id)]

    async def happens(self, kind: str, within: float = 30.0, **data: object) -> TimelineEntry:
        """The first entry of a kind with this data, waited for."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for entry in self.of(kind):
                        if all(entry.data.get(name) == value for name, value in data.items()):
                            return entry
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} {data} within {within} s: {[e.kind for e in self.entries]}") from None

    async def place(self, case_id: str = "case-1", *, key: str | None = None, expect: int = 202) -> str:
        headers = {"Idempotency-Key": key} if key else {}
        body = {"case": case_id, "flow": "reminder_first"}
        async with self.http.post("/api/v1/calls", json=body, headers=headers) as answer:
            document: dict[str, Any] = await answer.json(content_type=None)
            assert answer.status == expect, document
            return str(document.get("id", ""))

    async def over(self, call_id: str, within: float = 90.0) -> None:
        await asyncio.wait_for(self.worker.engine.finished(call_id), within)


OpenEngine = Callable[..., contextlib.AbstractAsyncContextManager[Engine]]


def settings_in(folder: Path, *, trunk: int | None = None, **sections: Any) -> Settings:
    """Settings on free loopback ports. `trunk` is the port of the peer that numbers are dialled at."""
    rtp = free_port(span=20)
    trunks = (SipTrunk(name="peer", host="127.0.0.1", port=trunk),) if trunk is not None else ()
    given = {
        "worker": WorkerSettings(id="w-1", data_dir=folder, drain_seconds=10.0),
        "sip": SipSettings(
            port=free_port(),
            rtp_port_first=rtp,
            rtp_port_last=rtp + 19,
            max_calls=8,
            trunks=trunks,
            accept_from="anyone",
        ),
        "http": HttpSettings(port=0),
    }
    return Settings(**{**given, **sections})


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    def make(**sections: Any) -> Settings:
        return settings_in(tmp_path / "data", **sections)

    return make


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioStandIn]:
    async with TwilioStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def twilio_settings(twilio: TwilioStandIn, make_settings: Callable[..., Settings]) -> Settings:
    """Twilio alone: webhooks on the engine's own HTTP port."""
    port = free_port()
    account = TwilioSection(
        enabled=True,
        account_sid=twilio.account_sid,
        auth_token=twilio.auth_token,
        public_url=f"http://127.0.0.1:{port}/twilio",
        caller_id=OURS,
        rest_url=twilio.url,
    )
    return make_settings(http=HttpSettings(port=port), twilio=account, sip=SipSettings(enabled=False))


@pytest.fixture
def open_engine() -> OpenEngine:
    """`async with open_engine(settings, speech) as engine` runs a whole worker."""

    @contextlib.asynccontextmanager
    async def opened(
        settings: Settings,
        speech: PitchSpeech | None = None,
        *,
        cases: Sequence[Case] = (),
        sinks: Sequence[TimelineSink] = (),
    ) -> AsyncIterator[Engine]:
        follower: list[TimelineSink] = []

        def follow(entry: TimelineEntry) -> None:
            for one in follower:
                one(entry)

        worker = await app.assemble(
            settings,
            clock=Clock(TUESDAY),
            # What may be dialled is not what these tests are about.
            permit=lambda history: Permission(True),
            speech=speech or PitchSpeech(),
            sinks=(follow, *sinks),
        )
        async with app.running(worker):
            for case in cases:
                await worker.store.cases.add(case)
            issued = await worker.store.tokens.issue("test", frozenset({"admin"}))
            async with aiohttp.ClientSession(
                f"http://127.0.0.1:{worker.http_port}", headers={"Authorization": f"Bearer {issued.secret}"}
            ) as http:
                engine = Engine(worker, http)
                follower.append(engine.follow)
                yield engine

    return opened


# --- sipp ----------------------------------------------------------------------------------------------------


@dataclass
class Sipp:
    """A running sipp; its exit code is the verdict on its scenario."""

    process: asyncio.subprocess.Process
    port: int
    errors: Path

    async def verdict(self, within: float = 30.0) -> None:
        code = await asyncio.wait_for(self.process.wait(), within)
        said = self.errors.read_text(errors="replace")[-1500:] if self.errors.exists() else ""
        assert code == 0, f"sipp exited with {code}: {said}"


StartSipp = Callable[..., Awaitable[Sipp]]


@pytest.fixture
async def sipp(tmp_path: Path) -> AsyncIterator[StartSipp]:
    """`await sipp("uas_echo")` waits to be called, `await sipp("uac", to=port)` calls; `words` fill placeholders."""
    running: list[asyncio.subprocess.Process] = []
    folder = tmp_path / "sipp"
    folder.mkdir()
    (folder / "tone.ulaw").write_bytes(encode_ulaw(tone(440, 1.0)))

    async def start(
        scenario: str,
        *,
        to: int | None = None,
        port: int | None = None,
        words: dict[str, str] | None = None,
        give_up_after: int = 90,
    ) -> Sipp:
        port = port or free_port()
        errors = folder / f"{scenario}-{port}.err"
        text = next(file for place in SCENARIOS if (file := place / f"{scenario}.xml").exists()).read_text()
        # The shared scenarios expect the end of a call soon; a conversation takes longer.
        for word, value in {'timeout="12000"': 'timeout="80000"', **(words or {})}.items():
            text = text.replace(word, value)
        (folder / f"{scenario}-{port}.xml").write_text(text)
        command = ["sipp", "-sf", f"{scenario}-{port}.xml", "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(port)]
        command += ["-m", "1", "-l", "1", "-nostdin", "-timeout", f"{give_up_after}s", "-timeout_error", "-trace_err"]
        command += ["-error_file", str(errors), "-mp", str(free_port(span=4))]
        command += ["-rtp_echo"] if "echo" in scenario else []
        command += ["-s", "4000000000", f"127.0.0.1:{to}"] if to is not None else []
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**os.environ, "TERM": "dumb"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        running.append(process)
        if to is None:
            await listening(port)
        return Sipp(process, port, errors)

    yield start
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def telephone_port() -> int:
    """A free port for the peer that a trunk leads to."""
    return free_port()
