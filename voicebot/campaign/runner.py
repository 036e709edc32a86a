"""Runs the campaigns of the store on one worker: chooses, dials, settles, watches, a look at a time.

Everything that must survive is in the store before it happens. A look can be repeated, interrupted, and made by several
workers at the same time; what each does to a member is one transaction that counts once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from voicebot.call.board import CallPlacer, PlaceCall, PlacementRefused
from voicebot.campaign.breakers import WINDOWS, carrier_tripped, tripped
from voicebot.campaign.dispositions import Then, rule_of
from voicebot.campaign.pacing import grant
from voicebot.campaign.plan import CampaignPlan
from voicebot.campaign.retries import after_attempt, given_back, number_for
from voicebot.campaign.work import Kind, Work
from voicebot.store.campaign_records import (
    Campaign,
    CampaignState,
    Grant,
    Member,
    MemberState,
    OpenDial,
    Settlement,
    Standing,
)
from voicebot.store.errors import AttemptRefused, StoreUnavailable
from voicebot.store.protocols import Attempts, Callbacks, Campaigns, Cases, Promises
from voicebot.store.records import (
    FOR_AN_AGENT,
    Attempt,
    AttemptState,
    CallbackState,
    ContactHistory,
    NumberState,
    Permission,
    PromiseState,
)

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks."""
LOST = timedelta(seconds=60)
"""A worker that was not seen for so long is taken for dead, and a dial that did not begin in it for lost."""
BUSY = timedelta(minutes=1)
"""How long a dial waits that this worker could not begin."""
KEPT = timedelta(days=14)
"""How long the history of durable work, counts of caller numbers, and workers that went away are kept."""
TIDIED = timedelta(hours=1)
"""Time between two clearings."""
_OVER = frozenset({AttemptState.ENDED, AttemptState.REFUSED, AttemptState.INTERRUPTED})
_DEAD_NUMBERS = frozenset({"empty_number", "out_of_service"})
_HERE = frozenset({"draining", "overloaded", "store_unavailable", "no_carrier"})
"""Reasons of this worker, not of the case."""


class CampaignStore(Protocol):
    """The repositories that a runner uses."""

    @property
    def cases(self) -> Cases: ...
    @property
    def attempts(self) -> Attempts: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def callbacks(self) -> Callbacks: ...
    @property
    def campaigns(self) -> Campaigns: ...


class CampaignRunner:
    """One a worker."""

    def __init__(
        self,
        store: CampaignStore,
        placer: CallPlacer,
        work: Work,
        *,
        worker_id: str,
        now: Callable[[], datetime],
        room: Callable[[], int],
        look_seconds: float = LOOK,
    ) -> None:
        """`room` says how many more calls this worker can carry."""
        self._look_seconds = look_seconds
        self._store = store
        self._placer = placer
        self._work = work
        self._worker_id = worker_id
        self._now = now
        self._room = room
        self._tidied_at: datetime | None = None
        work.handle(Kind.DIAL, self._dial)

    async def start(self) -> None:
        """Says that this worker lives, before it takes anything up."""
        await self._store.campaigns.seen(self._worker_id, at=self._now())

    async def run(self, stop: asyncio.Event) -> None:
        """Looks again and again until `stop` is set. A store that is away is waited for."""
        while not stop.is_set():
            try:
                await self.look()
            except StoreUnavailable as away:
                log.warning("campaigns rest: the store is away", extra={"reason": str(away)})
            except Exception:
                log.exception("a look at the campaigns failed; the next one follows")
            try:
                await asyncio.wait_for(stop.wait(), self._look_seconds)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """One round: who died, what ended, what must pause, what is dialled next."""
        at = self._now()
        campaigns = self._store.campaigns
        await campaigns.seen(self._worker_id, at=at)
        for worker in await campaigns.lost_workers(before=at - LOST):
            log.warning("a worker is lost; its calls count as interrupted", extra={"worker": worker})
            await self._store.attempts.interrupt(worker, at=at)
        every = {campaign.id: campaign for campaign in await campaigns.list()}
        await self._settle_all(every, at)
        for campaign in every.values():
            if campaign.state is CampaignState.RUNNING:
                await self._go_on(campaign, at)
            elif campaign.state is CampaignState.DRAINING:
                await self._end_when_empty(campaign, CampaignState.STOPPED, frozenset({MemberState.DIALLING}), at)
        await self._tidy(at)

    async def _tidy(self, at: datetime) -> None:
        """Clears what nobody needs any more. Attempts, cases and campaigns are not touched: their time is the law's."""
        if self._tidied_at is not None and at < self._tidied_at + TIDIED:
            return
        self._tidied_at = at
        gone = await self._work.prune(KEPT) + await self._store.campaigns.forget(before=at - KEPT)
        if gone:
            log.info("old traces of campaigns were cleared", extra={"rows": gone})

    # --- choosing and dialling ----------------------------------------------------------------------------------------
    async def _go_on(self, campaign: Campaign, at: datetime) -> None:
        plan = CampaignPlan.model_validate(campaign.plan)
        if await self._pause_if_tripped(campaign, plan, at):
            return
        if not plan.calendar.is_open(at):
            return
        room = self._room()
        given = await self._store.campaigns.claim(
            campaign.id,
            worker_id=self._worker_id,
            day=plan.calendar.local_day(at),
            at=at,
            grant=partial(_granted, plan, at, room),
        )
        for member in given:
            await self._begin(member, at)
        if not given:
            waited_for = frozenset({MemberState.WAITING, MemberState.READY, MemberState.DIALLING})
            await self._end_when_empty(campaign, CampaignState.FINISHED, waited_for, at)

    async def _begin(self, member: Member, at: datetime) -> None:
        case = await self._store.cases.get(member.case_id)
        number = number_for(case, member.number_step) if case is not None else None
        if number is None:
            await self._settle(member, Settlement(MemberState.DONE, "no number may be dialled", counts=False), at)
            return
        order = PlaceCall(
            case_id=member.case_id,
            flow=member.flow,
            idempotency_key=member.key,
            caller_id=member.caller,
            campaign_id=member.campaign_id,
        )
        await self._work.hand(Kind.DIAL, member.key or "", asdict(order), member.id, member.number_step)

    async def _dial(self, handed: Mapping[str, Any], member_id: str, number_step: int = 0) -> str:
        """The step of a durable dial. Repeated after a crash it dials nothing twice: the key is known.

        The number is looked up here: what was handed over lies in the clear until it is forgotten.
        """
        order = PlaceCall(**handed)
        if order.to is None:
            case = await self._store.cases.get(order.case_id)
            order = replace(order, to=number_for(case, number_step) if case is not None else None)
        try:
            if order.to is None:
                raise PlacementRefused("no_number", "no number may be dialled any more")
            await self._placer.place(order)
        except PlacementRefused as refused:
            if refused.reason == "not_permitted":
                return refused.reason
            key = order.idempotency_key or ""
            at = self._now()
            if refused.reason in _HERE:
                settlement = given_back(refused.reason, at=at, wait=BUSY)
            else:
                settlement = Settlement(MemberState.HELD, refused.message, counts=False)
            await self._store.campaigns.settle(member_id, key, settlement, at=at)
            return refused.reason
        return "placed"

    # --- settling -----------------------------------------------------------------------------------------------------
    async def _settle_all(self, every: Mapping[str, Campaign], at: datetime) -> None:
        for dial in await self._store.campaigns.open_dials():
            campaign = every.get(dial.member.campaign_id)
            if campaign is None:
                continue
            if dial.attempt is None:
                await self._give_back_if_lost(dial.member, at)
            elif dial.attempt.state in _OVER:
                await self._settle_attempt(campaign, dial.member, dial.attempt, at)
            elif campaign.state is CampaignState.STOPPED:
                await self._hang_up(dial)

    async def _settle_attempt(self, campaign: Campaign, member: Member, attempt: Attempt, at: datetime) -> None:
        store = self._store
        if attempt.disposition in _DEAD_NUMBERS:
            await store.cases.set_number_state(attempt.number, NumberState.INVALID, case_id=member.case_id)
        case = await store.cases.get(member.case_id)
        if case is None:
            await self._settle(member, Settlement(MemberState.DONE, "the case is gone"), at)
            return
        promises = await store.promises.list(case_id=case.id, state=PromiseState.OPEN)
        callbacks = [
            callback.at
            for callback in await store.callbacks.list(case_id=case.id)
            if callback.state is CallbackState.OPEN
            and callback.because != FOR_AN_AGENT
            and callback.at >= attempt.begun_at
        ]
        plan = CampaignPlan.model_validate(campaign.plan)
        settlement = after_attempt(
            plan,
            member,
            attempt,
            case,
            promised_on=max((promise.due_on for promise in promises), default=None),
            callback_at=min(callbacks, default=None),
            at=at,
        )
        # The person first: a crash between the two leaves the member to be settled again, never a person to be called.
        if rule_of(attempt.disposition or "").then is Then.STOP and attempt.state is AttemptState.ENDED:
            await store.campaigns.release(case.id, reason=attempt.disposition or "", at=at)
        if attempt.state is AttemptState.REFUSED and member.claimed_at is not None:
            settlement = replace(settlement, unshown_on=plan.calendar.local_day(member.claimed_at))
        await self._settle(member, settlement, at)

    async def _give_back_if_lost(self, member: Member, at: datetime) -> None:
        """A dial that was given out and never recorded goes back, once its key can dial no more."""
        if member.key is None or member.claimed_at is None or member.claimed_at > at - LOST:
            return
        case = await self._store.cases.get(member.case_id)
        number = number_for(case, member.number_step) if case is not None else None
        if case is not None and number is not None:
            try:
                begun = await self._store.attempts.begin(
                    idempotency_key=member.key,
                    case_id=case.id,
                    number=number,
                    worker_id=self._worker_id,
                    campaign_id=member.campaign_id,
                    permit=partial(_fence, at + BUSY),
                    at=at,
                )
            except AttemptRefused:
                await self._settle(member, given_back("the worker that had it died", at=at), at)
                return
            log.info("a slow dial began after all", extra={"attempt": begun.attempt.id})
            return
        await self._settle(member, Settlement(MemberState.DONE, "no number may be dialled", counts=False), at)

    async def _settle(self, member: Member, settlement: Settlement, at: datetime) -> None:
        if member.key is not None:
            await self._store.campaigns.settle(member.id, member.key, settlement, at=at)

    async def _hang_up(self, dial: OpenDial) -> None:
        if dial.attempt is not None and dial.attempt.call_id is not None:
            await self._placer.hang_up(dial.attempt.call_id)

    # --- states -------------------------------------------------------------------------------------------------------
    async def _pause_if_tripped(self, campaign: Campaign, plan: CampaignPlan, at: datetime) -> bool:
        since = campaign.running_since or campaign.created_at
        limit = plan.breakers.window * WINDOWS
        because = tripped(plan.breakers, await self._store.campaigns.recent(campaign.id, since=since, limit=limit))
        if because is None:
            carriers = await self._store.campaigns.recent_on_carriers(since=since, limit=limit)
            reasons = (carrier_tripped(plan.breakers, name, recent) for name, recent in carriers.items())
            because = next((reason for reason in reasons if reason is not None), None)
        if because is None:
            return False
        log.error("a campaign paused itself", extra={"campaign": campaign.id, "reason": because})
        return await self._store.campaigns.set_state(
            campaign.id, CampaignState.PAUSED, because=because, expecting=[CampaignState.RUNNING], at=at
        )

    async def _end_when_empty(
        self, campaign: Campaign, state: CampaignState, waited_for: frozenset[MemberState], at: datetime
    ) -> None:
        if await self._store.campaigns.open_states(campaign.id) & waited_for:
            return
        because = "everybody has come to an end" if state is CampaignState.FINISHED else "drained"
        await self._store.campaigns.set_state(campaign.id, state, because=because, expecting=[campaign.state], at=at)


def _granted(plan: CampaignPlan, at: datetime, room: int, standing: Standing) -> Grant:
    return grant(plan, standing, at, room)


def _fence(until: datetime, history: ContactHistory) -> Permission:
    """Refuses, so that the key of a dial that is given back is taken and whoever still holds it cannot dial."""
    return Permission(False, {"because": "given back before it began", "next_allowed": until.isoformat()})
