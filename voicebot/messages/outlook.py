"""Whether a caller may be told that a message will follow: only when one could go out now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from compliance_filters.pack import PackError
from voicebot.dialog.places import FlowError
from voicebot.messages.policy import MessagePolicy
from voicebot.messages.templates import Templates, load_templates
from voicebot.store.errors import StoreUnavailable
from voicebot.store.outgoing_protocols import Messages
from voicebot.store.records import Case, NumberState

log = logging.getLogger(__name__)

TEMPLATE = "promise_confirmation"
"""The message that a caller is told of."""


class TextOutlook:
    """Asks the policy of messages before anything is promised. Whatever is not known is a no."""

    def __init__(
        self,
        messages: Messages,
        policy: MessagePolicy,
        *,
        templates_for: Callable[[str], Templates] = load_templates,
    ) -> None:
        self._messages = messages
        self._policy = policy
        self._templates_for = templates_for

    async def can_text(self, case: Case, number: str | None, at: datetime) -> bool:
        """Whether the debtor could be sent a confirmation at `at`, once they are verified on a call over `number`
        (E.164, None for one that is withheld)."""
        try:
            template = self._templates_for(case.language).get(TEMPLATE)
            to = await self._number(case, number)
            if template is None or to is None:
                return False
            history = await self._messages.outlook(case.id, to, at=at)
            if history is None:
                return False
            # The message goes out after the call, and only if the debtor was verified on it.
            history = replace(history, verified=history.verified | {to})
            return self._policy.permit(template.purpose, history).allowed
        except (StoreUnavailable, PackError, FlowError) as error:
            log.warning("nobody is told of a message: what decides on it is not known", extra={"reason": str(error)})
            return False

    async def _number(self, case: Case, number: str | None) -> str | None:
        """Where it would go: to the number of the call where it is the debtor's, else to one verified before."""
        if any(each.number == number and each.state is NumberState.VALID for each in case.debtor.numbers):
            return number
        known = await self._messages.verified_numbers(case.debtor.id)
        return next((each.number for each in known if each.state is NumberState.VALID), None)
