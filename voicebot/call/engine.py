"""All calls of one worker: places them, takes them, and lets them end well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

import phonenumbers

from telephony.carrier import CallLeg, Carrier, Cause, DialFailed, DialRequest, Direction
from voicebot.call.answered import AnsweredCall
from voicebot.call.board import LiveCall, PlaceCall, PlacementRefused, TimelineEntry
from voicebot.call.case_facts import context_of, facts_of, guard_state_of, profile_of
from voicebot.call.inbound import KnownCase, recognise, with_caller
from voicebot.call.parts import EngineParts
from voicebot.call.promise_facts import PromiseStanding, latest_promise
from voicebot.call.session import CallResult, CallSession, CallSubject
from voicebot.dialog.facts import Facts
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library
from voicebot.dialog.machine import Machine
from voicebot.dialog.places import FlowError
from voicebot.store.errors import AttemptRefused, StoreUnavailable, UnknownCase
from voicebot.store.records import Call, Case, new_id

log = logging.getLogger(__name__)

_NOT_ANSWERED: Mapping[Cause, str] = {
    Cause.BUSY: "busy",
    Cause.DECLINED: "rejected",
    Cause.NO_ANSWER: "no_answer",
    Cause.CANCELLED: "abandoned",
    Cause.UNAVAILABLE: "switched_off",
    Cause.NOT_FOUND: "empty_number",
    Cause.REFUSED_BY_TRUNK: "trunk_refused",
    Cause.NETWORK_ERROR: "network_error",
    Cause.OVERLOADED: "overloaded",
    Cause.NORMAL: "abandoned",
}
"""Disposition of an attempt that was never answered."""

_NOT_CALLED = frozenset({"network_error", "trunk_refused", "overloaded", "cancelled"})
"""Dispositions of attempts that reached no telephone: a callback that was agreed is still owed."""

CALLBACK_TOLERANCE = timedelta(minutes=15)
"""A call this long before an agreed time is the agreed call."""


@dataclass(frozen=True)
class _Caller:
    """Who calls, as far as their number tells, and the flow that serves them."""

    flow: str
    subject: Callable[[], CallSubject]
    known: KnownCase | None = None


def to_e164(number: str | None, region: str) -> str | None:
    """A number as the store keeps it, None for a withheld or unreadable one (a SIP user name, `anonymous`)."""
    if not number:
        return None
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


class CallEngine:
    """Implements `CallPlacer`. One a worker."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sessions: dict[str, CallSession] = {}
        self.draining = False
        self.idle = asyncio.Event()
        """Set while no call is live."""
        self.idle.set()

    def start(self) -> None:
        """Begins to take inbound calls. The carriers are started by their owner."""
        for name, carrier in self._parts.carriers.items():
            carrier.on_incoming(partial(self._incoming, name))

    @property
    def live(self) -> int:
        """Calls that ring or talk now."""
        return len(self._tasks)

    async def finished(self, call_id: str) -> None:
        """Waits until a call is over and everything about it is stored. Returns at once for a call that is not live."""
        task = self._tasks.get(call_id)
        if task is not None:
            await asyncio.wait({task})

    def entries(self, call_id: str) -> Sequence[TimelineEntry] | None:
        """Timeline so far of a call that talks here, None for any other."""
        session = self._sessions.get(call_id)
        return session.entries if session is not None else None

    # --- outbound -----------------------------------------------------------------------------------------------------
    async def place(self, request: PlaceCall) -> str:
        """Records the attempt, begins to dial and returns the call's id. Raises PlacementRefused."""
        parts = self._parts
        if self.draining:
            raise PlacementRefused("draining", "this worker is shutting down; place the call on another one")
        if parts.dialler is None:
            raise PlacementRefused(
                "no_carrier", "nothing here can dial a number: add a trunk under sip.trunks, or enable Twilio"
            )
        case = await self._case(request.case_id)
        flow, library = self._flow(request.flow)
        number = to_e164(request.to, parts.region) if request.to else case.first_valid_number()
        if number is None:
            raise PlacementRefused(
                "no_number", f"case {case.id} has no number that may be dialled; check the states of its numbers"
            )
        call_id = new_id()
        try:
            promise, can_text = await self._promise(case), await self._can_text(case, number)
            subject = self._subject(call_id, case, flow, library, promise, can_text=can_text)
        except FlowError as error:
            raise PlacementRefused("missing_facts", str(error)) from error
        try:
            begun = await parts.store.attempts.begin(
                idempotency_key=request.idempotency_key or call_id,
                case_id=case.id,
                number=number,
                worker_id=parts.worker_id,
                caller_id=request.caller_id,
                campaign_id=request.campaign_id,
                call_id=call_id,
                permit=parts.permit,
                at=parts.clock.now(),
            )
        except AttemptRefused as refused:
            raise PlacementRefused("not_permitted", _explain(refused.attempt.policy)) from refused
        except StoreUnavailable as away:
            raise PlacementRefused("store_unavailable", f"{away}; nothing was dialled") from away
        if not begun.created:
            return begun.attempt.call_id or call_id
        call = Call(
            id=call_id,
            direction=Direction.OUTBOUND.value,
            flow=flow.name,
            flow_hash=flow.hash,
            started_at=parts.clock.now(),
            worker_id=parts.worker_id,
            carrier=parts.dialler,
            number=number,
            case_id=case.id,
            attempt_id=begun.attempt.id,
        )
        carrier = parts.carriers[parts.dialler]
        self._begin(call_id, self._outbound(call, case, subject, carrier, request.caller_id))
        return call_id

    async def hang_up(self, call_id: str) -> bool:
        """Ends a live call, ringing or talking. False when there is no such call here."""
        session = self._sessions.get(call_id)
        if session is not None:
            session.hang_up()
            return True
        task = self._tasks.get(call_id)
        if task is not None:
            task.cancel()
        return task is not None

    async def _outbound(
        self, call: Call, case: Case, subject: CallSubject, carrier: Carrier, caller_id: str | None
    ) -> None:
        parts = self._parts
        request = DialRequest(
            to=call.number or "",
            caller_id=caller_id,
            ring_seconds=parts.settings.ring_seconds,
            headers={"X-Voicebot-Attempt": call.attempt_id or ""},
        )
        try:
            await parts.store.calls.begin(call)
            self._tell(call, "ringing")
            self._publish(call.id, "call.dialling", direction=call.direction, number=call.number)
            leg = await carrier.dial(request)
        except DialFailed as failed:
            self._publish(call.id, "call.not_answered", cause=failed.cause.value, status=failed.status)
            await self._finish(call, None, _NOT_ANSWERED[failed.cause], failed.cause)
            return
        except asyncio.CancelledError:
            await self._finish(call, None, "cancelled", Cause.CANCELLED)
            raise
        except Exception:
            log.exception("a call could not be dialled", extra={"call": call.id})
            await self._finish(call, None, "network_error", Cause.NETWORK_ERROR)
            return
        await self._talk(leg, replace(call, carrier_call_id=leg.id), case, subject)

    # --- inbound ------------------------------------------------------------------------------------------------------
    async def _incoming(self, carrier: str, leg: CallLeg) -> None:
        if self.draining:
            await leg.reject(Cause.OVERLOADED)
            return
        call_id = new_id()
        # Held until the call is over: a carrier takes a handler that returns early for one that did not decide.
        await asyncio.wait({self._begin(call_id, self._inbound(call_id, carrier, leg))})

    async def _inbound(self, call_id: str, carrier: str, leg: CallLeg) -> None:
        parts = self._parts
        number = to_e164(leg.from_number, parts.region)
        caller = self._caller_of(call_id, await self._known(number), withheld=number is None)
        case, missed = (caller.known.case, caller.known.missed) if caller.known is not None else (None, None)
        name = caller.flow
        call = Call(
            id=call_id,
            direction=Direction.INBOUND.value,
            flow=name,
            started_at=parts.clock.now(),
            worker_id=parts.worker_id,
            carrier=carrier,
            carrier_call_id=leg.id,
            number=number,
            case_id=case.id if case else None,
            answers_attempt_id=missed.attempt_id if missed else None,
        )
        try:
            subject = caller.subject()
        except Exception:
            log.exception("an inbound call cannot be served; the caller hears busy", extra={"call": call_id})
            await leg.reject(Cause.BUSY)
            return
        call = replace(call, flow_hash=subject.machine.flow.hash)
        await parts.store.calls.begin(call)
        self._tell(call, "ringing")
        self._publish(
            call.id,
            "call.incoming",
            direction=call.direction,
            number=call.number,
            returns=call.answers_attempt_id,
            shared=len(subject.candidates),
        )
        try:
            await leg.answer()
        except DialFailed as failed:
            await self._finish(call, None, "abandoned", failed.cause)
            return
        except asyncio.CancelledError:
            await leg.hang_up()
            await self._finish(call, None, "cancelled", Cause.CANCELLED)
            raise
        except Exception:
            # A caller who never acknowledges the answer, for one.
            log.exception("an inbound call could not be answered and is hung up", extra={"call": call.id})
            await leg.hang_up()
            await self._finish(call, None, "network_error", Cause.NETWORK_ERROR)
            return
        await self._talk(leg, call, case, subject)

    def _caller_of(self, call_id: str, known: Sequence[KnownCase], *, withheld: bool) -> _Caller:
        """The flow that serves a caller. Cases that lack what their flow needs are left out; without any, the caller is
        served as somebody unknown."""
        parts = self._parts
        name = parts.inbound_flow if len(known) == 1 else parts.shared_number_flow
        served: list[KnownCase] = []
        for one in known:
            try:
                self._subject(call_id, one.case, *parts.flows.get(name), promise=one.promise, known=one)
            except FlowError as error:
                log.error(
                    "the caller's case lacks facts; the caller is served without it",
                    extra={"call": call_id, "case": one.case.id, "findings": str(error)},
                )
            else:
                served.append(one)
        if len(served) == 1 and len(known) == 1:
            (one,) = served
            return _Caller(
                name,
                lambda: self._subject(call_id, one.case, *parts.flows.get(name), promise=one.promise, known=one),
                one,
            )
        if served:
            return _Caller(name, lambda: self._shared_subject(call_id, served, *parts.flows.get(name)))
        unknown = parts.unknown_caller_flow
        return _Caller(unknown, lambda: self._subject(call_id, None, *parts.flows.get(unknown), withheld=withheld))

    def _shared_subject(self, call_id: str, known: Sequence[KnownCase], flow: Flow, library: Library) -> CallSubject:
        """A call that may be about one of several people: who it is, verification says."""
        nobody = self._subject(call_id, None, flow, library, candidates={one.case.id: one for one in known})
        return replace(nobody, candidates={one.case.id: one.case for one in known})

    async def _known(self, number: str | None) -> Sequence[KnownCase]:
        """The cases behind a caller's number; none when the store cannot say: then nobody is assumed to be anybody."""
        if number is None:
            return ()
        try:
            known = await recognise(self._parts.store, number, self._parts.clock.now())
            return [replace(one, can_text=await self._can_text(one.case, number)) for one in known]
        except StoreUnavailable:
            log.warning("the caller's case cannot be looked up: the store is away")
            return ()

    # --- both ---------------------------------------------------------------------------------------------------------
    async def _case(self, case_id: str) -> Case:
        try:
            case = await self._parts.store.cases.get(case_id)
        except StoreUnavailable as away:
            raise PlacementRefused("store_unavailable", f"{away}; nothing was dialled") from away
        except UnknownCase:
            case = None
        if case is None:
            raise PlacementRefused("unknown_case", f"no case has the id {case_id}; list cases with: voicebot case list")
        return case

    async def _promise(self, case: Case) -> PromiseStanding | None:
        try:
            return await latest_promise(self._parts.store, case, self._parts.clock.now())
        except StoreUnavailable as away:
            raise PlacementRefused("store_unavailable", f"{away}; nothing was dialled") from away

    async def _can_text(self, case: Case, number: str) -> bool:
        ask = self._parts.can_text
        return ask is not None and await ask(case, number, self._parts.clock.now())

    def _flow(self, name: str) -> tuple[Flow, Library]:
        try:
            return self._parts.flows.get(name)
        except KeyError:
            raise PlacementRefused(
                "unknown_flow", f"no flow is called {name}; list flows with: voicebot flow list"
            ) from None

    def _subject(
        self,
        call_id: str,
        case: Case | None,
        flow: Flow,
        library: Library,
        promise: PromiseStanding | None = None,
        *,
        can_text: bool = False,
        known: KnownCase | None = None,
        candidates: Mapping[str, KnownCase] = MappingProxyType({}),
        withheld: bool = False,
    ) -> CallSubject:
        parts = self._parts
        language = flow.language
        now = parts.clock.now()
        closed = not parts.opening.is_open(now)

        def facts(of: Case | None, promise: PromiseStanding | None, known: KnownCase | None) -> Facts:
            return with_caller(
                facts_of(of, parts.firm, now, promise=promise),
                closed=closed,
                withheld=withheld,
                can_text=can_text,
                known=known,
            )

        machine = Machine(
            flow,
            library,
            facts(case, promise, known),
            profile=profile_of(case, call_id),
            candidates={case_id: facts(one.case, one.promise, one) for case_id, one in candidates.items()},
        )
        return CallSubject(
            call_id=call_id,
            case_id=case.id if case else None,
            machine=machine,
            case=context_of(case, language),
            call_state=replace(guard_state_of(case, parts.jurisdiction), jurisdiction=flow.policy),
            language=language,
        )

    def _begin(self, call_id: str, work: Awaitable[None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks[call_id] = task
        self.idle.clear()

        def done(finished: asyncio.Task[None]) -> None:
            self._tasks.pop(call_id, None)
            if not self._tasks:
                self.idle.set()
            self._parts.board.remove(call_id)
            if not finished.cancelled() and finished.exception() is not None:
                log.error("a call ended by a fault", exc_info=finished.exception(), extra={"call": call_id})

        task.add_done_callback(done)
        return task

    async def _talk(self, leg: CallLeg, call: Call, case: Case | None, subject: CallSubject) -> None:
        answered: AnsweredCall | None = None
        try:
            answered = AnsweredCall(self._parts, leg, call, case, subject)
            self._sessions[call.id] = await answered.open(self._tell, self._publish)
        except asyncio.CancelledError:
            await self._let_go(leg, call, answered, "cancelled", Cause.CANCELLED)
            raise
        except Exception:
            log.exception("an answered call cannot be held and is hung up", extra={"call": call.id})
            await self._let_go(leg, call, answered, "engine_fault", Cause.NETWORK_ERROR)
            return
        try:
            result = await answered.hold()
        finally:
            self._sessions.pop(call.id, None)
        await self._finish(answered.call, result, answered.disposition, answered.cause)

    async def _let_go(
        self, leg: CallLeg, call: Call, answered: AnsweredCall | None, disposition: str, cause: Cause
    ) -> None:
        """Ends a call that was answered and never talked."""
        await leg.hang_up()
        if answered is not None:
            await answered.abandon(disposition)
            call = answered.call
        await self._finish(call, None, disposition, cause)

    async def _finish(self, call: Call, result: CallResult | None, disposition: str, cause: Cause) -> None:
        parts = self._parts
        ended_at = parts.clock.now()
        await parts.store.calls.finish(
            call.id,
            ended_at=ended_at,
            disposition=disposition,
            cause=cause.value,
            evidence_digest=call.evidence_digest,
            guard_hits=call.guard_hits,
        )
        if call.case_id is not None and call.attempt_id is not None and disposition not in _NOT_CALLED:
            await parts.store.callbacks.made(
                call.case_id, until=call.started_at + CALLBACK_TOLERANCE, outcome=f"call:{call.id}", at=ended_at
            )
        if call.attempt_id is not None:
            await parts.store.attempts.finish(
                call.attempt_id, cause=cause.value, disposition=disposition, call_id=call.id, at=ended_at
            )
        self._publish(call.id, "call.finished", disposition=disposition, cause=cause.value)
        if parts.on_finished is not None:
            await parts.on_finished(
                replace(call, ended_at=ended_at, disposition=disposition, cause=cause.value), result
            )

    def _tell(self, call: Call, state: str) -> None:
        self._parts.board.put(
            LiveCall(call.id, call.case_id, call.direction, call.flow, state, call.started_at, call.disposition)
        )

    def _publish(self, call_id: str, kind: str, **data: object) -> None:
        """Something about a call outside its own timeline: before the answer, or after the end."""
        entry = TimelineEntry(call_id, -1, 0.0, self._now(), kind, data)
        self._parts.board.publish(entry)
        for sink in self._parts.sinks:
            sink(entry)

    def _now(self) -> datetime:
        return self._parts.clock.now(self._parts.time_zone)

    # --- the end ------------------------------------------------------------------------------------------------------
    async def drain(self, seconds: float) -> None:
        """Takes no more calls, lets the live ones end by themselves for `seconds`, then ends the rest in order."""
        self.draining = True
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=seconds)
        for call_id in list(self._tasks):
            await self.hang_up(call_id)
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=10.0)
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


def _explain(policy: Mapping[str, object]) -> str:
    rules = policy.get("rules")
    names = [str(rule.get("id")) for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    later = policy.get("next_allowed")
    return (
        "the contact policy does not permit this call now"
        + (f" ({', '.join(names)})" if names else "")
        + (f"; it will be allowed from {later}" if later else "")
    )
