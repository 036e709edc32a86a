"""The desk rings one free agent after another, loses no caller and leaves no agent in a wrong state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from telephony.carrier import Cause
from voicebot.call.desk import AgentConnected, AgentMissing, HandoffRequest
from voicebot.dialog.events import HandoffOutcome
from voicebot.handoff import HandoffDesk, Step
from voicebot.store.agent_records import AgentState, Handoff

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Office = Any

EPOCH = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def request(call_id: str = "c1", *, skill: str = "agent", urgent: bool = False) -> HandoffRequest:
    return HandoffRequest(call_id, "case1", "asked_for_human", skill, urgent, {"事由": "来电人要求人工"})


def test_a_free_agent_answers_and_is_told_why(run: Run, office: Office) -> None:
    office.seat("a")
    desk = office.desk()

    async def story() -> None:
        result = await desk.connect(request(urgent=True))
        assert isinstance(result, AgentConnected)
        assert (result.agent_id, result.agent_name) == ("a", "客服a")
        assert office.state("a") is AgentState.BUSY
        headers = office.carrier.dialled[0].headers
        assert headers["X-Voicebot-Handoff"] == result.handoff_id
        assert headers["X-Voicebot-Urgent"] == "yes"
        assert unquote(headers["X-Voicebot-Brief"]) == "事由:来电人要求人工"
        record = office.handoffs.records[result.handoff_id]
        assert (record.agent_id, record.outcome) == ("a", None)
        assert record.answered_at is not None
        await desk.finished(result.handoff_id, 42.0, "resolved")
        assert office.state("a") is AgentState.WRAP_UP
        record = office.handoffs.records[result.handoff_id]
        assert (record.outcome, record.talk_seconds) == ("resolved", 42.0)

    run(story())
    assert [step.step for step in office.steps] == [Step.RINGING, Step.ACCEPTED, Step.FINISHED]
    assert office.steps[1].seconds == pytest.approx(2.0)


def test_agents_are_rung_one_after_another_in_the_order_of_rest(run: Run, office: Office) -> None:
    office.seat("sleepy", ring=99, since=0)
    office.seat("refuses", cause=Cause.DECLINED, since=1)
    office.seat("talking", cause=Cause.BUSY, since=2)
    office.seat("answers", since=3)

    async def story() -> None:
        result = await office.desk(ring_seconds=20).connect(request())
        assert isinstance(result, AgentConnected)
        assert result.agent_id == "answers"
        assert asyncio.get_running_loop().time() == pytest.approx(20 + 2 + 2 + 2)

    run(story())
    assert office.rung() == ["sleepy", "refuses", "talking", "answers"]
    assert office.state("sleepy") is office.state("refuses") is office.state("talking") is AgentState.FREE


@pytest.mark.parametrize("state", [AgentState.OFFLINE, AgentState.BUSY, AgentState.RINGING])
def test_with_nobody_free_the_caller_hears_so_at_once(run: Run, office: Office, state: AgentState) -> None:
    office.seat("a", state=state)

    async def story() -> None:
        result = await office.desk().connect(request())
        assert result == AgentMissing(result.handoff_id, HandoffOutcome.NOBODY_FREE)
        assert asyncio.get_running_loop().time() == 0.0
        assert office.handoffs.records[result.handoff_id].outcome == "nobody_free"

    run(story())
    assert office.rung() == []
    assert office.state("a") is state


@pytest.mark.parametrize(
    ("causes", "outcome"),
    [
        ([Cause.DECLINED], HandoffOutcome.DECLINED),
        ([Cause.BUSY], HandoffOutcome.DECLINED),
        ([Cause.NO_ANSWER], HandoffOutcome.NO_ANSWER),
        ([Cause.DECLINED, Cause.NO_ANSWER], HandoffOutcome.NO_ANSWER),
        ([Cause.NETWORK_ERROR], HandoffOutcome.NO_ANSWER),
    ],
)
def test_the_outcome_says_why_nobody_took_it(
    run: Run, office: Office, causes: list[Cause], outcome: HandoffOutcome
) -> None:
    for number, cause in enumerate(causes):
        office.seat(f"a{number}", cause=cause)

    async def story() -> None:
        result = await office.desk().connect(request())
        assert isinstance(result, AgentMissing)
        assert result.outcome is outcome
        assert office.handoffs.records[result.handoff_id].outcome == outcome.value

    run(story())
    assert len(office.rung()) == len(causes)


def test_an_agent_whose_address_nobody_can_dial_is_passed_over(run: Run, office: Office) -> None:
    office.seat("lost", since=0)
    office.carrier.telephones.clear()
    office.seat("answers", since=1)

    async def story() -> None:
        result = await office.desk().connect(request())
        assert isinstance(result, AgentConnected)
        assert result.agent_id == "answers"

    run(story())
    assert office.state("lost") is AgentState.FREE


def test_a_caller_who_hangs_up_stops_the_ringing(run: Run, office: Office) -> None:
    office.seat("a", ring=15)

    async def story() -> None:
        search = asyncio.create_task(office.desk().connect(request()))
        await asyncio.sleep(5)
        assert office.state("a") is AgentState.RINGING
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search
        (record,) = office.handoffs.records.values()
        assert record.outcome == "caller_gone"

    run(story())
    assert office.carrier.cancelled == ["sip:a@127.0.0.1"]
    assert office.state("a") is AgentState.FREE
    assert office.steps[-1].step is Step.CALLER_GONE


def test_whenever_the_caller_goes_no_agent_stays_taken_and_no_leg_stays_up(run: Run, office: Office) -> None:
    """Cancels the search at every point where it waits for something."""
    office.seat("a", ring=1)
    reached_the_end = False
    for steps in range(60):

        async def story(steps: int = steps) -> bool:
            office.agents.records["a"] = office.agents.records["a"].__class__(
                "a", "客服a", "sip:a@127.0.0.1", frozenset({"agent"}), AgentState.FREE
            )
            desk = office.desk()
            search = asyncio.create_task(desk.connect(request()))
            for _ in range(steps):
                await asyncio.sleep(0)
            if steps > 30:
                await asyncio.sleep(2)
            if search.done():
                await desk.finished((await search).handoff_id, 1.0, "resolved")
                return True
            search.cancel()
            with pytest.raises(asyncio.CancelledError):
                await search
            assert office.state("a") is AgentState.FREE
            assert all(leg.hung_up for leg in office.carrier.legs)
            assert desk.waiting() == ()
            return False

        if run(story()):
            reached_the_end = True
            break
    assert reached_the_end


def test_the_search_ends_in_time_whoever_is_left(run: Run, office: Office) -> None:
    for number in range(10):
        office.seat(f"a{number}", ring=99)

    async def story() -> None:
        result = await office.desk(ring_seconds=20, longest_seconds=50).connect(request())
        assert isinstance(result, AgentMissing)
        assert asyncio.get_running_loop().time() == pytest.approx(50)

    run(story())
    assert [one.ring_seconds for one in office.carrier.dialled] == [20, 20, pytest.approx(10)]


def test_a_waiting_caller_gets_the_agent_who_becomes_free(run: Run, office: Office) -> None:
    office.seat("a", state=AgentState.BUSY)

    async def story() -> None:
        search = asyncio.create_task(office.desk(wait_seconds=30).connect(request()))
        await asyncio.sleep(12)
        await office.agents.set_state("a", AgentState.FREE)
        assert isinstance(await search, AgentConnected)
        assert asyncio.get_running_loop().time() == pytest.approx(14, abs=1)

    run(story())


def test_an_urgent_caller_passes_those_who_wait_even_on_another_worker(run: Run, office: Office) -> None:
    office.seat("a", state=AgentState.BUSY)
    order: list[str] = []

    async def caller(desk: HandoffDesk, call_id: str, urgent: bool) -> None:
        result = await desk.connect(request(call_id, urgent=urgent))
        assert isinstance(result, AgentConnected)
        order.append(call_id)
        await asyncio.sleep(3)
        await desk.finished(result.handoff_id, 3.0, "resolved")

    async def story() -> None:
        one, two = (
            office.desk("w1", wait_seconds=60, wrap_up_seconds=0),
            office.desk("w2", wait_seconds=60, wrap_up_seconds=0),
        )
        calls = []
        for desk, call_id, urgent in ((one, "first", False), (two, "second", False), (two, "urgent", True)):
            calls.append(asyncio.create_task(caller(desk, call_id, urgent)))
            await asyncio.sleep(1)
        await office.agents.set_state("a", AgentState.FREE)
        await asyncio.gather(*calls)

    run(story())
    assert order == ["urgent", "first", "second"]


def test_two_callers_never_get_the_same_agent(run: Run, office: Office) -> None:
    for number in range(3):
        office.seat(f"a{number}")

    async def story() -> None:
        desks = [office.desk("w1"), office.desk("w2")]
        results = await asyncio.gather(*(desks[n % 2].connect(request(f"c{n}")) for n in range(5)))
        connected = [one.agent_id for one in results if isinstance(one, AgentConnected)]
        assert sorted(connected) == ["a0", "a1", "a2"]
        assert sum(isinstance(one, AgentMissing) for one in results) == 2

    run(story())


def test_a_special_skill_is_preferred_and_a_general_agent_is_better_than_nobody(run: Run, office: Office) -> None:
    office.seat("general", since=0)
    office.seat("special", skills=("agent", "complaint"), since=5)

    async def story() -> None:
        desk = office.desk()
        first = await desk.connect(request("c1", skill="complaint"))
        second = await desk.connect(request("c2", skill="complaint"))
        assert isinstance(first, AgentConnected)
        assert isinstance(second, AgentConnected)
        assert (first.agent_id, second.agent_id) == ("special", "general")

    run(story())


def test_an_agent_rests_for_as_long_as_notes_take_and_then_takes_the_next_call(run: Run, office: Office) -> None:
    office.seat("a")

    async def story() -> None:
        desk = office.desk(wrap_up_seconds=30)
        result = await desk.connect(request())
        await desk.finished(result.handoff_id, 1.0, "resolved")
        await asyncio.sleep(29)
        assert isinstance(await desk.connect(request("c2")), AgentMissing)
        await asyncio.sleep(1)
        assert isinstance(await desk.connect(request("c3")), AgentConnected)

    run(story())


def test_a_handoff_of_a_worker_that_died_is_finished_from_the_store(run: Run, office: Office) -> None:
    office.seat("a")

    async def story() -> None:
        result = await office.desk("dead").connect(request())
        await office.desk("heir", wrap_up_seconds=0).finished(result.handoff_id, 5.0, "resolved")
        assert office.state("a") is AgentState.FREE

    run(story())


def test_with_the_database_away_the_caller_is_offered_a_callback(
    run: Run, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.seat("a")
    office.agents.away = True

    async def story() -> None:
        result = await office.desk().connect(request())
        assert isinstance(result, AgentMissing)
        assert result.outcome is HandoffOutcome.NOBODY_FREE

    run(story())
    assert "agents cannot be looked up" in caplog.text


def test_a_free_agent_is_not_missed_because_another_workers_queue_is_a_moment_old(run: Run, office: Office) -> None:
    """Another worker's caller seems to wait, and is in truth gone."""
    office.seat("a")

    async def story() -> None:
        ghost = Handoff("c9", "asked_for_human", "agent", urgent=True, opened_at=EPOCH)
        await office.handoffs.open(ghost)
        result = await office.desk().connect(request())
        assert isinstance(result, AgentConnected)
        assert asyncio.get_running_loop().time() < 3.5

    run(story())


def test_of_two_callers_at_the_same_moment_the_urgent_one_gets_the_only_agent(run: Run, office: Office) -> None:
    office.seat("a")

    async def story() -> None:
        one, two = office.desk("w1"), office.desk("w2")
        calm, urgent = await asyncio.gather(one.connect(request("c1")), two.connect(request("c2", urgent=True)))
        assert isinstance(urgent, AgentConnected)
        assert isinstance(calm, AgentMissing)

    run(story())
