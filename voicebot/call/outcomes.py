"""What a call brings about, into the store. Every write is kept: while the database is away it waits in the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from voicebot.call.complaints import TakenComplaints
from voicebot.dialog.events import ChooseCase, RecordCallback, RecordPlan, RecordPromise, SendMessage, SetFlag
from voicebot.store.access_protocols import Audit
from voicebot.store.number import e164
from voicebot.store.outgoing import Message
from voicebot.store.outgoing_protocols import Messages
from voicebot.store.protocols import Callbacks, Cases, Plans, Promises, Suppressions
from voicebot.store.records import FOR_AN_AGENT, Callback, Case, NumberState, PlanRequest, Promise, Suppression


class OutcomeStore(Protocol):
    """The repositories that outcomes are written to."""

    @property
    def cases(self) -> Cases: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def callbacks(self) -> Callbacks: ...
    @property
    def plans(self) -> Plans: ...
    @property
    def suppressions(self) -> Suppressions: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def audit(self) -> Audit: ...


_NUMBER_STATES = {
    "wrong_number": NumberState.WRONG_PERSON,
    "third_party_refused": NumberState.STOP,
    "third_party_optout": NumberState.STOP,
    "number_stop": NumberState.STOP,
}
"""Flags that are about the number that was called, not about the person."""

_SUPPRESSING = frozenset({"stop_contact", "deceased", "attorney", "lawyer", "self_harm_risk", "debtor_unavailable"})
"""Flags after which the debtor is not dialled any more, on any case and any number, until a human lifts it."""


_FOR_A_HUMAN = frozenset({"human_requested", "human_callback_wanted"})
"""Flags after which a callback is a person's to make."""


class StoredOutcomes:
    """Implements `Outcomes` for one call."""

    def __init__(
        self,
        store: OutcomeStore,
        *,
        call_id: str,
        case: Case | None,
        number: str | None,
        now: Callable[[], datetime],
        reasons_to_keep: set[str],
        complaints: TakenComplaints,
        candidates: Mapping[str, Case] = MappingProxyType({}),
        on_case: Callable[[Case], Awaitable[None]] | None = None,
    ) -> None:
        """`number` is the other side's, E.164. `reasons_to_keep` gathers why evidence must outlive its time.

        `candidates` are the cases that the call may be about when `case` is None; `on_case` is told which one it is.
        """
        self._store = store
        self._call_id = call_id
        self._case = case
        self._number = number
        self._now = now
        self._reasons = reasons_to_keep
        self._complaints = complaints
        self._candidates = candidates
        self._on_case = on_case
        self._wants_a_human = False
        self._promise_id: str | None = None
        self._plan_id: str | None = None

    async def keep(
        self, action: RecordPromise | RecordCallback | RecordPlan | SetFlag | SendMessage | ChooseCase
    ) -> None:
        match action:
            case ChooseCase():
                self._case = self._candidates[action.case_id]
                if self._on_case is not None:
                    await self._on_case(self._case)
            case RecordPromise():
                await self._promise(action)
            case RecordCallback():
                await self._store.callbacks.add(
                    Callback(
                        at=action.at,
                        case_id=self._case.id if self._case else None,
                        call_id=self._call_id,
                        number=self._number if action.number is None else e164(action.number),
                        because=FOR_AN_AGENT if self._wants_a_human else "asked_by_caller",
                        recorded_at=self._now(),
                    )
                )
            case RecordPlan():
                if self._case is not None:
                    self._reasons.add("oral_agreement")
                    plan = PlanRequest(
                        case_id=self._case.id,
                        call_id=self._call_id,
                        instalments=action.instalments,
                        reason=action.reason,
                    )
                    await self._store.plans.add(plan)
                    self._plan_id = plan.id
            case SetFlag():
                self._wants_a_human |= action.flag in _FOR_A_HUMAN
                await self._complaints.take(action, self._case)
                await self._flag(action)
            case SendMessage():
                await self._message(action)

    async def verified(self) -> None:
        if self._case is not None and self._number is not None:
            await self._store.messages.verified(self._case.id, self._number, call_id=self._call_id, at=self._now())

    async def _message(self, action: SendMessage) -> None:
        """Asks for a message: it is written from what was recorded, and judged, once the call is over."""
        if self._case is None:
            # Nobody's number is known to be theirs: nothing may be written to it.
            data = {"template": action.template}
            await self._store.audit.append(f"call:{self._call_id}", "message.requested", "case:-", data)
            return
        at = self._now()
        await self._store.messages.add(
            Message(
                template=action.template,
                key=f"call:{self._call_id}:{action.template}",
                case_id=self._case.id,
                debtor_id=self._case.debtor.id,
                call_id=self._call_id,
                promise_id=self._promise_id,
                plan_id=self._plan_id,
                number=self._number,
                due_at=at,
                created_at=at,
            )
        )

    async def _promise(self, action: RecordPromise) -> None:
        if self._case is None:
            return
        self._reasons.add("promise")
        promise = Promise(
            case_id=self._case.id,
            amount=action.amount,
            due_on=action.on,
            call_id=self._call_id,
            currency=self._case.debt.currency,
            partial=action.partial,
            words=action.words,
            recorded_at=self._now(),
        )
        await self._store.promises.add(promise)
        self._promise_id = promise.id

    async def _flag(self, action: SetFlag) -> None:
        if action.flag in {"dispute", "complaint"}:
            self._reasons.add(action.flag)
        state = _NUMBER_STATES.get(action.flag)
        if state is not None and self._number is not None:
            await self._store.cases.set_number_state(self._number, state, case_id=self._case.id if self._case else None)
        if self._case is None:
            await self._stop_number(action.flag)
            return
        await self._store.cases.set_flag(
            self._case.id, action.flag, note=action.note, by=f"call:{self._call_id}", at=self._now()
        )
        if action.flag in _SUPPRESSING:
            await self._store.suppressions.add(
                Suppression(
                    reason=action.flag,
                    debtor_id=self._case.debtor.id,
                    since=self._now(),
                    source=f"call:{self._call_id}",
                )
            )

    async def _stop_number(self, flag: str) -> None:
        """Somebody whose case is not known wants no more calls: all that can be left alone is the number."""
        if flag in {"stop_contact", "attorney", "third_party_optout"} and self._number is not None:
            await self._store.suppressions.add(
                Suppression(reason=flag, number=self._number, since=self._now(), source=f"call:{self._call_id}")
            )
