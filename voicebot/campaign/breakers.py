"""When calling does more harm than good: a campaign or a carrier is stopped, and it is said why."""

from __future__ import annotations

from collections.abc import Sequence

from voicebot.campaign.dispositions import Reached, rule_of
from voicebot.campaign.plan import Breakers
from voicebot.store.campaign_records import Ended

WINDOWS = 4
"""Windows of attempts that are read: the latest is judged, those before it say what is usual."""
_WORTH_COMPARING = 0.1
"""Share of answers below which a fall says nothing."""


def tripped(breakers: Breakers, recent: Sequence[Ended]) -> str | None:
    """Why calling must pause, from how the latest attempts ended, newest first; None when it may go on."""
    latest = recent[: breakers.window]
    total = len(latest)
    if total < breakers.window:
        return None
    rules = [rule_of(ended.disposition) for ended in latest]
    faults = sum(rule.fault for rule in rules)
    if faults / total > breakers.fault_share:
        return f"{faults} of the last {total} attempts failed on our side or the carrier's"
    complaints = sum(rule.complaint for rule in rules)
    if complaints / total > breakers.complaint_share:
        return f"{complaints} of the last {total} attempts ended in a complaint, anger, or a wish not to be called"
    guarded = sum(ended.guard_hits > 0 or ended.disposition == "guarded" for ended in latest)
    if guarded / total > breakers.guard_share:
        return f"the guard stopped lines in {guarded} of the last {total} calls"
    return _answers_gone(breakers, latest, recent[breakers.window : breakers.window * WINDOWS])


def carrier_tripped(breakers: Breakers, carrier: str, recent: Sequence[Ended]) -> str | None:
    """Why nothing more may be dialled on a carrier, from the latest calls on it by whatever campaign."""
    because = tripped(breakers, recent)
    return None if because is None else f"carrier {carrier}: {because}"


def _answers_gone(breakers: Breakers, latest: Sequence[Ended], before: Sequence[Ended]) -> str | None:
    """Whether hardly anybody answers any more, by itself or against what was usual."""
    answered, total = _answered(latest), len(latest)
    if answered / total < breakers.least_answer_share:
        return f"only {answered} of the last {total} attempts were answered"
    if len(before) < breakers.window:
        return None
    usual = _answered(before) / len(before)
    if usual >= _WORTH_COMPARING and answered / total < usual * breakers.answer_drop:
        return f"only {answered} of the last {total} attempts were answered, and {usual:.0%} of those before"
    return None


def _answered(attempts: Sequence[Ended]) -> int:
    return sum(rule_of(ended.disposition).reached is not Reached.NOBODY for ended in attempts)
