"""Callers who wait know their place, are served in turn, and may leave; nobody waits for an empty office."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote

import pytest

from voicebot.call.desk import AgentConnected, AgentMissing, HandoffRequest
from voicebot.dialog.events import HandoffOutcome
from voicebot.handoff import HandoffDesk, Step
from voicebot.store.agent_records import AgentState

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Office = Any
LONG = {"wait_seconds": 60.0, "longest_seconds": 80.0, "wrap_up_seconds": 0.0}


def request(call_id: str, *, urgent: bool = False) -> HandoffRequest:
    return HandoffRequest(call_id, None, "asked_for_human", "agent", urgent, {"事由": "来电人要求人工"})


async def callers(desk: HandoffDesk, *calls: HandoffRequest) -> dict[str, asyncio.Task[AgentConnected | AgentMissing]]:
    """Callers who ask for a human one second after another, and the moment after the last."""
    searches = {}
    for call in calls:
        searches[call.call_id] = asyncio.create_task(desk.connect(call))
        await asyncio.sleep(1.0)
    await asyncio.sleep(2.0)
    return searches


async def hang_up(desk: HandoffDesk, search: asyncio.Task[AgentConnected | AgentMissing], seconds: float) -> None:
    connected = await search
    assert isinstance(connected, AgentConnected)
    await asyncio.sleep(seconds)
    await desk.finished(connected.handoff_id, seconds, "talked")


def test_places_count_down_and_callers_are_served_in_turn(run: Run, office: Office) -> None:
    office.seat("a", ring=1.0)

    async def story() -> None:
        desk = office.desk(**LONG)
        searches = await callers(desk, *(request(name) for name in ("talks", "first", "second", "third")))
        assert [desk.ahead(name) for name in ("talks", "first", "second", "third")] == [None, 0, 1, 2]
        await hang_up(desk, searches["talks"], 1.0)
        await asyncio.sleep(3.0)
        assert [desk.ahead(name) for name in ("second", "third")] == [0, 1]
        served = [searches["first"], searches["second"], searches["third"]]
        for number, search in enumerate(served):
            await hang_up(desk, search, 1.0)
            assert [other.done() for other in served] == [place <= number for place in range(3)]

    run(story())


def test_an_urgent_caller_goes_before_those_who_wait(run: Run, office: Office) -> None:
    office.seat("a", ring=1.0)

    async def story() -> None:
        desk = office.desk(**LONG)
        searches = await callers(desk, request("talks"), request("first"), request("urgent", urgent=True))
        assert [desk.ahead(name) for name in ("urgent", "first")] == [0, 1]
        await hang_up(desk, searches["talks"], 1.0)
        await hang_up(desk, searches["urgent"], 1.0)
        assert not searches["first"].done()
        await hang_up(desk, searches["first"], 1.0)

    run(story())


def test_places_hold_across_workers(run: Run, office: Office) -> None:
    office.seat("a", ring=1.0)

    async def story() -> None:
        here, there = office.desk("w1", **LONG), office.desk("w2", **LONG)
        searches = await callers(here, request("talks"), request("first"))
        elsewhere = await callers(there, request("second"))
        assert (here.ahead("first"), there.ahead("second")) == (0, 1)
        await hang_up(here, searches["talks"], 1.0)
        await hang_up(here, searches["first"], 1.0)
        await hang_up(there, elsewhere["second"], 1.0)

    run(story())


@pytest.mark.parametrize("outcome", [HandoffOutcome.LEFT_QUEUE, HandoffOutcome.NOBODY_FREE])
def test_who_leaves_the_queue_is_told_so_and_the_next_moves_up(
    run: Run, office: Office, outcome: HandoffOutcome
) -> None:
    office.seat("a", state=AgentState.BUSY)

    async def story() -> None:
        desk = office.desk(**LONG)
        searches = await callers(desk, request("first"), request("second"))
        await desk.leave("first", outcome)
        answer = await searches["first"]
        assert isinstance(answer, AgentMissing)
        assert answer.outcome is outcome
        assert office.handoffs.records[answer.handoff_id].outcome == outcome.value
        await asyncio.sleep(2.0)
        assert desk.ahead("first") is None
        assert desk.ahead("second") == 0
        searches["second"].cancel()
        with pytest.raises(asyncio.CancelledError):
            await searches["second"]

    run(story())
    left = Step.LEFT_QUEUE if outcome is HandoffOutcome.LEFT_QUEUE else Step.NOBODY_FREE
    assert [step.step for step in office.steps] == [left, Step.CALLER_GONE]


def test_leaving_while_an_agent_is_rung_stops_the_ringing(run: Run, office: Office) -> None:
    office.seat("a", ring=15.0)

    async def story() -> None:
        desk = office.desk(**LONG)
        searches = await callers(desk, request("first"))
        assert office.state("a") is AgentState.RINGING
        await desk.leave("first", HandoffOutcome.LEFT_QUEUE)
        answer = await searches["first"]
        assert isinstance(answer, AgentMissing)
        assert office.state("a") is AgentState.FREE
        await desk.leave("first", HandoffOutcome.LEFT_QUEUE)

    run(story())
    assert office.carrier.cancelled == ["sip:a@127.0.0.1"]


def test_nobody_waits_for_an_empty_office(run: Run, office: Office) -> None:
    office.seat("a", state=AgentState.OFFLINE)

    async def story() -> None:
        began = asyncio.get_running_loop().time()
        answer = await office.desk(**LONG).connect(request("first"))
        assert isinstance(answer, AgentMissing)
        assert asyncio.get_running_loop().time() - began < 1.0

    run(story())


def test_the_wait_ends_when_it_must(run: Run, office: Office) -> None:
    office.seat("a", state=AgentState.BUSY)

    async def story() -> None:
        began = asyncio.get_running_loop().time()
        answer = await office.desk(**LONG).connect(request("first"))
        assert isinstance(answer, AgentMissing)
        assert answer.outcome is HandoffOutcome.NOBODY_FREE
        assert 59.0 <= asyncio.get_running_loop().time() - began <= 62.0

    run(story())


def test_the_agent_is_told_how_long_the_caller_waited_and_who_waits_behind(run: Run, office: Office) -> None:
    office.seat("a", ring=1.0)

    async def story() -> None:
        desk = office.desk(**LONG)
        searches = await callers(desk, request("talks"), request("first"), request("second"))
        await asyncio.sleep(26.0)
        await hang_up(desk, searches["talks"], 1.0)
        await searches["first"]
        searches["second"].cancel()

    run(story())
    briefs = [unquote(dialled.headers["X-Voicebot-Brief"]) for dialled in office.carrier.dialled]
    assert briefs[0] == "事由:来电人要求人工"
    assert briefs[1].startswith("事由:来电人要求人工; 排队:等了31秒")
    assert briefs[1].endswith("，还有1位在等")
