"""One run: imports the invented cases, lets the workers dial, kills them, and moves the clock over the empty hours."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.campaign import world
from benchmarks.campaign.clock import SharedClock
from benchmarks.campaign.stage import Kill, RunFailed, Stage, Worker
from voicebot.campaign.enrolling import enrol_cases
from voicebot.campaign.plan import CampaignPlan
from voicebot.store import Store
from voicebot.store.campaign_records import Campaign, CampaignState, Member, MemberState
from voicebot.store.records import Attempt, AttemptState, CaseStatus

POLL_SECONDS = 0.25
STILL_SECONDS = 5.0
"""So long nobody is dialled though somebody could be: the caller numbers have done their day's work."""
BATCH = 300
BATCH_SPAN = timedelta(minutes=45)
"""The clock jumps to where so many are due, or so far past the first of them."""
DEAD_SECONDS = 75.0
"""How long a worker stays dead when another one is to take over from it."""
PAYMENTS = 20
EARLY = timedelta(seconds=6)
STALLED_SECONDS = 600.0


@dataclass(frozen=True)
class Options:
    cases: int
    database: str | None
    """URL; None is the embedded database."""
    workers: int
    kills: int
    concurrency: int
    rate: float
    """Calls a second, all workers together."""
    days: float
    """Days of the campaign's clock after which the run ends; who is due later stays scheduled."""
    folder: Path


@dataclass(frozen=True)
class Record:
    """What a run left behind."""

    options: Options
    plan: CampaignPlan
    people: Sequence[world.Person]
    campaign: Campaign
    members: Sequence[Member]
    attempts: Sequence[Attempt]
    log: Path
    """What the far end wrote."""
    kills: Sequence[Kill]
    live_when_killed: Sequence[int]
    """Dials in hand at each kill."""
    paid: dict[str, datetime]
    """Cases that were paid in the middle of the run, and when."""
    exit_codes: Sequence[int]
    ends: datetime
    wall_seconds: float


class Run:
    def __init__(self, options: Options, tell: Callable[[str], None]) -> None:
        self._options = options
        self._tell = tell
        options.folder.mkdir(parents=True, exist_ok=True)
        self._clock = SharedClock.create(options.folder / "clock", world.BEGINS - timedelta(hours=2))
        calls = min(180, options.concurrency + 10)
        self._stage = Stage(options.folder, options.database, options.workers, calls, self._clock)
        self._plan = world.plan(options.concurrency, options.rate)
        self._people = world.people(options.cases)
        self._live_when_killed: list[int] = []
        self._paid: dict[str, datetime] = {}
        self._down: list[tuple[Worker, float]] = []
        self._still_since: float | None = None
        self._random = random.Random(5)

    async def make(self) -> Record:
        """Raises RunFailed when a process ended by itself or nothing moves any more."""
        began = asyncio.get_running_loop().time()
        stage = self._stage
        try:
            async with await Store.open(stage.database, stage.keys, migrate=True) as store:
                campaign = await self._prepare(store)
                stage.start_far_end()
                for worker in stage.workers:
                    stage.start(worker)
                for worker in stage.workers:
                    await asyncio.to_thread(stage.wait_until_ready, worker)
                await self._go(store, campaign)
                await self._watch(store, campaign.id)
                codes = await asyncio.to_thread(stage.stop_workers)
                return await self._record(store, campaign.id, codes, began)
        finally:
            stage.close()

    async def _prepare(self, store: Store) -> Campaign:
        at = self._clock.now()
        for start in range(0, len(self._people), 200):
            cases = [case for person in self._people[start : start + 200] for case in world.cases_of(person)]
            await store.cases.add_many(cases)
        for person in self._people:
            if person.flag is not None:
                for case_id in person.case_ids:
                    await store.cases.set_flag(case_id, person.flag, by="import", at=at)
        campaign = await store.campaigns.create(
            Campaign("simulated", self._plan.model_dump(mode="json"), created_at=at)
        )
        added = await enrol_cases(campaign, cases=store.cases, campaigns=store.campaigns, at=at)
        self._tell(f"{added} cases of {len(self._people)} people are in the queue")
        return campaign

    async def _go(self, store: Store, campaign: Campaign) -> None:
        # A little before the law lets the first call begin: those that are chosen then must be refused.
        self._clock.jump(world.BEGINS - EARLY)
        await store.campaigns.set_state(
            campaign.id,
            CampaignState.RUNNING,
            because="the run begins",
            expecting=[CampaignState.DRAFT],
            at=self._clock.now(),
        )

    # --- watching -----------------------------------------------------------------------------------------------------
    async def _watch(self, store: Store, campaign_id: str) -> None:
        loop = asyncio.get_running_loop()
        moved_at, before, told_at = loop.time(), -1, loop.time()
        kills = self._kill_points()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if (fault := self._stage.failed()) is not None:
                raise RunFailed(fault)
            dials = await asyncio.to_thread(self._dials)
            if dials != before:
                moved_at, before = loop.time(), dials
            if loop.time() - moved_at > STALLED_SECONDS:
                raise RunFailed(f"nothing was dialled for {STALLED_SECONDS:.0f} s, at {self._clock.now(world.ZONE)}")
            counts = await store.campaigns.counts(campaign_id)
            live = counts.get(MemberState.DIALLING, 0)
            if loop.time() - told_at > 15:
                told_at = loop.time()
                said = ", ".join(f"{state.value} {count}" for state, count in counts.items())
                self._tell(f"{self._clock.now(world.ZONE):%a %d %H:%M:%S}  {dials} dialled; {said}")
            if kills and dials >= kills[0] and live >= min(5, self._options.concurrency // 2):
                kills.pop(0)
                self._kill(live, last=not kills)
                await self._pay(store, campaign_id)
            await self._bring_back()
            if await self._skip(store, campaign_id, counts) and not self._down:
                return

    def _kill_points(self) -> list[int]:
        """Dials after which a worker is killed: spread over the first round of calls and the second."""
        span = self._options.cases * 1.2
        return [round(span * (n + 1) / (self._options.kills + 1)) for n in range(self._options.kills)]

    def _kill(self, live: int, *, last: bool) -> None:
        """One worker; the last time all of them. With several, the second one killed stays dead for a while."""
        running = [worker for worker in self._stage.workers if worker.process is not None]
        chosen = running if last else [running[len(self._stage.kills) % len(running)]]
        stays_dead = len(running) > 1 and not last and len(self._stage.kills) == 1
        self._live_when_killed.append(live)
        for worker in chosen:
            self._stage.kill(worker)
            self._down.append((worker, asyncio.get_running_loop().time() + (DEAD_SECONDS if stays_dead else 0.0)))
        names = " and ".join(worker.name for worker in chosen)
        self._tell(f"{self._clock.now(world.ZONE):%a %d %H:%M:%S}  kill -9 {names} with {live} dials in hand")

    async def _bring_back(self) -> None:
        now = asyncio.get_running_loop().time()
        for entry in list(self._down):
            worker, when = entry
            if now >= when:
                self._down.remove(entry)
                self._stage.start(worker)
                await asyncio.to_thread(self._stage.wait_until_ready, worker)

    async def _pay(self, store: Store, campaign_id: str) -> None:
        """Some of those who would be called again pay now."""
        waiting = await store.campaigns.members(campaign_id, state=MemberState.WAITING, limit=self._options.cases)
        for member in self._random.sample(list(waiting), min(PAYMENTS, len(waiting) // 10)):
            at = self._clock.now()
            await store.cases.set_status(member.case_id, CaseStatus.SETTLED, at=at)
            self._paid[member.case_id] = at

    def _dials(self) -> int:
        if not self._stage.log.exists():
            return 0
        return self._stage.log.read_bytes().count(b'"kind": "invite"')

    # --- the clock ----------------------------------------------------------------------------------------------------
    async def _skip(self, store: Store, campaign_id: str, counts: Mapping[MemberState, int]) -> bool:
        """Jumps when nothing can be dialled for a while. True when all that is left lies beyond the run's last day."""
        loop = asyncio.get_running_loop()
        if counts.get(MemberState.DIALLING):
            self._still_since = None
            return False
        self._still_since = self._still_since or loop.time()
        to = await self._next(store, campaign_id, loop.time() - self._still_since)
        if to is None:
            return False
        if to > world.BEGINS + timedelta(days=self._options.days):
            return True
        if to > self._clock.now():
            self._clock.jump(to)
            self._still_since = None
        return False

    async def _next(self, store: Store, campaign_id: str, still: float) -> datetime | None:
        """When something will happen next; None while it may happen now."""
        at = self._clock.now()
        calendar = self._plan.calendar
        opens = calendar.next_open(at)
        if opens is not None and opens > at:
            return opens
        members = await store.campaigns.members(campaign_id, limit=self._options.cases)
        if any(member.state is MemberState.READY for member in members):
            if still < STILL_SECONDS:
                return None
            tomorrow = calendar.local_day(at) + timedelta(days=1)
            return calendar.next_open(world.midnight(tomorrow))
        due = sorted(member.next_at for member in members if member.state is MemberState.WAITING and member.next_at)
        if not due:
            return at + timedelta(days=10_000)
        if due[0] <= at:
            return None
        return max(due[0], min(due[min(len(due), BATCH) - 1], due[0] + BATCH_SPAN))

    async def _record(self, store: Store, campaign_id: str, codes: Sequence[int], began: float) -> Record:
        found = await store.campaigns.get(campaign_id)
        assert found is not None
        open_ones = [attempt for attempt in await store.attempts.open_ones() if attempt.state is AttemptState.BEGUN]
        if open_ones:
            self._tell(f"{len(open_ones)} attempts are still open")
        return Record(
            options=self._options,
            plan=self._plan,
            people=self._people,
            campaign=found,
            members=await store.campaigns.members(campaign_id, limit=10 * self._options.cases),
            attempts=await store.attempts.list(limit=100 * self._options.cases),
            log=self._stage.log,
            kills=self._stage.kills,
            live_when_killed=self._live_when_killed,
            paid=self._paid,
            exit_codes=codes,
            ends=self._clock.now(),
            wall_seconds=asyncio.get_running_loop().time() - began,
        )
