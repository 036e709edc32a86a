"""Complaints, disputes and wishes not to be called, as they are taken on a call: numbered, routed, with their days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from compliance_filters.complaint_rules import ComplaintRules, due_days
from voicebot.dialog.events import SetFlag
from voicebot.dialog.reference import reference_of
from voicebot.store.complaint_records import Complaint, ComplaintKind, Tier
from voicebot.store.desk_protocols import Complaints
from voicebot.store.records import Case


@dataclass(frozen=True)
class _Taken:
    """What a flag of the dialog means here."""

    kind: ComplaintKind
    tier: Tier | None = None
    """Where it begins, whatever the pack says of its kind."""


_STOP = _Taken(ComplaintKind.STOP_CONTACT)
_TAKEN: Mapping[str, _Taken] = {
    "complaint": _Taken(ComplaintKind.COMPLAINT),
    "dispute": _Taken(ComplaintKind.DISPUTE),
    "stop_contact": _STOP,
    "third_party_optout": _STOP,
    "attorney": _Taken(ComplaintKind.STOP_CONTACT, Tier.LEGAL),
    "data_request": _Taken(ComplaintKind.DATA_REQUEST),
}
_DETAILS: Mapping[str, ComplaintKind] = {
    "complaint_detail": ComplaintKind.COMPLAINT,
    "dispute_detail": ComplaintKind.DISPUTE,
    "attorney_contact": ComplaintKind.STOP_CONTACT,
}

REFERENCED = frozenset(_TAKEN)
"""Flags after which the caller has a reference number."""


class TakenComplaints:
    """Writes down what one call takes. Every write is kept: it never fails the call."""

    def __init__(
        self,
        store: Complaints,
        rules: ComplaintRules,
        *,
        call_id: str,
        number: str | None,
        jurisdiction: str,
        zone: str,
        now: Callable[[], datetime],
    ) -> None:
        """`number` is the caller's, E.164; `zone` the IANA name in which the days are counted."""
        self._store = store
        self._rules = rules
        self._call_id = call_id
        self._number = number
        self._jurisdiction = jurisdiction
        self._zone = zone
        self._now = now

    async def take(self, flag: SetFlag, case: Case | None) -> None:
        """Takes what a flag stands for; any other flag is none of its business."""
        if (taken := _TAKEN.get(flag.flag)) is not None:
            await self._store.add(self._complaint(taken, flag.note, case))
        elif (kind := _DETAILS.get(flag.flag)) is not None and flag.note:
            await self._store.note(self._id(kind), flag.note)

    def _complaint(self, taken: _Taken, words: str, case: Case | None) -> Complaint:
        kind, now = taken.kind, self._now()
        due = due_days(self._rules, kind.value, now, case.time_zone if case else self._zone)
        return Complaint(
            id=self._id(kind),
            reference=reference_of(self._call_id),
            kind=kind,
            tier=taken.tier or Tier(self._rules.tier(kind.value, words)),
            respond_by=due.respond_by,
            answer_by=due.answer_by,
            call_id=self._call_id,
            case_id=case.id if case else None,
            number=self._number,
            words=words,
            jurisdiction=self._jurisdiction,
            received_at=now,
        )

    def _id(self, kind: ComplaintKind) -> str:
        return f"{self._call_id}:{kind.value}"
