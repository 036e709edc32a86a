"""When calling does more harm than good: a campaign or a carrier is stopped, and it is said why."""

from __future__ import annotations

from collections.abc import Sequence

from voicebot.campaign.dispositions import Reached, rule_of
from voicebot.campaign.plan import Breakers


def tripped(breakers: Breakers, recent: Sequence[str]) -> str | None:
    """Why a campaign must pause, from the dispositions of its latest attempts; None when it may go on."""
    looked_at = recent[: breakers.window]
    if len(looked_at) < breakers.window:
        return None
    total = len(looked_at)
    rules = [rule_of(name) for name in looked_at]
    faults = sum(rule.fault for rule in rules)
    complaints = sum(rule.complaint for rule in rules)
    answered = sum(rule.reached is not Reached.NOBODY for rule in rules)
    if faults / total > breakers.fault_share:
        return f"{faults} of the last {total} attempts failed on our side or the carrier's"
    if complaints / total > breakers.complaint_share:
        return f"{complaints} of the last {total} attempts ended in a complaint, anger, or a line the guard stopped"
    if answered / total < breakers.least_answer_share:
        return f"only {answered} of the last {total} attempts were answered"
    return None


def carrier_tripped(breakers: Breakers, carrier: str, recent: Sequence[str]) -> str | None:
    """Why nothing more may be dialled on a carrier, from the latest calls on it by whatever campaign."""
    looked_at = recent[: breakers.window]
    faults = sum(rule_of(name).fault for name in looked_at)
    if len(looked_at) < breakers.window or faults / len(looked_at) <= breakers.fault_share:
        return None
    return f"carrier {carrier}: {faults} of its last {len(looked_at)} calls failed"
