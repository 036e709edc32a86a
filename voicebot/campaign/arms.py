"""How the flows of a campaign compare. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voicebot.campaign.dispositions import Reached, RetryRule, Then, rule_of
from voicebot.store.campaign_records import ArmCount


@dataclass(frozen=True)
class ArmReport:
    """What one flow brought about."""

    flow: str
    members: int
    """Cases that were drawn for it."""
    attempts: int
    """Attempts that have ended; dials that failed before anything rang are not among them."""
    answered: int
    """Of them: somebody or something answered."""
    right_party: int
    """Of them: the debtor was reached and verified."""
    promises: int
    """Of them: a promise to pay was recorded."""
    complaints: int
    """Of them: a complaint, anger, or a wish not to be called."""

    @property
    def promises_per_right_party(self) -> float | None:
        """Share of the conversations with the debtor that ended in a promise; None before the first one."""
        return self.promises / self.right_party if self.right_party else None


def compare(counts: Sequence[ArmCount]) -> list[ArmReport]:
    """One report for each flow, in the order of their names."""
    return [_report(flow, [one for one in counts if one.flow == flow]) for flow in sorted({one.flow for one in counts})]


def _report(flow: str, counts: Sequence[ArmCount]) -> ArmReport:
    ended = [(rule_of(one.disposition), one.count) for one in counts if one.disposition is not None]
    rang = [(rule, count) for rule, count in ended if rule.counts]

    def those(wanted: Sequence[tuple[RetryRule, int]]) -> int:
        return sum(count for _, count in wanted)

    return ArmReport(
        flow=flow,
        members=sum(one.count for one in counts if one.disposition is None),
        attempts=those(rang),
        answered=those([one for one in rang if one[0].reached is not Reached.NOBODY]),
        right_party=those([one for one in rang if one[0].reached is Reached.RIGHT_PARTY]),
        promises=those([one for one in rang if one[0].then is Then.PROMISE]),
        complaints=those([one for one in rang if one[0].complaint]),
    )
