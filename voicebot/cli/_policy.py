"""The contact policy as the configuration describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicebot.campaign.policy import ContactPolicy
    from voicebot.settings import Settings


def contact_policy(settings: Settings) -> ContactPolicy:
    """The policy that every dial is judged by."""
    from voicebot.campaign.policy import ContactPolicy, FirmFacts

    compliance = settings.compliance
    callers = compliance.registered_callers
    return ContactPolicy(
        FirmFacts(
            registered_callers=None if callers is None else frozenset(callers),
            own_caller=compliance.caller_number,
            by_agency=compliance.collects_for_others,
            assigned=compliance.debts_bought,
            conservative=compliance.conservative,
        )
    )
