"""Puts the cases that a campaign is for into its queue, page by page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from voicebot.campaign.choosing import enrolled
from voicebot.campaign.plan import CampaignPlan
from voicebot.store.campaign_records import Campaign
from voicebot.store.protocols import Campaigns, Cases

PAGE = 500


async def enrol_cases(
    campaign: Campaign,
    *,
    cases: Cases,
    campaigns: Campaigns,
    at: datetime,
    progress: Callable[[int, int], None] = lambda seen, added: None,
) -> int:
    """Adds the open cases that the campaign's choice takes and that are not in it yet. How many were added.

    Safe to repeat, and to call again for cases that were imported later.
    """
    plan = CampaignPlan.model_validate(campaign.plan)
    today = plan.calendar.local_day(at)
    after: str | None = None
    seen = added = 0
    while page := await cases.list(limit=PAGE, after=after):
        taken = [enrolled(case, campaign.id, plan, at) for case in page if plan.choice.takes(case, today)]
        added += await campaigns.enrol(taken)
        seen += len(page)
        after = page[-1].id
        progress(seen, added)
    return added
