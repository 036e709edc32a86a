"""Agents, and the claim that gives each of them to one caller only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.agent_records import AgentRecord, AgentState
from voicebot.store.database import Database
from voicebot.store.records import utc_now
from voicebot.store.rows import insert_once, upsert

_HELD = (AgentState.RINGING, AgentState.BUSY)


class AgentRepository:
    """See `voicebot.store.protocols.Agents`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, agent: AgentRecord) -> AgentRecord:
        values = {
            "id": agent.id,
            "name": agent.name,
            "endpoint": agent.endpoint,
            "state": agent.state.value,
            "state_since": agent.state_since,
            "claimed_by": agent.claimed_by,
        }
        async with self._database.write() as connection:
            await upsert(connection, models.Agent, values, key=["id"], keep=["state", "state_since", "claimed_by"])
            await connection.execute(delete(models.AgentSkill).where(models.AgentSkill.agent_id == agent.id))
            for skill in sorted(agent.skills):
                await insert_once(connection, models.AgentSkill, {"agent_id": agent.id, "skill": skill})
            return (await _with_skills(connection, await _rows(connection, agent.id)))[0]

    async def get(self, agent_id: str) -> AgentRecord | None:
        async with self._database.read() as connection:
            found = await _with_skills(connection, await _rows(connection, agent_id))
        return found[0] if found else None

    async def list(self) -> Sequence[AgentRecord]:
        async with self._database.read() as connection:
            statement = select(models.Agent).order_by(models.Agent.name, models.Agent.id)
            return await _with_skills(connection, (await connection.execute(statement)).all())

    async def set_state(
        self, agent_id: str, state: AgentState, *, expecting: AgentState | None = None, at: datetime | None = None
    ) -> bool:
        table = models.Agent
        statement = update(table).where(table.id == agent_id)
        if expecting is not None:
            statement = statement.where(table.state == expecting.value)
        values: dict[str, Any] = {"state": state.value, "state_since": at or utc_now()}
        if state not in _HELD:
            values["claimed_by"] = None
        async with self._database.write() as connection:
            return (await connection.execute(statement.values(**values))).rowcount > 0

    async def claim(
        self, skill: str, *, worker_id: str = "", excluding: frozenset[str] = frozenset(), at: datetime | None = None
    ) -> AgentRecord | None:
        table = models.Agent
        skilled = select(models.AgentSkill.agent_id).where(models.AgentSkill.skill == skill)
        free = (
            select(table.id)
            .where(table.state == AgentState.FREE.value, table.id.in_(skilled), table.id.not_in(excluding))
            .order_by(table.state_since, table.id)
            .limit(1)
            # On PostgreSQL a claim passes over the agent that another claim is taking; SQLite has one writer at a time.
            .with_for_update(skip_locked=True)
        )
        async with self._database.write() as connection:
            agent_id = (await connection.execute(free)).scalar_one_or_none()
            if agent_id is None:
                return None
            await connection.execute(
                update(table)
                .where(table.id == agent_id)
                .values(state=AgentState.RINGING.value, state_since=at or utc_now(), claimed_by=worker_id or None)
            )
            return (await _with_skills(connection, await _rows(connection, agent_id)))[0]

    async def remove(self, agent_id: str) -> bool:
        async with self._database.write() as connection:
            result = await connection.execute(delete(models.Agent).where(models.Agent.id == agent_id))
            return result.rowcount > 0


async def _rows(connection: AsyncConnection, agent_id: str) -> Sequence[Row[Any]]:
    return (await connection.execute(select(models.Agent).where(models.Agent.id == agent_id))).all()


async def _with_skills(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[AgentRecord]:
    skills: dict[str, set[str]] = defaultdict(set)
    ids = [row.id for row in rows]
    for row in await connection.execute(select(models.AgentSkill).where(models.AgentSkill.agent_id.in_(ids))):
        skills[row.agent_id].add(row.skill)
    return [
        AgentRecord(
            id=row.id,
            name=row.name,
            endpoint=row.endpoint,
            skills=frozenset(skills[row.id]),
            state=AgentState(row.state),
            state_since=row.state_since,
            claimed_by=row.claimed_by,
        )
        for row in rows
    ]
