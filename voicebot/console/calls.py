"""Calls: place one, look at them, end one."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TypeVar
from uuid import uuid4

from aiohttp import web

from voicebot.call.board import PlaceCall, PlacementRefused
from voicebot.console.access import CALLER
from voicebot.console.problems import Problem
from voicebot.console.reading import read_body, read_query
from voicebot.console.schemas import (
    CallAnswer,
    CallList,
    CallsQuery,
    EntryAnswer,
    PlaceCallBody,
    PlacedCall,
    TimelineAnswer,
)
from voicebot.console.services import SERVICES, ConsoleServices

IDEMPOTENCY_KEY = "Idempotency-Key"
_KEYS_REMEMBERED = 10_000
_LONGEST_KEY = 128

_REFUSALS = {
    "unknown_case": 404,
    "unknown_flow": 422,
    "no_number": 409,
    "no_carrier": 409,
    "missing_facts": 422,
    "not_permitted": 409,
    "draining": 503,
    "overloaded": 503,
}


class UsedKeys:
    """Idempotency keys and what they were used for, so that one key never stands for two different requests."""

    def __init__(self) -> None:
        self._requests: OrderedDict[str, str] = OrderedDict()

    def check(self, key: str, body: PlaceCallBody) -> None:
        """Raises Problem 422 when the key was used for another request."""
        digest = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        if self._requests.setdefault(key, digest) != digest:
            raise Problem(
                422,
                "key-reused",
                f"This {IDEMPOTENCY_KEY} was used for a different request.",
                "Use a new key for a new call; repeat the same body to ask again for the same call.",
            )
        while len(self._requests) > _KEYS_REMEMBERED:
            self._requests.popitem(last=False)


USED_KEYS = web.AppKey("used_keys", UsedKeys)


async def place(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    key = idempotency_key(request, default=f"once-{uuid4().hex}")
    body = await read_body(request, PlaceCallBody)
    request.app[USED_KEYS].check(key, body)
    try:
        call_id = await services.placer.place(PlaceCall(body.case, body.flow, body.to, key))
    except PlacementRefused as refusal:
        status = _REFUSALS.get(refusal.reason, 409)
        retry = {"Retry-After": "10"} if status == 503 else {}
        kind = refusal.reason.replace("_", "-")
        raise Problem(status, kind, "The call was not placed.", refusal.message, headers=retry) from refusal
    who = request[CALLER]
    await services.store.audit.append(
        who.actor, "call.place", f"call:{call_id}", {"case": body.case, "flow": body.flow}
    )
    answer = PlacedCall(id=call_id)
    return web.json_response(
        text=answer.model_dump_json(), status=202, headers={"Location": f"/api/v1/calls/{call_id}"}
    )


Default = TypeVar("Default", str, None)


def idempotency_key(request: web.Request, *, default: Default) -> str | Default:
    """The key that a request carries. Raises Problem 400 for one that cannot be kept."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return default
    key = key.strip().strip('"')
    if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Problem(
            400,
            "bad-key",
            f"{IDEMPOTENCY_KEY} must be 1 to {_LONGEST_KEY} printable ASCII characters.",
            "A fresh UUID for each call is best.",
        )
    return key


async def list_calls(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    query = read_query(request, CallsQuery)
    if query.before is not None and query.before.tzinfo is None:
        errors = [{"where": "query.before", "what": "no time zone", "remedy": "Write 2026-11-20T09:00:00Z."}]
        raise Problem(422, "invalid", "The query contains mistakes.", "See `errors`.", errors=errors)
    unmasked = request[CALLER].sees_personal_data
    stored = await services.store.calls.list(
        case_id=query.case, live=query.live, limit=query.limit, before=query.before
    )
    live = {call.call_id: call for call in services.board.live()}
    answers = [CallAnswer.of(live.pop(call.id, None), call, unmasked=unmasked) for call in stored]
    if query.live is not False:
        rest = [
            call
            for call in live.values()
            if (query.case is None or call.case_id == query.case)
            and (query.before is None or call.started_at < query.before)
        ]
        answers += [CallAnswer.of(call, None, unmasked=unmasked) for call in rest]
    answers.sort(key=lambda call: call.started_at, reverse=True)
    return web.json_response(text=CallList(calls=answers[: query.limit]).model_dump_json())


async def show(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    call_id = request.match_info["id"]
    live = services.board.get(call_id)
    stored = await services.store.calls.get(call_id)
    if live is None and stored is None:
        raise unknown_call()
    answer = CallAnswer.of(live, stored, unmasked=request[CALLER].sees_personal_data)
    return web.json_response(text=answer.model_dump_json())


async def timeline(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    call_id = request.match_info["id"]
    entries = await services.timelines.read(call_id)
    if entries is None:
        raise unknown_call()
    who = request[CALLER]
    names = () if who.sees_personal_data else await debtor_names(services, call_id)
    if who.sees_personal_data:
        await services.store.audit.append(who.actor, "timeline.read", f"call:{call_id}")
    answer = TimelineAnswer(
        entries=[EntryAnswer.of(entry, unmasked=who.sees_personal_data, names=names) for entry in entries]
    )
    return web.json_response(text=answer.model_dump_json())


async def hang_up(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    call_id = request.match_info["id"]
    if not await services.placer.hang_up(call_id):
        stored = await services.store.calls.get(call_id)
        if stored is None:
            raise unknown_call()
        if stored.ended_at is not None:
            raise Problem(409, "ended", "The call has ended already.", "Nothing is left to do.")
        raise Problem(
            409,
            "elsewhere",
            f"The call is held by the worker {stored.worker_id}.",
            "Send the request to that worker.",
        )
    await services.store.audit.append(request[CALLER].actor, "call.hang_up", f"call:{call_id}")
    return web.Response(status=204)


def unknown_call() -> Problem:
    return Problem(404, "unknown-call", "No call has this id.", "List calls at /api/v1/calls.")


async def debtor_names(services: ConsoleServices, call_id: str) -> tuple[str, ...]:
    """Names that may be said in a call, so that they can be masked in its words."""
    live = services.board.get(call_id)
    case_id = live.case_id if live else None
    if case_id is None and live is None and (stored := await services.store.calls.get(call_id)) is not None:
        case_id = stored.case_id
    case = await services.store.cases.get(case_id) if case_id else None
    return (case.debtor.name,) if case else ()
