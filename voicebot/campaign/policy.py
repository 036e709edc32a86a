"""The contact policy over the store's records: what is known of a case and its history, judged by the rule pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from compliance_filters.contact_facts import (
    DailyInterval,
    Decision,
    DialFacts,
    Direction,
    Hold,
    HoldKind,
    Owner,
    PastContact,
)
from compliance_filters.contact_policy import Override, decide, override, rules_of
from compliance_filters.contact_rules import ContactRules
from compliance_filters.pack import RulePack, load_pack
from voicebot.campaign.dispositions import Reached, rule_of
from voicebot.store.records import AgeBand, Case, CaseStatus, ContactHistory, NumberState, Permission

FLAGS: Mapping[str, HoldKind] = {
    "dispute": HoldKind.DISPUTE,
    "complaint": HoldKind.COMPLAINT,
    "deceased": HoldKind.DECEASED,
    "debtor_unavailable": HoldKind.INCAPACITY,
    "incapacity": HoldKind.INCAPACITY,
    "minor": HoldKind.MINOR,
    "self_harm_risk": HoldKind.SELF_HARM,
    "welfare_check_urgent": HoldKind.SELF_HARM,
    "vulnerable": HoldKind.VULNERABLE,
    "distress": HoldKind.VULNERABLE,
    "hardship_illness": HoldKind.VULNERABLE,
    "hardship_event": HoldKind.VULNERABLE,
    "do_not_call": HoldKind.DO_NOT_CALL,
    "stop_contact": HoldKind.STOP_CONTACT,
    "cease_written": HoldKind.CEASE_WRITTEN,
    "attorney": HoldKind.LAWYER,
    "attorney_contact": HoldKind.LAWYER,
    "lawyer": HoldKind.LAWYER,
    "bankruptcy": HoldKind.LEGAL_HOLD,
    "legal_hold": HoldKind.LEGAL_HOLD,
    "illegal_debt": HoldKind.ILLEGAL_DEBT,
    "agreement": HoldKind.AGREEMENT,
    "paid_claim": HoldKind.PAYMENT_CLAIMED,
    "says_paid": HoldKind.PAYMENT_CLAIMED,
    "dormant": HoldKind.DORMANT,
    "breathing_space": HoldKind.BREATHING_SPACE,
}
"""What each flag of a case holds back."""
PAYMENT_SEEN = timedelta(days=2)
"""How long a payment that was claimed may take to be booked."""
_NUMBER_HOLDS = {
    NumberState.INVALID: HoldKind.WRONG_NUMBER,
    NumberState.WRONG_PERSON: HoldKind.WRONG_NUMBER,
    NumberState.STOP: HoldKind.THIRD_PARTY_REFUSED,
}
_CONSENTS = {"robot_call": "ai_voice"}
_TALKED = frozenset({Reached.RIGHT_PARTY, Reached.SOMEBODY})
_DAY = 24 * 60


class FirmSettings(Protocol):
    """The part of the configuration that the contact policy needs: `[compliance]`."""

    @property
    def caller_number(self) -> str | None: ...
    @property
    def registered_callers(self) -> tuple[str, ...] | None: ...
    @property
    def collects_for_others(self) -> bool | None: ...
    @property
    def debts_bought(self) -> bool | None: ...
    @property
    def conservative(self) -> bool: ...


@dataclass(frozen=True)
class FirmFacts:
    """What is true of every call that this firm makes. None is unknown, and unknown refuses."""

    registered_callers: frozenset[str] | None = None
    """Numbers registered for these calls, E.164."""
    own_caller: str | None = None
    """The number that the carrier shows when a call names none, E.164."""
    by_agency: bool | None = None
    """Whether the firm collects for other creditors."""
    assigned: bool | None = None
    """Whether its debts were bought from others."""
    conservative: bool = False
    """Whether lunch time and holidays are left alone."""
    overrides: tuple[Override, ...] = ()

    @classmethod
    def of(cls, settings: FirmSettings) -> FirmFacts:
        """The facts that a configuration states."""
        callers = settings.registered_callers
        return cls(
            registered_callers=None if callers is None else frozenset(callers),
            own_caller=settings.caller_number,
            by_agency=settings.collects_for_others,
            assigned=settings.debts_bought,
            conservative=settings.conservative,
        )


@dataclass
class ContactPolicy:
    """Says whether a number may be dialled. One for a process; its `permit` is a `voicebot.store.protocols.Permit`."""

    firm: FirmFacts
    halted: bool | None = False
    """The emergency stop: while it is on, nothing is dialled."""
    _packs: dict[str, tuple[RulePack, ContactRules]] = field(default_factory=dict)

    def permit(self, history: ContactHistory) -> Permission:
        """Judges the dial that the history was read for. Raises PackError for a case under a pack that is not there."""
        if history.at is None:
            raise ValueError("the history was not read for a dial; use store.attempts.history")
        decision = self.decide(history, history.at)
        return Permission(decision.allowed, explanation(decision))

    def decide(self, history: ContactHistory, at: datetime) -> Decision:
        pack, rules = self._rules(history.case.jurisdiction)
        return decide(self._facts(history, at), contacts(history), at, pack, rules)

    def _rules(self, jurisdiction: str) -> tuple[RulePack, ContactRules]:
        if jurisdiction not in self._packs:
            pack = load_pack(jurisdiction)
            rules = rules_of(pack)
            mine = [change for change in self.firm.overrides if change.rule in {rule.id for rule in rules.rules}]
            self._packs[jurisdiction] = (pack, override(rules, mine) if mine else rules)
        return self._packs[jurisdiction]

    def _facts(self, history: ContactHistory, at: datetime) -> DialFacts:
        case = history.case
        zone = ZoneInfo(case.time_zone)
        granted = {consent.kind for consent in case.consents if consent.granted and consent.at <= at}
        notices = {consent.kind: consent.at for consent in case.consents if consent.granted}
        today = at.astimezone(zone).date()
        return DialFacts(
            number=history.number,
            owner=_owner(case, history.number),
            person_id=case.debtor.id,
            debt_id=case.id,
            timezone=case.time_zone,
            holds=tuple(holds(history)),
            consents=frozenset(granted | {_CONSENTS[kind] for kind in granted if kind in _CONSENTS}),
            callback_at=min((callback.at for callback in history.callbacks if callback.at > at), default=None),
            blocked_daily=tuple(_outside(case.preferred_hours)),
            conservative=self.firm.conservative,
            assigned=self.firm.assigned,
            assignment_notice_at=notices.get("assignment_notice"),
            by_agency=self.firm.by_agency,
            agency_notice_at=notices.get("agency_notice"),
            caller_number=history.caller_id or self.firm.own_caller,
            registered_callers=self.firm.registered_callers,
            caller_calls_today=sum(shown.astimezone(zone).date() >= today for shown in history.caller_calls),
            halted=self.halted,
        )


def explanation(decision: Decision) -> dict[str, Any]:
    """A decision as JSON values: kept with each attempt and each refusal, and printed by `voicebot policy explain`."""
    return {
        "allowed": decision.allowed,
        "rules": [
            {
                "id": rule.id,
                "verdict": rule.verdict,
                "why": rule.why,
                "counts": rule.counts,
                "until": rule.until.isoformat() if rule.until else None,
            }
            for rule in decision.rules
        ],
        "next_allowed": decision.next_allowed.isoformat() if decision.next_allowed else None,
        "pack_hash": decision.pack_hash,
    }


def holds(history: ContactHistory) -> Iterable[Hold]:
    """Everything that stops contact, of the case, the person and the numbers."""
    case = history.case
    if case.status is not CaseStatus.OPEN:
        yield Hold(HoldKind.SETTLED if case.status is CaseStatus.SETTLED else HoldKind.WITHDRAWN)
    if case.debtor.age_band is AgeBand.MINOR:
        yield Hold(HoldKind.MINOR)
    for flag in case.flags:
        kind = FLAGS.get(flag.name)
        if kind is HoldKind.PAYMENT_CLAIMED:
            yield Hold(kind, until=flag.set_at + PAYMENT_SEEN)
        elif kind is not None:
            yield Hold(kind)
    for entry in case.debtor.numbers:
        if entry.state in _NUMBER_HOLDS:
            yield Hold(_NUMBER_HOLDS[entry.state], number=entry.number)
    for suppression in history.suppressed:
        yield Hold(FLAGS.get(suppression.reason, HoldKind.DO_NOT_CALL), suppression.until, suppression.number)
    zone = ZoneInfo(case.time_zone)
    for promise in history.promises:
        over = datetime.combine(promise.due_on + timedelta(days=1), time(), zone)
        yield Hold(HoldKind.PROMISE, until=over)


def contacts(history: ContactHistory) -> Sequence[PastContact]:
    """Attempts and inbound calls as the rules count them; others' calls to a shared number are attempts, not talks."""
    own = {attempt.id for attempt in history.attempts}
    past = [
        PastContact(
            attempt.begun_at,
            attempt.number,
            effective=attempt.disposition is not None and rule_of(attempt.disposition).reached in _TALKED,
            debt_id=attempt.case_id,
        )
        for attempt in history.attempts
    ]
    past += [
        PastContact(attempt.begun_at, attempt.number, debt_id=attempt.case_id)
        for attempt in history.number_attempts
        if attempt.id not in own
    ]
    past += [
        PastContact(
            call.started_at,
            call.number or "",
            Direction.INBOUND,
            effective=call.answered_at is not None and rule_of(call.disposition or "").reached in _TALKED,
            debt_id=call.case_id,
        )
        for call in history.inbound
    ]
    return past


def _owner(case: Case, number: str) -> Owner | None:
    """Whose number it is: the debtor's, unless the creditor wrote another owner beside it; None when it is nowhere."""
    found = next((entry for entry in case.debtor.numbers if entry.number == number), None)
    if found is None:
        return None
    label = found.label.casefold()
    if label in {"guarantor", "担保人"}:
        return Owner.GUARANTOR
    return Owner.THIRD_PARTY if label in {"third_party", "contact", "联系人", "第三人"} else Owner.DEBTOR


def _outside(preferred: Sequence[str]) -> Iterable[DailyInterval]:
    """The parts of the day that the debtor did not ask to be called in."""
    spans = sorted(tuple(int(clock[:2]) * 60 + int(clock[3:]) for clock in span.split("-")) for span in preferred)
    reached = 0
    for start, end in spans:
        if start > reached:
            yield DailyInterval(reached, start)
        reached = max(reached, end)
    if spans and reached < _DAY:
        yield DailyInterval(reached, _DAY)
