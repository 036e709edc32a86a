"""`voicebot agent`: the people that callers are handed to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store
    from voicebot.store.agent_records import AgentRecord

app = typer.Typer(help="Add and list agents, and set their state.", no_args_is_help=True)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ENDPOINT = re.compile(r"(sips?:[^\s@]{1,100}@[^\s@]{1,200})|(\+[1-9][0-9]{4,14})")


@app.command()
def add(
    agent_id: Annotated[str, typer.Argument(help="Short id: letters, digits, dot, dash, underscore.")],
    endpoint: Annotated[str, typer.Argument(help="Telephone: sip:lin@pbx.example.com, or +8610… in E.164.")],
    name: Annotated[str | None, typer.Option(help="Name; left out, the id.")] = None,
    skill: Annotated[list[str] | None, typer.Option("--skill", "-s", help="What they can take; repeatable.")] = None,
    free: Annotated[bool, typer.Option("--free", help="Takes calls from now on.")] = False,
    config: ConfigOption = None,
) -> None:
    """Adds an agent, or changes name, telephone and skills of one who is known."""
    from voicebot.cli._terminal import fail, out
    from voicebot.store.agent_records import AgentRecord, AgentState

    if not _ID.fullmatch(agent_id):
        raise fail(f"`{agent_id}` cannot be an id.", "Use up to 64 letters, digits, dots, dashes, underscores.", code=2)
    if not _ENDPOINT.fullmatch(endpoint):
        raise fail(f"`{endpoint}` cannot be rung.", "Give sip:user@host, or a number such as +861066668888.", code=2)
    skills = frozenset({"agent", *(skill or ())})

    async def work(store: Store) -> AgentRecord:
        agent = await store.agents.put(AgentRecord(agent_id, name or agent_id, endpoint, skills))
        if free and agent.state is AgentState.OFFLINE:
            await store.agents.set_state(agent_id, AgentState.FREE, expecting=AgentState.OFFLINE)
        await store.audit.append(ACTOR, "agent.put", f"agent:{agent_id}")
        return await store.agents.get(agent_id) or agent

    agent = with_store(config, work)
    out.print(f"{agent.id} is rung at {agent.endpoint} and is {agent.state.value}.", markup=False, highlight=False)


@app.command("list")
def list_agents(config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Shows every agent with telephone, skills and state."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json

    async def work(store: Store) -> list[AgentRecord]:
        return list(await store.agents.list())

    agents = with_store(config, work)
    if json_output:
        print_json(
            {
                "agents": [
                    {
                        "id": agent.id,
                        "name": agent.name,
                        "endpoint": agent.endpoint,
                        "skills": sorted(agent.skills),
                        "state": agent.state.value,
                        "state_since": agent.state_since,
                    }
                    for agent in agents
                ]
            }
        )
        return
    table = Table("id", "name", "telephone", "skills", "state", "since")
    for agent in agents:
        since = agent.state_since.astimezone().isoformat(timespec="minutes")
        table.add_row(agent.id, agent.name, agent.endpoint, ", ".join(sorted(agent.skills)), agent.state.value, since)
    out.print(table)


@app.command()
def state(
    agent_id: Annotated[str, typer.Argument(help="The agent's id.")],
    wanted: Annotated[str, typer.Argument(metavar="STATE", help="free or offline.")],
    force: Annotated[bool, typer.Option("--force", help="Even while a call seems to ring or talk there.")] = False,
    config: ConfigOption = None,
) -> None:
    """Sets whether an agent takes calls."""
    from voicebot.cli._terminal import fail, out
    from voicebot.store.agent_records import AgentState

    if wanted not in {"free", "offline"}:
        raise fail(f"There is no state `{wanted}` to choose.", "Choose free or offline.", code=2)

    async def work(store: Store) -> str | None:
        agent = await store.agents.get(agent_id)
        if agent is None:
            return f"No agent has the id {agent_id}."
        if agent.state in {AgentState.RINGING, AgentState.BUSY} and not force:
            return f"{agent_id} is {agent.state.value}: wait for the end of the call, or say --force."
        await store.agents.set_state(agent_id, AgentState(wanted))
        await store.audit.append(ACTOR, "agent.state", f"agent:{agent_id}", {"state": wanted, "forced": force})
        return None

    if problem := with_store(config, work):
        raise fail(problem, "List agents with: voicebot agent list")
    out.print(f"{agent_id} is {wanted}.", markup=False)
