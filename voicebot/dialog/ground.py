"""What does not change during a call, what a step went through, and the values that both can be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from compliance_filters.verdict import Party
from voicebot.dialog.facts import Facts, FactValue
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library
from voicebot.dialog.profile import Profile
from voicebot.dialog.reasons import Reason
from voicebot.dialog.reference import reference_of
from voicebot.dialog.state import DialogState
from voicebot.understanding.meaning import SlotValue


@dataclass
class Trace:
    """What a step went through, for coverage and for `why`."""

    states: list[tuple[str, str]] = field(default_factory=list)
    routes: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    why: list[Reason] = field(default_factory=list)


@dataclass(frozen=True)
class Ground:
    """What does not change during a call."""

    flow: Flow
    library: Library
    facts: Facts
    profile: Profile
    candidates: Mapping[str, Facts] = field(default_factory=dict)
    """Facts of the cases that the call may be about, by id; nothing of them is used until the caller is one of them."""

    def of(self, state: DialogState) -> Ground:
        """The ground with the facts of the case that the caller has shown to be theirs."""
        chosen = self.candidates.get(state.case_id) if state.case_id is not None else None
        return self if chosen is None else replace(self, facts=chosen, candidates={})

    def owner_of(self, fact: str, said: object) -> str | None:
        """The one candidate of whom a fact is what the caller said; None when it is nobody's, or of several."""
        owners = [case_id for case_id, facts in self.candidates.items() if str(facts.get(fact)) == str(said)]
        return owners[0] if len(owners) == 1 else None


def value_of(ground: Ground, state: DialogState, name: str, now: datetime, words: str) -> FactValue | None:
    """Value of a blank or of a name in a condition; None when the call has none."""
    if name.startswith("slot."):
        kept = state.slots.get(name[5:]) or state.fresh.get(name[5:])
        return kept.value if kept else None
    if name.startswith("heard "):
        return name[6:] in state.heard_intents
    if name.startswith("said "):
        return name[5:] in words
    if name.startswith("flag "):
        return name[5:] in state.flags
    if name.startswith("count "):
        return state.counters.get(name[6:], 0)
    match name:
        case "promise.remaining":
            due, offered = ground.facts.amount("debt.amount_due"), value_of(ground, state, "slot.amount", now, words)
            return due - offered if due is not None and isinstance(offered, Decimal) else None
        case "callback.hour":
            at = value_of(ground, state, "slot.callback_at", now, words)
            return at.hour if isinstance(at, datetime) else None
        case "call.reference":
            return reference_of(ground.profile.seed)
        case "queue.ahead":
            return state.ahead
        case "today":
            return now.date()
        case "right_party":
            return state.right_party
        case "third_party":
            return state.party == Party.THIRD_PARTY.value
        case "elderly":
            return state.elderly
        case "money_closed":
            return state.money_closed
        case "inbound":
            return ground.flow.direction == "inbound"
        case _:
            return ground.facts.get(name)


def slot_text(value: SlotValue) -> str:
    """A slot's value for a person: in `why`, in `flow chat`, in a failed test."""
    return value.isoformat() if isinstance(value, date) else str(value)
