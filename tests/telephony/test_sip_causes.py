"""The SIP stack's closing words as causes (RFC 3261 section 21)."""

from __future__ import annotations

import pytest

from telephony.carrier import Cause
from telephony.sip_causes import cause_of_end, cause_of_refusal, split_reason


@pytest.mark.parametrize(
    ("text", "status", "phrase"),
    [
        ("486 Busy Here", 486, "Busy Here"),
        ("603", 603, ""),
        ("Connection timed out [110]", None, "Connection timed out [110]"),
        (None, None, ""),
        ("4860 is no status", None, "4860 is no status"),
    ],
)
def test_a_reason_is_taken_apart(text: str | None, status: int | None, phrase: str) -> None:
    assert split_reason(text) == (status, phrase)


@pytest.mark.parametrize(
    ("status", "rang", "cause"),
    [
        (480, False, Cause.UNAVAILABLE),
        (480, True, Cause.NO_ANSWER),
        (408, True, Cause.NO_ANSWER),
        (487, True, Cause.NO_ANSWER),
        (410, False, Cause.NOT_FOUND),
        (604, False, Cause.NOT_FOUND),
        (401, False, Cause.REFUSED_BY_TRUNK),
        (407, False, Cause.REFUSED_BY_TRUNK),
        (488, False, Cause.NETWORK_ERROR),
        (502, True, Cause.NETWORK_ERROR),
        (None, False, Cause.NETWORK_ERROR),
    ],
)
def test_why_a_call_was_not_established(status: int | None, rang: bool, cause: Cause) -> None:
    assert cause_of_refusal(status, rang=rang) is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Connection reset by peer [104]", Cause.NORMAL),
        ("Rejected by user", Cause.NORMAL),
        ("Call transfered", Cause.NORMAL),
        (None, Cause.NORMAL),
        ("rtp stream error", Cause.NETWORK_ERROR),
        ("Connection timed out [110]", Cause.NETWORK_ERROR),
        ("481 Call/Transaction Does Not Exist", Cause.NETWORK_ERROR),
    ],
)
def test_why_an_established_call_ended(text: str | None, cause: Cause) -> None:
    assert cause_of_end(text) is cause
