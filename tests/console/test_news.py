"""What creditors and officers tell of a case by API holds at once, is told once, and never lifts a stop by the way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.conftest import Console

PAYMENT = {"reference": "pay-1", "amount": "500.00", "paid_on": "2026-11-10"}


async def tell(
    console: Console, what: str, body: dict[str, Any], role: str = "operator", case: str = "case-1", **headers: str
) -> tuple[int, dict[str, Any]]:
    response = await console.client.post(
        f"/api/v1/cases/{case}/{what}", json=body, headers={**console.auth(role), **headers}
    )
    return response.status, await response.json(content_type=None)


async def test_a_payment_is_booked_once_and_what_is_owed_goes_down(console: Console) -> None:
    assert await tell(console, "payments", PAYMENT) == (201, {"case": "case-1", "outcome": "new"})
    assert await tell(console, "payments", PAYMENT, case="contract-1") == (200, {"case": "case-1", "outcome": "known"})
    status, problem = await tell(console, "payments", {**PAYMENT, "amount": "600"})
    assert (status, problem["errors"][0]["where"]) == (422, "body.reference")
    case = await console.store.cases.get("case-1")
    assert case is not None
    assert (str(case.debt.amount_due), case.status.value) == ("1500.00", "open")
    await tell(console, "payments", {**PAYMENT, "reference": "pay-2", "amount": "1500"})
    settled = await console.store.cases.get("case-1")
    assert settled is not None
    assert settled.status.value == "settled"
    (newest, *_) = await console.store.audit.list()
    assert (newest.action, newest.subject) == ("case.payment", "case:case-1")


async def test_an_idempotency_key_stands_for_the_reference(console: Console) -> None:
    body = {"amount": "1", "paid_on": "2026-11-10"}
    status, problem = await tell(console, "payments", body)
    assert (status, problem["errors"][0]["where"]) == (422, "body.reference")
    key = {"Idempotency-Key": "order-7"}
    assert (await tell(console, "payments", body, **key))[0] == 201
    assert (await tell(console, "payments", body, **key))[0] == 200
    listed = await console.client.get("/api/v1/cases/contract-1/payments", headers=console.auth("operator"))
    (payment,) = (await listed.json())["payments"]
    assert (payment["reference"], payment["amount"]) == ("order-7", None)
    seen = await console.client.get("/api/v1/cases/case-1/payments", headers=console.auth("officer"))
    assert (await seen.json())["payments"][0]["amount"] == "1.00"


@pytest.mark.parametrize(
    ("what", "body", "where"),
    [
        ("payments", {**PAYMENT, "amount": "0"}, "amount"),
        ("payments", {**PAYMENT, "currency": "USD"}, "currency"),
        ("payments", {**PAYMENT, "paid_on": "2999-01-01"}, "paid_on"),
        ("flags", {"flag": "sunshine"}, "flag"),
        ("flags", {"flag": "dispute", "since": "2999-01-01"}, "since"),
        ("numbers", {"number": "13800000001"}, ""),
        ("numbers", {"number": "12", "state": "stop"}, "number"),
        ("numbers", {"number": "13800000001", "label": "neighbour's cat"}, "label"),
        ("consents", {"kind": "robot_call", "on": "2999-01-01", "source": "form"}, "on"),
        ("consents", {"kind": "everything", "on": "2026-01-01", "source": "form"}, "kind"),
        ("times", {"kind": "agreed", "starts": "2026-11-20T22:00", "ends": "2026-11-20T21:00", "source": "s"}, ""),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    console: Console, what: str, body: dict[str, Any], where: str
) -> None:
    status, problem = await tell(console, what, body)
    assert status == 422
    assert [error["where"] for error in problem["errors"]] == [f"body.{where}" if where else "body"]


BODIES: dict[str, dict[str, Any]] = {
    "payments": PAYMENT,
    "flags": {"flag": "dispute", "since": "2026-11-01", "note": "n"},
    "numbers": {"number": "13800000001", "state": "stop", "label": "own"},
    "consents": {"kind": "sms", "on": "2026-11-01", "source": "form", "granted": True},
    "times": {"kind": "visit", "starts": "2026-11-20T00:00", "ends": "2026-11-21T00:00", "source": "order"},
}


@pytest.mark.parametrize("what", BODIES)
async def test_no_body_makes_the_console_fail(console: Console, what: str) -> None:
    strange: list[Any] = [
        None,
        [],
        {},
        7,
        -1e300,
        True,
        "\u0000",
        "١٢",
        "0001-01-01",
        "9999-12-31T23:59-12:00",
        "x" * 999,
    ]
    for field in BODIES[what]:
        for value in strange:
            status, _ = await tell(console, what, {**BODIES[what], field: value}, "officer")
            assert status in {200, 201, 422}, (field, value)


@pytest.mark.parametrize("what", BODIES)
async def test_a_case_that_nobody_knows_is_not_there(console: Console, what: str) -> None:
    status, problem = await tell(console, what, BODIES[what], case="nobody")
    assert (status, problem["type"]) == (404, "urn:voicebot:problem:unknown-case")


@pytest.mark.parametrize(
    ("what", "stops", "allows"),
    [
        ("flags", {"flag": "律师代理"}, {"flag": "lawyer", "in_force": False}),
        ("numbers", {"number": "13800000001", "state": "stop"}, {"number": "13800000001", "state": "valid"}),
        (
            "times",
            {"kind": "blocked", "starts": "2026-11-20T12:00", "ends": "2026-11-20T14:00", "source": "call"},
            {
                "kind": "blocked",
                "starts": "2026-11-20T12:00",
                "ends": "2026-11-20T14:00",
                "source": "call",
                "in_force": False,
            },
        ),
    ],
)
async def test_whoever_stops_calls_needs_no_officer_and_whoever_allows_them_does(
    console: Console, what: str, stops: dict[str, Any], allows: dict[str, Any]
) -> None:
    assert (await tell(console, what, stops))[0] in {200, 201}
    status, problem = await tell(console, what, allows)
    assert (status, problem["type"]) == (403, "urn:voicebot:problem:officer-needed")
    assert (await tell(console, what, allows, "officer"))[1]["outcome"] == "changed"


async def test_what_lets_the_bot_say_more_is_an_officers(console: Console) -> None:
    assert (await tell(console, "flags", {"flag": "waiver_authorised"}))[0] == 403
    assert (await tell(console, "flags", {"flag": "waiver_authorised"}, "officer"))[0] == 201
    assert (await tell(console, "flags", {"flag": "waiver_authorised", "in_force": False}))[1]["outcome"] == "changed"


async def test_a_number_is_added_and_labelled(console: Console) -> None:
    assert (await tell(console, "numbers", {"number": "13800000005", "label": "紧急联系人"}))[0] == 201
    assert (await tell(console, "numbers", {"number": "+8613800000005", "label": "third_party"}))[1][
        "outcome"
    ] == "known"
    case = await console.store.cases.get("case-1")
    assert case is not None
    assert [(one.number, one.label) for one in case.debtor.numbers] == [
        ("+8613800000001", ""),
        ("+8613800000005", "third_party"),
    ]


async def test_the_emergency_stop_is_pulled_by_anybody_shown_and_lifted_by_an_officer(console: Console) -> None:
    client, operator, officer = console.client, console.auth("operator"), console.auth("officer")
    assert (await (await client.get("/readyz")).json())["dialling"] == "allowed"
    pulled = await client.post("/api/v1/policy/halt", json={"reason": "投诉激增"}, headers=operator)
    assert (await pulled.json())["halted"]
    again = await client.post("/api/v1/policy/halt", json={"reason": "twice"}, headers=officer)
    assert (await again.json())["reason"] == "投诉激增"
    ready = await client.get("/readyz")
    assert ((await ready.json())["dialling"], ready.status) == ("halted", 200)
    assert "voicebot_dialling_halted 1.0" in await (await client.get("/metrics")).text()
    assert (await client.post("/api/v1/policy/resume", json={"reason": "x"}, headers=operator)).status == 403
    lifted = await client.post("/api/v1/policy/resume", json={"reason": "原因已查明"}, headers=officer)
    assert not (await lifted.json())["halted"]
    assert (await client.post("/api/v1/policy/resume", json={"reason": "x"}, headers=officer)).status == 409
    assert not (await (await client.get("/api/v1/policy/halt", headers=operator)).json())["halted"]
    assert "voicebot_dialling_halted 0.0" in await (await client.get("/metrics")).text()
    actions = [entry.action for entry in await console.store.audit.list()]
    assert actions == ["policy.resume", "policy.halt", "policy.halt"]


async def test_a_caller_number_is_reviewed_by_an_officer(console: Console) -> None:
    body = {"number": "+861066668888", "until": "2026-11-20T22:00:00+08:00", "reason": "人工复核通过"}
    done = await console.client.post("/api/v1/policy/callers", json=body, headers=console.auth("officer"))
    assert done.status == 204
    history = await console.store.attempts.history("case-1", "+8613800000001", caller_id="+861066668888")
    assert history.caller_review_until is not None
    assert history.caller_review_until.isoformat() == "2026-11-20T14:00:00+00:00"
    naive = {**body, "until": "2026-11-20T22:00:00"}
    refused = await console.client.post("/api/v1/policy/callers", json=naive, headers=console.auth("officer"))
    assert refused.status == 422
