"""An attempt is recorded before it is dialled: once for a key, only if permitted, and never forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from recordings.cipher import KeyRing
from voicebot.store import AttemptRefused, Store, UnknownCase
from voicebot.store.agent_records import AgentRecord, AgentState, Handoff
from voicebot.store.records import AttemptState, Call, Case, ContactHistory, Permission, Promise, Suppression

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MakeCase = Callable[..., Case]


async def test_one_key_is_one_attempt(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    first = await store.attempts.begin(
        idempotency_key="k", case_id=case.id, number="138-0000-0001", worker_id="w1", caller_id="+861000", at=NOW
    )
    again = await store.attempts.begin(idempotency_key="k", case_id=case.id, number="+8613800000001", worker_id="w2")
    assert (first.created, again.created) == (True, False)
    assert again.attempt == first.attempt
    assert first.attempt.number == "+8613800000001"
    assert (first.attempt.state, first.attempt.begun_at) == (AttemptState.BEGUN, NOW)
    assert await store.attempts.get(first.attempt.id) == first.attempt


async def test_many_workers_with_one_key_dial_once(url: str, keys: KeyRing, make_case: MakeCase) -> None:
    stores = [await Store.open(url, keys, migrate=True) for _ in range(4)]
    try:
        case = await stores[0].cases.add(make_case())
        begun = await asyncio.gather(
            *(
                stores[n % 4].attempts.begin(
                    idempotency_key="k", case_id=case.id, number="+8613800000001", worker_id=f"w{n}"
                )
                for n in range(12)
            )
        )
        assert sum(each.created for each in begun) == 1
        assert len({each.attempt.id for each in begun}) == 1
    finally:
        for store in stores:
            await store.close()


async def test_a_cap_holds_for_a_person_across_cases_and_workers(url: str, keys: KeyRing, make_case: MakeCase) -> None:
    """Twelve workers at once, two cases of one debtor, a policy that allows three attempts: three are made."""

    def three_a_day(history: ContactHistory) -> Permission:
        return Permission(len(history.attempts) < 3, {"count": len(history.attempts)})

    stores = [await Store.open(url, keys, migrate=True) for _ in range(4)]
    try:
        one = await stores[0].cases.add(make_case())
        other = await stores[0].cases.add(Case(debtor=one.debtor, debt=one.debt))

        async def begin(n: int) -> bool:
            try:
                await stores[n % 4].attempts.begin(
                    idempotency_key=f"k{n}",
                    case_id=(one, other)[n % 2].id,
                    number="+8613800000001",
                    worker_id=f"w{n}",
                    permit=three_a_day,
                )
            except AttemptRefused:
                return False
            return True

        assert sum(await asyncio.gather(*(begin(n) for n in range(12)))) == 3
        kept = await stores[0].attempts.list()
        assert sorted(attempt.state.value for attempt in kept) == ["begun"] * 3 + ["refused"] * 9
    finally:
        for store in stores:
            await store.close()


async def test_a_shared_number_is_counted_across_people(store: Store, make_case: MakeCase) -> None:
    one, other = await store.cases.add(make_case()), await store.cases.add(make_case())
    seen: list[ContactHistory] = []

    def look(history: ContactHistory) -> Permission:
        seen.append(history)
        return Permission(True)

    for n, case in enumerate((one, other)):
        await store.attempts.begin(
            idempotency_key=str(n), case_id=case.id, number="+8613800000001", worker_id="w", permit=look
        )
    assert (len(seen[1].attempts), len(seen[1].number_attempts)) == (0, 1)


async def test_a_refusal_is_recorded_with_its_explanation_and_stays(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    await store.suppressions.add(Suppression("stop_contact", number="+8613800000001", since=NOW))
    await store.promises.add(Promise(case.id, Decimal("2000"), date(2026, 11, 27)))

    def refuse(history: ContactHistory) -> Permission:
        assert [entry.reason for entry in history.suppressed] == ["stop_contact"]
        assert [promise.amount for promise in history.promises] == [Decimal("2000.00")]
        return Permission(False, {"rule": "CN-STOP-01", "next": None})

    for permit in (refuse, None):
        with pytest.raises(AttemptRefused) as refused:
            await store.attempts.begin(
                idempotency_key="k", case_id=case.id, number="+8613800000001", worker_id="w", permit=permit, at=NOW
            )
        assert refused.value.attempt.policy == {"rule": "CN-STOP-01", "next": None}
    kept = await store.attempts.list(case_id=case.id)
    assert [attempt.state for attempt in kept] == [AttemptState.REFUSED]
    assert await store.attempts.open_ones() == []


async def test_a_policy_that_fails_leaves_nothing_behind(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())

    def broken(_: ContactHistory) -> Permission:
        raise RuntimeError("rule pack is damaged")

    with pytest.raises(RuntimeError, match="rule pack"):
        await store.attempts.begin(
            idempotency_key="k", case_id=case.id, number="+8613800000001", worker_id="w", permit=broken
        )
    assert await store.attempts.list() == []


async def test_an_unknown_case_is_not_dialled(store: Store) -> None:
    with pytest.raises(UnknownCase):
        await store.attempts.begin(idempotency_key="k", case_id="nobody", number="+8613800000001", worker_id="w")


async def test_the_first_end_of_an_attempt_counts(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    begun = await store.attempts.begin(idempotency_key="k", case_id=case.id, number="+8613800000001", worker_id="w")
    await store.attempts.finish(begun.attempt.id, cause="busy", disposition="busy", at=NOW)
    await store.attempts.finish(begun.attempt.id, cause="normal", disposition="promise", at=NOW + timedelta(hours=1))
    ended = await store.attempts.get(begun.attempt.id)
    assert ended is not None
    assert (ended.state, ended.cause, ended.disposition, ended.ended_at) == (AttemptState.ENDED, "busy", "busy", NOW)


async def test_what_a_dead_worker_left_open_is_interrupted(store: Store, make_case: MakeCase) -> None:
    case = await store.cases.add(make_case())
    for worker in ("dead", "alive"):
        await store.attempts.begin(
            idempotency_key=worker, case_id=case.id, number="+8613800000001", worker_id=worker, at=NOW
        )
        await store.calls.begin(Call("outbound", "reminder_first", NOW, worker, id=f"call-{worker}", case_id=case.id))
        await store.handoffs.open(Handoff(f"call-{worker}", "asked_for_human", "agent", id=f"h-{worker}"))
        await store.agents.put(AgentRecord(f"a-{worker}", worker, "sip:a@x", state=AgentState.FREE))
        claimed = await store.agents.claim("agent", worker_id=worker)
        assert claimed is not None
    assert [attempt.worker_id for attempt in await store.attempts.open_ones("dead")] == ["dead"]

    interrupted = await store.attempts.interrupt("dead", at=NOW + timedelta(minutes=5))
    assert [(attempt.state, attempt.disposition) for attempt in interrupted] == [
        (AttemptState.INTERRUPTED, "interrupted")
    ]
    assert interrupted[0] == await store.attempts.get(interrupted[0].id)
    assert [attempt.worker_id for attempt in await store.attempts.open_ones()] == ["alive"]
    assert [call.id for call in await store.calls.list(live=True)] == ["call-alive"]
    assert [handoff.id for handoff in await store.handoffs.list(open_only=True)] == ["h-alive"]
    states = {agent.id: agent.state for agent in await store.agents.list()}
    assert states == {"a-dead": AgentState.FREE, "a-alive": AgentState.RINGING}
    assert await store.attempts.interrupt("dead") == []
