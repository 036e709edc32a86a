"""The desk on the real store: agents claimed atomically by several desks, handoffs readable from start to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from telephony.carrier import Cause, DialFailed, DialRequest
from voicebot.call.desk import AgentConnected, AgentMissing, HandoffRequest
from voicebot.handoff import HandoffDesk, HandoffTimes
from voicebot.store import Store
from voicebot.store.agent_records import AgentRecord, AgentState
from voicebot.store.records import Call, utc_now

Office = Any


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{tmp_path / 'voicebot.db'}") as opened:
        for number in range(3):
            await opened.agents.put(AgentRecord(f"a{number}", f"客服{number}", f"sip:a{number}@127.0.0.1"))
            await opened.agents.set_state(f"a{number}", AgentState.FREE)
        for number in range(6):
            await opened.calls.begin(Call("inbound", "inbound_callback", utc_now(), "w1", id=f"c{number}"))
        yield opened


def desk(store: Store, office: Office, worker: str) -> HandoffDesk:
    return HandoffDesk(
        agents=store.agents,
        handoffs=store.handoffs,
        carrier_for=lambda endpoint: office.carrier,
        worker_id=worker,
        times=HandoffTimes(wrap_up_seconds=60),
    )


def request(number: int) -> HandoffRequest:
    return HandoffRequest(f"c{number}", None, "asked_for_human", "agent", False, {"事由": "来电人要求人工"})


async def test_six_callers_on_two_workers_get_three_agents_once_each(store: Store, office: Office) -> None:
    for number in range(3):
        office.carrier.telephones[f"sip:a{number}@127.0.0.1"] = (0.0, None)
    desks = [desk(store, office, "w1"), desk(store, office, "w2")]
    results = await asyncio.gather(*(desks[n % 2].connect(request(n)) for n in range(6)))
    connected = [one for one in results if isinstance(one, AgentConnected)]
    assert sorted(one.agent_id for one in connected) == ["a0", "a1", "a2"]
    assert {(await store.agents.get(one.agent_id)).state for one in connected} == {AgentState.BUSY}  # type: ignore[union-attr]
    for one in results:
        stored = await store.handoffs.get(one.handoff_id)
        assert stored is not None
        assert stored.brief == {"事由": "来电人要求人工"}
        if isinstance(one, AgentMissing):
            assert stored.outcome == one.outcome.value
        else:
            assert (stored.agent_id, stored.outcome) == (one.agent_id, None)
            assert stored.answered_at is not None
    await desks[0].finished(connected[0].handoff_id, 12.5, "resolved")
    closed = await store.handoffs.get(connected[0].handoff_id)
    assert closed is not None
    assert (closed.outcome, closed.talk_seconds) == ("resolved", 12.5)
    agent = await store.agents.get(connected[0].agent_id)
    assert agent is not None
    assert agent.state is AgentState.WRAP_UP


async def test_the_handoff_can_be_read_while_the_agents_telephone_rings(store: Store, office: Office) -> None:
    ringing = asyncio.Event()

    async def dial(asked: DialRequest) -> Any:
        ringing.set()
        await asyncio.Event().wait()
        raise DialFailed(Cause.NO_ANSWER)

    office.carrier.dial = dial
    search = asyncio.create_task(desk(store, office, "w1").connect(request(0)))
    await asyncio.wait_for(ringing.wait(), 10)
    (handoff,) = await store.handoffs.list(open_only=True)
    assert handoff.brief == {"事由": "来电人要求人工"}
    assert handoff.agent_id == "a0"
    assert handoff.answered_at is None
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    agent = await store.agents.get("a0")
    assert agent is not None
    assert agent.state is AgentState.FREE
    assert (await store.handoffs.list(open_only=True)) == []
