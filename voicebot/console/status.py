"""Whether the worker lives, whether it may be sent calls, and its numbers."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from aiohttp import web

from voicebot.console.access import CALLER
from voicebot.console.schemas import FindingAnswer, FlowAnswer, FlowList, Health, Readiness, WhoAmI
from voicebot.console.services import SERVICES, ConsoleServices, Probe
from voicebot.store.errors import StoreUnavailable

log = logging.getLogger(__name__)


async def healthz(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    answer = Health(status="alive", worker=services.worker_id, version=services.version)
    return web.json_response(text=answer.model_dump_json())


async def readyz(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    names = list(services.probes)
    seconds = services.limits.probe_seconds
    reasons = await asyncio.gather(*(_ask(name, services.probes[name], seconds) for name in names))
    dependencies = {name: reason or "ready" for name, reason in zip(names, reasons, strict=True)}
    dependencies["calls"] = "draining: no new calls are taken" if services.draining() else "ready"
    ready = all(state == "ready" for state in dependencies.values())
    answer = Readiness(
        status="ready" if ready else "not ready",
        worker=services.worker_id,
        dependencies=dependencies,
        dialling=await _dialling(services),
    )
    return web.json_response(text=answer.model_dump_json(), status=200 if ready else 503)


async def _ask(name: str, probe: Probe, seconds: float) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            return await probe()
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except Exception:
        log.exception("a readiness probe failed", extra={"probe": name})
        return "the probe itself failed; see the engine's log"


async def _dialling(services: ConsoleServices) -> Literal["allowed", "halted", "unknown"]:
    try:
        async with asyncio.timeout(services.limits.probe_seconds):
            return "allowed" if await services.store.brakes.standing() is None else "halted"
    except (TimeoutError, StoreUnavailable):
        return "unknown"


async def metrics(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    of = services.metrics
    of.halted(await _dialling(services) != "allowed")
    return web.Response(body=of.exposition(), headers={"Content-Type": of.content_type})


async def flows(request: web.Request) -> web.Response:
    of = request.app[SERVICES].flows
    answer = FlowList(
        flows=[FlowAnswer.of(one) for one in of.on_offer()],
        refused={name: [FindingAnswer.of(one) for one in findings] for name, findings in of.refused.items()},
    )
    return web.json_response(text=answer.model_dump_json())


async def who_am_i(request: web.Request) -> web.Response:
    who = request[CALLER]
    answer = WhoAmI(
        label=who.label, roles=sorted(role.value for role in who.roles), sees_personal_data=who.sees_personal_data
    )
    return web.json_response(text=answer.model_dump_json())
