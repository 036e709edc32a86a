"""What every way for an attempt to end means for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Then(Enum):
    """What follows an attempt."""

    RETRY = "retry"
    """The same number again, not before `after`."""
    NEXT_NUMBER = "next_number"
    """Another number of the debtor, if there is one; otherwise the end."""
    CALLBACK = "callback"
    """At the time that was agreed; without one, as RETRY."""
    PROMISE = "promise"
    """When the promise is due and its days of grace are over; without a recorded promise, as RETRY."""
    DONE = "done"
    """This campaign has done what it can."""
    HOLD = "hold"
    """Until a person has looked."""
    STOP = "stop"
    """Nobody dials this debtor again, in any campaign, until a person allows it."""


class Reached(Enum):
    """Whom an attempt reached."""

    RIGHT_PARTY = "right_party"
    THIRD_PARTY = "third_party"
    WRONG_NUMBER = "wrong_number"
    MACHINE = "machine"
    """Voicemail, or a telephone's assistant."""
    SOMEBODY = "somebody"
    """A person who was not verified."""
    NOBODY = "nobody"


@dataclass(frozen=True)
class RetryRule:
    """What follows one disposition."""

    then: Then
    reached: Reached
    after: timedelta = timedelta(0)
    """At least so long after the attempt."""
    at_most: int = 3
    """How often this disposition may come in one campaign before it is the end."""
    counts: bool = True
    """Whether the attempt counts towards the campaign's limit: not when our own side failed before it rang."""
    fault: bool = False
    """Whether it speaks against the carrier or the engine; the breakers count these."""
    complaint: bool = False
    """Whether it speaks against the campaign itself; the breakers count these."""


_RIGHT, _THIRD, _NOBODY = Reached.RIGHT_PARTY, Reached.THIRD_PARTY, Reached.NOBODY
_STOP = RetryRule(Then.STOP, _RIGHT)
_HOLD = RetryRule(Then.HOLD, _RIGHT)
_HARDSHIP = RetryRule(Then.HOLD, _RIGHT)
_OURS = RetryRule(Then.RETRY, _NOBODY, HOUR / 4, at_most=10, counts=False, fault=True)

RULES: Mapping[str, RetryRule] = {
    # What signalling says.
    "busy": RetryRule(Then.RETRY, _NOBODY, HOUR, at_most=4),
    "no_answer": RetryRule(Then.RETRY, _NOBODY, 4 * HOUR, at_most=4),
    "switched_off": RetryRule(Then.RETRY, _NOBODY, DAY, at_most=3),
    "empty_number": RetryRule(Then.NEXT_NUMBER, _NOBODY, HOUR),
    "out_of_service": RetryRule(Then.NEXT_NUMBER, _NOBODY, HOUR),
    "rejected": RetryRule(Then.RETRY, _NOBODY, DAY, at_most=2),
    "network_error": RetryRule(Then.RETRY, _NOBODY, HOUR / 2, at_most=5, fault=True),
    "trunk_refused": _OURS,
    "overloaded": _OURS,
    "abandoned": RetryRule(Then.RETRY, _NOBODY, 4 * HOUR, at_most=2, fault=True),
    "cancelled": RetryRule(Then.RETRY, _NOBODY, 4 * HOUR, at_most=2),
    "interrupted": RetryRule(Then.RETRY, Reached.SOMEBODY, 4 * HOUR, at_most=2, fault=True),
    "engine_fault": RetryRule(Then.RETRY, Reached.SOMEBODY, DAY, at_most=1, fault=True),
    "no_media": RetryRule(Then.RETRY, Reached.SOMEBODY, 4 * HOUR, at_most=2, fault=True),
    "disclosure_missed": RetryRule(Then.RETRY, Reached.SOMEBODY, DAY, at_most=2),
    # Who or what answered.
    "voicemail": RetryRule(Then.RETRY, Reached.MACHINE, 6 * HOUR, at_most=3),
    "phone_assistant": RetryRule(Then.RETRY, Reached.MACHINE, DAY, at_most=2),
    "silence": RetryRule(Then.RETRY, Reached.SOMEBODY, 6 * HOUR, at_most=2),
    "noise": RetryRule(Then.RETRY, Reached.SOMEBODY, 6 * HOUR, at_most=2),
    "hung_up": RetryRule(Then.RETRY, Reached.SOMEBODY, DAY, at_most=2),
    "bye": RetryRule(Then.RETRY, Reached.SOMEBODY, DAY, at_most=2),
    "id_unresolved": RetryRule(Then.RETRY, Reached.SOMEBODY, DAY, at_most=2),
    "limit": RetryRule(Then.HOLD, Reached.SOMEBODY),
    "guarded": RetryRule(Then.HOLD, Reached.SOMEBODY),
    "third_party": RetryRule(Then.RETRY, _THIRD, 3 * DAY, at_most=1),
    "third_party_optout": RetryRule(Then.NEXT_NUMBER, _THIRD, DAY, complaint=True),
    "wrong_number": RetryRule(Then.NEXT_NUMBER, Reached.WRONG_NUMBER, DAY),
    "minor": RetryRule(Then.HOLD, _THIRD),
    # What the debtor said.
    "ptp": RetryRule(Then.PROMISE, _RIGHT, 3 * DAY),
    "partial": RetryRule(Then.PROMISE, _RIGHT, 3 * DAY),
    "ptp_resched": RetryRule(Then.PROMISE, _RIGHT, 3 * DAY),
    "ptp_vague": RetryRule(Then.RETRY, _RIGHT, 3 * DAY, at_most=2),
    "ptp_kept": RetryRule(Then.DONE, _RIGHT),
    "paid_claim": _HOLD,
    "reminded": RetryRule(Then.RETRY, _RIGHT, 3 * DAY, at_most=2),
    "served": RetryRule(Then.DONE, _RIGHT),
    "plan_req": _HOLD,
    "waiver_req": _HOLD,
    "doc_req": _HOLD,
    "dsr": _HOLD,
    "refusal": RetryRule(Then.RETRY, _RIGHT, 3 * DAY, at_most=1),
    "dispute_amt": _HOLD,
    "callback_at": RetryRule(Then.CALLBACK, Reached.SOMEBODY, DAY, at_most=3),
    "callback_unspec": RetryRule(Then.RETRY, Reached.SOMEBODY, DAY, at_most=3),
    "hardship_income": _HARDSHIP,
    "human_req": _HOLD,
    "lang": RetryRule(Then.HOLD, Reached.SOMEBODY),
    "rec_obj": RetryRule(Then.HOLD, _RIGHT),
    "anger": RetryRule(Then.HOLD, _RIGHT, complaint=True),
    "scam_suspect": RetryRule(Then.HOLD, Reached.SOMEBODY),
    "dispute_debt": _STOP,
    "hardship_illness": _STOP,
    "hardship_event": _STOP,
    "distress": _STOP,
    "self_harm": _STOP,
    "complaint": RetryRule(Then.STOP, _RIGHT, complaint=True),
    "cease": RetryRule(Then.STOP, _RIGHT, complaint=True),
    "attorney": _STOP,
    "deceased": RetryRule(Then.STOP, _THIRD),
    "debtor_unavailable": RetryRule(Then.STOP, _THIRD),
}
"""By disposition: those of signalling and of the engine, and every one that a flow may end with."""

UNKNOWN = RetryRule(Then.HOLD, Reached.SOMEBODY)
"""For a disposition that nobody described: a person looks before anybody dials."""


def rule_of(disposition: str) -> RetryRule:
    return RULES.get(disposition, UNKNOWN)
