"""Calls over the API: placed once a key, shown with masked numbers, ended, refused with a remedy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from voicebot.call.board import PlacementRefused

Console = Any

BODY = {"case": "case-1", "flow": "reminder_first"}


async def test_a_call_is_placed_and_its_address_is_given(console: Console) -> None:
    response = await console.client.post("/api/v1/calls", json=BODY, headers=console.auth("operator"))
    assert response.status == 202
    assert await response.json() == {"id": "call-1"}
    assert response.headers["Location"] == "/api/v1/calls/call-1"
    (request,) = console.placer.requests
    assert (request.case_id, request.flow, request.to) == ("case-1", "reminder_first", None)
    (entry,) = [one for one in await console.store.audit.list() if one.action == "call.place"]
    assert entry.subject == "call:call-1"
    assert entry.actor.startswith("token:operator:")


async def test_the_same_key_places_one_call_even_when_sent_at_once(console: Console) -> None:
    headers = {**console.auth("operator"), "Idempotency-Key": "monday-1"}
    answers = await asyncio.gather(
        *(console.client.post("/api/v1/calls", json=BODY, headers=headers) for _ in range(5))
    )
    assert {(await answer.json())["id"] for answer in answers} == {"call-1"}
    assert {request.idempotency_key for request in console.placer.requests} == {"monday-1"}


async def test_without_a_key_every_request_is_a_call_of_its_own(console: Console) -> None:
    for _ in range(2):
        await console.client.post("/api/v1/calls", json=BODY, headers=console.auth("operator"))
    assert len({request.idempotency_key for request in console.placer.requests}) == 2


async def test_a_key_never_stands_for_two_different_requests(console: Console) -> None:
    headers = {**console.auth("operator"), "Idempotency-Key": "k"}
    await console.client.post("/api/v1/calls", json=BODY, headers=headers)
    response = await console.client.post("/api/v1/calls", json={**BODY, "flow": "other"}, headers=headers)
    assert response.status == 422
    assert (await response.json(content_type=None))["type"] == "urn:voicebot:problem:key-reused"
    assert len(console.placer.requests) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "schlüssel"])
async def test_a_key_that_cannot_be_kept_is_refused(console: Console, key: str) -> None:
    headers = {**console.auth("operator"), "Idempotency-Key": key}
    assert (await console.client.post("/api/v1/calls", json=BODY, headers=headers)).status == 400
    assert console.placer.requests == []


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("unknown_case", 404),
        ("unknown_flow", 422),
        ("no_number", 409),
        ("not_permitted", 409),
        ("draining", 503),
        ("overloaded", 503),
        ("something_new", 409),
    ],
)
async def test_a_refusal_says_why_and_what_to_do(console: Console, reason: str, status: int) -> None:
    console.placer.refusal = PlacementRefused(reason, "Try tomorrow after 8:00.")
    response = await console.client.post("/api/v1/calls", json=BODY, headers=console.auth("operator"))
    problem = await response.json(content_type="application/problem+json")
    assert response.status == problem["status"] == status
    assert problem["type"] == f"urn:voicebot:problem:{reason.replace('_', '-')}"
    assert problem["remedy"] == "Try tomorrow after 8:00."
    assert ("Retry-After" in response.headers) == (status == 503)


async def test_live_and_stored_calls_are_listed_together_newest_first(console: Console) -> None:
    console.ring("fresh")
    answer = await (await console.client.get("/api/v1/calls", headers=console.auth("operator"))).json()
    listed = {call["id"]: call for call in answer["calls"]}
    assert set(listed) == {"fresh", "old", "elsewhere"}
    assert listed["fresh"]["live"] is True
    assert listed["fresh"]["state"] == "greet"
    assert listed["old"]["disposition"] == "promise"
    assert listed["old"]["state"] == "ended"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("live=true", {"fresh", "elsewhere"}),
        ("live=false", {"old"}),
        ("case=case-1", {"old", "fresh"}),
        ("case=other", set()),
        ("before=2026-11-20T08:00:00Z", set()),
    ],
)
async def test_lists_can_be_narrowed(console: Console, query: str, expected: set[str]) -> None:
    console.ring("fresh")
    answer = await (await console.client.get(f"/api/v1/calls?{query}", headers=console.auth("operator"))).json()
    assert {call["id"] for call in answer["calls"]} == expected


async def test_the_number_is_masked_unless_the_role_may_see_it(console: Console) -> None:
    shown = {}
    for role in ("operator", "officer", "admin"):
        response = await console.client.get("/api/v1/calls/old", headers=console.auth(role))
        shown[role] = (await response.json())["number"]
    assert shown == {"operator": "+*********0001", "officer": "+8613800000001", "admin": "+8613800000001"}


async def test_an_unknown_call_is_a_problem_with_a_remedy(console: Console) -> None:
    for path in ("nope", "nope/timeline", "nope/events"):
        response = await console.client.get(f"/api/v1/calls/{path}", headers=console.auth("admin"))
        assert response.status == 404
        assert "/api/v1/calls" in (await response.json(content_type=None))["remedy"]


async def test_the_timeline_is_masked_for_operators_and_audited_for_officers(console: Console) -> None:
    console.happen("old", "line.said", text="请问是王小样女士吗", line="common.greet", number=1)
    console.happen(
        "old", "turn.heard", text="我是，尾号一二三四", slots={"digits": {"value": "1234", "text": "一二三四"}}
    )
    console.happen("old", "dtmf.entered", digits="1234")
    console.happen("old", "promise", amount="2000", on="2026-11-27", words="下周五还两千")

    async def read(role: str) -> str:
        response = await console.client.get("/api/v1/calls/old/timeline", headers=console.auth(role))
        assert response.status == 200
        return str(await response.text())

    officer = await read("officer")
    for secret in ("王小样", "一二三四", "1234", "2000"):
        assert secret in officer
    operator = await read("operator")
    for secret in ("王小样", "一二三四", "1234", "2000"):
        assert secret not in operator
    assert "请问是王**女士吗" in operator
    assert '"line":"common.greet"' in operator
    assert '"number":1' in operator
    readers = [one.actor.split(":")[1] for one in await console.store.audit.list() if one.action == "timeline.read"]
    assert readers == ["officer"]


async def test_a_live_call_can_be_ended_once(console: Console) -> None:
    console.ring("fresh")
    assert (await console.client.delete("/api/v1/calls/fresh", headers=console.auth("operator"))).status == 204
    assert (await console.client.delete("/api/v1/calls/fresh", headers=console.auth("operator"))).status == 404


@pytest.mark.parametrize(
    ("call_id", "kind", "word"), [("old", "ended", "already"), ("elsewhere", "elsewhere", "worker-9")]
)
async def test_a_call_that_is_not_live_here_cannot_be_ended(
    console: Console, call_id: str, kind: str, word: str
) -> None:
    response = await console.client.delete(f"/api/v1/calls/{call_id}", headers=console.auth("operator"))
    problem = await response.json(content_type=None)
    assert response.status == 409
    assert problem["type"].endswith(kind)
    assert word in problem["detail"]
