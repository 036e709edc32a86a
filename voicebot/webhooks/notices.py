"""From something that happened to what a receiver is told of it: ids, outcomes, dates and sums, and no personal data.

A receiver that knows the case by its contract number needs no name and no telephone number, and gets none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from voicebot.call.promise_facts import standing_of
from voicebot.store.outgoing import Delivery, Event, EventKind
from voicebot.store.outgoing_protocols import Deliveries
from voicebot.store.protocols import Attempts, Calls, Cases, NewsDesk, Promises
from voicebot.store.records import Case

_READ = 200


class NoticeStore(Protocol):
    """The repositories that notices are made from, and kept in."""

    @property
    def cases(self) -> Cases: ...
    @property
    def attempts(self) -> Attempts: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def news(self) -> NewsDesk: ...
    @property
    def deliveries(self) -> Deliveries: ...


class Notices:
    """Writes a notice for each event. Safe to be told of one twice."""

    def __init__(self, store: NoticeStore, kinds: frozenset[str]) -> None:
        """`kinds` are those that the receiver wants: values of `EventKind`."""
        self._store = store
        self._kinds = kinds

    async def happened(self, event: Event) -> None:
        if event.kind.value not in self._kinds:
            return
        data = await self._data(event)
        if data is not None:
            payload = {"type": event.kind.value, "timestamp": event.at.isoformat(), "data": data}
            delivery = Delivery(f"evt_{event.id}", event.kind.value, payload, due_at=event.at, created_at=event.at)
            await self._store.deliveries.add(delivery)

    async def _data(self, event: Event) -> Mapping[str, Any] | None:
        match event.kind:
            case EventKind.ATTEMPT_ENDED:
                return await self._attempt(event.subject)
            case EventKind.CALL_ENDED:
                return await self._call(event.subject)
            case EventKind.PROMISE_RECORDED | EventKind.PROMISE_SETTLED:
                return await self._promise(event.subject, event.at)
            case EventKind.PAYMENT_TAKEN:
                # The receiver keeps the ledger that the payment came from.
                return None

    async def _attempt(self, attempt_id: str) -> Mapping[str, Any] | None:
        attempt = await self._store.attempts.get(attempt_id)
        if attempt is None:
            return None
        return {
            "attempt": attempt.id,
            **_case(await self._store.cases.get(attempt.case_id)),
            "campaign": attempt.campaign_id,
            "call": attempt.call_id,
            "disposition": attempt.disposition,
            "cause": attempt.cause,
            "began_at": attempt.begun_at.isoformat(),
            "ended_at": _moment(attempt.ended_at),
        }

    async def _call(self, call_id: str) -> Mapping[str, Any] | None:
        call = await self._store.calls.get(call_id)
        if call is None:
            return None
        case = await self._store.cases.get(call.case_id) if call.case_id else None
        return {
            "call": call.id,
            **_case(case),
            "direction": call.direction,
            "disposition": call.disposition,
            "cause": call.cause,
            "began_at": call.started_at.isoformat(),
            "answered_at": _moment(call.answered_at),
            "ended_at": _moment(call.ended_at),
        }

    async def _promise(self, promise_id: str, at: datetime) -> Mapping[str, Any] | None:
        promise = await self._store.promises.get(promise_id)
        case = await self._store.cases.get(promise.case_id) if promise else None
        if promise is None or case is None:
            return None
        payments = await self._store.news.payments(case.id, limit=_READ)
        return {
            "promise": promise.id,
            **_case(case),
            "call": promise.call_id,
            "state": promise.state.value,
            "amount": f"{promise.amount:.2f}",
            "currency": promise.currency,
            "due_on": promise.due_on.isoformat(),
            "partial": promise.partial,
            "paid": f"{standing_of(promise, case, payments, at).paid:.2f}",
            "recorded_at": promise.recorded_at.isoformat(),
        }


def _case(case: Case | None) -> Mapping[str, str | None]:
    return {"case": case.id if case else None, "case_reference": case.external_id if case else None}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
