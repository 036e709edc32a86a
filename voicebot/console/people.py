"""Agents and the calls that are handed to them; the audit trail for officers."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from compliance_filters.masking import mask_name, mask_number
from voicebot.console.access import CALLER, Caller
from voicebot.console.masking import mask_text
from voicebot.console.problems import Problem
from voicebot.console.reading import read_body, read_query
from voicebot.console.schemas import (
    AgentAnswer,
    AgentList,
    AgentStateBody,
    AuditAnswer,
    AuditList,
    AuditQuery,
    HandoffAnswer,
    HandoffList,
    HandoffsQuery,
)
from voicebot.console.services import SERVICES, ConsoleServices
from voicebot.store.agent_records import AgentRecord, AgentState, Handoff

_ENGINE_HOLDS = {AgentState.RINGING, AgentState.BUSY}


async def list_agents(request: web.Request) -> web.Response:
    agents = await request.app[SERVICES].store.agents.list()
    return web.json_response(text=AgentList(agents=[AgentAnswer.of(one) for one in agents]).model_dump_json())


async def show_state(request: web.Request) -> web.Response:
    agent = await _own_agent(request)
    return web.json_response(text=AgentAnswer.of(agent).model_dump_json())


async def set_state(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    agent = await _own_agent(request)
    wanted = AgentState((await read_body(request, AgentStateBody)).state)
    if agent.state in _ENGINE_HOLDS or not await services.store.agents.set_state(
        agent.id, wanted, expecting=agent.state, at=services.now()
    ):
        raise Problem(
            409,
            "agent-taken",
            "A call rings or talks at this agent now.",
            "The state can be changed when the call is over.",
        )
    await services.store.audit.append(
        request[CALLER].actor, "agent.state", f"agent:{agent.id}", {"state": wanted.value}
    )
    changed = await services.store.agents.get(agent.id)
    return web.json_response(text=AgentAnswer.of(changed or agent).model_dump_json())


async def _own_agent(request: web.Request) -> AgentRecord:
    """The agent of the path. A token that is only an agent's reaches that agent alone: the one of its label."""
    services, who = request.app[SERVICES], request[CALLER]
    agent_id = request.match_info["id"]
    if who.is_only_agent and who.label != agent_id:
        raise Problem(
            403,
            "not-yours",
            f"This token belongs to the agent `{who.label}`.",
            "Use your own agent's id.",
        )
    agent = await services.store.agents.get(agent_id)
    if agent is None:
        raise Problem(404, "unknown-agent", "No agent has this id.", "Add one with `voicebot agent add`.")
    return agent


async def list_handoffs(request: web.Request) -> web.Response:
    services, who = request.app[SERVICES], request[CALLER]
    query = read_query(request, HandoffsQuery)
    handoffs = await services.store.handoffs.list(open_only=query.open, limit=query.limit)
    if who.is_only_agent:
        handoffs = [one for one in handoffs if one.agent_id == who.label]
    answers = [await _answer(services, who, one) for one in handoffs]
    return web.json_response(text=HandoffList(handoffs=answers).model_dump_json())


async def show_handoff(request: web.Request) -> web.Response:
    services, who = request.app[SERVICES], request[CALLER]
    handoff = await services.store.handoffs.get(request.match_info["id"])
    if handoff is None or (who.is_only_agent and handoff.agent_id != who.label):
        raise Problem(
            404,
            "unknown-handoff",
            "No handoff with this id is yours to see.",
            "An agent sees the handoffs that ring or talk at their own telephone.",
        )
    answer = await _answer(services, who, handoff)
    return web.json_response(text=answer.model_dump_json())


async def _answer(services: ConsoleServices, who: Caller, handoff: Handoff) -> HandoffAnswer:
    if who.sees_personal_data or who.is_only_agent:
        return HandoffAnswer.of(handoff, brief=handoff.brief)
    case = await services.store.cases.get(handoff.case_id) if handoff.case_id else None
    return HandoffAnswer.of(handoff, brief=masked_brief(handoff.brief, case.debtor.name if case else ""))


def masked_brief(brief: Mapping[str, str], name: str) -> dict[str, str]:
    """A brief for somebody who does not take the call."""
    masked: dict[str, str] = {}
    for label, value in brief.items():
        match label:
            case "姓名":
                masked[label] = mask_name(value)
            case "号码":
                masked[label] = mask_number(value)
            case "欠款" | "承诺":
                masked[label] = "***"
            case _:
                masked[label] = mask_text(value, (name,))
    return masked


async def list_audit(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    query = read_query(request, AuditQuery)
    entries = await services.store.audit.list(limit=query.limit, before=query.before)
    return web.json_response(text=AuditList(entries=[AuditAnswer.of(one) for one in entries]).model_dump_json())
