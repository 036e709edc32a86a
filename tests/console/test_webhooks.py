"""Notices over the API: how each stands, when it is tried next, and another try that a running engine makes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.console.conftest import AT
from voicebot.store.outgoing import Delivery

Console = Any
PATH = "/api/v1/webhooks/deliveries"


async def fill(console: Console) -> None:
    """One that waits for its third try, one that was taken, one that was given up."""
    for name in ("waits", "taken", "dead"):
        payload = {"type": "call.ended", "data": {"case_reference": "contract-1"}}
        await console.store.deliveries.add(
            Delivery(f"evt_{name}", "call.ended", payload, id=name, due_at=AT, created_at=AT)
        )
    await console.store.deliveries.claim(AT, lease=timedelta(seconds=40))
    later = AT + timedelta(minutes=2)
    await console.store.deliveries.failed("waits", status=500, error="HTTP 500", again_at=later, at=AT)
    await console.store.deliveries.delivered("taken", 204, at=AT)
    await console.store.deliveries.failed("dead", status=None, error="no answer within 10 s", again_at=None, at=AT)


async def test_notices_are_listed_with_their_state(console: Console) -> None:
    await fill(console)
    response = await console.client.get(PATH, headers=console.auth("operator"))
    assert response.status == 200
    document = await response.json()
    by_id = {one["id"]: one for one in document["deliveries"]}
    waits, taken, dead = by_id["waits"], by_id["taken"], by_id["dead"]
    assert (waits["state"], waits["tries"], waits["last_status"], waits["last_error"]) == (
        "waiting",
        1,
        500,
        "HTTP 500",
    )
    assert waits["next_try_at"] == "2026-11-20T09:02:00Z"
    assert (taken["state"], taken["last_status"], taken["next_try_at"]) == ("delivered", 204, None)
    assert (dead["state"], dead["last_status"], dead["last_error"]) == ("dead", None, "no answer within 10 s")
    assert dead["ended_at"] == "2026-11-20T09:00:00Z"
    assert document["counts"] == {"waiting": 1, "delivered": 1, "dead": 1}
    assert "contract-1" not in str(document)


@pytest.mark.parametrize(("query", "ids"), [("?state=dead", {"dead"}), ("?state=waiting", {"waits"})])
async def test_notices_are_listed_by_state(console: Console, query: str, ids: set[str]) -> None:
    await fill(console)
    document = await (await console.client.get(PATH + query, headers=console.auth("officer"))).json()
    assert {one["id"] for one in document["deliveries"]} == ids
    one = await (await console.client.get(f"{PATH}?limit=1", headers=console.auth("officer"))).json()
    assert len(one["deliveries"]) == 1
    assert (await console.client.get(f"{PATH}?state=lost", headers=console.auth("officer"))).status == 422


@pytest.mark.parametrize("given", ["dead", "waits"])
async def test_a_notice_is_tried_again_at_once(console: Console, given: str) -> None:
    await fill(console)
    response = await console.client.post(f"{PATH}/{given}/retry", headers=console.auth("operator"))
    assert response.status == 200
    document = await response.json()
    assert (document["state"], document["tries"], document["ended_at"]) == ("waiting", 0, None)
    kept = await console.store.deliveries.get(given)
    due = await console.store.deliveries.claim(kept.due_at, lease=timedelta(seconds=40))
    assert given in {one.id for one in due}
    (entry,) = await console.store.audit.list()
    assert (entry.action, entry.subject) == ("webhook.retry", f"webhook:{given}")
    assert entry.actor.startswith("token:operator:")


@pytest.mark.parametrize(("given", "status", "kind"), [("taken", 409, "delivered"), ("none", 404, "unknown-delivery")])
async def test_what_cannot_be_tried_again_is_refused(console: Console, given: str, status: int, kind: str) -> None:
    await fill(console)
    response = await console.client.post(f"{PATH}/{given}/retry", headers=console.auth("operator"))
    assert response.status == status
    assert (await response.json(content_type=None))["type"].endswith(f":{kind}")
    assert await console.store.audit.list() == []
