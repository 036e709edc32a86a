"""However a number does not answer, call and attempt are stored with what happened, and nothing rings on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from voicebot.call.settings import CallSettings
from voicebot.settings import Settings
from voicebot.store.records import AttemptState, Case

if TYPE_CHECKING:
    from tests.engine.conftest import Engine, OpenEngine, StartSipp

pytestmark = pytest.mark.peer


async def stored(engine: Engine, call_id: str) -> tuple[str | None, str | None]:
    """Disposition and cause, the same in the call and in its attempt."""
    call = await engine.worker.store.calls.get(call_id)
    assert call is not None
    assert call.ended_at is not None
    (attempt,) = await engine.worker.store.attempts.list()
    assert attempt.state is AttemptState.ENDED
    assert (attempt.disposition, attempt.cause, attempt.call_id) == (call.disposition, call.cause, call_id)
    return call.disposition, call.cause


@pytest.mark.parametrize(
    ("status", "disposition", "cause"),
    [
        ("486 Busy Here", "busy", "busy"),
        ("603 Decline", "rejected", "declined"),
        ("404 Not Found", "empty_number", "not_found"),
        ("480 Temporarily Unavailable", "switched_off", "unavailable"),
        ("503 Service Unavailable", "overloaded", "overloaded"),
    ],
)
async def test_an_answer_of_the_network_is_stored_as_what_it_means(
    status: str,
    disposition: str,
    cause: str,
    open_engine: OpenEngine,
    make_settings: Callable[..., Settings],
    sipp: StartSipp,
    case: Case,
) -> None:
    peer = await sipp("uas_status", words={"STATUS": status})
    async with open_engine(make_settings(trunk=peer.port), cases=[case]) as engine:
        call_id = await engine.place()
        await engine.over(call_id)
        assert await stored(engine, call_id) == (disposition, cause)
        (entry,) = engine.of("call.not_answered")
        assert entry.data["status"] == int(status[:3])
        async with engine.http.get("/metrics") as metrics:
            assert 'voicebot_calls_started_total{direction="outbound"} 1.0' in await metrics.text()
    await peer.verdict()


async def test_a_telephone_that_rings_on_is_given_up_with_a_cancel(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], sipp: StartSipp, case: Case
) -> None:
    peer = await sipp("uas_ring")
    settings = make_settings(trunk=peer.port, call=CallSettings(ring_seconds=5.01))
    async with open_engine(settings, cases=[case]) as engine:
        call_id = await engine.place()
        await engine.over(call_id)
        assert await stored(engine, call_id) == ("no_answer", "no_answer")
        await peer.verdict()


async def test_a_ringing_call_is_cancelled_through_the_api_and_its_key_dials_no_second_time(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], sipp: StartSipp, case: Case
) -> None:
    peer = await sipp("uas_ring")
    async with open_engine(make_settings(trunk=peer.port), cases=[case]) as engine:
        call_id = await engine.place(key="first-attempt")
        await engine.happens("call.dialling")
        await asyncio.sleep(0.5)  # until the telephone rings: only the peer knows, and it tells nobody
        async with engine.http.delete(f"/api/v1/calls/{call_id}") as answer:
            assert answer.status == 204, await answer.text()
        await engine.over(call_id)
        assert await stored(engine, call_id) == ("cancelled", "cancelled")
        await peer.verdict()
        assert await engine.place(key="first-attempt") == call_id
        assert engine.worker.engine.live == 0
        async with engine.http.delete(f"/api/v1/calls/{call_id}") as again:
            assert again.status == 409


async def test_a_call_that_is_taken_back_at_once_is_stored_all_the_same(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], telephone_port: int, case: Case
) -> None:
    async with open_engine(make_settings(trunk=telephone_port), cases=[case]) as engine:
        call_id = await engine.place()
        assert await engine.worker.engine.hang_up(call_id)
        await engine.over(call_id)
        assert await stored(engine, call_id) == ("cancelled", "cancelled")


async def test_an_unreachable_trunk_costs_one_attempt_and_the_worker_serves_on(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], telephone_port: int, case: Case
) -> None:
    settings = make_settings(trunk=telephone_port, call=CallSettings(ring_seconds=5.01))
    async with open_engine(settings, cases=[case]) as engine:
        call_id = await engine.place()
        await engine.over(call_id)
        assert await stored(engine, call_id) == ("network_error", "network_error")
        async with engine.http.get("/readyz") as ready:
            assert ready.status == 200, await ready.text()


async def test_an_engine_without_a_way_out_says_so_and_records_no_attempt(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], case: Case
) -> None:
    async with open_engine(make_settings(), cases=[case]) as engine:
        async with engine.http.post("/api/v1/calls", json={"case": "case-1", "flow": "reminder_first"}) as answer:
            assert answer.status == 409
            assert "sip.trunks" in await answer.text()
        assert not await engine.worker.store.attempts.list()
