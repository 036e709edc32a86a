"""Workers are killed with SIGKILL in the middle of a campaign: nothing is dialled twice, nothing is lost, caps hold."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.campaign.simulated import OUTCOMES
from tests.campaign.worker_process import BEGINS, CAP, run
from voicebot.campaign.choosing import enrolled
from voicebot.campaign.plan import Arm, Breakers, Calendar, CampaignPlan, Pacing, Retry
from voicebot.store import Store
from voicebot.store.campaign_records import Campaign, CampaignState, MemberState
from voicebot.store.records import AttemptState, Case

SPEED = 30.0
CASES = 12
LIMIT = 120.0
PLAN = CampaignPlan(
    arms=(Arm(flow="reminder_first", weight=2), Arm(flow="reminder_gentle")),
    pacing=Pacing(concurrency=20, calls_per_second=1),
    calendar=Calendar(hours=("00:00-24:00",)),
    retry=Retry(after_hours=dict.fromkeys((*OUTCOMES, "interrupted"), 0.01)),
    breakers=Breakers(fault_share=1, least_answer_share=0, complaint_share=1),
)


class Workers:
    """Processes that end with the test. They are forked from one that has imported everything: a start is instant."""

    def __init__(self, url: str, dialled: Path) -> None:
        self._url = url
        self._dialled = dialled
        self._began = time.time()
        self._processes = get_context("forkserver")
        self._processes.set_forkserver_preload(["tests.campaign.worker_process"])
        self._heard, self._told = self._processes.Pipe(duplex=False)
        self._count = 0
        self.running: dict[str, BaseProcess] = {}

    def start(self, name: str) -> None:
        arguments = (self._url, self._dialled, name, self._told, self._began, SPEED)
        process = self._processes.Process(target=run, args=arguments, daemon=True)
        process.start()
        self.running[name] = process

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.join(10)

    def wait_for_dials(self, count: int) -> None:
        while self._count < count:
            ended = [process.sentinel for process in self.running.values() if process.is_alive()]
            assert ended, "every worker ended"
            ready = wait([self._heard, *ended], LIMIT)
            assert ready, f"{self._count} dials, and no other for {LIMIT} s"
            if self._heard in ready:
                self._heard.recv_bytes()
                self._count += 1

    def wait_for_end(self) -> None:
        for process in self.running.values():
            process.join(LIMIT)
            assert process.exitcode == 0

    def dials(self) -> list[str]:
        return self._dialled.read_text(encoding="ascii").splitlines() if self._dialled.exists() else []

    def close(self) -> None:
        for name in list(self.running):
            self.kill(name)
        self._heard.close()
        self._told.close()


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Iterator[Workers]:
    made = Workers(url, tmp_path / "dialled")
    yield made
    made.close()


async def _prepare(url: str, make_case: Callable[..., Case]) -> str:
    async with await Store.open(url, migrate=True) as store:
        cases = [make_case(f"+86138{n:08d}", external_id=f"c-{n}") for n in range(CASES)]
        await store.cases.add_many(cases)
        campaign = await store.campaigns.create(Campaign("november", PLAN.model_dump(mode="json"), created_at=BEGINS))
        await store.campaigns.enrol([enrolled(case, campaign.id, PLAN, BEGINS) for case in await store.cases.list()])
        await store.campaigns.set_state(
            campaign.id, CampaignState.RUNNING, because="test", expecting=[CampaignState.DRAFT], at=BEGINS
        )
        return campaign.id


async def _check(url: str, campaign_id: str, workers: Workers) -> None:
    dials = [line.split() for line in workers.dials()]
    async with await Store.open(url, migrate=False) as store:
        counts = await store.campaigns.counts(campaign_id)
        members = await store.campaigns.members(campaign_id, limit=CASES)
        attempts = await store.attempts.list(limit=10_000)
    assert sum(counts.values()) == CASES
    assert set(counts) <= {MemberState.DONE, MemberState.HELD}
    assert all(member.reason for member in members)

    twice = [key for key, count in Counter(key for key, _, _ in dials).items() if count > 1]
    assert twice == []
    made = {attempt.idempotency_key: attempt for attempt in attempts if attempt.state is not AttemptState.REFUSED}
    assert {key for key, _, _ in dials} <= set(made), "a dial was not recorded before it was made"
    assert all(attempt.state is not AttemptState.BEGUN for attempt in made.values())
    assert len(made) == sum(member.attempts for member in members)

    per_person = Counter(attempt.debtor_id for attempt in made.values())
    assert max(per_person.values()) <= CAP
    assert set(per_person) == {member.debtor_id for member in members}, "somebody was lost"
    begun = sorted(attempt.begun_at for attempt in made.values())
    for first, last in zip(begun, begun[10:], strict=False):
        assert last - first > timedelta(seconds=9), "the pace was broken"


async def test_a_worker_killed_three_times_ends_the_campaign(
    url: str, workers: Workers, make_case: Callable[..., Case]
) -> None:
    campaign_id = await _prepare(url, make_case)
    for dials in (2, 8, 15):
        workers.start("w1")
        workers.wait_for_dials(dials)
        workers.kill("w1")
    workers.start("w1")
    workers.wait_for_end()
    await _check(url, campaign_id, workers)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.peer
async def test_of_two_workers_one_is_killed_and_the_other_goes_on(
    url: str, workers: Workers, make_case: Callable[..., Case]
) -> None:
    campaign_id = await _prepare(url, make_case)
    workers.start("w1")
    workers.start("w2")
    workers.wait_for_dials(7)
    workers.kill("w1")
    workers.wait_for_end()
    await _check(url, campaign_id, workers)
