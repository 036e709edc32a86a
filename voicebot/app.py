"""The composition root: the only place that knows every concrete class."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import logging
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import web

from compliance_filters.guard import load_guard
from compliance_filters.pack import load_pack
from recordings.cipher import KeyFault, KeyRing
from recordings.reading import read_entries
from recordings.recovery import recover
from telephony.audiosocket import AudioSocketCarrier
from telephony.carrier import Carrier
from telephony.sip_carrier import SipCarrier
from telephony.twilio import TwilioCarrier
from voicebot.call.board import CallBoard, TimelineEntry
from voicebot.call.case_facts import Firm, facts_of
from voicebot.call.clock import Clock
from voicebot.call.engine import CallEngine
from voicebot.call.parts import EngineParts, GuardOnDuty
from voicebot.call.shelf import FlowShelf
from voicebot.call.timeline import TimelineSink
from voicebot.console.application import create_application
from voicebot.console.metrics import EngineMetrics
from voicebot.console.services import ConsoleLimits, ConsoleServices, Probe
from voicebot.dialog.events import RequestHandoff
from voicebot.handoff.brief import build_brief, facts_of_case
from voicebot.handoff.desk import HandoffDesk, HandoffTimes
from voicebot.settings import HttpSettings, Settings
from voicebot.speech.engines import SpeechEngines
from voicebot.speech.protocols import Recogniser, SpeechRequest, Synthesiser, VoiceActivity
from voicebot.speech.vad import VoiceActivityModel
from voicebot.store.errors import StoreUnavailable
from voicebot.store.protocols import Permit
from voicebot.store.records import Case
from voicebot.store.store import Store
from voicebot.understanding import Understander, load_understander

log = logging.getLogger(__name__)

_LEAST_FREE_BYTES = 200_000_000
"""Free disk under which the worker is not ready: about a day of one line's recordings."""


class SharedSpeech:
    """The speech engines of the process as calls use them: the voice activity model is loaded before the first call."""

    def __init__(self, engines: SpeechEngines, voice_activity: VoiceActivityModel) -> None:
        self._engines = engines
        self._voice_activity = voice_activity

    async def recogniser(self, language: str) -> Recogniser:
        return await self._engines.recogniser(language)

    async def synthesiser(self, language: str) -> Synthesiser:
        return await self._engines.synthesiser(language)

    def open_voice_activity(self) -> VoiceActivity:
        return self._voice_activity.open_call()


class KeptTimelines:
    """Timelines of live calls from memory, of ended ones from their evidence."""

    def __init__(self, engine: CallEngine, store: Store, root: Path, keys: KeyRing | None) -> None:
        self._engine = engine
        self._store = store
        self._root = root
        self._keys = keys

    async def read(self, call_id: str) -> Sequence[TimelineEntry] | None:
        live = self._engine.entries(call_id)
        if live is not None:
            return live
        call = await self._store.calls.get(call_id)
        if call is None or call.evidence_path is None:
            return None
        return await asyncio.to_thread(self._from_evidence, call_id, self._root / call.evidence_path)

    def _from_evidence(self, call_id: str, folder: Path) -> Sequence[TimelineEntry]:
        return [
            TimelineEntry(call_id, number, entry.media_seconds, entry.at, entry.kind, entry.data)
            for number, entry in enumerate(read_entries(folder, self._keys))
        ]


class Progress(Protocol):
    """Told what is being made ready, one step at a time."""

    def __call__(self, step: str) -> None: ...


@dataclass
class Worker:
    """One assembled worker: everything that runs in this process."""

    settings: Settings
    store: Store
    engine: CallEngine
    board: CallBoard
    carriers: Mapping[str, Carrier]
    speech: SpeechEngines
    metrics: EngineMetrics
    services: ConsoleServices
    desk: HandoffDesk
    keys: KeyRing | None
    fixed_lines: tuple[str, ...]
    """Lines that are the same on every call; rendered ahead while no call is live."""
    http: web.AppRunner | None = None
    http_port: int | None = None
    _rendering: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Opens the doors: carriers, then HTTP. Raises CarrierUnavailable or OSError with what to change."""
        self.engine.start()
        for carrier in self.carriers.values():
            await carrier.start()
        application = create_application(self.services)
        for carrier in self.carriers.values():
            if isinstance(carrier, TwilioCarrier | AudioSocketCarrier):
                application.add_routes(carrier.routes())
        self.http = web.AppRunner(application, access_log=None)
        await self.http.setup()
        listen = self.settings.http
        site = web.TCPSite(self.http, listen.host, listen.port, ssl_context=_tls(listen))
        try:
            await site.start()
        except OSError as error:
            raise OSError(
                error.errno,
                f"cannot listen for HTTP on {listen.host}:{listen.port}: {error.strerror}. "
                "Stop what uses the port, or set http.port to another one",
            ) from error
        self.http_port = self.http.addresses[0][1] if self.http.addresses else listen.port
        self._rendering = asyncio.create_task(self._render_ahead(), name="render lines ahead")

    async def _render_ahead(self) -> None:
        """Renders fixed lines one by one, and only while nobody is on the line: a live call has the voice to itself."""
        voice = await self.speech.synthesiser("zh-CN")
        rendered = 0
        for text in self.fixed_lines:
            await self.engine.idle.wait()
            try:
                rendered += await voice.warm([SpeechRequest(text=text, language="zh-CN")])
            except OSError as error:
                log.warning("fixed lines cannot be kept; they are spoken live", extra={"reason": str(error)})
                return
        log.info("fixed lines are ready", extra={"rendered": rendered, "lines": len(self.fixed_lines)})

    async def drain(self) -> None:
        """Lets live calls end for `worker.drain_seconds`; no new ones are taken."""
        await self.engine.drain(self.settings.worker.drain_seconds)

    async def close(self) -> None:
        """Closes everything, calls first."""
        if self._rendering is not None:
            self._rendering.cancel()
        await self.engine.drain(0.0)
        for carrier in self.carriers.values():
            await carrier.close()
        if self.http is not None:
            await self.http.cleanup()
        await self.speech.close()
        await self.store.close()


async def assemble(
    settings: Settings,
    *,
    clock: Clock | None = None,
    permit: Permit | None = None,
    sinks: Sequence[TimelineSink] = (),
    progress: Progress = lambda step: None,
) -> Worker:
    """Loads and joins everything, without opening a port."""
    clock = clock or Clock()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not settings.key_file.exists() and any(
        place.exists() for place in (settings.recordings_root, settings.data_dir / "voicebot.db")
    ):
        raise KeyFault(
            f"the key file {settings.key_file} is gone, and what lies beside it was sealed with it. Restore it from "
            "your backup; a new key would make recordings and personal data unreadable for good"
        )
    keys = KeyRing.load_or_create(settings.key_file)
    progress("database")
    store = await Store.open(settings.database, keys, journal=settings.data_dir / "journal")
    await store.attempts.interrupt(settings.worker.id)
    progress("evidence")
    sealing = keys if settings.recordings.encrypt else None
    spool = settings.data_dir / "spool"
    for found in await asyncio.to_thread(lambda: list(recover(settings.recordings_root, keys, spool))):
        log.warning("evidence of an interrupted call was closed", extra={"folder": str(found)})
    progress("models")
    speech = SpeechEngines(settings.speech_models)
    shared = SharedSpeech(speech, await speech.voice_activity())
    understander: Understander = await asyncio.to_thread(load_understander)
    flows = FlowShelf()
    firm = Firm(settings.compliance.firm_name, settings.compliance.callback_number)
    now = clock.now(settings.compliance.timezone)
    language = "zh-CN"
    await speech.recogniser(language)
    await speech.synthesiser(language)
    for name in flows.names():
        await asyncio.to_thread(flows.get, name)
    lines = tuple(flows.fixed_lines(language, facts_of(None, firm, now), now.date()))
    board = CallBoard()
    metrics = EngineMetrics()
    carriers = _carriers(settings)
    dialler = next(iter(carriers.values()), None)
    if dialler is None:
        raise ValueError("no carrier is enabled: set sip.enabled, twilio.enabled or audiosocket.enabled to true")
    desk = HandoffDesk(
        agents=store.agents,
        handoffs=store.handoffs,
        carrier_for=lambda endpoint: dialler,
        worker_id=settings.worker.id,
        times=HandoffTimes(
            ring_seconds=settings.handoff.ring_seconds,
            longest_seconds=settings.handoff.longest_seconds,
            wait_seconds=settings.handoff.wait_seconds,
            wrap_up_seconds=settings.handoff.wrap_up_seconds,
        ),
        caller_id=settings.handoff.caller_id,
        on_step=lambda step: metrics.handoff(step.step.value),
    )
    duties: dict[str, GuardOnDuty] = {}

    def guard_for(jurisdiction: str) -> GuardOnDuty:
        if jurisdiction not in duties:
            pack = load_pack(jurisdiction)
            duties[jurisdiction] = GuardOnDuty(load_guard(jurisdiction), pack.disclosures, pack.hash)
        return duties[jurisdiction]

    await asyncio.to_thread(guard_for, settings.compliance.pack)
    version = importlib.metadata.version("voicebot")
    engine = CallEngine(
        EngineParts(
            worker_id=settings.worker.id,
            store=store,
            carriers=carriers,
            board=board,
            flows=flows,
            understander=understander,
            guard_for=guard_for,
            speech=shared,
            desk=desk,
            evidence_root=settings.recordings_root,
            spool=spool,
            keys=sealing,
            settings=settings.call,
            firm=firm,
            jurisdiction=settings.compliance.pack,
            clock=clock,
            time_zone=settings.compliance.timezone,
            build_brief=brief_of,
            permit=permit,
            inbound_flow="inbound_callback",
            unknown_caller_flow="inbound_callback",
            sinks=(metrics.observe, *sinks),
            versions={"voicebot": version, **_models(settings)},
        )
    )
    metrics.watch_live_calls(lambda: float(engine.live))
    metrics.watch_draining(lambda: engine.draining)
    services = ConsoleServices(
        store=store,
        placer=engine,
        board=board,
        timelines=KeptTimelines(engine, store, settings.recordings_root, keys),
        metrics=metrics,
        probes=_probes(settings, store, carriers),
        draining=lambda: engine.draining,
        worker_id=settings.worker.id,
        version=version,
        limits=ConsoleLimits(
            max_body_bytes=settings.http.max_body_bytes,
            failed_tokens_per_minute=settings.http.failed_tokens_per_minute,
            metrics_need_token=settings.http.metrics_need_token,
        ),
        now=clock.now,
    )
    return Worker(settings, store, engine, board, carriers, speech, metrics, services, desk, keys, lines)


def brief_of(
    case: Case | None, request: RequestHandoff, entries: Sequence[TimelineEntry], verified: bool, number: str | None
) -> Mapping[str, str]:
    """The agent's brief of a call."""
    facts = facts_of_case(case, because=request.because, urgent=request.urgent, verified=verified, number=number)
    return build_brief(facts, entries)


def _carriers(settings: Settings) -> dict[str, Carrier]:
    carriers: dict[str, Carrier] = {}
    if settings.sip.enabled:
        carriers["sip"] = SipCarrier(settings.sip.end())
    if settings.twilio.enabled:
        carriers["twilio"] = TwilioCarrier(settings.twilio.account())
    if settings.audiosocket.enabled:
        carriers["audiosocket"] = AudioSocketCarrier(
            settings.audiosocket.host, settings.audiosocket.port, settings.audiosocket.gate()
        )
    return carriers


def _tls(http: HttpSettings) -> ssl.SSLContext | None:
    if http.tls_certificate is None or http.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(http.tls_certificate, http.tls_key)
    return context


def _models(settings: Settings) -> dict[str, str]:
    speech = settings.speech
    return {
        **{f"recogniser.{tag}": name for tag, name in speech.recognisers.items()},
        **{f"voice.{tag}": name for tag, name in speech.synthesisers.items()},
    }


def _probes(settings: Settings, store: Store, carriers: Mapping[str, Carrier]) -> dict[str, Probe]:
    async def database() -> str | None:
        try:
            await store.ping()
        except StoreUnavailable as away:
            return str(away)
        return None

    async def disk() -> str | None:
        free = shutil.disk_usage(settings.data_dir).free
        if free >= _LEAST_FREE_BYTES:
            return None
        return f"{free // 1_000_000} MB are free under {settings.data_dir}: make room before recordings are lost"

    probes: dict[str, Probe] = {"database": database, "disk": disk}
    for name, carrier in carriers.items():
        if isinstance(carrier, SipCarrier):

            async def sip(carrier: SipCarrier = carrier) -> str | None:
                return None if carrier.healthy else "the SIP stack has stopped: restart the worker"

            probes[name] = sip
    return probes


@contextlib.asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[Worker]:
    """A started worker; drained and closed at the end, whatever happened."""
    try:
        await worker.start()
        yield worker
    finally:
        await worker.close()


async def serve(settings: Settings) -> None:
    """Runs one worker until SIGTERM or SIGINT, then drains it: live calls end by themselves, new ones are refused."""
    worker = await assemble(settings, progress=lambda step: log.info("making ready", extra={"step": step}))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with running(worker):
        token = await _first_token(worker.store)
        if token is not None:
            # Said once, on the terminal of whoever started the engine first; it is stored only as a hash.
            log.warning("first start: this administrator token is shown once", extra={"secret": token})
        log.info("ready", extra={"http_port": worker.http_port, "carriers": ", ".join(worker.carriers)})
        await stop.wait()
        log.info("draining", extra={"live_calls": worker.engine.live})
        await worker.drain()


async def _first_token(store: Store) -> str | None:
    if await store.tokens.list():
        return None
    issued = await store.tokens.issue("first administrator", frozenset({"admin"}))
    return issued.secret
