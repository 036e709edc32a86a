"""Every disposition and every promise becomes a notice of its own, with no more of a person than the receiver needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.campaign.simulated import Passing, VirtualClock
from voicebot.followup.desk import FollowUpDesk
from voicebot.followup.plan import FollowUpPlan
from voicebot.store import Store
from voicebot.store.news_records import PaymentNews
from voicebot.store.outgoing import Delivery, EventKind
from voicebot.store.records import Call, Case, Permission, Promise, PromiseState
from voicebot.webhooks.notices import Notices

MAKE = Callable[..., Case]
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ALL = frozenset(kind.value for kind in EventKind)
NUMBER = "+8613800000001"


async def told(store: Store, kinds: frozenset[str] = ALL) -> list[Delivery]:
    """What is kept for the receiver once the events are dealt with."""
    notices = Notices(store, kinds)
    desk = FollowUpDesk(
        store,
        FollowUpPlan(),
        lambda history: Permission(True),
        Passing(),
        now=VirtualClock(NOW),
        others=[notices.happened],
        follows=False,
    )
    await desk.look()
    assert await store.events.waiting() == []
    return list(reversed(await store.deliveries.list()))


async def dialled(store: Store, case: Case, key: str = "k") -> str:
    begun = await store.attempts.begin(
        idempotency_key=key, case_id=case.id, number=NUMBER, worker_id="w1", campaign_id=None, at=NOW
    )
    return begun.attempt.id


async def test_an_attempt_that_ended_is_told_once(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case(external_id="contract-7"))
    attempt = await dialled(store, case)
    assert await told(store) == []
    await store.attempts.finish(attempt, disposition="ptp", cause="normal", at=NOW + timedelta(minutes=2))
    await store.attempts.finish(attempt, disposition="ptp", cause="normal", at=NOW + timedelta(minutes=3))
    (notice,) = await told(store)
    assert notice.payload == {
        "type": "attempt.ended",
        "timestamp": "2026-11-20T02:02:00+00:00",
        "data": {
            "attempt": attempt,
            "case": case.id,
            "case_reference": "contract-7",
            "campaign": None,
            "call": None,
            "disposition": "ptp",
            "cause": "normal",
            "began_at": "2026-11-20T02:00:00+00:00",
            "ended_at": "2026-11-20T02:02:00+00:00",
        },
    }


async def test_an_attempt_of_a_worker_that_died_is_told_as_interrupted(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case())
    await dialled(store, case)
    await store.calls.begin(Call("inbound", "inbound_callback", NOW, "w1", id="in", case_id=case.id))
    await store.calls.begin(Call("outbound", "reminder_first", NOW, "w1", id="out", case_id=case.id))
    await store.attempts.interrupt("w1", at=NOW)
    found = [(notice.kind, notice.payload["data"]["disposition"]) for notice in await told(store)]
    assert sorted(found) == [("attempt.ended", "interrupted"), ("call.ended", "interrupted")]


async def test_a_call_that_came_in_is_told_and_one_that_went_out_is_told_as_its_attempt(
    store: Store, make_case: MAKE
) -> None:
    case = await store.cases.add(make_case())
    for direction, name in (("inbound", "in"), ("outbound", "out")):
        await store.calls.begin(Call(direction, "f", NOW, "w1", id=name, case_id=case.id, number=NUMBER))
        await store.calls.finish(name, ended_at=NOW, disposition="served")
        await store.calls.finish(name, ended_at=NOW, disposition="served")
    (notice,) = await told(store)
    assert (notice.kind, notice.payload["data"]["call"]) == ("call.ended", "in")


async def test_a_promise_is_told_when_it_is_made_and_when_it_is_settled(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case(external_id="contract-7"))
    promise = Promise(case.id, Decimal(1000), date(2026, 11, 25), recorded_at=NOW, words="王小样说下周三还")
    await store.promises.add(promise)
    (recorded,) = await told(store)
    data = recorded.payload["data"]
    assert (data["state"], data["amount"], data["currency"], data["due_on"], data["paid"]) == (
        "open",
        "1000.00",
        "CNY",
        "2026-11-25",
        "0.00",
    )
    paid = PaymentNews(case.id, "r", Decimal(400), date(2026, 11, 22))
    await store.news.take([paid], by="test", at=NOW + timedelta(days=3))
    await store.promises.set_state(promise.id, PromiseState.PARTLY)
    await store.promises.set_state(promise.id, PromiseState.PARTLY)
    _, settled = await told(store)
    assert (settled.kind, settled.payload["data"]["state"], settled.payload["data"]["paid"]) == (
        "promise.settled",
        "partly",
        "400.00",
    )


async def test_no_notice_holds_a_name_a_number_or_a_word(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case())
    attempt = await dialled(store, case)
    await store.attempts.finish(attempt, disposition="ptp", at=NOW)
    await store.calls.begin(Call("inbound", "f", NOW, "w1", case_id=case.id, number=NUMBER, id="in"))
    await store.calls.finish("in", ended_at=NOW, disposition="ptp")
    await store.promises.add(Promise(case.id, Decimal(1000), date(2026, 11, 25), words="王小样说下周三还"))
    everything = json.dumps([dict(notice.payload) for notice in await told(store)], ensure_ascii=False)
    assert "promise.recorded" in everything
    for secret in ("王", "小样", "13800000001", "123X", "还", "2350"):
        assert secret not in everything


async def test_only_what_the_receiver_wants_is_kept(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case())
    attempt = await dialled(store, case)
    await store.attempts.finish(attempt, disposition="ptp", at=NOW)
    await store.promises.add(Promise(case.id, Decimal(1000), date(2026, 11, 25)))
    assert [notice.kind for notice in await told(store, frozenset({"promise.recorded"}))] == ["promise.recorded"]
