"""Complaints, callbacks and the queue over the API: masked by role, changed once, audited."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.console.conftest import AT
from voicebot.store.agent_records import Handoff
from voicebot.store.complaint_records import Complaint, ComplaintKind, Tier
from voicebot.store.records import FOR_AN_AGENT, Callback, utc_now

Console = Any
COMPLAINT = Complaint(
    id="call-1:complaint",
    reference="8835789168",
    kind=ComplaintKind.COMPLAINT,
    tier=Tier.SERVICE,
    respond_by=date(2020, 1, 3),
    answer_by=date(2099, 12, 1),
    call_id="call-1",
    case_id="case-1",
    number="+8613800000001",
    words="我是王小样，我要投诉，尾号1234",
    received_at=AT - timedelta(days=5),
)


async def test_complaints_are_listed_with_their_days_and_masked_by_role(console: Console) -> None:
    await console.store.complaints.add(COMPLAINT)
    answer = await console.client.get("/api/v1/complaints?overdue=true", headers=console.auth("operator"))
    assert answer.status == 200
    document = await answer.json()
    (one,) = document["complaints"]
    assert (one["reference"], one["overdue"], one["answer_by"]) == ("8835789168", True, "2099-12-01")
    assert {tier["tier"]: tier["overdue"] for tier in document["tiers"]}["service"] == 1
    for secret in ("13800000001", "王小样", "1234"):
        assert secret not in str(one)
    full = await console.client.get("/api/v1/complaints/call-1:complaint", headers=console.auth("officer"))
    assert "王小样" in (await full.json())["words"]
    read = [entry.action for entry in await console.store.audit.list()]
    assert "complaint.read" in read
    assert (await console.client.get("/api/v1/complaints/none", headers=console.auth("officer"))).status == 404


async def test_an_officer_closes_a_complaint_once(console: Console) -> None:
    await console.store.complaints.add(COMPLAINT)
    path = "/api/v1/complaints/call-1:complaint"
    body = {"resolution": "已更正并致歉"}
    refused = await console.client.post(f"{path}/close", json=body, headers=console.auth("operator"))
    assert refused.status == 403
    responded = await console.client.post(f"{path}/respond", headers=console.auth("operator"))
    assert (await responded.json())["state"] == "responded"
    closed = await console.client.post(f"{path}/close", json=body, headers=console.auth("officer"))
    assert closed.status == 200
    document = await closed.json()
    assert (document["state"], document["resolution"]) == ("closed", "已更正并致歉")
    assert document["closed_by"].startswith("token:")
    again = await console.client.post(f"{path}/close", json=body, headers=console.auth("officer"))
    assert again.status == 409


@pytest.mark.parametrize(("role", "seen"), [("agent", True), ("operator", False)])
async def test_an_agent_sees_whom_to_call_back_and_says_so_when_it_is_done(
    console: Console, role: str, seen: bool
) -> None:
    callback = Callback(AT, number="+8613800000001", because=FOR_AN_AGENT)
    await console.store.callbacks.add(callback)
    listed = await console.client.get("/api/v1/callbacks", headers=console.auth(role))
    (one,) = (await listed.json())["callbacks"]
    assert (one["number"] == "+8613800000001") is seen
    done = await console.client.post(
        f"/api/v1/callbacks/{callback.id}/done", json={"resolution": "说好周五还"}, headers=console.auth(role)
    )
    assert (await done.json())["state"] == "done"
    rest = await console.client.get("/api/v1/callbacks", headers=console.auth(role))
    assert (await rest.json())["callbacks"] == []
    missing = await console.client.post(
        "/api/v1/callbacks/none/done", json={"resolution": "x"}, headers=console.auth(role)
    )
    assert missing.status == 404


async def test_the_queue_shows_who_waits_in_the_order_in_which_they_are_served(console: Console) -> None:
    now = utc_now()
    for number, urgent in enumerate((False, True, False)):
        await console.store.handoffs.open(
            Handoff(
                f"call-{number}",
                "asked_for_human",
                "agent",
                id=f"q{number}",
                urgent=urgent,
                opened_at=now - timedelta(minutes=5 - number),
            )
        )
    answer = await console.client.get("/api/v1/queue", headers=console.auth("operator"))
    waiting = (await answer.json())["waiting"]
    assert [(one["handoff"], one["ahead"]) for one in waiting] == [("q1", 0), ("q0", 1), ("q2", 2)]
