"""Import, dial, answer, promise, payment, flags, crashes, new workers and a clock that jumps, in any order: no cap is
broken, nothing is dialled twice, nobody is lost, and nobody is dialled after a stop, a payment or a dispute.

The store, the contact policy with the Chinese rules, the choosing and the settling are real; `tests.campaign.model`
says independently what they may do. Calls are rings that somebody answers when the machine says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.campaign.model import ZONE, Model, Ring
from tests.campaign.simulated import Passing, VirtualClock
from voicebot.call.board import PlaceCall, PlacementRefused
from voicebot.campaign.dispositions import RULES
from voicebot.campaign.enrolling import enrol_cases
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.plan import Arm, Breakers, Calendar, CallerPool, CampaignPlan, Pacing, Retry
from voicebot.campaign.policy import ContactPolicy
from voicebot.campaign.runner import CampaignRunner
from voicebot.store import AttemptRefused, Store
from voicebot.store.campaign_records import Campaign, CampaignState, MemberState
from voicebot.store.records import (
    AttemptState,
    Callback,
    Case,
    CaseStatus,
    Debt,
    Debtor,
    NumberState,
    PhoneNumber,
    Promise,
    Suppression,
    new_id,
)

T = TypeVar("T")
BEGINS = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
CALLERS = ("+861066660001", "+861066660002")
PLAN = CampaignPlan(
    arms=(Arm(flow="reminder_first"), Arm(flow="reminder_later")),
    callers=CallerPool(numbers=CALLERS, calls_per_day=6),
    calendar=Calendar(hours=("00:00-24:00",)),
    pacing=Pacing(concurrency=4, calls_per_second=3),
    retry=Retry(attempts_at_most=4, after_hours={"busy": 0.5, "no_answer": 0.2, "hung_up": 0.1}),
    breakers=Breakers(window=1000),
)
WORKERS = ("w1", "w2")
TALKS = ("hung_up", "refusal", "ptp_vague", "id_unresolved", "silence")
NOBODY = ("no_answer", "busy", "switched_off", "rejected", "voicemail", "network_error", "trunk_refused")
DEAD = ("empty_number", "out_of_service", "wrong_number")
STOPS = {"cease": "stop_contact", "deceased": "deceased", "attorney": "lawyer", "dispute_debt": "dispute"}
FLAGS = ("dispute", "stop_contact", "complaint", "lawyer", "deceased", "do_not_call")


class Crash(BaseException):
    """The process ends here."""


class Exchange:
    """One worker's way to the telephones: records the attempt as the engine does, and then rings."""

    def __init__(self, machine: CampaignMachine, worker: str) -> None:
        self._machine = machine
        self._worker = worker

    async def place(self, request: PlaceCall) -> str:
        machine = self._machine
        machine.crash_if("before the record")
        call_id = new_id()
        try:
            begun = await machine.store.attempts.begin(
                idempotency_key=request.idempotency_key or "",
                case_id=request.case_id,
                number=request.to or "",
                worker_id=self._worker,
                caller_id=request.caller_id,
                campaign_id=request.campaign_id,
                call_id=call_id,
                permit=machine.policy.permit,
                at=machine.clock(),
            )
        except AttemptRefused as refused:
            raise PlacementRefused("not_permitted", "not now") from refused
        if not begun.created:
            return begun.attempt.call_id or call_id
        machine.crash_if("after the record")
        machine.ring(begun.attempt.id, request, self._worker)
        machine.crash_if("after the dial")
        return call_id

    async def hang_up(self, call_id: str) -> bool:
        return False


class CampaignMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.Runner()
        self.clock = VirtualClock(BEGINS)
        self.policy = ContactPolicy(FirmFacts(frozenset(CALLERS), CALLERS[0], by_agency=False, assigned=False))
        self.model = Model(PLAN.pacing.concurrency, PLAN.pacing.calls_per_second, PLAN.callers.calls_per_day)
        self.rings: dict[str, Ring] = {}
        self.wrong: list[str] = []
        self._people: list[Debtor] = []
        self._crash_at: str | None = None
        self._cases: list[Case] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)

    # --- what the exchange tells --------------------------------------------------------------------------------------
    def crash_if(self, place: str) -> None:
        if self._crash_at == place:
            self._crash_at = None
            raise Crash

    def ring(self, attempt_id: str, request: PlaceCall, worker: str) -> None:
        person = next(case.debtor.id for case in self._cases if case.id == request.case_id)
        ring = Ring(
            self.clock(),
            request.idempotency_key or "",
            request.case_id,
            person,
            request.to or "",
            request.caller_id or "",
            worker,
            request.campaign_id or "",
        )
        self.wrong += self.model.rang(ring)
        self.rings[attempt_id] = ring

    # --- the beginning ------------------------------------------------------------------------------------------------
    @initialize(campaigns=st.integers(1, 2), persons=st.integers(3, 6))
    def begin(self, campaigns: int, persons: int) -> None:
        self.store = self.run(Store.open("sqlite:///:memory:", migrate=True))
        self.runners: dict[str, CampaignRunner] = {}
        self.campaigns: list[Campaign] = []
        for n in range(campaigns):
            campaign = Campaign(f"campaign {n}", PLAN.model_dump(mode="json"), created_at=BEGINS)
            self.campaigns.append(self.run(self.store.campaigns.create(campaign)))
            self._state(campaign, CampaignState.RUNNING, CampaignState.DRAFT)
        for _ in range(persons):
            self.import_case(new_person=True, numbers=1, shared=False)

    @rule(new_person=st.booleans(), numbers=st.integers(1, 2), shared=st.booleans())
    def import_case(self, new_person: bool, numbers: int, shared: bool) -> None:
        """A new debtor, or another case of a known one; numbers may be shared with somebody else."""
        n = len(self._cases)
        if new_person or not self._people:
            own = [f"+86138{n:04d}{k:04d}" for k in range(numbers)]
            if shared and self._people:
                own[-1] = self._people[0].numbers[0].number
            debtor = Debtor(name="王小样", external_id=f"d-{n}", numbers=tuple(map(PhoneNumber, own)), id=f"debtor-{n}")
            self._people.append(debtor)
        else:
            debtor = self._people[n % len(self._people)]
        debt = Debt(creditor="示例银行", amount_due=Decimal(100 + n), due_date=date(2026, 11, 1))
        case = Case(debtor=debtor, debt=debt, id=f"case-{n}", external_id=f"c-{n}", created_at=BEGINS)
        if n >= 12:
            return
        self.run(self.store.cases.add_many([case]))
        self._cases.append(case)
        for campaign in self.campaigns:
            self.run(enrol_cases(campaign, cases=self.store.cases, campaigns=self.store.campaigns, at=self.clock()))

    # --- workers ------------------------------------------------------------------------------------------------------
    @rule(worker=st.sampled_from(WORKERS), seconds=st.sampled_from([0.5, 2.0, 30.0]), looks=st.integers(1, 4))
    def look(self, worker: str, seconds: float, looks: int) -> None:
        """A worker looks a few times; one that was dead begins again first, under its own name."""
        for _ in range(looks):
            self._forward(seconds=seconds)
            try:
                self.run(self._runner(worker).look())
            except Crash:
                self._dies(worker)
                return

    def _forward(self, **by: float) -> None:
        """Living workers look twice a second: no time passes that they do not see."""
        self.clock.forward(**by)
        for worker in self.runners:
            self.run(self.store.campaigns.seen(worker, at=self.clock()))

    @rule(worker=st.sampled_from(WORKERS))
    def crash(self, worker: str) -> None:
        """kill -9 between two looks."""
        if worker in self.runners:
            self._dies(worker)

    @rule(place=st.sampled_from(["before the record", "after the record", "after the dial"]))
    def crash_at_the_next_dial(self, place: str) -> None:
        self._crash_at = place

    def _runner(self, worker: str) -> CampaignRunner:
        if worker not in self.runners:
            # As a worker does at its start: what its last life left open is over.
            self.run(self.store.attempts.interrupt(worker, at=self.clock()))
            runner = CampaignRunner(
                self.store,
                Exchange(self, worker),
                Passing(),
                worker_id=worker,
                now=self.clock,
                room=lambda: 10,
            )
            self.run(runner.start())
            self.runners[worker] = runner
        return self.runners[worker]

    def _dies(self, worker: str) -> None:
        self.runners.pop(worker, None)
        for attempt_id, ring in list(self.rings.items()):
            if ring.worker == worker and ring.live:
                ring.live = False
                del self.rings[attempt_id]

    # --- people -------------------------------------------------------------------------------------------------------
    @rule(hours=st.sampled_from([1, 5, 25]))
    def a_working_stretch(self, hours: int) -> None:
        """Both workers look, whoever rings is not there, and time passes: the queue comes round."""
        for worker in WORKERS:
            self.look(worker, 0.5, 2)
        self._all_hang_up()
        self._forward(hours=hours)

    @precondition(lambda self: self.rings)
    @rule(data=st.data(), how=st.sampled_from([*TALKS, *NOBODY, *DEAD, *STOPS, "ptp", "callback_at", "paid_claim"]))
    def ends(self, data: st.DataObject, how: str) -> None:
        """A call that rings ends somehow, and the engine stores what a flow would."""
        attempt_id = data.draw(st.sampled_from(sorted(self.rings)))
        ring = self.rings.pop(attempt_id)
        at = self.clock()
        local = at.astimezone(ZONE)
        store, model = self.store, self.model
        match how:
            case "ptp":
                on = local.date() + timedelta(days=data.draw(st.integers(0, 5)))
                promise = Promise(case_id=ring.case, amount=Decimal(50), due_on=on, recorded_at=at)
                self.run(store.promises.add(promise))
                model.promised[ring.person] = max(on, model.promised.get(ring.person, on))
            case "callback_at" if ring.case not in model.called_back:
                when = at + timedelta(hours=data.draw(st.integers(1, 30)))
                self.run(store.callbacks.add(Callback(at=when, case_id=ring.case, recorded_at=at)))
                model.called_back[ring.case] = when
            case "wrong_number":
                self.run(store.cases.set_number_state(ring.number, NumberState.WRONG_PERSON, case_id=ring.case))
        if how in DEAD:
            model.dead_numbers.add((ring.person, ring.number))
        if how in STOPS:
            self._stops(ring, STOPS[how], at)
        ring.live, ring.talked = False, RULES[how].reached.value in ("right_party", "somebody")
        self.run(store.attempts.finish(attempt_id, disposition=how, at=at))

    def _stops(self, ring: Ring, flag: str, at: datetime) -> None:
        self.run(self.store.cases.set_flag(ring.case, flag, by="call", at=at))
        self.model.closed_cases[ring.case] = flag
        if flag != "dispute":
            self.run(self.store.suppressions.add(Suppression(reason=flag, debtor_id=ring.person, since=at)))
            self.model.closed_people[ring.person] = flag

    @precondition(lambda self: self._cases)
    @rule(data=st.data(), status=st.sampled_from([CaseStatus.SETTLED, CaseStatus.CLOSED]))
    def is_paid_or_withdrawn(self, data: st.DataObject, status: CaseStatus) -> None:
        case = data.draw(st.sampled_from(self._cases[: max(1, len(self._cases) // 2)]))
        self.run(self.store.cases.set_status(case.id, status, at=self.clock()))
        self.model.closed_cases[case.id] = status.value

    @precondition(lambda self: self._cases)
    @rule(data=st.data(), flag=st.sampled_from(FLAGS))
    def is_flagged(self, data: st.DataObject, flag: str) -> None:
        case = data.draw(st.sampled_from(self._cases[: max(1, len(self._cases) // 2)]))
        self.run(self.store.cases.set_flag(case.id, flag, by="operator", at=self.clock()))
        self.model.closed_cases[case.id] = flag

    # --- time and operators -------------------------------------------------------------------------------------------
    @rule(by=st.sampled_from([5, 20, 61, 240, 600, 1440, -3, -61]))
    def time_passes(self, by: int) -> None:
        """Minutes; some of them backwards."""
        self._forward(minutes=by)

    @rule(data=st.data())
    def pause_and_resume(self, data: st.DataObject) -> None:
        campaign = data.draw(st.sampled_from(self.campaigns))
        if not self._state(campaign, CampaignState.PAUSED, CampaignState.RUNNING):
            self.run(self.store.campaigns.judge_again(campaign.id))
            self._state(campaign, CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.FINISHED)

    def _state(self, campaign: Campaign, to: CampaignState, *expecting: CampaignState) -> bool:
        return self.run(
            self.store.campaigns.set_state(campaign.id, to, because="test", expecting=expecting, at=self.clock())
        )

    # --- what always holds --------------------------------------------------------------------------------------------
    @invariant()
    def no_dial_was_wrong(self) -> None:
        assert not self.wrong, self.wrong

    @invariant()
    def nobody_is_lost(self) -> None:
        for campaign in getattr(self, "campaigns", ()):
            members = self.run(self.store.campaigns.members(campaign.id, limit=100))
            assert sorted(member.case_id for member in members) == sorted(case.id for case in self._cases)
            for member in members:
                assert (member.key is not None) == (member.state is MemberState.DIALLING), member
                assert (member.next_at is not None) == (member.state is MemberState.WAITING), member
                assert member.reason, member

    def teardown(self) -> None:
        """Everything is let go on: all calls end, all workers live, some days pass. Then the books must balance."""
        if not hasattr(self, "store"):
            self._loop.close()
            return
        try:
            self._crash_at = None
            for campaign in self.campaigns:
                self._state(campaign, CampaignState.RUNNING, CampaignState.PAUSED)
            for _ in range(4):
                for worker in WORKERS:
                    self.run(self._runner(worker).look())
                self._all_hang_up()
                self._forward(hours=7)
                self.no_dial_was_wrong()
            for worker in WORKERS:
                self.run(self._runner(worker).look())
            self.run(self._judge_the_end())
        finally:
            self.run(self.store.close())
            self._loop.close()

    def _all_hang_up(self) -> None:
        for attempt_id, ring in self.rings.items():
            ring.live = False
            self.run(self.store.attempts.finish(attempt_id, disposition="no_answer", at=self.clock()))
        self.rings.clear()

    async def _judge_the_end(self) -> None:
        attempts = await self.store.attempts.list(limit=1000)
        made = [attempt for attempt in attempts if attempt.state is not AttemptState.REFUSED]
        rang = {ring.key for ring in self.model.rings}
        assert rang <= {attempt.idempotency_key for attempt in made}, "a dial was made that no record is of"
        assert all(attempt.policy for attempt in attempts), "an attempt does not say why"
        unheard = [attempt for attempt in made if attempt.idempotency_key not in rang]
        assert {attempt.state for attempt in unheard} <= {AttemptState.INTERRUPTED}, "it counts, and never rang"
        over = [attempt for attempt in made if attempt.state is not AttemptState.BEGUN]
        for campaign in self.campaigns:
            for member in await self.store.campaigns.members(campaign.id, limit=100):
                counted = [
                    attempt
                    for attempt in over
                    if (attempt.campaign_id, attempt.case_id) == (campaign.id, member.case_id)
                    and RULES[attempt.disposition or ""].counts
                ]
                assert member.attempts == len(counted) <= PLAN.retry.attempts_at_most, (member, counted)
                if member.disposition in STOPS:
                    assert member.state is MemberState.DONE, member


CampaignMachine.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_campaigns_in_any_order = CampaignMachine.TestCase
