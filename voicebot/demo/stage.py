"""Runs the demo: starts the engine and the telephones, holds the three calls, gathers what they left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import aiohttp
import numpy as np

from recordings.reading import export_wav, read_audio
from recordings.verify import verify
from voicebot.app import Worker, assemble, running
from voicebot.call.board import TimelineEntry
from voicebot.call.clock import Clock
from voicebot.call.timeline import TimelineSink
from voicebot.demo import cast, checks
from voicebot.demo.cast import Part
from voicebot.demo.checks import Record
from voicebot.demo.script import TelephoneScript
from voicebot.demo.telephones import Telephone, free_port
from voicebot.demo.terminal import CallReport, Check, LiveTerminal
from voicebot.settings import HttpSettings, Settings, SipSettings, SipTrunk, WorkerSettings
from voicebot.settings.sections import ComplianceSettings
from voicebot.store.protocols import Permit
from voicebot.store.records import Call

HOST = "127.0.0.1"
LONGEST_CALL_SECONDS = 150.0


class DemoFailed(Exception):
    """The demo could not be held at all: says what, and how to mend it."""


@dataclass(frozen=True)
class DemoOptions:
    """What the person who runs it asked for."""

    output: Path
    """Folder for the data, the logs and the audio of this run."""
    listen: bool = False
    """Leave the audio of both sides as WAV."""
    max_calls: int = 20
    """Calls that the engine takes at once."""
    permit: Permit | None = None
    """Contact policy of the run; None is the real one. A benchmark calls the same person again and again."""


@dataclass(frozen=True)
class _Ports:
    engine: int
    engine_rtp: int
    telephone: int
    telephone_rtp: int
    agent: int
    agent_rtp: int


class Stage:
    """The running engine with its telephones at hand."""

    def __init__(self, worker: Worker, token: str, ports: _Ports, options: DemoOptions, terminal: LiveTerminal) -> None:
        self.worker = worker
        self.token = token
        self._ports = ports
        self._options = options
        self._terminal = terminal
        self._entries: dict[str, list[TimelineEntry]] = {}
        self.watchers: list[TimelineSink] = []
        """Told of every entry of every call, besides the terminal."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.worker.http_port}"

    def follow(self, entry: TimelineEntry) -> None:
        """Timeline sink: keeps what happens and shows it."""
        self._entries.setdefault(entry.call_id, []).append(entry)
        self._terminal(entry)
        for watcher in self.watchers:
            watcher(entry)

    async def prepare(self) -> None:
        """Puts the invented cases and the agent into the store, as an operator would."""
        for part in cast.PARTS:
            await self.worker.store.cases.add(part.case)
        agent = replace(cast.AGENT, endpoint=f"sip:{cast.AGENT_NUMBER}@{HOST}:{self._ports.agent}")
        await self.worker.store.agents.put(agent)
        await self.worker.store.agents.set_state(agent.id, cast.AGENT.state)

    # --- the three calls ----------------------------------------------------------------------------------------------
    async def outbound(self, part: Part) -> Record:
        """Places a call to the part's telephone and waits until it is over."""
        async with self._telephone(self._script(part)) as telephone:
            call_id = await self._place(part)
            await self._over(call_id)
            await telephone.wait_for("ended", 10.0)
            return await self._record(call_id, part, telephone, None)

    async def inbound(self, part: Part) -> Record:
        """Lets the part's telephone call the engine, with an agent's telephone waiting."""
        agent_script = TelephoneScript(
            name="agent",
            number=cast.AGENT_NUMBER,
            port=self._ports.agent,
            rtp_ports=(self._ports.agent_rtp, self._ports.agent_rtp + 19),
            greets=cast.AGENT_GREETING,
            replies=cast.AGENT_REPLIES,
            stays_seconds=60.0,
            rate=1.05,
            pitch=1.08,
            models=self.worker.settings.speech_models.model_directory,
            save=self._options.output / "audio" if self._options.listen else None,
        )
        async with self._telephone(agent_script) as agent:
            before = {call.id for call in await self.worker.store.calls.list(limit=500)}
            script = self._script(part).model_copy(
                update={"dials": f"sip:{cast.CALLBACK_NUMBER}@{HOST}:{self._ports.engine}"}
            )
            async with self._telephone(script) as telephone:
                call_id = await self._arrived(before)
                await self._over(call_id)
                await telephone.wait_for("ended", 10.0)
                await agent.wait_for("ended", 10.0)
                return await self._record(call_id, part, telephone, agent)

    def _script(self, part: Part) -> TelephoneScript:
        return TelephoneScript(
            name=part.key,
            number=part.number,
            port=self._ports.telephone,
            rtp_ports=(self._ports.telephone_rtp, self._ports.telephone_rtp + 19),
            replies=part.replies,
            rate=part.rate,
            pitch=part.pitch,
            models=self.worker.settings.speech_models.model_directory,
            save=self._options.output / "audio" if self._options.listen else None,
        )

    @contextlib.asynccontextmanager
    async def _telephone(self, script: TelephoneScript) -> AsyncIterator[Telephone]:
        telephone = Telephone(script, self._options.output / "telephones", lambda name, event: None)
        try:
            await telephone.start()
            yield telephone
        finally:
            await telephone.stop()

    async def _place(self, part: Part) -> str:
        body = {"case": part.case.id, "flow": "reminder_first"}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"demo-{part.key}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/api/v1/calls", json=body, headers=headers) as answer,
        ):
            document: dict[str, Any] = await answer.json(content_type=None)
            if answer.status not in (200, 201, 202):
                raise DemoFailed(f"the engine did not place the call to {part.title}: {document}")
            return str(document.get("id") or document["call_id"])

    async def _arrived(self, before: set[str]) -> str:
        for _ in range(300):
            for call in self.worker.board.live():
                if call.call_id not in before and call.direction == "inbound":
                    return call.call_id
            await asyncio.sleep(0.1)
        raise DemoFailed("the caller's telephone never reached the engine; see the logs of the telephones")

    async def _over(self, call_id: str) -> None:
        await asyncio.wait_for(self.worker.engine.finished(call_id), LONGEST_CALL_SECONDS)

    # --- what it left -------------------------------------------------------------------------------------------------
    async def _record(self, call_id: str, part: Part, telephone: Telephone, agent: Telephone | None) -> Record:
        store = self.worker.store
        call = await store.calls.get(call_id)
        if call is None:
            raise DemoFailed(f"the store does not know the call {call_id}")
        folder = self._folder(call)
        keys = self.worker.keys
        evidence = await asyncio.to_thread(verify, folder, keys) if folder is not None else None
        loudness = await asyncio.to_thread(_loudness, folder, keys) if folder is not None else (-120.0, -120.0)
        if self._options.listen and folder is not None:
            audio = self._options.output / "audio"
            audio.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(export_wav, folder, audio / f"{part.key}-call.wav", keys)
        promises = await store.promises.list(case_id=part.case.id)
        handoffs = [h for h in await store.handoffs.list() if h.call_id == call_id]
        return Record(
            call=call,
            entries=tuple(self._entries.get(call_id, ())),
            heard=telephone.heard(),
            agent_heard=agent.heard() if agent else (),
            agent_brief=_brief(agent) if agent else "",
            promises=promises,
            handoffs=handoffs,
            evidence=evidence,
            loudness=loudness,
        )

    def _folder(self, call: Call) -> Path | None:
        return self.worker.settings.recordings_root / call.evidence_path if call.evidence_path else None

    def report(self, part: Part, record: Record, found: Sequence[Check]) -> CallReport:
        folder = self._folder(record.call)
        return CallReport(
            title=part.title,
            disposition=record.call.disposition or "-",
            promise=checks.promise_text(record.promises),
            verdicts=checks.verdict_text(record.entries),
            latency=checks.latency_text(record.entries),
            files=str(folder) if folder else "-",
            checks=found,
        )


def _brief(agent: Telephone) -> str:
    """The brief as the agent's telephone received it in the SIP headers of its call."""
    for event in agent.events:
        headers = {str(name).lower(): str(value) for name, value in event.get("headers", {}).items()}
        if "x-voicebot-brief" in headers:
            return unquote(headers["x-voicebot-brief"])
    return ""


def _loudness(folder: Path, keys: Any) -> tuple[float, float]:
    """Level of each channel where it is not silent, dB full scale."""
    audio, _ = read_audio(folder, keys)
    levels = []
    for channel in (0, 1):
        samples = audio[:, channel].astype(np.float64) / 32768.0 if audio.size else np.zeros(1)
        loud = samples[np.abs(samples) > 0.005]
        levels.append(float(20 * np.log10(np.sqrt(np.mean(loud**2)))) if loud.size else -120.0)
    return levels[0], levels[1]


def _ports(max_calls: int) -> _Ports:
    return _Ports(
        engine=free_port(HOST),
        engine_rtp=free_port(HOST, 2 * max_calls + 100),
        telephone=free_port(HOST),
        telephone_rtp=free_port(HOST, 20),
        agent=free_port(HOST),
        agent_rtp=free_port(HOST, 20),
    )


def _settings(options: DemoOptions, ports: _Ports) -> Settings:
    return Settings(
        worker=WorkerSettings(id="demo", data_dir=options.output / "data", drain_seconds=5.0),
        sip=SipSettings(
            host=HOST,
            port=ports.engine,
            rtp_port_first=ports.engine_rtp,
            rtp_port_last=ports.engine_rtp + 2 * options.max_calls + 99,
            max_calls=options.max_calls,
            trunks=(SipTrunk(name="demo", host=HOST, port=ports.telephone, caller_id=cast.CALLBACK_NUMBER),),
        ),
        http=HttpSettings(host=HOST, port=0),
        compliance=ComplianceSettings(
            firm_name=cast.FIRM,
            callback_number=cast.CALLBACK_NUMBER,
            # What the contact policy must know of a firm before it lets anybody be called.
            caller_number=cast.CALLER_NUMBER,
            registered_callers=(cast.CALLER_NUMBER,),
            collects_for_others=False,
            debts_bought=False,
        ),
    )


@contextlib.asynccontextmanager
async def stage(options: DemoOptions, terminal: LiveTerminal) -> AsyncIterator[Stage]:
    """The engine, up and with its cases in place."""
    for folder in (options.output, options.output / "telephones"):
        folder.mkdir(parents=True, exist_ok=True)
    ports = _ports(options.max_calls)
    settings = _settings(options, ports)
    followers: list[Stage] = []

    def follow(entry: TimelineEntry) -> None:
        for follower in followers:
            follower.follow(entry)

    worker = await assemble(
        settings,
        clock=Clock(cast.NOW),
        permit=options.permit,
        sinks=(follow,),
        progress=lambda step: terminal.say(f"准备：{step}"),
    )
    async with running(worker):
        issued = await worker.store.tokens.issue("demo", frozenset({"admin"}))
        found = Stage(worker, issued.secret, ports, options, terminal)
        followers.append(found)
        await found.prepare()
        yield found


async def perform(found: Stage, terminal: LiveTerminal) -> list[CallReport]:
    """Holds the three calls, one after another, and says of each what came true."""
    reports = []
    for part, of_part in (
        (cast.PROMISER, checks.of_promise),
        (cast.RELATIVE, checks.of_relative),
        (cast.CALLER, checks.of_caller),
    ):
        terminal.title(part.title)
        record = await (found.inbound(part) if part is cast.CALLER else found.outbound(part))
        reports.append(found.report(part, record, [*checks.of_every_call(record), *of_part(record)]))
    return reports
