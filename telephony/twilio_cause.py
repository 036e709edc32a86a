"""Why a Twilio call ended or was refused, in the words of all carriers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from telephony.carrier import Cause
from telephony.sip_causes import cause_of_refusal as cause_of_sip_refusal

FINAL_STATUSES: Final = frozenset({"completed", "busy", "no-answer", "canceled", "failed"})
"""Values of `CallStatus` after which nothing follows."""

_BY_STATUS: Final[Mapping[str, Cause]] = {
    "completed": Cause.NORMAL,
    "busy": Cause.BUSY,
    "no-answer": Cause.NO_ANSWER,
    "canceled": Cause.CANCELLED,
    "failed": Cause.NETWORK_ERROR,
}
# Codes of Twilio's REST, from its "Error and Warning Dictionary".
_BY_TWILIO_CODE: Final[Mapping[int, Cause]] = {
    10004: Cause.OVERLOADED,  # concurrent calls of the account exceeded
    13223: Cause.NOT_FOUND,  # invalid phone number format
    13224: Cause.NOT_FOUND,  # invalid phone number
    20429: Cause.OVERLOADED,  # too many requests
    21211: Cause.NOT_FOUND,  # invalid To number
    21214: Cause.NOT_FOUND,  # To number cannot be reached
    21217: Cause.NOT_FOUND,  # number does not appear to be valid
    21401: Cause.NOT_FOUND,  # invalid phone number
}


def cause_of_status(status: str, sip_status: int | None, *, rang: bool) -> Cause:
    """The cause of a final `CallStatus`, sharpened by `SipResponseCode` when the far network gave a failure."""
    by_status = _BY_STATUS.get(status, Cause.NETWORK_ERROR)
    if status not in ("busy", "no-answer", "failed") or sip_status is None or sip_status < 400:
        return by_status
    by_sip = cause_of_sip_refusal(sip_status, rang=rang)
    return by_status if by_sip is Cause.NETWORK_ERROR else by_sip


def cause_of_refusal(http_status: int | None, code: int | None) -> Cause:
    """The cause of a REST request that Twilio did not accept; None for both when it did not answer."""
    if code is not None and code in _BY_TWILIO_CODE:
        return _BY_TWILIO_CODE[code]
    if http_status is None or http_status >= 500:
        return Cause.NETWORK_ERROR
    return Cause.OVERLOADED if http_status == 429 else Cause.REFUSED_BY_TRUNK
