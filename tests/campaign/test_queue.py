"""The queue on both databases: each member is given out once, caps are those of all workers, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from recordings.cipher import KeyRing
from voicebot.campaign.choosing import enrolled
from voicebot.campaign.pacing import grant
from voicebot.campaign.plan import Arm, CallerPool, CampaignPlan, Pacing
from voicebot.store import Store, StoreRefused
from voicebot.store.agent_records import AgentRecord, AgentState
from voicebot.store.campaign_records import (
    Campaign,
    CampaignState,
    Grant,
    Member,
    MemberState,
    Settlement,
    Standing,
)
from voicebot.store.records import Case, Permission

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PLAN = CampaignPlan(arms=(Arm(flow="reminder_first"),), pacing=Pacing(concurrency=5, calls_per_second=100))
MakeCase = Callable[..., Case]


async def _campaign(store: Store, make_case: MakeCase, size: int, name: str = "november") -> Campaign:
    campaign = await store.campaigns.create(Campaign(name, PLAN.model_dump(mode="json"), created_at=NOW))
    cases = [await store.cases.add(make_case(f"+86138{n:08d}")) for n in range(size)]
    assert await store.campaigns.enrol([enrolled(case, campaign.id, PLAN, NOW) for case in cases]) == size
    assert await store.campaigns.enrol([enrolled(case, campaign.id, PLAN, NOW) for case in cases]) == 0
    await _start(store, campaign)
    return campaign


async def _start(store: Store, campaign: Campaign) -> None:
    assert await store.campaigns.set_state(
        campaign.id, CampaignState.RUNNING, because="test", expecting=[CampaignState.DRAFT], at=NOW
    )


async def _claim(
    store: Store, campaign: Campaign, count: int = 100, at: datetime = NOW, worker: str = "w"
) -> list[Member]:
    rule = lambda standing: Grant((None,) * count, at)  # noqa: E731
    return list(await store.campaigns.claim(campaign.id, worker_id=worker, day=at.date(), at=at, grant=rule))


@pytest.fixture
async def two_stores(url: str, keys: KeyRing) -> AsyncIterator[list[Store]]:
    stores = [await Store.open(url, keys, migrate=True) for _ in range(2)]
    yield stores
    for store in stores:
        await store.close()


async def test_each_member_is_given_out_once_and_the_cap_is_that_of_all(
    two_stores: list[Store], make_case: MakeCase
) -> None:
    campaign = await _campaign(two_stores[0], make_case, 12)
    rule = partial(grant, PLAN, at=NOW)

    async def claim(n: int) -> list[Member]:
        given = await two_stores[n % 2].campaigns.claim(
            campaign.id, worker_id=f"w{n}", day=NOW.date(), at=NOW, grant=rule
        )
        return list(given)

    # The pace gives one slot at the first instant: let each claim find the slots of the last half second.
    await claim(0)
    later = NOW + timedelta(seconds=2)
    rule = partial(grant, PLAN, at=later)
    given = [member for members in await asyncio.gather(*(claim(n) for n in range(8))) for member in members]
    assert len(given) == 4
    assert len({member.id for member in given}) == 4
    assert (await two_stores[0].campaigns.counts(campaign.id))[MemberState.DIALLING] == 5


async def test_a_key_is_written_down_before_anything_is_dialled(store: Store, make_case: MakeCase) -> None:
    campaign = await _campaign(store, make_case, 1)
    (member,) = await _claim(store, campaign)
    assert member.key is not None
    (dial,) = await store.campaigns.open_dials()
    assert (dial.member, dial.attempt) == (member, None)
    begun = await store.attempts.begin(
        idempotency_key=member.key, case_id=member.case_id, number="+8613800000000", worker_id="w", at=NOW
    )
    (dial,) = await store.campaigns.open_dials(worker_id="w")
    assert dial.attempt == begun.attempt
    assert await store.campaigns.open_dials(worker_id="other") == []


async def test_the_first_settlement_counts_and_the_next_key_is_another(store: Store, make_case: MakeCase) -> None:
    campaign = await _campaign(store, make_case, 1)
    (member,) = await _claim(store, campaign)
    assert member.key is not None
    again = Settlement(MemberState.WAITING, "busy", NOW + timedelta(hours=1), 7, disposition="busy", number_step=1)
    assert await store.campaigns.settle(member.id, member.key, again, at=NOW)
    assert not await store.campaigns.settle(member.id, member.key, Settlement(MemberState.DONE, "x"), at=NOW)
    (waiting,) = await store.campaigns.members(campaign.id)
    assert (waiting.state, waiting.attempts, waiting.tries, waiting.rank) == (MemberState.WAITING, 1, {"busy": 1}, 7)
    assert (waiting.number_step, waiting.first_by) == (1, None)
    assert await _claim(store, campaign, at=NOW + timedelta(minutes=59)) == []
    (given,) = await _claim(store, campaign, at=NOW + timedelta(hours=1))
    assert given.key != member.key


async def test_first_calls_that_are_nearly_late_come_to_the_front(store: Store, make_case: MakeCase) -> None:
    campaign = await _campaign(store, make_case, 2)
    low = await store.cases.add(make_case("+8613900000000", risk_tier="none"))
    early = replace(enrolled(low, campaign.id, PLAN, NOW - timedelta(hours=20)), rank=10**17)
    await store.campaigns.enrol([early])
    assert (await _claim(store, campaign, 1))[0].id == early.id


async def test_a_campaign_that_does_not_run_gives_out_nothing(store: Store, make_case: MakeCase) -> None:
    campaign = await _campaign(store, make_case, 1)
    running = [CampaignState.RUNNING]
    assert await store.campaigns.set_state(campaign.id, CampaignState.PAUSED, because="ops", expecting=running, at=NOW)
    assert not await store.campaigns.set_state(
        campaign.id, CampaignState.PAUSED, because="again", expecting=running, at=NOW
    )
    assert await _claim(store, campaign) == []
    found = await store.campaigns.get("november")
    assert found is not None
    assert (found.state, found.because, found.started_at) == (CampaignState.PAUSED, "ops", NOW)
    assert await store.campaigns.list(state=CampaignState.PAUSED) == [found]


async def test_a_stop_takes_the_person_out_of_every_queue(store: Store, make_case: MakeCase) -> None:
    first = await _campaign(store, make_case, 2)
    second = await store.campaigns.create(Campaign("december", PLAN.model_dump(mode="json")))
    (member, _) = await store.campaigns.members(first.id)
    case = await store.cases.get(member.case_id)
    assert case is not None
    await store.campaigns.enrol([enrolled(case, second.id, PLAN, NOW)])
    assert await store.campaigns.release(case.id, reason="stop_contact", at=NOW) == 2
    assert (await store.campaigns.counts(second.id)) == {MemberState.DONE: 1}
    assert [given.case_id for given in await _claim(store, first)] != [case.id]


async def test_caller_numbers_are_counted_across_campaigns(store: Store, make_case: MakeCase) -> None:
    plan = PLAN.model_copy(update={"callers": CallerPool(numbers=("+861000000001",), calls_per_day=3)})
    one = await _campaign(store, make_case, 2)
    other = await store.campaigns.create(Campaign("december", PLAN.model_dump(mode="json")))
    cases = [await store.cases.add(make_case(f"+86139{n:08d}")) for n in range(3)]
    await store.campaigns.enrol([enrolled(case, other.id, plan, NOW) for case in cases])
    await _start(store, other)
    given = 0
    for step, campaign in enumerate((one, other, one, other)):
        at = NOW + timedelta(seconds=step)
        rule = partial(grant, plan, at=at)
        given += len(await store.campaigns.claim(campaign.id, worker_id="w", day=NOW.date(), at=at, grant=rule))
    assert given == 3


async def test_a_worker_that_is_not_seen_is_found(store: Store, make_case: MakeCase) -> None:
    campaign = await _campaign(store, make_case, 2)
    await store.campaigns.seen("alive", at=NOW)
    await store.campaigns.seen("dead", at=NOW - timedelta(minutes=5))
    await _claim(store, campaign, 1, worker="alive")
    await _claim(store, campaign, 1, worker="dead")
    assert await store.campaigns.lost_workers(before=NOW - timedelta(minutes=1)) == ["dead"]


async def test_a_worker_that_died_with_any_call_in_hand_is_found_and_its_calls_are_over(
    store: Store, make_case: MakeCase
) -> None:
    """A callback, a call placed by hand: no campaign knows of them."""
    await store.campaigns.seen("alive", at=NOW)
    await store.campaigns.seen("dead", at=NOW - timedelta(minutes=5))
    case = await store.cases.add(make_case("+8613900000000"))
    for worker in ("alive", "dead", "never seen"):
        await store.attempts.begin(
            idempotency_key=worker,
            case_id=case.id,
            number="+8613900000000",
            worker_id=worker,
            at=NOW - timedelta(minutes=6),
        )
    before = NOW - timedelta(minutes=1)
    assert await store.campaigns.lost_workers(before=before) == ["dead"]
    (over,) = await store.attempts.interrupt("dead", at=NOW)
    assert over.disposition == "interrupted"
    assert await store.campaigns.lost_workers(before=before) == []


async def test_a_worker_that_died_with_an_agent_in_hand_is_found(store: Store) -> None:
    await store.campaigns.seen("dead", at=NOW - timedelta(minutes=5))
    await store.agents.put(AgentRecord("a-1", "赵示例", "sip:1001@127.0.0.1", state=AgentState.FREE))
    assert await store.agents.claim("agent", worker_id="dead", at=NOW - timedelta(minutes=6)) is not None
    before = NOW - timedelta(minutes=1)
    assert await store.campaigns.lost_workers(before=before) == ["dead"]
    await store.attempts.interrupt("dead", at=NOW)
    assert await store.campaigns.lost_workers(before=before) == []
    agent = await store.agents.get("a-1")
    assert agent is not None
    assert agent.state is AgentState.FREE


async def test_two_workers_that_settle_one_refusal_give_its_number_back_once(store: Store, make_case: MakeCase) -> None:
    plan = PLAN.model_copy(update={"callers": CallerPool(numbers=("+861066660001",))})
    campaign = await store.campaigns.create(Campaign("november", plan.model_dump(mode="json"), created_at=NOW))
    cases = [await store.cases.add(make_case(f"+86138{n:08d}")) for n in range(12)]
    await store.campaigns.enrol([enrolled(case, campaign.id, plan, NOW) for case in cases])
    await _start(store, campaign)
    shown: list[int] = []

    async def claim() -> list[Member]:
        def rule(standing: Standing) -> Grant:
            shown.append(standing.caller_calls.get("+861066660001", 0))
            return Grant(("+861066660001",) * 12, None)

        return list(await store.campaigns.claim(campaign.id, worker_id="w", day=NOW.date(), at=NOW, grant=rule))

    given = await claim()
    assert len(given) == 12
    refusal = Settlement(MemberState.READY, "refused", counts=False, unshown_on=NOW.date())
    settled = await asyncio.gather(
        *(store.campaigns.settle(one.id, one.key or "", refusal, at=NOW) for one in given for _worker in range(3))
    )
    assert sum(settled) == 12
    await claim()
    assert shown == [0, 0]
    await claim()
    assert shown == [0, 0, 12]


async def test_a_fence_keeps_a_slow_worker_from_dialling(store: Store, make_case: MakeCase) -> None:
    """A dial that was given back cannot begin any more: its key is taken by a refusal."""
    campaign = await _campaign(store, make_case, 1)
    (member,) = await _claim(store, campaign)
    for permit in (lambda history: Permission(False, {"because": "given back"}), None):
        with pytest.raises(Exception, match="refused"):
            await store.attempts.begin(
                idempotency_key=member.key or "",
                case_id=member.case_id,
                number="+8613800000000",
                worker_id="w",
                permit=permit,
            )


async def test_names_are_taken_once(store: Store) -> None:
    await store.campaigns.create(Campaign("november", {}))
    with pytest.raises(StoreRefused):
        await store.campaigns.create(Campaign("november", {}))
    assert await store.campaigns.get("december") is None
