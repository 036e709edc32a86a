"""The contact policy of a configuration, for commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicebot.campaign.policy import ContactPolicy


def configured_policy(config: Path | None) -> ContactPolicy:
    """The policy; what cannot stand is said and exits 2."""
    from compliance_filters.pack import PackError
    from voicebot.campaign.policy import ContactPolicy
    from voicebot.cli._terminal import fail, load_settings_or_exit

    try:
        return ContactPolicy.configured(load_settings_or_exit(config))
    except PackError as error:
        raise fail(str(error), "Mend the overrides, or have them signed: voicebot policy sign.", code=2) from None
