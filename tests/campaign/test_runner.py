"""A campaign runs by itself: everybody comes to an end, nobody is dialled twice for one key, and it stops when told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.campaign.simulated import Passing, SimulatedCalls, VirtualClock
from voicebot.call.board import PlacementRefused
from voicebot.campaign.choosing import enrolled
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.plan import Arm, Breakers, Calendar, CampaignPlan, Pacing, Retry
from voicebot.campaign.policy import ContactPolicy
from voicebot.campaign.retries import LEEWAY
from voicebot.campaign.runner import CampaignRunner
from voicebot.store import Store
from voicebot.store.campaign_records import Campaign, CampaignState, MemberState
from voicebot.store.records import AttemptState, Case, CaseStatus, ContactHistory, NumberState, Permission, Promise

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PLAN = CampaignPlan(
    arms=(Arm(flow="reminder_first"),),
    pacing=Pacing(concurrency=5, calls_per_second=100),
    calendar=Calendar(hours=("00:00-24:00",)),
    breakers=Breakers(least_answer_share=0, complaint_share=1),
)
MakeCase = Callable[..., Case]


class World:
    """A store, one worker and its people."""

    def __init__(self, store: Store, **calls: object) -> None:
        self.store = store
        self.clock = VirtualClock(NOW)
        self.calls = SimulatedCalls(store, "w1", self.clock, **calls)  # type: ignore[arg-type]
        self.dials = Passing()
        self.runner = self.worker("w1", self.calls, self.dials)

    def worker(self, name: str, calls: SimulatedCalls, dials: Passing) -> CampaignRunner:
        return CampaignRunner(
            self.store, calls, dials, worker_id=name, now=self.clock, room=lambda: 100, look_seconds=0
        )

    async def campaign(self, make_case: MakeCase, size: int, plan: CampaignPlan = PLAN, **case: object) -> Campaign:
        made = await self.store.campaigns.create(Campaign(f"c-{size}", plan.model_dump(mode="json")))
        cases = [await self.store.cases.add(make_case(f"+86138{n:08d}", **case)) for n in range(size)]
        await self.store.campaigns.enrol([enrolled(one, made.id, plan, self.clock()) for one in cases])
        await self.state(made, CampaignState.RUNNING)
        await self.runner.start()
        return made

    async def state(self, campaign: Campaign, state: CampaignState) -> None:
        assert await self.store.campaigns.set_state(
            campaign.id, state, because="test", expecting=list(CampaignState), at=self.clock()
        )

    async def looks(self, count: int = 1, **forward: float) -> None:
        for _ in range(count):
            await self.runner.look()
            await self.calls.settled()
            self.clock.forward(**(forward or {"seconds": 1}))

    async def found(self, campaign: Campaign) -> Campaign:
        found = await self.store.campaigns.get(campaign.id)
        assert found is not None
        return found


async def test_everybody_comes_to_an_end_and_the_campaign_finishes(store: Store, make_case: MakeCase) -> None:
    world = World(store)
    campaign = await world.campaign(make_case, 12)
    for _ in range(60):
        await world.looks(1, hours=6)
        if (await world.found(campaign)).state is CampaignState.FINISHED:
            break
    assert (await world.found(campaign)).state is CampaignState.FINISHED
    counts = await store.campaigns.counts(campaign.id)
    assert set(counts) <= {MemberState.DONE, MemberState.HELD}
    keys = [call.idempotency_key for call in world.calls.placed]
    assert len(keys) == len(set(keys)) >= 12
    attempts = await store.attempts.list(limit=1000)
    assert len(attempts) == len(keys)
    assert {attempt.campaign_id for attempt in attempts} == {campaign.id}
    members = await store.campaigns.members(campaign.id)
    assert sum(member.attempts for member in members) == len(keys)
    assert all(member.reason for member in members)


async def test_nothing_is_dialled_while_the_calendar_is_closed(store: Store, make_case: MakeCase) -> None:
    world = World(store)
    plan = PLAN.model_copy(update={"calendar": Calendar(hours=("11:00-12:00",))})
    await world.campaign(make_case, 1, plan)
    await world.looks(2)
    assert world.calls.placed == []
    world.clock.forward(hours=1)
    await world.looks()
    assert len(world.calls.placed) == 1


async def test_pause_resume_drain_and_stop(store: Store, make_case: MakeCase) -> None:
    world = World(store, outcome=lambda key: "no_answer")
    campaign = await world.campaign(make_case, 8, PLAN.model_copy(update={"pacing": Pacing(concurrency=2)}))
    await world.looks()
    await world.state(campaign, CampaignState.PAUSED)
    await world.looks(2)
    assert len(world.calls.placed) == 1
    await world.state(campaign, CampaignState.RUNNING)
    await world.looks()
    assert len(world.calls.placed) == 2
    await world.state(campaign, CampaignState.DRAINING)
    await world.looks(2)
    assert (await world.found(campaign)).state is CampaignState.STOPPED
    assert len(world.calls.placed) == 2


async def test_a_stopped_campaign_hangs_up(store: Store, make_case: MakeCase) -> None:
    world = World(store, talk_seconds=30.0)
    campaign = await world.campaign(make_case, 1)
    await world.runner.look()
    await world.state(campaign, CampaignState.STOPPED)
    await world.runner.look()
    (attempt,) = await store.attempts.list()
    assert world.calls.ended == [attempt.call_id]


async def test_a_promise_waits_and_a_refusal_by_the_policy_waits_for_its_time(
    store: Store, make_case: MakeCase
) -> None:
    opens = NOW + timedelta(hours=3)

    def permit(history: ContactHistory) -> Permission:
        assert history.at is not None
        rules = [{"id": "HOURS", "verdict": "refuse"}]
        return Permission(history.at >= opens, {"rules": rules, "next_allowed": opens.isoformat()})

    world = World(store, permit=permit, outcome=lambda key: "ptp")
    campaign = await world.campaign(make_case, 1)
    await world.looks(2)
    (member,) = await store.campaigns.members(campaign.id)
    assert (member.state, member.next_at, member.attempts) == (MemberState.WAITING, opens + LEEWAY, 0)
    assert member.reason == "not permitted: HOURS"
    await store.promises.add(Promise(member.case_id, Decimal("10"), date(2026, 11, 25)))
    world.clock.at = opens + LEEWAY
    await world.looks(2)
    (member,) = await store.campaigns.members(campaign.id)
    assert (member.reason, member.attempts) == ("promised for 2026-11-25", 1)
    assert member.next_at == datetime(2026, 11, 27, 1, 0, tzinfo=UTC)
    assert len(world.calls.placed) == 1


async def test_a_wish_not_to_be_called_stops_every_campaign(store: Store, make_case: MakeCase) -> None:
    world = World(store, outcome=lambda key: "cease")
    campaign = await world.campaign(make_case, 1)
    other = await store.campaigns.create(Campaign("other", PLAN.model_dump(mode="json")))
    (case,) = await store.cases.list()
    await store.campaigns.enrol([enrolled(case, other.id, PLAN, NOW)])
    await world.looks(2)
    (member,) = await store.campaigns.members(other.id)
    assert (member.state, member.reason) == (MemberState.DONE, "cease")
    assert (await store.campaigns.members(campaign.id))[0].state is MemberState.DONE


async def test_an_empty_number_is_marked_and_the_next_one_tried(store: Store, make_case: MakeCase) -> None:
    world = World(store, outcome=lambda key: "empty_number")
    campaign = await world.campaign(make_case, 1)
    await world.looks(2)
    (case,) = await store.cases.list()
    assert case.debtor.numbers[0].state is NumberState.INVALID
    (member,) = await store.campaigns.members(campaign.id)
    assert (member.state, member.reason) == (MemberState.DONE, "empty_number, and there is no other number")


async def test_a_dial_that_was_lost_is_given_back_and_its_key_dials_no_more(store: Store, make_case: MakeCase) -> None:
    world = World(store, outcome=lambda key: "cease")
    campaign = await world.campaign(make_case, 1)
    world.dials.lose = True
    await world.looks()
    assert len(world.dials.lost) == 1
    assert "+861380" not in repr(world.dials.lost), "what is handed over lies in the clear"
    world.clock.forward(minutes=2)
    await world.looks()
    (member,) = await store.campaigns.members(campaign.id)
    assert (member.state, member.attempts) == (MemberState.WAITING, 0)
    await world.dials.late()
    assert world.calls.placed == []
    world.dials.lose = False
    world.clock.forward(minutes=2)
    await world.looks(2)
    assert [call.case_id for call in world.calls.placed] == [member.case_id]


async def test_the_calls_of_a_dead_worker_count_as_attempts(store: Store, make_case: MakeCase) -> None:
    world = World(store, talk_seconds=3600.0)
    campaign = await world.campaign(make_case, 1)
    await world.runner.look()
    other_calls = SimulatedCalls(store, "w2", world.clock)
    other = world.worker("w2", other_calls, Passing())
    await other.start()
    world.clock.forward(minutes=2)
    await other.look()
    (attempt,) = await store.attempts.list()
    assert attempt.state is AttemptState.INTERRUPTED
    (member,) = await store.campaigns.members(campaign.id)
    assert (member.state, member.attempts, member.disposition) == (MemberState.WAITING, 1, "interrupted")
    assert other_calls.placed == []


async def test_a_worker_that_cannot_dial_gives_back_without_counting(store: Store, make_case: MakeCase) -> None:
    world = World(store)
    campaign = await world.campaign(make_case, 1)
    world.calls.refuse = PlacementRefused("overloaded", "full")
    await world.looks()
    (member,) = await store.campaigns.members(campaign.id)
    assert (member.state, member.attempts, member.reason) == (MemberState.WAITING, 0, "overloaded")
    world.calls.refuse = PlacementRefused("unknown_flow", "no flow is called x")
    await world.looks(2, minutes=2)
    (member,) = await store.campaigns.members(campaign.id)
    assert (member.state, member.reason) == (MemberState.HELD, "no flow is called x")


async def test_faults_pause_the_campaign_and_say_why(store: Store, make_case: MakeCase) -> None:
    world = World(store, outcome=lambda key: "network_error")
    plan = PLAN.model_copy(update={"breakers": Breakers(window=10), "retry": Retry(attempts_at_most=1)})
    campaign = await world.campaign(make_case, 30, plan)
    await world.looks(8)
    paused = await world.found(campaign)
    assert paused.state is CampaignState.PAUSED
    assert "10 of the last 10 attempts failed" in paused.because
    assert len(world.calls.placed) < 20
    placed = len(world.calls.placed)
    world.clock.forward(minutes=1)
    await world.state(campaign, CampaignState.RUNNING)
    await world.looks()
    assert len(world.calls.placed) > placed


async def test_two_workers_share_the_pace_and_the_cap(store: Store, make_case: MakeCase) -> None:
    world = World(store, talk_seconds=3600.0)
    campaign = await world.campaign(make_case, 10)
    other_calls = SimulatedCalls(store, "w2", world.clock, talk_seconds=3600.0)
    other = world.worker("w2", other_calls, Passing())
    await other.start()
    for _ in range(4):
        await world.runner.look()
        await other.look()
        world.clock.forward(seconds=1)
    assert len(world.calls.placed) + len(other_calls.placed) == 5
    assert (await store.campaigns.counts(campaign.id))[MemberState.DIALLING] == 5


FIRM = FirmFacts(frozenset({"+861066668888"}), "+861066668888", by_agency=False, assigned=False)


async def test_a_payment_and_a_dispute_stop_every_campaign_at_once(store: Store, make_case: MakeCase) -> None:
    world = World(store, permit=ContactPolicy(FIRM).permit, outcome=lambda key: "no_answer")
    campaign = await world.campaign(make_case, 3)
    other = await store.campaigns.create(Campaign("other", PLAN.model_dump(mode="json")))
    cases = await store.cases.list()
    await store.campaigns.enrol([enrolled(case, other.id, PLAN, NOW) for case in cases])
    paid, disputed, owing = cases
    await store.cases.set_status(paid.id, CaseStatus.SETTLED)
    await store.cases.set_flag(disputed.id, "dispute", at=NOW)
    await world.state(other, CampaignState.RUNNING)
    await world.looks(6)
    assert {call.case_id for call in world.calls.placed} == {owing.id}
    for one in (campaign, other):
        members = {member.case_id: member for member in await store.campaigns.members(one.id)}
        assert (members[paid.id].state, members[paid.id].reason) == (MemberState.DONE, "the case is settled")
        assert members[disputed.id].state is MemberState.HELD
        assert members[disputed.id].reason.startswith("not permitted: CN-DISP-01")
    # One of the two campaigns called; the other waits out the hour that the policy asks for.
    assert len(world.calls.placed) == 1


async def test_what_the_policy_held_is_judged_again(store: Store, make_case: MakeCase) -> None:
    world = World(store, permit=ContactPolicy(FirmFacts()).permit)
    campaign = await world.campaign(make_case, 1)
    await world.looks(2)
    assert await store.campaigns.counts(campaign.id) == {MemberState.HELD: 1}
    assert await store.campaigns.judge_again(campaign.id) == 1
    assert await store.campaigns.counts(campaign.id) == {MemberState.READY: 1}
