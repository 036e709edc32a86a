"""Who stands where in the queue, and with which flow. The store keeps the order; this says what it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import sha256

from voicebot.campaign.plan import Arm, CampaignPlan, Priority
from voicebot.store.campaign_records import Member
from voicebot.store.records import Case

LARGEST = 10**12 - 1
"""Ten-thousandths of the currency's unit that the order can tell apart."""
_RISK = LARGEST + 1
_BAND = _RISK * 1000
_NEARLY_LATE = 0.8
"""Share of the time to the first call after which it goes to the front."""


class Band(IntEnum):
    """Who comes before whom, whatever the debt."""

    CALLBACK = -2
    """Asked to be called at this time."""
    FIRST = 0
    """Not called yet. Those who wait nearly too long are put before rank 0 by the store."""
    AGAIN = 1


def rank(case: Case, priority: Priority, band: Band) -> int:
    """Position among the members that may be dialled now, smallest first: band, risk tier, then the larger amount."""
    tiers = priority.risk
    tier = tiers.index(case.risk_tier) if case.risk_tier in tiers else len(tiers)
    amount = min(LARGEST, max(0, int(case.debt.amount_due.scaleb(4))))
    return band * _BAND + tier * _RISK + (LARGEST - amount) + 1


def draw_arm(arms: Sequence[Arm], seed: str) -> str:
    """A flow by weight: always the same one for the same seed, so that a crash or a second worker draws no other."""
    total = sum(arm.weight for arm in arms)
    point = int.from_bytes(sha256(seed.encode()).digest()[:8], "big") % total
    for arm in arms:
        point -= arm.weight
        if point < 0:
            return arm.flow
    raise AssertionError("the point lies within the sum of the weights")


def enrolled(case: Case, campaign_id: str, plan: CampaignPlan, at: datetime) -> Member:
    """A case as it enters the queue."""
    patience = timedelta(hours=plan.priority.first_contact_hours * _NEARLY_LATE)
    return Member(
        campaign_id=campaign_id,
        case_id=case.id,
        debtor_id=case.debtor.id,
        flow=draw_arm(plan.arms, f"{campaign_id}:{case.debtor.id}"),
        rank=rank(case, plan.priority, Band.FIRST),
        first_by=at + patience,
        entered_at=at,
        reason="not called yet",
    )
