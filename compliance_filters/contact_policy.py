"""The contact policy: may this number be dialled now, why not, and when next.

A pure decision over facts, history and an instant. It fails closed: what is not known refuses, and so does a pack
without
rules. `next_allowed` assumes that nothing else happens until then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
    30 days;
    None means that it could not be read, which refuses. `at` must carry a time zone. Raises ValueError when it does
    not.
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


@dataclass(frozen=True)
class Override:
    """A local change of one rule's parameters."""

    rule: str
    params: Mapping[str, Any]
    signed_by: str | None = None
    """The officer who answers for a looser rule."""
    reason: str | None = None


# For each parameter, whether a greater value is looser.
_GREATER_IS_LOOSER = {
    "at_most": True,
    "calls_per_day": True,
    "calls_ever": True,
    "days": False,
    "lost_after_failed_attempts": False,
    "needs_reviewer": False,
    "holidays_off": False,
    "agreed_times": True,
    "inbound_counts": False,
    "outbound_counts": False,
}


def override(rules: ContactRules, changes: Sequence[Override], where: str = "overrides") -> ContactRules:
    """Rules with local changes applied. A looser value is refused unless a named officer signed it with a reason.

    Raises PackError with every change that cannot stand.
    """
    known = {rule.id: rule for rule in rules.rules}
    problems: list[str] = []
    for number, change in enumerate(changes):
        place = f"{where}[{number}]"
        rule = known.get(change.rule)
        if rule is None:
            problems.append(f"{place}: there is no rule {change.rule} in the pack; the rules are {', '.join(known)}")
            continue
        data = rule.model_dump()
        unknown = sorted(set(change.params) - set(data) | (set(change.params) & {"id", "kind", "source", "evidence"}))
        if unknown:
            problems.append(f"{place}: {change.rule} has no parameter {', '.join(unknown)}")
            continue
        try:
            altered = type(rule).model_validate({**data, **change.params})
        except ValidationError as wrong:
            problems.extend(f"{place}: {change.rule}.{e['loc'][0]}: {e['msg']}" for e in wrong.errors())
            continue
        looser = [name for name in change.params if _looser(name, data[name], getattr(altered, name))]
        if looser and not (change.signed_by and change.reason):
            problems.append(
                f"{place}: {change.rule}.{', '.join(looser)} would be looser than the pack; keep it as strict, "
                "or have a compliance officer sign it with a reason"
            )
            continue
        known[change.rule] = altered
    if problems:
        raise PackError(problems)
    return ContactRules(rules=tuple(known[rule.id] for rule in rules.rules))


def _looser(name: str, old: Any, new: Any) -> bool:
    if old == new:
        return False
    if name == "windows":
        return any(not any(a <= start and end <= b for a, b in old) for start, end in new)
    if name == "kinds":
        return not set(old) <= set(new)
    direction = _GREATER_IS_LOOSER.get(name)
    if direction is None or old is None or new is None:
        # What cannot be compared counts as looser, except a limit where there was none.
        return not (old is None and direction is not None)
    return bool(new > old) if direction else bool(new < old)
