"""Notices to other systems: which were taken, which wait, which were given up; and another try."""

from __future__ import annotations

from aiohttp import web

from voicebot.console.access import CALLER
from voicebot.console.outgoing_schemas import DeliveriesQuery, DeliveryAnswer, DeliveryList
from voicebot.console.problems import Problem
from voicebot.console.reading import read_query
from voicebot.console.services import SERVICES
from voicebot.store.outgoing import DeliveryState


async def list_deliveries(request: web.Request) -> web.Response:
    store, query = request.app[SERVICES].store, read_query(request, DeliveriesQuery)
    state = DeliveryState(query.state) if query.state else None
    found = await store.deliveries.list(state=state, limit=query.limit)
    counts = {state.value: count for state, count in (await store.deliveries.counts()).items()}
    answer = DeliveryList(deliveries=[DeliveryAnswer.of(one) for one in found], counts=counts)
    return web.json_response(text=answer.model_dump_json())


async def retry_delivery(request: web.Request) -> web.Response:
    services, who = request.app[SERVICES], request[CALLER]
    delivery_id = request.match_info["id"]
    again = await services.store.deliveries.retry(delivery_id, at=services.now())
    delivery = await services.store.deliveries.get(delivery_id)
    if delivery is None:
        raise Problem(404, "unknown-delivery", "No notice has this id.", "List them at /api/v1/webhooks/deliveries.")
    if not again:
        raise Problem(409, "delivered", "The receiver took this notice already.", "There is nothing to try again.")
    await services.store.audit.append(who.actor, "webhook.retry", f"webhook:{delivery_id}", {"notices": again})
    return web.json_response(text=DeliveryAnswer.of(delivery).model_dump_json())
