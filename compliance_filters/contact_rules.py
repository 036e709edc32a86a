"""The kinds of rules before dialling. A pack names the kind and its parameters.

Each rule answers for one instant, from facts and history alone. What lies in the future of that instant (a clock that
stepped back) counts as having happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from compliance_filters.contact_counts import AfterConversation, CallerLimit, Overlay, PerDay, Rolling
from compliance_filters.contact_facts import DialFacts, PastContact, RuleOutcome
from compliance_filters.contact_holds import CallerNumber, Consent, Holds, Notice, Reachable, ThirdParty
from compliance_filters.contact_times import PersonTimes, VisitDay, Window

AnyRule = Annotated[
    Window
    | PersonTimes
    | PerDay
    | Rolling
    | AfterConversation
    | Holds
    | VisitDay
    | ThirdParty
    | Notice
    | CallerNumber
    | CallerLimit
    | Consent
    | Overlay
    | Reachable,
    Field(discriminator="kind"),
]


class ContactRules(BaseModel):
    """The `contact` part of a rule pack: rules in the order in which they are asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[AnyRule, ...] = Field(min_length=1)


def checks(rule: Any) -> Callable[[DialFacts, Sequence[PastContact], datetime], RuleOutcome]:
    """The function of a rule."""
    checked: Callable[[DialFacts, Sequence[PastContact], datetime], RuleOutcome] = rule.check
    return checked
