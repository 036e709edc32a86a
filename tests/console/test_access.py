"""Every route asks who is there; each role gets what the table of routes says, and guessing is slowed down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from voicebot.console import ConsoleLimits, bootstrap
from voicebot.console.access import Caller, FailedTokens, Role
from voicebot.console.routes import ROUTES, Route

Console = Any
Opener = Any

ALL = ("operator", "agent", "officer", "admin")
OPEN = {"/healthz", "/readyz", "/metrics"}

# Written out by hand: what the roles may do is a promise to the firm, not whatever the table happens to say.
ALLOWED = {
    "GET /api/v1/me": {"operator", "agent", "officer", "admin"},
    "GET /api/v1/flows": {"operator", "officer", "admin"},
    "POST /api/v1/calls": {"operator", "admin"},
    "GET /api/v1/calls": {"operator", "officer", "admin"},
    "GET /api/v1/calls/{id}": {"operator", "officer", "admin"},
    "DELETE /api/v1/calls/{id}": {"operator", "admin"},
    "GET /api/v1/calls/{id}/timeline": {"operator", "officer", "admin"},
    "GET /api/v1/calls/{id}/events": {"operator", "officer", "admin"},
    "GET /api/v1/events": {"operator", "officer", "admin"},
    "POST /api/v1/cases": {"operator", "admin"},
    "GET /api/v1/cases": {"operator", "officer", "admin"},
    "GET /api/v1/cases/{id}": {"operator", "officer", "admin"},
    "POST /api/v1/cases/{id}/payments": {"operator", "officer", "admin"},
    "GET /api/v1/cases/{id}/payments": {"operator", "officer", "admin"},
    "POST /api/v1/cases/{id}/flags": {"operator", "officer", "admin"},
    "POST /api/v1/cases/{id}/numbers": {"operator", "officer", "admin"},
    "POST /api/v1/cases/{id}/consents": {"operator", "officer", "admin"},
    "POST /api/v1/cases/{id}/times": {"operator", "officer", "admin"},
    "GET /api/v1/policy/halt": {"operator", "officer", "admin"},
    "POST /api/v1/policy/halt": {"operator", "officer", "admin"},
    "POST /api/v1/policy/resume": {"officer", "admin"},
    "POST /api/v1/policy/callers": {"officer", "admin"},
    "GET /api/v1/agents": {"operator", "officer", "admin"},
    "GET /api/v1/agents/{id}/state": {"operator", "agent", "officer", "admin"},
    "PUT /api/v1/agents/{id}/state": {"operator", "agent", "admin"},
    "GET /api/v1/handoffs": {"operator", "agent", "officer", "admin"},
    "GET /api/v1/handoffs/{id}": {"operator", "agent", "officer", "admin"},
    "GET /api/v1/complaints": {"operator", "officer", "admin"},
    "GET /api/v1/complaints/{id}": {"operator", "officer", "admin"},
    "POST /api/v1/complaints/{id}/respond": {"operator", "officer", "admin"},
    "POST /api/v1/complaints/{id}/close": {"officer", "admin"},
    "GET /api/v1/callbacks": {"operator", "agent", "officer", "admin"},
    "POST /api/v1/callbacks/{id}/done": {"operator", "agent", "officer", "admin"},
    "GET /api/v1/queue": {"operator", "agent", "officer", "admin"},
    "GET /api/v1/audit": {"officer", "admin"},
    "GET /api/v1/exports/{table}": {"operator", "officer", "admin"},
    "GET /api/v1/webhooks/deliveries": {"operator", "officer", "admin"},
    "POST /api/v1/webhooks/deliveries/{id}/retry": {"operator", "admin"},
}
IDS = {"agents": "a1", "handoffs": "h1", "cases": "case-1", "calls": "old"}
GUARDED = [route for route in ROUTES if route.roles is not None]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def path(route: Route) -> str:
    kind = route.path.removeprefix("/api/v1/").partition("/")[0]
    return route.path.replace("{id}", IDS.get(kind, "x")).replace("{table}", "attempts")


def test_every_route_but_health_and_metrics_asks_for_a_token() -> None:
    assert {route.path for route in ROUTES if route.roles is None} == OPEN
    assert {name(route) for route in GUARDED} == set(ALLOWED)


@pytest.mark.parametrize("role", ALL)
async def test_each_role_gets_in_exactly_where_it_may(console: Console, role: str) -> None:
    for route in GUARDED:
        response = await console.client.request(route.method, path(route), headers=console.auth(role))
        assert (response.status != 403) == (role in ALLOWED[name(route)]), name(route)
        assert response.status not in {401, 500}, name(route)
        if response.status == 403:
            problem = await response.json(content_type="application/problem+json")
            assert problem["type"] == "urn:voicebot:problem:role-missing"
            assert role in problem["detail"]
            assert "voicebot token issue" in problem["remedy"]
        response.close()


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic dTpw", "Bearer vbt_unknown_secret", "Bearer \xff\xfe", "Bearer ' OR 1=1 --"],
)
async def test_nobody_gets_in_without_a_valid_token(open_console: Opener, header: str | None) -> None:
    console = await open_console(ConsoleLimits(failed_tokens_per_minute=1000))
    headers = {} if header is None else {"Authorization": header}
    for route in GUARDED:
        response = await console.client.request(route.method, path(route), headers=headers)
        assert response.status == 401, name(route)
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="voicebot"')
        assert response.content_type == "application/problem+json"


async def test_a_revoked_or_expired_token_is_refused(console: Console) -> None:
    issued = await console.store.tokens.issue("gone", frozenset({"admin"}))
    await console.store.tokens.revoke(issued.token.id)
    old = await console.store.tokens.issue(
        "old", frozenset({"admin"}), expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    for secret in (issued.secret, old.secret):
        response = await console.client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
        assert response.status == 401


async def test_guessing_is_slowed_down_and_a_pause_helps(open_console: Opener) -> None:
    console = await open_console(ConsoleLimits(failed_tokens_per_minute=3))
    wrong = {"Authorization": "Bearer vbt_a_b"}
    for _ in range(3):
        assert (await console.client.get("/api/v1/me", headers=wrong)).status == 401
    response = await console.client.get("/api/v1/me", headers=console.auth("admin"))
    assert response.status == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 61
    console.clock[0] = 61.0
    assert (await console.client.get("/api/v1/me", headers=console.auth("admin"))).status == 200


async def test_a_request_without_any_token_does_not_count_as_guessing(open_console: Opener) -> None:
    console = await open_console(ConsoleLimits(failed_tokens_per_minute=1))
    for _ in range(5):
        assert (await console.client.get("/api/v1/me")).status == 401
    assert (await console.client.get("/api/v1/me", headers=console.auth("operator"))).status == 200


def test_the_brake_forgets_old_failures_and_remembers_a_bounded_number_of_addresses() -> None:
    now = [0.0]
    failures = FailedTokens(2, lambda: now[0])
    failures.failed("a")
    now[0] = 30.0
    failures.failed("a")
    assert failures.wait_seconds("a") == pytest.approx(30.0)
    now[0] = 60.0
    assert failures.wait_seconds("a") == 0.0
    for number in range(20_000):
        failures.failed(str(number))
    assert len(failures._failures) == 10_000


async def test_an_agents_token_reaches_that_agent_and_their_handoffs_alone(console: Console) -> None:
    auth = console.auth("agent")
    assert (await console.client.get("/api/v1/agents/a1/state", headers=auth)).status == 200
    for method in ("GET", "PUT"):
        response = await console.client.request(method, "/api/v1/agents/a2/state", headers=auth, json={"state": "free"})
        assert response.status == 403
    await console.store.handoffs.assign("h1", "a2")
    assert (await console.client.get("/api/v1/handoffs/h1", headers=auth)).status == 404
    assert (await (await console.client.get("/api/v1/handoffs", headers=auth)).json())["handoffs"] == []


async def test_a_token_with_unknown_roles_may_do_nothing(console: Console) -> None:
    issued = await console.store.tokens.issue("odd", frozenset({"superuser"}))
    response = await console.client.get("/api/v1/me", headers={"Authorization": f"Bearer {issued.secret}"})
    assert response.status == 403


async def test_the_first_admin_token_is_made_once(console: Console) -> None:
    assert await bootstrap(console.store.tokens) is None
    for token in await console.store.tokens.list():
        await console.store.tokens.revoke(token.id)
    issued = await bootstrap(console.store.tokens)
    assert issued is not None
    assert issued.token.roles == {"admin"}
    assert await bootstrap(console.store.tokens) is None


def test_only_officers_and_admins_see_personal_data() -> None:
    seeing = {role for role in Role if Caller("t", "l", frozenset({role})).sees_personal_data}
    assert seeing == {Role.OFFICER, Role.ADMIN}
