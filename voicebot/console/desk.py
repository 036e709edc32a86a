"""What waits for people: complaints with their days, callbacks that were promised, callers in the queue."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from voicebot.console.access import CALLER
from voicebot.console.desk_schemas import (
    CallbackAnswer,
    CallbackList,
    CallbacksQuery,
    ComplaintAnswer,
    ComplaintList,
    ComplaintsQuery,
    Queue,
    QueuedAnswer,
    ResolutionBody,
    TierAnswer,
)
from voicebot.console.problems import Problem
from voicebot.console.reading import read_body, read_query
from voicebot.console.services import SERVICES, ConsoleServices
from voicebot.handoff.queue import Waiting, in_order, place
from voicebot.store.complaint_records import Complaint, ComplaintKind, Tier
from voicebot.store.records import CallbackState

_LONGEST_WAIT = timedelta(minutes=30)
"""A handoff that has been open for longer is not one of somebody who waits: its worker died."""


async def list_complaints(request: web.Request) -> web.Response:
    services, query = request.app[SERVICES], read_query(request, ComplaintsQuery)
    today = _today(services)
    found = await services.store.complaints.list(
        open_only=not query.closed,
        tier=Tier(query.tier) if query.tier else None,
        kind=ComplaintKind(query.kind) if query.kind else None,
        case_id=query.case,
        overdue_on=today if query.overdue else None,
        limit=query.limit,
    )
    unmasked = request[CALLER].sees_personal_data
    answer = ComplaintList(
        complaints=[await _complaint(services, one, today, unmasked) for one in found],
        tiers=[TierAnswer.of(count) for count in await services.store.complaints.counts(today)],
    )
    return web.json_response(text=answer.model_dump_json())


async def show_complaint(request: web.Request) -> web.Response:
    services, who = request.app[SERVICES], request[CALLER]
    complaint = await _known(request)
    if who.sees_personal_data:
        await services.store.audit.append(who.actor, "complaint.read", f"complaint:{complaint.reference}")
    answer = await _complaint(services, complaint, _today(services), who.sees_personal_data)
    return web.json_response(text=answer.model_dump_json())


async def respond(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    complaint = await _known(request)
    changed = await services.store.complaints.respond(complaint.id, by=request[CALLER].actor, at=services.now())
    return await _after(request, complaint, changed)


async def close_complaint(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    complaint = await _known(request)
    body = await read_body(request, ResolutionBody)
    changed = await services.store.complaints.close(
        complaint.id, by=request[CALLER].actor, resolution=body.resolution, at=services.now()
    )
    return await _after(request, complaint, changed)


async def list_callbacks(request: web.Request) -> web.Response:
    services, query = request.app[SERVICES], read_query(request, CallbacksQuery)
    state = CallbackState.OPEN if query.open else None
    found = await services.store.callbacks.list(state=state, limit=query.limit)
    who = request[CALLER]
    unmasked = who.sees_personal_data or who.is_only_agent
    answer = CallbackList(
        callbacks=[CallbackAnswer.of(one, unmasked=unmasked) for one in sorted(found, key=lambda one: one.at)]
    )
    return web.json_response(text=answer.model_dump_json())


async def close_callback(request: web.Request) -> web.Response:
    services, who = request.app[SERVICES], request[CALLER]
    callback_id = request.match_info["id"]
    body = await read_body(request, ResolutionBody)
    changed = await services.store.callbacks.set_state(
        callback_id, CallbackState.DONE, outcome=body.resolution[:200], at=services.now()
    )
    callback = await services.store.callbacks.get(callback_id)
    if callback is None:
        raise Problem(404, "unknown-callback", "No callback has this id.", "List them at /api/v1/callbacks.")
    if changed:
        await services.store.audit.append(who.actor, "callback.done", f"callback:{callback_id}")
    unmasked = who.sees_personal_data or who.is_only_agent
    return web.json_response(text=CallbackAnswer.of(callback, unmasked=unmasked).model_dump_json())


async def show_queue(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    since = services.now() - _LONGEST_WAIT
    handoffs = {
        one.id: one
        for one in await services.store.handoffs.list(open_only=True, limit=500)
        if one.agent_id is None and one.opened_at >= since
    }
    waiting = [Waiting(one.id, one.skill, one.urgent, one.opened_at) for one in handoffs.values()]
    answer = Queue(
        waiting=[
            QueuedAnswer(
                handoff=one.handoff_id,
                call=handoffs[one.handoff_id].call_id,
                ahead=place(one.handoff_id, waiting),
                skill=one.skill,
                urgent=one.urgent,
                because=handoffs[one.handoff_id].because,
                since=one.since,
            )
            for one in in_order(waiting)
        ]
    )
    return web.json_response(text=answer.model_dump_json())


def _today(services: ConsoleServices) -> date:
    return services.now().astimezone(ZoneInfo(services.time_zone)).date()


async def _known(request: web.Request) -> Complaint:
    complaint = await request.app[SERVICES].store.complaints.get(request.match_info["id"])
    if complaint is None:
        raise Problem(404, "unknown-complaint", "No complaint has this id.", "List them at /api/v1/complaints.")
    return complaint


async def _after(request: web.Request, complaint: Complaint, changed: bool) -> web.Response:
    if not changed:
        raise Problem(409, "complaint-state", f"It is {complaint.state.value} already.", "Look at it again.")
    services = request.app[SERVICES]
    again = await services.store.complaints.get(complaint.id) or complaint
    answer = await _complaint(services, again, _today(services), request[CALLER].sees_personal_data)
    return web.json_response(text=answer.model_dump_json())


async def _complaint(services: ConsoleServices, complaint: Complaint, today: date, unmasked: bool) -> ComplaintAnswer:
    case = None
    if not unmasked and complaint.case_id is not None:
        case = await services.store.cases.get(complaint.case_id)
    return ComplaintAnswer.of(complaint, today, unmasked=unmasked, name=case.debtor.name if case else "")
