"""Each agent is given to one caller, however many ask at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from recordings.cipher import KeyRing
from voicebot.store import Store
from voicebot.store.agent_records import AgentRecord, AgentState

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def agent(name: str, *skills: str, state: AgentState = AgentState.FREE, since: int = 0) -> AgentRecord:
    return AgentRecord(
        name, f"客服{name}", f"sip:{name}@desk", frozenset(skills or {"agent"}), state, NOW + timedelta(seconds=since)
    )


async def test_an_agent_comes_back_as_it_went_in(store: Store) -> None:
    stored = await store.agents.put(agent("a", "agent", "vulnerable"))
    assert stored == agent("a", "agent", "vulnerable")
    assert await store.agents.get("a") == stored
    assert await store.agents.list() == [stored]
    assert await store.agents.get("nobody") is None
    assert await store.agents.remove("a")
    assert not await store.agents.remove("a")
    assert await store.agents.list() == []


async def test_changing_an_agent_leaves_the_state_alone(store: Store) -> None:
    await store.agents.put(agent("a", "agent"))
    await store.agents.claim("agent", worker_id="w")
    changed = await store.agents.put(AgentRecord("a", "新名", "sip:new@desk", frozenset({"legal"})))
    assert (changed.name, changed.endpoint, changed.skills) == ("新名", "sip:new@desk", frozenset({"legal"}))
    assert (changed.state, changed.claimed_by) == (AgentState.RINGING, "w")


async def test_the_longest_free_with_the_skill_is_taken(store: Store) -> None:
    for each in (
        agent("busy", state=AgentState.BUSY),
        agent("late", since=9),
        agent("early", since=1),
        agent("other", "legal"),
    ):
        await store.agents.put(each)
    first = await store.agents.claim("agent", worker_id="w", at=NOW)
    assert first is not None
    assert (first.id, first.state, first.claimed_by) == ("early", AgentState.RINGING, "w")
    assert await store.agents.claim("agent", excluding=frozenset({"late"})) is None
    second = await store.agents.claim("agent")
    assert second is not None
    assert second.id == "late"
    assert await store.agents.claim("agent") is None


async def test_a_state_is_set_only_from_the_one_expected(store: Store) -> None:
    await store.agents.put(agent("a"))
    await store.agents.claim("agent", worker_id="w")
    assert not await store.agents.set_state("a", AgentState.WRAP_UP, expecting=AgentState.BUSY)
    assert await store.agents.set_state("a", AgentState.BUSY, expecting=AgentState.RINGING, at=NOW)
    busy = await store.agents.get("a")
    assert busy is not None
    assert (busy.state, busy.state_since, busy.claimed_by) == (AgentState.BUSY, NOW, "w")
    assert await store.agents.set_state("a", AgentState.FREE)
    free = await store.agents.get("a")
    assert free is not None
    assert free.claimed_by is None
    assert not await store.agents.set_state("nobody", AgentState.FREE)


async def test_many_claims_at_once_give_each_agent_once(url: str, keys: KeyRing) -> None:
    stores = [await Store.open(url, keys, migrate=True) for _ in range(4)]
    try:
        for n in range(6):
            await stores[0].agents.put(agent(f"a{n}", since=n))
        claimed = await asyncio.gather(*(stores[n % 4].agents.claim("agent", worker_id=f"w{n}") for n in range(20)))
        given = [each.id for each in claimed if each is not None]
        assert len(given) == len(set(given)) == 6
    finally:
        for store in stores:
            await store.close()
