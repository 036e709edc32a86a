"""What a campaign would dial now, and why not the rest. Nothing is written and nothing rings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from voicebot.campaign.plan import CampaignPlan
from voicebot.campaign.retries import number_for
from voicebot.store.campaign_records import Campaign, Member, MemberState
from voicebot.store.protocols import Attempts, Campaigns, Cases, Permit

_LATER = (MemberState.WAITING, MemberState.HELD, MemberState.DONE, MemberState.DIALLING)


@dataclass(frozen=True)
class WouldDial:
    """One dial that would be made."""

    case_id: str
    number: str
    """E.164."""
    flow: str
    rank: int


@dataclass(frozen=True)
class WouldNot:
    """One member that would not be dialled now."""

    case_id: str
    because: str
    rules: tuple[str, ...] = ()
    """Ids of the rules that refuse."""
    next_allowed: str | None = None


@dataclass
class DryRun:
    """Answer of `dry_run`."""

    dials: list[WouldDial] = field(default_factory=list)
    """In the order in which they would be made, as the pace and the caps let them."""
    refused: list[WouldNot] = field(default_factory=list)
    elsewhere: dict[str, int] = field(default_factory=dict)
    """Members that do not stand ready, by state."""
    unlooked: int = 0
    """Ready members beyond those that were looked at."""
    closed_until: str | None = None
    """When the campaign's calendar opens, if it is closed now; the dials are then those of that time."""

    def reasons(self) -> list[tuple[str, int]]:
        """Why not, the most frequent first."""
        said: Counter[str] = Counter()
        for one in self.refused:
            said.update(one.rules or (one.because,))
        return said.most_common()


async def dry_run(
    campaign: Campaign,
    *,
    campaigns: Campaigns,
    cases: Cases,
    attempts: Attempts,
    permit: Permit,
    at: datetime,
    limit: int,
    hide: Callable[[str], str] = lambda number: number,
) -> DryRun:
    """Judges the first `limit` ready members as the runner would at `at`, or when the calendar next opens."""
    plan = CampaignPlan.model_validate(campaign.plan)
    opens = plan.calendar.next_open(at)
    result = DryRun()
    if opens is None:
        result.closed_until = "never: the calendar has no open day"
        return result
    if opens > at:
        result.closed_until = opens.isoformat()
    counts = await campaigns.counts(campaign.id)
    ready: Sequence[Member] = await campaigns.members(campaign.id, state=MemberState.READY, limit=limit)
    result.elsewhere = {state.value: counts[state] for state in _LATER if counts.get(state)}
    result.unlooked = max(0, counts.get(MemberState.READY, 0) - len(ready))
    caller = plan.callers.numbers[0] if plan.callers.numbers else None
    for member in ready:
        case = await cases.get(member.case_id)
        number = number_for(case, member.number_step) if case is not None else None
        if case is None or number is None:
            result.refused.append(WouldNot(member.case_id, "no number may be dialled"))
            continue
        judged = permit(await attempts.history(case.id, number, caller_id=caller, at=opens))
        if judged.allowed:
            result.dials.append(WouldDial(case.id, hide(number), member.flow, member.rank))
        else:
            result.refused.append(_refusal(case.id, judged.explanation))
    return result


def _refusal(case_id: str, explanation: Any) -> WouldNot:
    refusing = [rule for rule in explanation.get("rules", ()) if rule.get("verdict") == "refuse"]
    because = "; ".join(str(rule.get("why", "")) for rule in refusing) or "no reason was given"
    return WouldNot(case_id, because, tuple(str(rule["id"]) for rule in refusing), explanation.get("next_allowed"))
