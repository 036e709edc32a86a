"""What the store knows of a case, as the facts, holds and past contacts that the rules ask for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from compliance_filters.contact_facts import (
    AgreedTime,
    DailyInterval,
    DialFacts,
    Direction,
    Hold,
    HoldKind,
    Interval,
    Owner,
    PastContact,
)
from voicebot.campaign.case_flags import FLAGS, OF_THE_DEBT
from voicebot.campaign.dispositions import Reached, rule_of
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.number_labels import owner_of
from voicebot.store.news_records import CaseSpan, SpanKind
from voicebot.store.records import AgeBand, Case, CaseStatus, ContactHistory, Flag, NumberState

PAYMENT_SEEN = timedelta(days=2)
"""How long a payment that was claimed may take to be booked."""
AFTER_PAYMENT = timedelta(days=7)
"""How long somebody is left alone from whom money came in, in part or in full, on any of their cases."""
_NUMBER_HOLDS = {
    NumberState.INVALID: HoldKind.WRONG_NUMBER,
    NumberState.WRONG_PERSON: HoldKind.WRONG_NUMBER,
    NumberState.STOP: HoldKind.THIRD_PARTY_REFUSED,
}
_CONSENTS = {"robot_call": "ai_voice"}
_TALKED = frozenset({Reached.RIGHT_PARTY, Reached.SOMEBODY})
_DAY = 24 * 60


def facts_of(history: ContactHistory, at: datetime, firm: FirmFacts) -> DialFacts:
    """Everything that is known before one number of one case is dialled."""
    case = history.case
    zone = ZoneInfo(case.time_zone)
    granted = {consent.kind for consent in case.consents if consent.granted and consent.at <= at}
    notices = {consent.kind: consent.at for consent in case.consents if consent.granted}
    entry = next((entry for entry in case.debtor.numbers if entry.number == history.number), None)
    caller = history.caller_id or firm.own_caller
    today = at.astimezone(zone).date()
    return DialFacts(
        number=history.number,
        owner=None if entry is None else owner_of(entry.label),
        person_id=case.debtor.id,
        debt_id=case.id,
        timezone=case.time_zone,
        residence=case.residence,
        holds=tuple(holds(history)),
        consents=frozenset(granted | {_CONSENTS[kind] for kind in granted if kind in _CONSENTS}),
        callback_at=min((callback.at for callback in history.callbacks if callback.at > at), default=None),
        blocked=tuple(_intervals(history.spans, SpanKind.BLOCKED)),
        blocked_daily=tuple(_outside(case.preferred_hours)),
        agreed=tuple(
            AgreedTime(Interval(span.starts_at, span.ends_at), span.recorded_at, span.source)
            for span in history.spans
            if span.kind is SpanKind.AGREED
        ),
        conservative=firm.conservative,
        visit_on=_next_visit(history.spans, zone, today),
        failed_attempts_in_a_row=_in_vain(history),
        own_number_invalid=_nothing_of_their_own(case),
        reviewed_by=None if entry is None else entry.approved_by,
        assigned=firm.assigned,
        assignment_notice_at=notices.get("assignment_notice"),
        by_agency=firm.by_agency,
        agency_notice_at=notices.get("agency_notice"),
        caller_number=caller,
        registered_callers=firm.registered_callers,
        caller_calls=tuple(history.caller_calls),
        caller_review_until=history.caller_review_until,
        whitelisted=caller in firm.whitelisted_callers,
        halted=history.halted,
    )


def holds(history: ContactHistory) -> Iterable[Hold]:
    """Everything that stops contact, of the case, the person and the numbers."""
    case = history.case
    if case.status is not CaseStatus.OPEN:
        yield Hold(HoldKind.SETTLED if case.status is CaseStatus.SETTLED else HoldKind.WITHDRAWN)
    if case.debtor.age_band is AgeBand.MINOR:
        yield Hold(HoldKind.MINOR)
    yield from _held_back(case.flags)
    yield from _held_back(flag for flag in history.other_flags if flag.name not in OF_THE_DEBT)
    for payment in history.payments:
        yield Hold(HoldKind.PAYMENT, until=payment.recorded_at + AFTER_PAYMENT)
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
    whose = {entry.number: owner_of(entry.label) or Owner.THIRD_PARTY for entry in history.case.debtor.numbers}
    past = [
        PastContact(
            attempt.begun_at,
            attempt.number,
            effective=attempt.disposition is not None and rule_of(attempt.disposition).reached in _TALKED,
            debt_id=attempt.case_id,
            to=whose.get(attempt.number, Owner.DEBTOR),
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


def _held_back(flags: Iterable[Flag]) -> Iterable[Hold]:
    for flag in flags:
        kind = FLAGS.get(flag.name)
        if kind is HoldKind.PAYMENT_CLAIMED:
            yield Hold(kind, until=flag.set_at + PAYMENT_SEEN)
        elif kind is not None:
            yield Hold(kind)


def _intervals(spans: Iterable[CaseSpan], kind: SpanKind) -> Iterable[Interval]:
    return (Interval(span.starts_at, span.ends_at) for span in spans if span.kind is kind)


def _next_visit(spans: Iterable[CaseSpan], zone: ZoneInfo, today: date) -> date | None:
    """Today when somebody visits today, else the day of the next visit."""
    ahead = []
    for visit in _intervals(spans, SpanKind.VISIT):
        first = visit.start.astimezone(zone).date()
        last = (visit.end - timedelta(microseconds=1)).astimezone(zone).date()
        if last >= today:
            ahead.append(max(first, today))
    return min(ahead, default=None)


def _in_vain(history: ContactHistory) -> int:
    """Attempts at the debtor's own numbers since somebody was last talked to."""
    mine = {attempt.id for attempt in history.attempts}
    tried = [contact for contact in contacts(history) if contact.to is Owner.DEBTOR]
    known = {(attempt.begun_at, attempt.number) for attempt in history.attempts if attempt.id in mine}
    count = 0
    for contact in sorted(tried, key=lambda contact: contact.at, reverse=True):
        if contact.effective:
            break
        if contact.direction is Direction.OUTBOUND and (contact.at, contact.number) in known:
            count += 1
    return count


def _nothing_of_their_own(case: Case) -> bool:
    """Whether every number that is the debtor's own has turned out to be dead or somebody else's."""
    own = [entry.state for entry in case.debtor.numbers if owner_of(entry.label) is Owner.DEBTOR]
    return bool(own) and all(state in (NumberState.INVALID, NumberState.WRONG_PERSON) for state in own)


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
