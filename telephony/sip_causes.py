"""What a SIP stack says when a call ends, as a `Cause`. Pure."""

from __future__ import annotations

import re

from telephony.carrier import Cause

_STATUS = re.compile(r"^(\d{3})(?: (.*))?$")
_BY_STATUS = {
    401: Cause.REFUSED_BY_TRUNK,
    402: Cause.REFUSED_BY_TRUNK,
    407: Cause.REFUSED_BY_TRUNK,
    403: Cause.DECLINED,
    603: Cause.DECLINED,
    404: Cause.NOT_FOUND,
    410: Cause.NOT_FOUND,
    484: Cause.NOT_FOUND,
    604: Cause.NOT_FOUND,
    486: Cause.BUSY,
    600: Cause.BUSY,
    408: Cause.NO_ANSWER,
    487: Cause.NO_ANSWER,
    503: Cause.OVERLOADED,
}
RTP_LOST = "rtp stream error"
PEER_BYE = "connection reset by peer"
LOCAL_BYE = "rejected by user"
TRANSFERRED = "call transfered"


def split_reason(text: str | None) -> tuple[int | None, str]:
    """Status code and phrase of a closing reason such as `486 Busy Here`; reasons of the stack itself have no code."""
    found = _STATUS.match(text or "")
    return (int(found[1]), found[2] or "") if found else (None, text or "")


def cause_of_refusal(status: int | None, *, rang: bool) -> Cause:
    """Why an outbound call was not established. Without a status the network failed (RFC 3261 section 21)."""
    if status is None:
        return Cause.NETWORK_ERROR
    if status == 480:
        return Cause.NO_ANSWER if rang else Cause.UNAVAILABLE
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    # 488, 606 and their like: the two ends cannot agree, which no second try will mend, but nobody declined either.
    return Cause.NETWORK_ERROR


def cause_of_end(text: str | None) -> Cause:
    """Why an established call ended."""
    reason = (text or "").lower()
    status, _ = split_reason(text)
    if status is not None or reason.startswith(RTP_LOST):
        return Cause.NETWORK_ERROR
    if reason.startswith((PEER_BYE, LOCAL_BYE, TRANSFERRED)) or not reason:
        return Cause.NORMAL
    return Cause.NETWORK_ERROR
