"""The emergency stop of all dialling, and reviews of calling numbers."""

from __future__ import annotations

from aiohttp import web

from voicebot.console.access import CALLER
from voicebot.console.news_schemas import HaltAnswer, ReasonBody, ReviewBody
from voicebot.console.problems import Problem
from voicebot.console.reading import read_body
from voicebot.console.services import SERVICES


async def show_halt(request: web.Request) -> web.Response:
    standing = await request.app[SERVICES].store.brakes.standing()
    return web.json_response(text=HaltAnswer.of(standing).model_dump_json())


async def halt(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    who = request[CALLER]
    body = await read_body(request, ReasonBody)
    standing = await services.store.brakes.halt(body.reason, by=who.actor, at=services.now())
    await services.store.audit.append(who.actor, "policy.halt", f"halt:{standing.id}", {"reason": body.reason})
    return web.json_response(text=HaltAnswer.of(standing).model_dump_json())


async def resume(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    who = request[CALLER]
    body = await read_body(request, ReasonBody)
    lifted = await services.store.brakes.resume(body.reason, by=who.actor, at=services.now())
    if lifted is None:
        raise Problem(409, "not-halted", "The emergency stop is not on.", "Nothing is left to do.")
    await services.store.audit.append(who.actor, "policy.resume", f"halt:{lifted.id}", {"reason": body.reason})
    return web.json_response(text=HaltAnswer.of(None).model_dump_json())


async def review_caller(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    who = request[CALLER]
    body = await read_body(request, ReviewBody)
    await services.store.brakes.review_caller(body.number, until=body.until, by=who.actor, reason=body.reason)
    data = {"until": body.until.isoformat(), "reason": body.reason}
    await services.store.audit.append(who.actor, "policy.review_caller", f"caller:{body.number}", data)
    return web.Response(status=204)
