"""May this message be sent now, why not, and when: the contact policy of dials, and what is asked of messages besides.

Rules that count or space calls say nothing about messages: a confirmation follows the call that agreed on it. Messages
have counts of their own. A missing fact refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from compliance_filters.contact_facts import HoldKind, RuleOutcome
from voicebot.campaign.policy import ContactPolicy, is_debtors_own
from voicebot.messages.caps import MessageCaps
from voicebot.messages.templates import Purpose
from voicebot.store.outgoing import MessageHistory
from voicebot.store.records import NumberState, Permission

KINDS = frozenset({"reachable", "holds", "notice", "third_party", "window", "person_times"})
"""Kinds of the rules before dialling that are asked about a message too."""
LIFTED: Mapping[Purpose, frozenset[HoldKind]] = {
    Purpose.CONFIRMATION: frozenset({HoldKind.PROMISE, HoldKind.AGREEMENT}),
    Purpose.REMINDER: frozenset({HoldKind.PROMISE}),
    Purpose.RECEIPT: frozenset({HoldKind.PROMISE, HoldKind.AGREEMENT, HoldKind.COMPLAINT, HoldKind.DISPUTE}),
}
"""Holds that do not stand against a message of each purpose: a promise is no reason not to confirm it."""
CONSENT = "sms"
"""The consent without which nothing is written."""


@dataclass(frozen=True)
class MessagePolicy:
    """One for a process. It fails closed."""

    contact: ContactPolicy
    caps: MessageCaps = field(default_factory=MessageCaps)

    def permit(self, purpose: Purpose, history: MessageHistory) -> Permission:
        """Judges the message that the history was read for. Raises PackError where the case's pack is not there."""
        at = history.contact.at
        if at is None:
            raise ValueError("the history was not read for a message; use store.messages.begin")
        of_pack = self.contact.decide_message(history.contact, at, kinds=KINDS, lifted=LIFTED[purpose])
        rules = (*of_pack.rules, *self._own(history, at))
        refused = [rule for rule in rules if rule.verdict == "refuse"]
        ends = [rule.until for rule in refused if rule.until is not None]
        # The pack looks ahead over all its rules; when it sees no end, or one of ours has none, a person must act.
        if not of_pack.allowed and of_pack.next_allowed is not None:
            ends.append(of_pack.next_allowed)
        final = len([rule for rule in refused if rule.until is None]) > 0
        later = max(ends).isoformat() if refused and ends and not final else None
        return Permission(
            not refused,
            {
                "allowed": not refused,
                "rules": [
                    {
                        "id": rule.id,
                        "verdict": rule.verdict,
                        "why": rule.why,
                        "counts": rule.counts,
                        "until": rule.until.isoformat() if rule.until else None,
                    }
                    for rule in rules
                ],
                "next_allowed": later,
                "pack_hash": of_pack.pack_hash,
            },
        )

    def _own(self, history: MessageHistory, at: datetime) -> tuple[RuleOutcome, ...]:
        return (
            _own_number(history),
            _consent(history, at),
            self._per_day(history, at),
            self._per_week(history, at),
        )

    def _per_day(self, history: MessageHistory, at: datetime) -> RuleOutcome:
        zone = ZoneInfo(history.contact.case.time_zone)
        today = at.astimezone(zone).date()
        n = sum(1 for message in history.sent if message.sent_at and message.sent_at.astimezone(zone).date() >= today)
        tomorrow = datetime.combine(today + timedelta(days=1), time(), zone)
        return _counted("MSG-CAP-DAY", n, self.caps.per_day, "today", tomorrow)

    def _per_week(self, history: MessageHistory, at: datetime) -> RuleOutcome:
        week = timedelta(days=7)
        times = sorted(message.sent_at for message in history.sent if message.sent_at and message.sent_at > at - week)
        most = self.caps.per_week
        frees = times[-most] + week if most and len(times) >= most else None
        return _counted("MSG-CAP-WEEK", len(times), most, "in seven days", frees)


def _own_number(history: MessageHistory) -> RuleOutcome:
    number = history.message.number
    case = history.contact.case
    entry = next((each for each in case.debtor.numbers if each.number == number), None)
    if number is None or entry is None or number not in history.verified:
        why = "the debtor was never verified on a call over this number"
    elif entry.state is not NumberState.VALID:
        why = f"the number is marked {entry.state.value}"
    elif not is_debtors_own(case, number):
        why = f"the number is labelled {entry.label}, not the debtor's own"
    else:
        return RuleOutcome("MSG-OWN", "allow", "the debtor was verified on a call over this number")
    return RuleOutcome("MSG-OWN", "refuse", why)


def _consent(history: MessageHistory, at: datetime) -> RuleOutcome:
    found = next((each for each in history.contact.case.consents if each.kind == CONSENT and each.at <= at), None)
    if found is None:
        return RuleOutcome("MSG-CONSENT", "refuse", f"consent '{CONSENT}' is not on record")
    if not found.granted:
        return RuleOutcome("MSG-CONSENT", "refuse", f"consent '{CONSENT}' was taken back")
    return RuleOutcome("MSG-CONSENT", "allow", f"consent '{CONSENT}' is on record")


def _counted(rule: str, n: int, at_most: int, span: str, until: datetime | None) -> RuleOutcome:
    over = n >= at_most
    counts = {"n": n, "at_most": at_most}
    return RuleOutcome(
        rule, "refuse" if over else "allow", f"{n} of {at_most} messages {span}", counts, until if over else None
    )
