"""Promises are followed up once, whoever looks how often, and everything that speaks against it stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.campaign.simulated import Passing, SimulatedCalls, VirtualClock
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.importing_news import NewsTable, import_news
from voicebot.campaign.policy import ContactPolicy
from voicebot.campaign.runner import CampaignRunner
from voicebot.followup.desk import FollowUpDesk
from voicebot.followup.plan import CAMPAIGN, FollowUpPlan
from voicebot.store import Store
from voicebot.store.campaign_records import CampaignState, Member, MemberState
from voicebot.store.news_records import PaymentNews
from voicebot.store.outgoing import Event, EventKind, MessageState, StepKind, StepState
from voicebot.store.records import Case, Permission, Promise, PromiseState, Suppression
from voicebot.webhooks.notices import Notices

BOTH = pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)], indirect=True)
MAKE = Callable[..., Case]
MADE = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
"""Ten in the morning in Shanghai, a Friday."""
DUE = date(2026, 11, 25)
FIRM = FirmFacts(
    registered_callers=frozenset({"+861066668888"}), own_caller="+861066668888", by_agency=False, assigned=False
)


def always(history: object) -> Permission:
    return Permission(True)


class Desk:
    """A desk, its store and its clock."""

    def __init__(self, store: Store, clock: VirtualClock, policy: ContactPolicy | None = None) -> None:
        self.store = store
        self.clock = clock
        self.events: list[Event] = []
        permit = policy.permit if policy else always
        self.desk = FollowUpDesk(store, FollowUpPlan(), permit, Passing(), now=clock, others=[self._told])

    async def _told(self, event: Event) -> None:
        self.events.append(event)

    async def look_at(self, moment: datetime) -> None:
        self.clock.at = moment
        await self.desk.look()

    async def steps(self, promise: Promise) -> dict[StepKind, tuple[StepState, str]]:
        found = await self.store.follow_ups.list(promise_id=promise.id)
        return {step.kind: (step.state, step.outcome) for step in found}

    async def state(self, promise: Promise) -> PromiseState:
        found = await self.store.promises.get(promise.id)
        assert found is not None
        return found.state

    async def member(self) -> Member | None:
        found = await self.store.campaigns.members(CAMPAIGN)
        return found[0] if found else None


@pytest.fixture
async def desk(store: Store) -> Desk:
    made = Desk(store, VirtualClock(MADE))
    await made.desk.start()
    return made


async def promised(store: Store, case: Case, *, at: datetime = MADE, due: date = DUE, amount: int = 1000) -> Promise:
    promise = Promise(case.id, Decimal(amount), due, recorded_at=at)
    await store.promises.add(promise)
    return promise


async def paid(store: Store, case: Case, amount: int, on: date, at: datetime) -> None:
    await store.news.take([PaymentNews(case.id, f"{amount}-{on}", Decimal(amount), on)], by="test", at=at)


REMIND = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
CHECK = datetime(2026, 11, 27, 0, 0, tzinfo=UTC)


@BOTH
async def test_a_broken_promise_is_reminded_of_checked_and_called_about(desk: Desk, make_case: MAKE) -> None:
    case = await desk.store.cases.add(make_case())
    promise = await promised(desk.store, case)
    await desk.look_at(MADE)
    assert set(await desk.steps(promise)) == {StepKind.REMIND, StepKind.CHECK}

    await desk.look_at(REMIND - timedelta(seconds=1))
    assert await desk.store.messages.list() == []
    await desk.look_at(REMIND)
    (message,) = await desk.store.messages.list()
    assert (message.template, message.promise_id, message.state) == (
        "promise_reminder",
        promise.id,
        MessageState.WAITING,
    )

    await desk.look_at(CHECK - timedelta(seconds=1))
    assert await desk.state(promise) is PromiseState.OPEN
    await desk.look_at(CHECK)
    assert await desk.state(promise) is PromiseState.BROKEN
    await desk.look_at(CHECK)
    member = await desk.member()
    assert member is not None
    assert (member.flow, member.state, member.case_id) == ("promise_followup", MemberState.READY, case.id)
    assert {state for state, _ in (await desk.steps(promise)).values()} == {StepState.DONE}
    # The second look told of the end of the first.
    await desk.look_at(CHECK)
    assert [event.kind for event in desk.events] == [EventKind.PROMISE_RECORDED, EventKind.PROMISE_SETTLED]


@BOTH
async def test_a_promise_is_kept_as_soon_as_the_money_is_booked(desk: Desk, make_case: MAKE) -> None:
    case = await desk.store.cases.add(make_case(external_id="contract-7"))
    promise = await promised(desk.store, case)
    await desk.look_at(MADE)
    booked = MADE + timedelta(days=2)
    await paid(desk.store, case, 400, date(2026, 11, 21), booked)
    await desk.look_at(booked)
    assert await desk.state(promise) is PromiseState.OPEN
    assert {state for state, _ in (await desk.steps(promise)).values()} == {StepState.WAITING}

    await paid(desk.store, case, 600, date(2026, 11, 22), booked)
    await desk.look_at(booked)
    assert await desk.state(promise) is PromiseState.KEPT
    await desk.look_at(booked)
    assert await desk.steps(promise) == {
        StepKind.REMIND: (StepState.DROPPED, "the promise is kept"),
        StepKind.CHECK: (StepState.DONE, "what was promised has come in"),
    }
    settled = [event.subject for event in desk.events if event.kind is EventKind.PROMISE_SETTLED]
    assert settled == [promise.id]
    for moment in (REMIND, CHECK, CHECK):
        await desk.look_at(moment)
    assert await desk.store.messages.list() == []
    assert await desk.member() is None
    assert await desk.store.events.waiting() == []


async def test_a_case_that_is_paid_in_full_has_kept_its_promise_of_a_part(desk: Desk, make_case: MAKE) -> None:
    case = await desk.store.cases.add(make_case())
    promise = await promised(desk.store, case, amount=500)
    await desk.look_at(MADE)
    await paid(desk.store, case, 3000, date(2026, 11, 20), MADE + timedelta(hours=1))
    await desk.look_at(MADE + timedelta(hours=1))
    assert await desk.state(promise) is PromiseState.KEPT


@BOTH
async def test_money_that_is_booked_before_the_promise_is_planned_for_keeps_it_too(desk: Desk, make_case: MAKE) -> None:
    case = await desk.store.cases.add(make_case())
    promise = await promised(desk.store, case)
    await paid(desk.store, case, 1000, date(2026, 11, 20), MADE + timedelta(seconds=1))
    recorded, booked = await desk.store.events.waiting()
    await desk.desk.happened(booked)
    await desk.desk.happened(recorded)
    await desk.look_at(MADE + timedelta(seconds=2))
    assert await desk.state(promise) is PromiseState.KEPT


async def test_money_ends_the_wait_for_the_lawful_hours_of_the_call(store: Store, make_case: MAKE) -> None:
    desk = Desk(store, VirtualClock(MADE), ContactPolicy(FIRM))
    case = await store.cases.add(make_case(preferred_hours=("18:00-20:00",)))
    promise = await promised(store, case)
    for moment in (MADE, CHECK, CHECK):
        await desk.look_at(moment)
    assert (await desk.steps(promise))[StepKind.CALL][0] is StepState.WAITING
    await paid(store, case, 1000, date(2026, 11, 26), CHECK + timedelta(minutes=1))
    await desk.look_at(CHECK + timedelta(minutes=1))
    assert (await desk.steps(promise))[StepKind.CALL] == (StepState.DONE, "what was promised has come in")
    assert await desk.state(promise) is PromiseState.KEPT


async def test_a_table_of_payments_keeps_promises_and_the_receiver_is_told(
    store: Store, make_case: MAKE, tmp_path: Path
) -> None:
    long_ago = datetime(2024, 11, 20, 2, 0, tzinfo=UTC)
    desk = Desk(store, VirtualClock(long_ago))
    notices = Notices(store, frozenset({"promise.settled"}))
    case = await store.cases.add(make_case(external_id="contract-7"))
    quiet = await store.cases.add(make_case("+8613800000002", external_id="contract-8"))
    promise = await promised(store, case, at=long_ago, due=date(2024, 11, 25))
    await desk.look_at(long_ago)
    file = tmp_path / "payments.csv"
    file.write_text(
        "case,reference,amount,paid_on\ncontract-7,p-1,1000,2024-11-21\ncontract-8,p-2,10,2024-11-21\n",
        encoding="utf-8",
    )
    await import_news(file, NewsTable.PAYMENTS, store.news, by="test", rejects=tmp_path / "rejects.csv")
    assert [event.subject for event in await store.events.waiting()] == [case.id], f"nothing waits for {quiet.id}"
    await desk.look_at(long_ago + timedelta(days=1))
    for event in await store.events.waiting():
        await notices.happened(event)
    (notice,) = await store.deliveries.list()
    assert (notice.kind, notice.payload["data"]["promise"]) == ("promise.settled", promise.id)
    assert (notice.payload["data"]["state"], notice.payload["data"]["paid"]) == ("kept", "1000.00")


async def test_a_promise_kept_in_part_is_called_about_as_such(desk: Desk, make_case: MAKE) -> None:
    case = await desk.store.cases.add(make_case())
    promise = await promised(desk.store, case)
    await desk.look_at(MADE)
    await paid(desk.store, case, 400, DUE, CHECK - timedelta(hours=1))
    await desk.look_at(CHECK)
    await desk.look_at(CHECK)
    assert await desk.state(promise) is PromiseState.PARTLY
    assert await desk.member() is not None


async def test_money_that_comes_between_the_check_and_the_call_stops_the_call(desk: Desk, make_case: MAKE) -> None:
    case = await desk.store.cases.add(make_case())
    promise = await promised(desk.store, case)
    await desk.look_at(MADE)
    await desk.look_at(CHECK)
    await paid(desk.store, case, 1000, date(2026, 11, 26), CHECK + timedelta(seconds=1))
    await desk.look_at(CHECK + timedelta(seconds=2))
    assert await desk.member() is None
    assert await desk.state(promise) is PromiseState.KEPT


@BOTH
async def test_a_new_promise_takes_the_place_of_the_old_one(desk: Desk, make_case: MAKE) -> None:
    case = await desk.store.cases.add(make_case())
    first = await promised(desk.store, case)
    await desk.look_at(MADE)
    second = await promised(desk.store, case, at=MADE + timedelta(days=1), due=date(2026, 11, 28))
    await desk.look_at(MADE + timedelta(days=1))
    assert await desk.state(first) is PromiseState.CANCELLED
    assert await desk.state(second) is PromiseState.OPEN
    assert {state for state, _ in (await desk.steps(first)).values()} == {StepState.DROPPED}
    await desk.look_at(CHECK)
    assert await desk.store.messages.list() == []
    assert await desk.state(second) is PromiseState.OPEN


async def test_it_leaves_the_queues_of_all_other_campaigns_for_the_call(desk: Desk, make_case: MAKE) -> None:
    from voicebot.campaign.choosing import enrolled
    from voicebot.campaign.plan import Arm, CampaignPlan
    from voicebot.store.campaign_records import Campaign

    case = await desk.store.cases.add(make_case())
    plan = CampaignPlan(arms=(Arm(flow="reminder_first"),))
    other = await desk.store.campaigns.create(Campaign("november", plan.model_dump(mode="json"), created_at=MADE))
    await desk.store.campaigns.enrol([enrolled(case, other.id, plan, MADE)])
    await promised(desk.store, case)
    await desk.look_at(MADE)
    await desk.look_at(CHECK)
    await desk.look_at(CHECK)
    (member,) = await desk.store.campaigns.members(other.id)
    assert (member.state, member.reason) == (MemberState.DONE, "a call with promise_followup")
    mine = await desk.member()
    assert mine is not None
    assert mine.state is MemberState.READY


@pytest.mark.parametrize("flag", ["dispute", "stop_contact", "deceased", "attorney", "complaint"])
async def test_what_stops_contact_stops_the_call(store: Store, make_case: MAKE, flag: str) -> None:
    desk = Desk(store, VirtualClock(MADE), ContactPolicy(FIRM))
    case = await store.cases.add(make_case())
    promise = await promised(store, case)
    await desk.look_at(MADE)
    await store.cases.set_flag(case.id, flag, by="test", at=REMIND)
    await desk.look_at(CHECK)
    await desk.look_at(CHECK)
    state, outcome = (await desk.steps(promise))[StepKind.CALL]
    assert state is StepState.DROPPED
    assert outcome.startswith("not permitted: ")
    assert await desk.member() is None


async def test_a_suppressed_debtor_is_not_called(store: Store, make_case: MAKE) -> None:
    desk = Desk(store, VirtualClock(MADE), ContactPolicy(FIRM))
    case = await store.cases.add(make_case())
    promise = await promised(store, case)
    await desk.look_at(MADE)
    await store.suppressions.add(Suppression("do_not_call", debtor_id=case.debtor.id, since=REMIND))
    await desk.look_at(CHECK)
    await desk.look_at(CHECK)
    assert (await desk.steps(promise))[StepKind.CALL][0] is StepState.DROPPED


async def test_the_call_waits_for_the_lawful_hours(store: Store, make_case: MAKE) -> None:
    desk = Desk(store, VirtualClock(MADE), ContactPolicy(FIRM))
    case = await store.cases.add(make_case(preferred_hours=("18:00-20:00",)))
    promise = await promised(store, case)
    await desk.desk.start()
    await desk.look_at(MADE)
    await desk.look_at(CHECK)
    await desk.look_at(CHECK)
    assert (await desk.steps(promise))[StepKind.CALL][0] is StepState.WAITING
    assert await desk.member() is None
    evening = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
    await desk.look_at(evening - timedelta(seconds=1))
    assert await desk.member() is None
    await desk.look_at(evening)
    assert await desk.member() is not None


async def test_the_emergency_stop_puts_a_call_off_and_loses_nothing(desk: Desk, make_case: MAKE) -> None:
    store = desk.store
    case = await store.cases.add(make_case())
    promise = await promised(store, case)
    await desk.look_at(MADE)
    await desk.look_at(CHECK)
    await store.brakes.halt("a fault", by="test", at=CHECK)
    await desk.look_at(CHECK)
    assert (await desk.steps(promise))[StepKind.CALL] == (StepState.WAITING, "the emergency stop is on")
    await store.brakes.resume("mended", by="test", at=CHECK)
    await desk.look_at(CHECK + timedelta(minutes=10))
    assert await desk.member() is not None


@BOTH
async def test_any_number_of_desks_do_it_once(store: Store, make_case: MAKE) -> None:
    desks = [Desk(store, VirtualClock(MADE)) for _ in range(3)]
    await asyncio.gather(*(each.desk.start() for each in desks))
    cases = [await store.cases.add(make_case(f"+86138{n:08d}")) for n in range(5)]
    promises = [await promised(store, case) for case in cases]
    for moment in (MADE, REMIND, CHECK, CHECK, CHECK):
        await asyncio.gather(*(each.look_at(moment) for each in desks))
    assert len(await store.messages.list()) == len(cases)
    members = await store.campaigns.members(CAMPAIGN)
    assert sorted(member.case_id for member in members) == sorted(case.id for case in cases)
    for promise in promises:
        steps = await store.follow_ups.list(promise_id=promise.id)
        assert sorted(step.kind.value for step in steps) == ["call", "check", "remind"]
    assert await store.events.waiting() == []


async def test_an_event_dealt_with_twice_changes_nothing(desk: Desk, make_case: MAKE) -> None:
    case = await desk.store.cases.add(make_case())
    promise = await promised(desk.store, case)
    (event,) = await desk.store.events.waiting()
    await desk.desk.happened(event)
    await desk.desk.happened(event)
    await desk.look_at(MADE)
    assert len(await desk.store.follow_ups.list(promise_id=promise.id)) == 2


@BOTH
async def test_the_call_is_dialled_with_the_shipped_flow_and_again_after_the_next_promise(
    desk: Desk, make_case: MAKE
) -> None:
    store, clock = desk.store, desk.clock
    case = await store.cases.add(make_case())
    calls = SimulatedCalls(store, "w1", clock, outcome=lambda key: "ptp")
    runner = CampaignRunner(store, calls, Passing(), worker_id="w1", now=clock, room=lambda: 5)
    await runner.start()
    await promised(store, case)
    for moment in (MADE, CHECK, CHECK):
        await desk.look_at(moment)
    await runner.look()
    await calls.settled()
    assert [(call.flow, call.case_id) for call in calls.placed] == [("promise_followup", case.id)]

    # On that call the debtor promises again, and breaks that too.
    again = await promised(store, case, at=CHECK, due=date(2026, 11, 30))
    await runner.look()
    later = datetime(2026, 12, 2, 0, 0, tzinfo=UTC)
    for moment in (CHECK, later, later):
        await desk.look_at(moment)
    assert await desk.state(again) is PromiseState.BROKEN
    await runner.look()
    await calls.settled()
    assert len(calls.placed) == 2


async def test_a_campaign_of_follow_ups_that_ran_empty_goes_on(desk: Desk, make_case: MAKE) -> None:
    store = desk.store
    running = [CampaignState.RUNNING]
    await store.campaigns.set_state(CAMPAIGN, CampaignState.FINISHED, because="", expecting=running, at=MADE)
    case = await store.cases.add(make_case())
    await promised(store, case)
    for moment in (MADE, CHECK, CHECK):
        await desk.look_at(moment)
    campaign = await store.campaigns.get(CAMPAIGN)
    assert campaign is not None
    assert campaign.state is CampaignState.RUNNING


async def test_resuming_it_by_hand_takes_in_nobody(desk: Desk, make_case: MAKE) -> None:
    from voicebot.campaign.enrolling import enrol_cases

    await desk.store.cases.add(make_case())
    campaign = await desk.store.campaigns.get(CAMPAIGN)
    assert campaign is not None
    assert await enrol_cases(campaign, cases=desk.store.cases, campaigns=desk.store.campaigns, at=MADE) == 0


async def test_a_step_is_taken_only_as_it_was_read(desk: Desk, make_case: MAKE) -> None:
    from voicebot.store.outgoing import StepResult

    case = await desk.store.cases.add(make_case())
    promise = await promised(desk.store, case)
    await desk.look_at(MADE)
    step = next(s for s in await desk.store.follow_ups.due(CHECK) if s.kind is StepKind.CHECK)
    moved = replace(step, due_at=CHECK + timedelta(hours=1))
    result = StepResult("broken", promise=PromiseState.BROKEN)
    assert not await desk.store.follow_ups.take(moved, result, at=CHECK)
    assert await desk.state(promise) is PromiseState.OPEN
    assert await desk.store.follow_ups.take(step, result, at=CHECK)
    assert not await desk.store.follow_ups.take(step, result, at=CHECK)
