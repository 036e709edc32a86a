"""The composition root: the only place that knows every concrete class."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import logging
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from compliance_filters.complaint_rules import complaint_rules_of
from compliance_filters.guard import load_guard
from compliance_filters.pack import load_pack
from recordings.cipher import KeyFault, KeyRing
from recordings.recovery import recover
from telephony.carrier import Carrier
from telephony.sip_carrier import SipCarrier
from voicebot.app.aftermath import after_calls
from voicebot.app.carriers import build_carriers, carrier_to, dialler
from voicebot.app.promised import promised
from voicebot.app.speech import SharedSpeech, WorkerSpeech
from voicebot.app.texting import build_sender, can_text
from voicebot.app.timelines import KeptTimelines
from voicebot.app.worker import Worker, running
from voicebot.call.board import CallBoard, TimelineEntry
from voicebot.call.bridge import first_to_end
from voicebot.call.case_facts import Firm, facts_of
from voicebot.call.clock import Clock
from voicebot.call.engine import CallEngine
from voicebot.call.hours import OpeningHours
from voicebot.call.parts import EngineParts, GuardOnDuty
from voicebot.call.shelf import FlowShelf
from voicebot.call.timeline import TimelineSink
from voicebot.campaign.durable import DurableWork
from voicebot.campaign.override_watch import OverrideWatch
from voicebot.campaign.policy import ContactPolicy
from voicebot.campaign.runner import CampaignRunner
from voicebot.console.metrics import EngineMetrics
from voicebot.console.services import ConsoleLimits, ConsoleServices, Probe
from voicebot.dialog.events import RequestHandoff
from voicebot.handoff.brief import build_brief, facts_of_case
from voicebot.handoff.desk import HandoffDesk, HandoffTimes
from voicebot.settings import Settings
from voicebot.store.errors import StoreUnavailable
from voicebot.store.protocols import Permit
from voicebot.store.records import Case
from voicebot.store.store import Store
from voicebot.understanding import Understander, load_understander

__all__ = ["SharedSpeech", "Worker", "WorkerSpeech", "assemble", "brief_of", "running", "serve"]

log = logging.getLogger(__name__)

_LEAST_FREE_BYTES = 200_000_000
"""Free disk under which the worker is not ready: about a day of one line's recordings."""


class Progress(Protocol):
    """Told what is being made ready, one step at a time."""

    def __call__(self, step: str) -> None: ...


async def assemble(
    settings: Settings,
    *,
    clock: Clock | None = None,
    permit: Permit | None = None,
    speech: WorkerSpeech | None = None,
    sinks: Sequence[TimelineSink] = (),
    progress: Progress = lambda step: None,
) -> Worker:
    """Loads and joins everything, without opening a port.

    `permit` is the contact policy that every dial must pass; None is the policy of the settings' rule pack. `speech`
    takes the place of the engines that the settings name; the worker closes it. Raises what `voicebot serve` says in a
    sentence: KeyFault, StoreUnavailable, CatalogueError, FlowError, PackError, ValueError, OSError.
    """
    async with contextlib.AsyncExitStack() as opened:
        worker = await _assemble(settings, clock or Clock(), permit, speech, sinks, progress, opened)
        opened.pop_all()
    return worker


async def _assemble(
    settings: Settings,
    clock: Clock,
    permit: Permit | None,
    speech: WorkerSpeech | None,
    sinks: Sequence[TimelineSink],
    progress: Progress,
    opened: contextlib.AsyncExitStack,
) -> Worker:
    metrics = EngineMetrics()
    flows = FlowShelf(settings.content)
    # A process of its own proves the flows while the models are loaded here.
    proving = asyncio.create_task(flows.open(), name="prove flows")
    opened.push_async_callback(_given_up, proving)
    carriers = build_carriers(settings, metrics.frame_late)
    dials = dialler(settings, carriers)
    keys = _keys(settings)
    progress("database")
    store = await Store.open(settings.database, keys, journal=settings.data_dir / "journal")
    opened.push_async_callback(store.close)
    await store.attempts.interrupt(settings.worker.id, at=clock.now())
    progress("evidence")
    spool = settings.data_dir / "spool"
    for found in await asyncio.to_thread(lambda: list(recover(settings.recordings_root, keys, spool))):
        log.warning("evidence of an interrupted call was closed", extra={"folder": str(found)})
    progress("models")
    language = "zh-CN"
    shared = speech or await SharedSpeech.load(settings.speech_models, language)
    opened.push_async_callback(shared.close)
    understander: Understander = await asyncio.to_thread(load_understander, encoder=settings.encoder_folder)
    progress("flows")
    await proving
    opening = OpeningHours(
        settings.compliance.timezone,
        settings.handoff.hours,
        settings.handoff.working_days_only,
        complaint_rules_of(load_pack(settings.compliance.pack)).calendar,
    )
    firm = Firm(settings.compliance.firm_name, settings.compliance.callback_number, hours=opening.said())
    now = clock.now(settings.compliance.timezone)
    lines = tuple(flows.fixed_lines(language, facts_of(None, firm, now), now.date()))
    board = CallBoard()
    desk = HandoffDesk(
        agents=store.agents,
        handoffs=store.handoffs,
        carrier_for=lambda endpoint: carrier_to(endpoint, carriers, dials),
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
            duties[jurisdiction] = GuardOnDuty(
                load_guard(jurisdiction),
                pack.disclosures,
                pack.hash,
                complaint_rules_of(pack),
                pack.voice_emotion,
            )
        return duties[jurisdiction]

    await asyncio.to_thread(guard_for, settings.compliance.pack)
    policy = ContactPolicy.configured(settings)
    sender = build_sender(settings)
    version = importlib.metadata.version("voicebot")
    engine = CallEngine(
        EngineParts(
            worker_id=settings.worker.id,
            store=store,
            carriers=carriers,
            dialler=dials,
            board=board,
            flows=flows,
            understander=understander,
            guard_for=guard_for,
            speech=shared,
            desk=desk,
            evidence_root=settings.recordings_root,
            spool=spool,
            keys=keys if settings.recordings.encrypt else None,
            settings=settings.call,
            firm=firm,
            jurisdiction=settings.compliance.pack,
            clock=clock,
            time_zone=settings.compliance.timezone,
            build_brief=brief_of,
            permit=permit or policy.permit,
            can_text=can_text(settings, sender, store.messages, policy),
            inbound_flow="inbound_callback",
            unknown_caller_flow="inbound_unknown",
            shared_number_flow="inbound_shared",
            opening=opening,
            sinks=(metrics.observe, *sinks),
            versions={"voicebot": version, **_models(settings)},
        )
    )
    metrics.watch_queue(lambda: float(len(desk.waiting())))
    metrics.watch_live_calls(lambda: float(engine.live))
    metrics.watch_draining(lambda: engine.draining)
    metrics.watch_recogniser_queue(lambda: float(shared.waiting))
    services = ConsoleServices(
        store=store,
        placer=engine,
        board=board,
        timelines=KeptTimelines(engine, store, settings.recordings_root, keys),
        metrics=metrics,
        probes=_probes(settings, store, carriers),
        draining=lambda: engine.draining,
        flows=flows,
        worker_id=settings.worker.id,
        version=version,
        time_zone=settings.compliance.timezone,
        limits=ConsoleLimits(
            max_body_bytes=settings.http.max_body_bytes,
            failed_tokens_per_minute=settings.http.failed_tokens_per_minute,
            metrics_need_token=settings.http.metrics_need_token,
        ),
        now=clock.now,
    )
    file = settings.compliance.overrides
    overrides = OverrideWatch(
        policy, settings.path(file) if file is not None else None, store.audit, worker_id=settings.worker.id
    )
    return Worker(
        settings=settings,
        store=store,
        engine=engine,
        board=board,
        carriers=carriers,
        speech=shared,
        metrics=metrics,
        services=services,
        desk=desk,
        keys=keys,
        fixed_lines=lines,
        watch_flows=flows.watch,
        policy=policy,
        watch_overrides=overrides.watch,
        sender=sender,
    )


async def _given_up(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _keys(settings: Settings) -> KeyRing:
    """The keys of the engine, made on the very first start. Raises KeyFault where they are gone."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not settings.key_file.exists() and any(
        place.exists() for place in (settings.recordings_root, settings.data_dir / "voicebot.db")
    ):
        raise KeyFault(
            f"the key file {settings.key_file} is gone, and what lies beside it was sealed with it. Restore it from "
            "your backup; a new key would make recordings and personal data unreadable for good"
        )
    return KeyRing.load_or_create(settings.key_file)


def brief_of(
    case: Case | None, request: RequestHandoff, entries: Sequence[TimelineEntry], verified: bool, number: str | None
) -> Mapping[str, str]:
    """The agent's brief of a call."""
    facts = facts_of_case(case, because=request.because, urgent=request.urgent, verified=verified, number=number)
    return build_brief(facts, entries)


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
async def campaigns(worker: Worker, work: DurableWork) -> AsyncIterator[None]:
    """Runs the campaigns of the store as long as the block lasts: a worker that drains dials nobody new. It begins the
    durable work, so that whatever else hands some over has said so before."""
    settings, engine = worker.settings, worker.engine
    most = settings.sip.max_calls if settings.sip.enabled else settings.twilio.max_calls
    runner = CampaignRunner(
        worker.store,
        engine,
        work,
        worker_id=settings.worker.id,
        now=worker.services.now,
        room=lambda: 0 if engine.draining else max(0, most - engine.live),
    )
    await runner.start()
    await work.start()
    stop = asyncio.Event()
    running_campaigns = asyncio.create_task(runner.run(stop), name="campaigns")
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(running_campaigns, return_exceptions=True)


async def serve(settings: Settings, *, speech: WorkerSpeech | None = None, permit: Permit | None = None) -> None:
    """Runs one worker until SIGTERM or SIGINT, then drains it: live calls end by themselves, new ones are refused.

    A second signal ends the live calls at once. `speech` and `permit` as in `assemble`.
    """
    worker = await assemble(
        settings, speech=speech, permit=permit, progress=lambda step: log.info("making ready", extra={"step": step})
    )
    stop, now = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        (now if stop.is_set() else stop).set()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told)
    async with running(worker):
        token = await _first_token(worker.store)
        if token is not None:
            # Said once, on the terminal of whoever started the engine first; it is stored only as a hash.
            log.warning("first start: this administrator token is shown once", extra={"secret": token})
        async with (
            DurableWork(settings.database, settings.worker.id) as work,
            after_calls(worker, work, permit),
            promised(worker, work),
            campaigns(worker, work),
        ):
            log.info("ready", extra={"http_port": worker.http_port, "carriers": ", ".join(worker.carriers)})
            await stop.wait()
        log.info("draining", extra={"live_calls": worker.engine.live})
        await first_to_end(worker.drain(), now.wait())
    log.info("stopped")


async def _first_token(store: Store) -> str | None:
    if await store.tokens.list():
        return None
    issued = await store.tokens.issue("first administrator", frozenset({"admin"}))
    return issued.secret
