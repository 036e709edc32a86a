"""The contact policy: may this number be dialled now, why not, and when next.

A pure decision over facts, history and an instant. It fails closed: what is not known refuses, and so does a pack
without rules. `next_allowed` assumes that nothing else happens until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError

from compliance_filters.contact_facts import Decision, DialFacts, PastContact, RuleOutcome
from compliance_filters.contact_rules import ContactRules, checks
from compliance_filters.pack import PackError, RulePack

_STEPS = 400


def rules_of(pack: RulePack) -> ContactRules:
    """The rules before dialling of a pack. Raises PackError when there are none or they cannot be read."""
    if not pack.contact:
        raise PackError([f"pack {pack.pack}: there are no contact rules; nothing may be dialled under it"])
    try:
        return ContactRules.model_validate(dict(pack.contact))
    except ValidationError as wrong:
        raise PackError(
            [f"pack {pack.pack}, contact.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors()]
        ) from wrong


def decide(
    facts: DialFacts,
    history: Sequence[PastContact] | None,
    at: datetime,
    pack: RulePack,
    rules: ContactRules | None = None,
) -> Decision:
    """Judges one dial.

    `history` holds every attempt and inbound call of the person across campaigns and numbers, for at least the last
    30 days; None means that it could not be read, which refuses. `at` must carry a time zone. Raises ValueError when
    it does not.
    """
    if at.tzinfo is None:
        raise ValueError("the instant has no time zone; give an aware datetime")
    if history is None:
        lost = RuleOutcome("CONTACT-HISTORY", "refuse", "the history of contacts cannot be read; nothing is dialled")
        return Decision(False, (lost,), None, pack.hash)
    asked = rules or rules_of(pack)
    outcomes = _ask(asked, facts, history, at)
    if all(o.verdict == "allow" for o in outcomes):
        return Decision(True, outcomes, at, pack.hash)
    return Decision(False, outcomes, _next(asked, facts, history, at, outcomes), pack.hash)


def _ask(
    rules: ContactRules, facts: DialFacts, history: Sequence[PastContact], at: datetime
) -> tuple[RuleOutcome, ...]:
    return tuple(checks(rule)(facts, history, at) for rule in rules.rules)


def _next(
    rules: ContactRules,
    facts: DialFacts,
    history: Sequence[PastContact],
    at: datetime,
    outcomes: tuple[RuleOutcome, ...],
) -> datetime | None:
    moment = at
    for _ in range(_STEPS):
        refusals = [o for o in outcomes if o.verdict == "refuse"]
        if not refusals:
            return moment
        ends = [o.until for o in refusals if o.until is not None]
        if len(ends) < len(refusals):
            return None
        # A rule that ends now but still refuses would never end: move on by the smallest step that a clock shows.
        moment = max(*ends, moment + timedelta(seconds=1))
        outcomes = _ask(rules, facts, history, moment)
    return None
