"""What a flow may say about a case: from the store's record to the facts of the dialog and of the guard. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from compliance_filters.verdict import CallState
from voicebot.call.interpreter import CaseContext
from voicebot.call.promise_facts import PromiseStanding
from voicebot.dialog.facts import Facts
from voicebot.dialog.profile import Profile
from voicebot.store.records import AgeBand, Case


@dataclass(frozen=True)
class Firm:
    """Who calls, as callers are told before and after they are verified."""

    name: str
    """Spoken to whoever answers: it must not let anyone conclude that a debt is being collected."""
    callback_number: str
    complaint_number: str | None = None
    app: str | None = None
    hours: str | None = None
    contact_person: str | None = None


def facts_of(
    case: Case | None,
    firm: Firm,
    now: datetime,
    *,
    callback_expected: bool = False,
    promise: PromiseStanding | None = None,
) -> Facts:
    """Facts of a call about `case`, or of a caller nobody knows. What the case does not know is absent."""
    raw: dict[str, object] = {
        "firm.name": firm.name,
        "firm.callback_number": firm.callback_number,
        "firm.complaint_number": firm.complaint_number or firm.callback_number,
        "firm.app": firm.app,
        "firm.hours": firm.hours,
        "firm.contact_person": firm.contact_person,
    }
    if case is not None:
        raw |= _of_case(case, now)
        raw["case.callback_expected"] = callback_expected
    if promise is not None:
        raw |= promise.facts()
    return Facts.of(raw)


def _of_case(case: Case, now: datetime) -> Mapping[str, object]:
    debtor, debt = case.debtor, case.debt
    if debt.paid:
        # What of a payment went to the principal, and what is the least now, is the creditor's to say.
        debt = replace(debt, principal=None, minimum_due=None)
    fees = debt.amount_due - debt.principal if debt.principal is not None else None
    return {
        "debtor.name": debtor.name,
        "debtor.surname": debtor.surname,
        "debtor.honorific": debtor.honorific,
        "debtor.id_last_four": debtor.id_last_four,
        "debtor.payday": case.payday,
        "debt.creditor": debt.creditor,
        "debt.product": debt.product,
        "debt.amount_due": debt.amount_due,
        "debt.principal": debt.principal,
        "debt.fees": fees,
        "debt.minimum_due": debt.minimum_due,
        "debt.due_date": debt.due_date,
        "debt.days_overdue": debt.days_overdue(now.astimezone(ZoneInfo(case.time_zone)).date()),
        "debt.currency": debt.currency,
        "case.reference": case.external_id,
    }


def profile_of(case: Case | None, call_id: str) -> Profile:
    """How the caller is spoken to."""
    if case is None:
        return Profile(seed=call_id)
    return Profile(elderly=case.debtor.age_band is AgeBand.ELDERLY, dialect=case.dialect, seed=call_id)


def guard_state_of(case: Case | None, jurisdiction: str) -> CallState:
    """What the guard may believe when the call begins: the least, and the amount of the ledger."""
    if case is None:
        return CallState(jurisdiction=jurisdiction)
    return CallState(
        jurisdiction=case.jurisdiction,
        ledger_amount=case.debt.amount_due,
        legal_action_authorised=case.has_flag("legal_action_authorised"),
        waiver_authorised=case.has_flag("waiver_authorised"),
        visit_authorised=case.has_flag("visit_authorised"),
        co_borrower_on_file=case.has_flag("co_borrower"),
    )


def context_of(case: Case | None, language: str) -> CaseContext:
    """What understanding may know of the case."""
    if case is None:
        return CaseContext(language=language)
    return CaseContext(payday=case.payday, amount_due=case.debt.amount_due, language=language)
