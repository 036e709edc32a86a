"""What callers may hold us to is kept with its days, found by its number, moved and closed once, and audited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from voicebot.store import Store
from voicebot.store.complaint_records import Complaint, ComplaintKind, ComplaintState, Tier, TierCount
from voicebot.store.records import FOR_AN_AGENT, Call, Callback, CallbackState, Case

NOW = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)


def a_complaint(key: str = "call-1:complaint", **fields: object) -> Complaint:
    values: dict[str, object] = {
        "id": key,
        "reference": "8835789168",
        "kind": ComplaintKind.COMPLAINT,
        "tier": Tier.SERVICE,
        "respond_by": date(2026, 3, 13),
        "answer_by": date(2026, 3, 25),
        "call_id": key.split(":", maxsplit=1)[0],
        "number": "+8613800000001",
        "words": "我要投诉你们",
        "received_at": NOW,
    }
    return Complaint(**{**values, **fields})  # type: ignore[arg-type]


async def test_a_complaint_is_kept_once_and_found_by_its_number(store: Store) -> None:
    first = a_complaint()
    stop = a_complaint("call-1:stop_contact", kind=ComplaintKind.STOP_CONTACT, answer_by=date(2026, 3, 11))
    await store.complaints.add(first)
    await store.complaints.add(first)
    await store.complaints.add(stop)
    assert await store.complaints.find(first.reference) == [first, stop]
    assert await store.complaints.get(first.id) == first
    assert await store.complaints.list() == [stop, first], "the most pressing first"
    assert await store.complaints.find("1234567897") == []
    taken = [entry for entry in await store.audit.list() if entry.action == "complaint.taken"]
    assert [entry.data["kind"] for entry in taken] == ["stop_contact", "complaint"]
    assert "投诉" not in str(taken), "what was said stands in the complaint alone"


async def test_more_words_are_added_once(store: Store) -> None:
    await store.complaints.add(a_complaint())
    for _ in range(2):
        await store.complaints.note("call-1:complaint", "上周骂了我")
    found = await store.complaints.get("call-1:complaint")
    assert found is not None
    assert found.words == "我要投诉你们\n上周骂了我"
    await store.complaints.note("nobody", "没有这一件")


async def test_a_complaint_goes_through_its_steps_once_and_each_is_audited(store: Store) -> None:
    complaints = store.complaints
    await complaints.add(a_complaint())
    key = "call-1:complaint"
    assert await complaints.respond(key, by="lin", at=NOW)
    assert not await complaints.respond(key, by="lin", at=NOW)
    assert await complaints.extend(key, date(2026, 4, 9), expecting=0, by="lin", reason="案情复杂", at=NOW)
    assert not await complaints.extend(key, date(2026, 4, 9), expecting=0, by="lin", reason="案情复杂", at=NOW)
    assert await complaints.move(key, Tier.LEGAL, expecting=Tier.SERVICE, by="deadlines", at=NOW)
    assert not await complaints.move(key, Tier.LEGAL, expecting=Tier.SERVICE, by="deadlines", at=NOW)
    assert await complaints.close(key, by="lin", resolution="已致歉并更正", at=NOW)
    assert not await complaints.close(key, by="lin", resolution="再结一次", at=NOW)
    assert not await complaints.move(key, Tier.SERVICE, expecting=Tier.LEGAL, by="lin", at=NOW)
    closed = await complaints.get(key)
    assert closed is not None
    assert (closed.state, closed.tier, closed.extensions) == (ComplaintState.CLOSED, Tier.LEGAL, 1)
    assert (closed.answer_by, closed.resolution, closed.closed_by) == (date(2026, 4, 9), "已致歉并更正", "lin")
    assert (closed.responded_at, closed.closed_at, closed.next_due) == (NOW, NOW, None)
    assert await complaints.list() == []
    assert await complaints.list(open_only=False) == [closed]
    actions = [entry.action.removeprefix("complaint.") for entry in reversed(await store.audit.list())]
    assert actions == ["taken", "responded", "extended", "moved", "closed"]
    assert (await store.audit.verify()).valid


@pytest.mark.parametrize(
    ("day", "responded", "overdue"),
    [
        (date(2026, 3, 13), False, False),
        (date(2026, 3, 14), False, True),
        (date(2026, 3, 14), True, False),
        (date(2026, 3, 25), True, False),
        (date(2026, 3, 26), True, True),
    ],
)
async def test_overdue_means_the_same_to_the_record_and_to_the_database(
    store: Store, day: date, responded: bool, overdue: bool
) -> None:
    await store.complaints.add(a_complaint())
    if responded:
        await store.complaints.respond("call-1:complaint", by="lin", at=NOW)
    (found,) = await store.complaints.list()
    assert found.overdue(day) is overdue
    assert bool(await store.complaints.list(overdue_on=day)) is overdue
    counts = {count.tier: count for count in await store.complaints.counts(day)}
    assert counts[Tier.SERVICE] == TierCount(Tier.SERVICE, 1, int(overdue))
    assert counts[Tier.LEGAL] == TierCount(Tier.LEGAL, 0, 0)


async def test_lists_narrow(store: Store, make_case: Callable[..., Case]) -> None:
    case = await store.cases.add(make_case())
    mine = a_complaint("call-2:dispute", kind=ComplaintKind.DISPUTE, tier=Tier.LEGAL, case_id=case.id)
    for one in (a_complaint(), mine):
        await store.complaints.add(one)
    assert await store.complaints.list(tier=Tier.LEGAL) == [mine]
    assert await store.complaints.list(kind=ComplaintKind.DISPUTE) == [mine]
    assert await store.complaints.list(case_id=case.id) == [mine]
    assert len(await store.complaints.list(limit=1)) == 1


async def test_a_callback_is_done_when_the_case_was_called(store: Store, make_case: Callable[..., Case]) -> None:
    case = await store.cases.add(make_case())
    early, late = (Callback(NOW + timedelta(hours=h), case_id=case.id, because="asked_by_caller") for h in (0, 5))
    for_an_agent = Callback(NOW, case_id=case.id, because=FOR_AN_AGENT)
    for one in (early, late, for_an_agent):
        await store.callbacks.add(one)
    await store.callbacks.made(case.id, until=NOW + timedelta(minutes=15), outcome="call-9", at=NOW)
    done = await store.callbacks.get(early.id)
    assert done is not None
    assert (done.state, done.outcome, done.ended_at) == (CallbackState.DONE, "call-9", NOW)
    still = {one.id for one in await store.callbacks.list(state=CallbackState.OPEN)}
    assert still == {late.id, for_an_agent.id}


async def test_what_a_machine_may_call_back(store: Store, make_case: Callable[..., Case]) -> None:
    case = await store.cases.add(make_case())
    since = NOW - timedelta(hours=4)
    wanted = Callback(NOW, case_id=case.id, because="asked_by_caller")
    for one in (
        wanted,
        Callback(NOW - timedelta(hours=5), case_id=case.id, because="asked_by_caller"),
        Callback(NOW + timedelta(hours=1), case_id=case.id, because="asked_by_caller"),
        Callback(NOW, case_id=case.id, because=FOR_AN_AGENT),
        Callback(NOW, number="+8613800000002", because="asked_by_caller"),
    ):
        await store.callbacks.add(one)
    assert await store.callbacks.to_dial(NOW, since=since) == [wanted]
    later = NOW + timedelta(hours=1)
    assert await store.callbacks.postpone(wanted.id, tries=0, next_at=later)
    assert not await store.callbacks.postpone(wanted.id, tries=0, next_at=later), "one refusal counts once"
    assert await store.callbacks.to_dial(NOW, since=since) == []
    assert wanted.id in {one.id for one in await store.callbacks.to_dial(later, since=since)}
    assert await store.callbacks.postpone(wanted.id, tries=1, next_at=None, outcome="for an agent")
    assert wanted.id not in {one.id for one in await store.callbacks.to_dial(later, since=since)}


async def test_an_inbound_call_names_the_attempt_that_it_returns(store: Store) -> None:
    call = Call("inbound", "inbound_callback", NOW, "w", id="back", answers_attempt_id="attempt-9")
    await store.calls.begin(call)
    assert await store.calls.get("back") == call
