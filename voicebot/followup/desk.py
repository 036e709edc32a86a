"""Follows promises up, one look at a time; any number of workers may look, and any of them may die.

Events say that a promise was made; its steps stand in the store with the time of each. A step that is due is handed
over as durable work, and what it comes to is one transaction that counts once. Calls go through the campaign of
follow-ups, whose dials are durable too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from voicebot.call.promise_facts import Kept, standing_of
from voicebot.campaign.work import Kind, Work
from voicebot.followup.plan import CAMPAIGN, FollowUpPlan
from voicebot.followup.steps import Situation, decide
from voicebot.store.campaign_records import Campaign, CampaignState
from voicebot.store.errors import StoreRefused, StoreUnavailable
from voicebot.store.outgoing import Event, EventKind, FollowUp, StepKind, StepResult, StepState
from voicebot.store.outgoing_protocols import Events, FollowUps
from voicebot.store.protocols import Attempts, Brakes, Campaigns, Cases, NewsDesk, Permit, Promises
from voicebot.store.records import Case, Permission, PromiseState

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""Between two looks."""
HALTED = timedelta(minutes=10)
"""How long a step waits while the emergency stop is on: it is put off by it, and not lost."""
_PAGE = 200
"""Events dealt with at one look."""
_STEPS = 50
"""Steps handed over at one look. Each costs some 12 ms of a core, all reminders of a day are due in the same minute,
and the calls that go on need the core more."""
_READ = 200
_NO_MORE = {PromiseState.CANCELLED: "the promise was taken back", PromiseState.KEPT: "the promise is kept"}
"""After which nothing is left to do, and why."""

EventHandler = Callable[[Event], Awaitable[None]]
"""Deals with an event; safe to call twice with the same one."""


class FollowUpStore(Protocol):
    """The repositories that following up needs."""

    @property
    def cases(self) -> Cases: ...
    @property
    def attempts(self) -> Attempts: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def news(self) -> NewsDesk: ...
    @property
    def campaigns(self) -> Campaigns: ...
    @property
    def brakes(self) -> Brakes: ...
    @property
    def follow_ups(self) -> FollowUps: ...
    @property
    def events(self) -> Events: ...


class FollowUpDesk:
    """One a worker."""

    def __init__(
        self,
        store: FollowUpStore,
        plan: FollowUpPlan,
        permit: Permit,
        work: Work,
        *,
        now: Callable[[], datetime],
        others: Sequence[EventHandler] = (),
        follows: bool = True,
    ) -> None:
        """`others` are told of every event too: webhooks. Without `follows`, promises are left alone."""
        self._store = store
        self._plan = plan
        self._permit = permit
        self._work = work
        self._now = now
        self._handlers = (*((self.happened,) if follows else ()), *others)
        self._follows = follows
        work.handle(Kind.STEP, self._take)

    async def start(self) -> None:
        """Makes sure that the campaign of follow-ups is there."""
        if not self._follows or await self._store.campaigns.get(CAMPAIGN) is not None:
            return
        at = self._now()
        values = self._plan.campaign().model_dump(mode="json")
        made = Campaign(CAMPAIGN, values, id=CAMPAIGN, state=CampaignState.RUNNING, created_at=at, running_since=at)
        try:
            await self._store.campaigns.create(made)
        except StoreRefused:
            log.debug("another worker made the campaign of follow-ups")

    async def run(self, stop: asyncio.Event) -> None:
        """Looks again and again until `stop` is set. A store that is away is waited for."""
        while not stop.is_set():
            try:
                await self.look()
            except StoreUnavailable as away:
                log.warning("follow-ups rest: the store is away", extra={"reason": str(away)})
            except Exception:
                log.exception("a look at the follow-ups failed; the next one follows")
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """One round: what happened, then what is due."""
        for event in await self._store.events.waiting(limit=_PAGE):
            for handle in self._handlers:
                await handle(event)
            await self._store.events.done(event.id)
        if not self._follows:
            return
        at = self._now()
        for step in await self._store.follow_ups.due(at, limit=_STEPS):
            # Put off, it is due at another time: another piece of work.
            due = step.due_at.isoformat()
            await self._work.hand(Kind.STEP, f"step:{step.id}:{due}", step.id, due)
        await self._reopen(at)

    async def happened(self, event: Event) -> None:
        """Plans what follows a promise, has it judged at once when what was promised came in, and drops what is left
        to do when it was kept or taken back."""
        match event.kind:
            case EventKind.PROMISE_RECORDED:
                await self._plan_for(event.subject)
            case EventKind.PROMISE_SETTLED:
                promise = await self._store.promises.get(event.subject)
                if promise is not None and promise.state in _NO_MORE:
                    await self._store.follow_ups.drop(promise.id, _NO_MORE[promise.state], at=event.at)
            case EventKind.PAYMENT_TAKEN:
                waiting = await self._store.follow_ups.list(case_id=event.subject, state=StepState.WAITING)
                for promise_id in sorted({step.promise_id for step in waiting}):
                    await self._hasten_if_kept(promise_id)

    async def _plan_for(self, promise_id: str) -> None:
        promise = await self._store.promises.get(promise_id)
        case = await self._store.cases.get(promise.case_id) if promise is not None else None
        if promise is None or case is None or promise.state is not PromiseState.OPEN:
            return
        await self._store.follow_ups.add(self._plan.steps(promise, case))
        # The money may have been faster than this.
        await self._hasten_if_kept(promise.id)

    async def _hasten_if_kept(self, promise_id: str) -> None:
        promise = await self._store.promises.get(promise_id)
        case = await self._store.cases.get(promise.case_id) if promise is not None else None
        if promise is None or case is None:
            return
        at = self._now()
        payments = await self._store.news.payments(case.id, limit=_READ)
        if standing_of(promise, case, payments, at).kept is Kept.KEPT:
            await self._store.follow_ups.hasten(promise.id, at=at)

    async def _take(self, step_id: str, due: str) -> str:
        """Does one step, if it still waits for this."""
        if not self._follows:
            return "promises are not followed up"
        at = self._now()
        waiting = await self._store.follow_ups.due(at, only=step_id)
        step = next((each for each in waiting if each.due_at == datetime.fromisoformat(due)), None)
        if step is None:
            return "it does not wait any more"
        result = await self._result(step, at)
        if not await self._store.follow_ups.take(step, result, at=at):
            return "another worker was first"
        log.info(
            "a promise was followed up",
            extra={"step": step.kind.value, "promise": step.promise_id, "outcome": result.outcome},
        )
        return result.state.value

    async def _result(self, step: FollowUp, at: datetime) -> StepResult:
        store = self._store
        promise = await store.promises.get(step.promise_id)
        case = await store.cases.get(step.case_id)
        if promise is None or case is None:
            return StepResult("the case is gone", StepState.DROPPED)
        if step.kind is not StepKind.CHECK and await store.brakes.standing() is not None:
            return StepResult("the emergency stop is on", again_at=at + HALTED)
        later = [
            each
            for each in await store.promises.list(case_id=case.id, state=PromiseState.OPEN)
            if each.id != promise.id and each.recorded_at > promise.recorded_at
        ]
        payments = await store.news.payments(case.id, limit=_READ)
        permission = None if step.kind is StepKind.CHECK else await self._permission(case, at)
        now = Situation(case, standing_of(promise, case, payments, at), permission, bool(later))
        return decide(step, now, self._plan, at)

    async def _permission(self, case: Case, at: datetime) -> Permission | None:
        number = case.first_valid_number()
        if number is None:
            return None
        caller = self._plan.callers[0] if self._plan.callers else None
        return self._permit(await self._store.attempts.history(case.id, number, caller_id=caller, at=at))

    async def _reopen(self, at: datetime) -> None:
        """A campaign ends when nobody is left in it; this one goes on when somebody comes again."""
        campaign = await self._store.campaigns.get(CAMPAIGN)
        if campaign is None or campaign.state is not CampaignState.FINISHED:
            return
        if await self._store.campaigns.open_states(CAMPAIGN):
            await self._store.campaigns.set_state(
                CAMPAIGN,
                CampaignState.RUNNING,
                because="a promise is followed up",
                expecting=[CampaignState.FINISHED],
                at=at,
            )
