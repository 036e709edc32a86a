"""The contact policy over the store's records: the rule pack of the case, with this firm's overrides, judges a dial."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, Self

from compliance_filters.contact_facts import Decision, HoldKind, Owner
from compliance_filters.contact_policy import decide, rules_of
from compliance_filters.contact_rules import ContactRules
from compliance_filters.overrides import Officer, OfficerRole, Override, digest, override, read_overrides
from compliance_filters.pack import RulePack, load_pack
from voicebot.campaign.contact_record import contacts, facts_of
from voicebot.campaign.firm import FirmFacts, FirmSettings
from voicebot.campaign.number_labels import owner_of
from voicebot.store.records import Case, ContactHistory, Permission


class ComplianceSettings(FirmSettings, Protocol):
    """`[compliance]`: facts of the firm, and which rules it changes under whose signature."""

    @property
    def overrides(self) -> Path | None: ...
    @property
    def officers(self) -> dict[str, str]: ...


class PolicySettings(Protocol):
    """The configuration."""

    @property
    def compliance(self) -> ComplianceSettings: ...

    def path(self, path: Path) -> Path: ...


@dataclass
class ContactPolicy:
    """Says whether a number may be dialled. One for a process; its `permit` is a `voicebot.store.protocols.Permit`."""

    firm: FirmFacts
    overrides: tuple[Override, ...] = ()
    """Changes of rules, of any pack; each one stands, or `check` raises. Set anew while calls go on."""
    officers: tuple[Officer, ...] = ()
    _packs: dict[str, tuple[RulePack, ContactRules]] = field(default_factory=dict)
    _changed: dict[tuple[str, str], ContactRules] = field(default_factory=dict)

    @classmethod
    def configured(cls, settings: PolicySettings) -> Self:
        """The policy of a configuration. Raises PackError when an override cannot stand."""
        compliance = settings.compliance
        officers = officers_of(compliance.officers)
        file = compliance.overrides
        changes = () if file is None else read_overrides(settings.path(file))
        policy = cls(FirmFacts.of(compliance), changes, officers)
        policy.check("overrides" if file is None else f"{settings.path(file)}: overrides")
        return policy

    def under(self, overrides: tuple[Override, ...]) -> Self:
        """This policy with other overrides, not checked."""
        return replace(self, overrides=overrides)

    def check(self, where: str = "overrides") -> None:
        """Raises PackError with every override that cannot stand: looser and not signed, forged, of no such rule."""
        for name in sorted({change.pack for change in self.overrides}):
            override(self._pack(name)[1], self._of(name), self.officers, f"{where} of {name}")

    def permit(self, history: ContactHistory) -> Permission:
        """Judges the dial that the history was read for. Raises PackError for a case under a pack that is not there."""
        if history.at is None:
            raise ValueError("the history was not read for a dial; use store.attempts.history")
        decision = self.decide(history, history.at)
        return Permission(decision.allowed, explanation(decision))

    def decide(self, history: ContactHistory, at: datetime) -> Decision:
        """Judges the dial at any time: what holds at `at` of the rules, their overrides and the history."""
        pack, rules, stamp = self._standing(history.case.jurisdiction, at)
        decision = decide(facts_of(history, at, self.firm), contacts(history), at, pack, rules)
        return replace(decision, overrides_hash=stamp)

    def decide_message(
        self, history: ContactHistory, at: datetime, *, kinds: Collection[str], lifted: Collection[HoldKind]
    ) -> Decision:
        """Judges a message by the rules of some kinds; holds that are `lifted` do not stand against it."""
        pack, rules, stamp = self._standing(history.case.jurisdiction, at)
        asked = ContactRules(rules=tuple(rule for rule in rules.rules if rule.kind in kinds))
        facts = facts_of(history, at, self.firm)
        standing = tuple(hold for hold in facts.holds or () if hold.kind not in lifted)
        decision = decide(replace(facts, holds=standing), contacts(history), at, pack, asked)
        return replace(decision, overrides_hash=stamp)

    def _standing(self, name: str, at: datetime) -> tuple[RulePack, ContactRules, str | None]:
        """A pack, its rules as they are at that time, and the stamp of what was changed."""
        pack, rules = self._pack(name)
        standing = [change for change in self._of(name) if change.holds(at)]
        stamp = digest(standing)
        if stamp is None:
            return pack, rules, None
        if (name, stamp) not in self._changed:
            self._changed[name, stamp] = override(rules, standing, self.officers)
        return pack, self._changed[name, stamp], stamp

    def _of(self, name: str) -> list[Override]:
        return [change for change in self.overrides if change.pack == name]

    def _pack(self, name: str) -> tuple[RulePack, ContactRules]:
        if name not in self._packs:
            pack = load_pack(name)
            self._packs[name] = (pack, rules_of(pack))
        return self._packs[name]


def officers_of(named: dict[str, str]) -> tuple[Officer, ...]:
    """Officers as the configuration names them: name to role and public key, parted by a blank."""
    found = []
    for name, text in named.items():
        role, _, key = text.partition(" ")
        found.append(Officer(name, OfficerRole(role), key.strip()))
    return tuple(found)


def is_debtors_own(case: Case, number: str) -> bool:
    """Whether a number of the case is the debtor's own, and no third party's or guarantor's."""
    entry = next((each for each in case.debtor.numbers if each.number == number), None)
    return entry is not None and owner_of(entry.label) is Owner.DEBTOR


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
        "overrides_hash": decision.overrides_hash,
    }
