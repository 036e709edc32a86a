"""Calls, what comes of them, and the people behind them come back as they went in; writing twice is writing once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from voicebot.store import Store
from voicebot.store.agent_records import Handoff
from voicebot.store.records import Call, Callback, CallbackState, Case, PlanRequest, Promise, PromiseState

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MakeCase = Callable[..., Case]


async def test_a_call_is_followed_from_its_first_ring_to_its_evidence(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    call = Call("inbound", "callback", NOW, "w1", carrier="trunk", carrier_call_id="abc@host", number="13800000001")
    await store.calls.begin(call)
    await store.calls.begin(call)
    await store.calls.update(call.id, answered_at=NOW + timedelta(seconds=2), case_id=case.id, flow_hash="f" * 64)
    await store.calls.update(call.id)
    assert [live.id for live in await store.calls.list(live=True)] == [call.id]
    await store.calls.finish(
        call.id,
        ended_at=NOW + timedelta(minutes=3),
        disposition="promise",
        cause="normal",
        evidence_path="2026-11-20/abc",
        evidence_digest="d" * 64,
    )
    assert await store.calls.get(call.id) == replace(
        call,
        number="+8613800000001",
        answered_at=NOW + timedelta(seconds=2),
        case_id=case.id,
        flow_hash="f" * 64,
        ended_at=NOW + timedelta(minutes=3),
        disposition="promise",
        cause="normal",
        evidence_path="2026-11-20/abc",
        evidence_digest="d" * 64,
    )
    assert await store.calls.list(live=True) == []
    assert len(await store.calls.list(case_id=case.id, live=False)) == 1
    assert await store.calls.get("nothing") is None


async def test_calls_are_listed_newest_first_in_pages(store: Store) -> None:
    for n in range(5):
        await store.calls.begin(Call("outbound", "f", NOW + timedelta(minutes=n), "w", id=f"c{n}"))
    page = await store.calls.list(limit=2)
    assert [call.id for call in page] == ["c4", "c3"]
    assert [call.id for call in await store.calls.list(limit=9, before=page[-1].started_at)] == ["c2", "c1", "c0"]


async def test_a_withheld_number_is_no_number(store: Store) -> None:
    await store.calls.begin(Call("inbound", "f", NOW, "w", id="c", number=None))
    call = await store.calls.get("c")
    assert call is not None
    assert call.number is None


async def test_promises(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    promise = Promise(
        case.id, Decimal("2000.00"), date(2026, 11, 27), partial=True, words="下周五还两千", recorded_at=NOW
    )
    await store.promises.add(promise)
    await store.promises.add(promise)
    assert await store.promises.list(case_id=case.id) == [promise]
    await store.promises.set_state(promise.id, PromiseState.BROKEN)
    assert await store.promises.list(state=PromiseState.OPEN) == []
    assert await store.promises.list(state=PromiseState.BROKEN) == [replace(promise, state=PromiseState.BROKEN)]


async def test_callbacks_come_due_in_order(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    late = Callback(NOW + timedelta(hours=2), case_id=case.id, recorded_at=NOW)
    early = Callback(NOW + timedelta(hours=1), number="+8613800000001", because="nobody_free", recorded_at=NOW)
    for callback in (late, early, late):
        await store.callbacks.add(callback)
    assert await store.callbacks.due(NOW) == []
    assert await store.callbacks.due(NOW + timedelta(hours=2)) == [early, late]
    await store.callbacks.set_state(early.id, CallbackState.DONE)
    assert await store.callbacks.due(NOW + timedelta(days=1)) == [late]
    assert await store.callbacks.list(case_id=case.id) == [late]


async def test_plan_requests(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    plan = PlanRequest(case.id, instalments=12, reason="失业", recorded_at=NOW)
    await store.plans.add(plan)
    await store.plans.add(plan)
    assert await store.plans.list(case_id=case.id) == [plan]


async def test_a_handoff_from_the_request_to_its_outcome(store: Store) -> None:
    brief = {"来电人": "王小样", "已核实": "是", "原因": "想分期", "承诺": "无"}
    handoff = Handoff("call-1", "asked_for_human", "agent", urgent=True, brief=brief, opened_at=NOW)
    await store.handoffs.open(handoff)
    await store.handoffs.open(handoff)
    stored = await store.handoffs.get(handoff.id)
    assert stored == handoff
    assert stored is not None
    assert list(stored.brief) == list(brief)
    await store.handoffs.assign(handoff.id, "a1", at=NOW + timedelta(seconds=1))
    await store.handoffs.answered(handoff.id, at=NOW + timedelta(seconds=9))
    assert len(await store.handoffs.list(open_only=True)) == 1
    await store.handoffs.close(handoff.id, "accepted", talk_seconds=61.5, at=NOW + timedelta(seconds=70))
    await store.handoffs.close(handoff.id, "caller_gone", at=NOW + timedelta(seconds=99))
    assert await store.handoffs.get(handoff.id) == replace(
        handoff,
        agent_id="a1",
        assigned_at=NOW + timedelta(seconds=1),
        answered_at=NOW + timedelta(seconds=9),
        outcome="accepted",
        talk_seconds=61.5,
        closed_at=NOW + timedelta(seconds=70),
    )
    assert await store.handoffs.list(open_only=True) == []


@pytest.mark.parametrize("amount", ["0.0001", "-12.50", "922337203685477.5807", "1E+3"])
async def test_amounts_are_exact(store: Store, make_case: MakeCase, amount: str) -> None:
    case = await store.cases.add(make_case())
    await store.promises.add(Promise(case.id, Decimal(amount), date(2026, 11, 27)))
    assert (await store.promises.list())[0].amount == Decimal(amount)


async def test_an_amount_or_a_time_that_cannot_be_kept_exactly_is_refused(store: Store, make_case: MakeCase) -> None:
    case = make_case()
    with pytest.raises(Exception, match="not exact to 4 decimal places"):
        await store.cases.add(replace(case, debt=replace(case.debt, amount_due=Decimal("0.00001"))))
    with pytest.raises(Exception, match="has no time zone"):
        await store.cases.add(replace(case, created_at=datetime(2026, 1, 1)))  # noqa: DTZ001
