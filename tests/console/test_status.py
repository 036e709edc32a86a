"""Health, readiness with reasons, metrics counted from what happens, people and the audit trail."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from voicebot.console import ConsoleLimits, EngineMetrics
from voicebot.handoff import Step
from voicebot.store.agent_records import AgentState
from voicebot.store.errors import StoreUnavailable

Console = Any
Opener = Any


async def fine() -> str | None:
    return None


async def away() -> str | None:
    return "the trunk does not answer at 192.0.2.7:5060; check its address"


async def hanging() -> str | None:
    await asyncio.Event().wait()
    return None


async def broken() -> str | None:
    raise RuntimeError("oops")


async def test_a_living_worker_says_who_it_is(console: Console) -> None:
    response = await console.client.get("/healthz")
    assert await response.json() == {"status": "alive", "worker": "worker-1", "version": "1.2.3"}


async def test_ready_when_every_dependency_is(open_console: Opener) -> None:
    console = await open_console(probes={"database": fine, "sip": fine})
    response = await console.client.get("/readyz")
    assert response.status == 200
    assert (await response.json())["dependencies"] == {"database": "ready", "sip": "ready", "calls": "ready"}


async def test_each_dependency_says_what_is_wrong_with_it(open_console: Opener) -> None:
    limits = ConsoleLimits(probe_seconds=0.02)
    console = await open_console(limits, {"sip": away, "models": hanging, "disk": broken, "database": fine})
    response = await console.client.get("/readyz")
    assert response.status == 503
    states = (await response.json())["dependencies"]
    assert states["sip"] == "the trunk does not answer at 192.0.2.7:5060; check its address"
    assert states["models"] == "no answer within 0.02 s"
    assert "log" in states["disk"]
    assert states["database"] == "ready"
    assert (await console.client.get("/healthz")).status == 200


async def test_a_draining_worker_is_alive_and_not_ready(open_console: Opener) -> None:
    draining: list[bool] = []
    console = await open_console(draining=lambda: bool(draining))
    assert (await console.client.get("/readyz")).status == 200
    draining.append(True)
    response = await console.client.get("/readyz")
    assert response.status == 503
    assert "draining" in (await response.json())["dependencies"]["calls"]


async def samples(console: Console) -> dict[str, float]:
    text = await (await console.client.get("/metrics")).text()
    return {
        sample.name + "".join(f"|{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_count_what_happens_in_calls(console: Console) -> None:
    console.ring("one")
    console.happen("one", "call.ringing", direction="outbound")
    console.happen("one", "turn.heard", text="好", answer="yes", recognition_seconds=0.2)
    console.happen("one", "turn.heard", text="呃", intents=[], answer=None, slots={})
    console.happen("one", "line.started", line="x", response_seconds=0.8)
    console.happen("one", "barge_in", line="x")
    console.happen("one", "guard.verdict", action="replace", category="threat")
    console.happen("one", "promise", amount="1", on="2026-11-27")
    console.happen("one", "limit", limit="longest_call")
    console.happen("one", "recognition.failed")
    console.happen("one", "call.ended", disposition="promise", cause="normal")
    await asyncio.sleep(0)
    console.metrics.handoff(Step.RINGING.value)
    console.metrics.frame_late(0.003)
    console.metrics.watch_recogniser_queue(lambda: 4)
    found = await samples(console)
    for name, value in {
        "voicebot_calls_live": 1,
        "voicebot_calls_started_total|outbound": 1,
        "voicebot_calls_ended_total|normal|promise": 1,
        "voicebot_turns_total|yes": 1,
        "voicebot_turns_total|no": 1,
        "voicebot_response_seconds_count|recognition": 1,
        "voicebot_response_seconds_sum|total": 0.8,
        "voicebot_barge_ins_total": 1,
        "voicebot_guard_verdicts_total|replace|threat": 1,
        "voicebot_promises_total": 1,
        "voicebot_limits_reached_total|longest_call": 1,
        "voicebot_failures_total|recognition.failed": 1,
        "voicebot_handoff_steps_total|ringing": 1,
        "voicebot_frame_lateness_seconds_count": 1,
        "voicebot_recogniser_queue": 4,
        "voicebot_draining": 0,
    }.items():
        assert found[name] == pytest.approx(value), name


def test_a_label_never_carries_what_a_caller_said(console: Console) -> None:
    entry = dataclasses.replace(
        console.happen("one", "call.ended"), data={"disposition": "我是王小样", "cause": "x" * 99}
    )
    metrics = EngineMetrics()
    metrics.observe(entry)
    text = metrics.exposition().decode()
    assert 'cause="other",disposition="other"' in text
    assert "王小样" not in text


async def test_metrics_can_be_put_behind_a_token(open_console: Opener) -> None:
    console = await open_console(ConsoleLimits(metrics_need_token=True))
    assert (await console.client.get("/metrics")).status == 401
    assert (await console.client.get("/metrics", headers=console.auth("operator"))).status == 200
    assert (await console.client.get("/metrics", headers=console.auth("agent"))).status == 403


async def test_an_agent_takes_a_break_and_comes_back(console: Console) -> None:
    auth = console.auth("agent")
    for state in ("free", "offline"):
        response = await console.client.put("/api/v1/agents/a1/state", headers=auth, json={"state": state})
        assert response.status == 200
        assert (await response.json())["state"] == state
    actions = [(one.action, one.subject) for one in await console.store.audit.list()]
    assert actions.count(("agent.state", "agent:a1")) == 2


@pytest.mark.parametrize("held", [AgentState.RINGING, AgentState.BUSY])
async def test_an_agent_cannot_leave_in_the_middle_of_a_call(console: Console, held: AgentState) -> None:
    await console.store.agents.set_state("a1", held)
    response = await console.client.put(
        "/api/v1/agents/a1/state", headers=console.auth("agent"), json={"state": "offline"}
    )
    assert response.status == 409
    assert (await console.store.agents.get("a1")).state is held


async def test_only_the_engine_says_that_an_agent_rings(console: Console) -> None:
    response = await console.client.put(
        "/api/v1/agents/a1/state", headers=console.auth("agent"), json={"state": "ringing"}
    )
    assert response.status == 422


async def test_the_brief_is_whole_for_the_agent_who_is_rung_and_masked_for_an_operator(console: Console) -> None:
    shown = {}
    for role in ("agent", "operator"):
        response = await console.client.get("/api/v1/handoffs/h1", headers=console.auth(role))
        shown[role] = (await response.json())["brief"]
    assert shown["agent"]["姓名"] == "王小样"
    assert shown["operator"] == {
        "姓名": "王**",
        "号码": "+*********0001",
        "欠款": "***",
        "来电人说": "我是王**，尾号****",
    }
    assert list(shown["agent"]) == list(shown["operator"])


async def test_the_audit_trail_is_paged_newest_first(console: Console) -> None:
    for number in range(3):
        await console.store.audit.append("test", f"act.{number}", "thing:1")
    first = await (await console.client.get("/api/v1/audit?limit=2", headers=console.auth("officer"))).json()
    assert [one["action"] for one in first["entries"]] == ["act.2", "act.1"]
    before = first["entries"][-1]["sequence"]
    rest = await (await console.client.get(f"/api/v1/audit?before={before}", headers=console.auth("officer"))).json()
    assert rest["entries"][0]["action"] == "act.0"


async def test_with_the_database_away_the_api_says_so_and_lives_on(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*arguments: object, **named: object) -> None:
        raise StoreUnavailable("the database db.example:5432 does not answer")

    monkeypatch.setattr(console.store.cases, "list", gone)
    response = await console.client.get("/api/v1/cases", headers=console.auth("operator"))
    assert response.status == 503
    assert "db.example:5432" in (await response.json(content_type=None))["detail"]
    assert response.headers["Retry-After"] == "5"
