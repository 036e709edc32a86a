"""The TwiML with which we answer Twilio, built by its own library."""

from __future__ import annotations

from collections.abc import Mapping

from twilio.twiml.voice_response import VoiceResponse

from telephony.carrier import Cause

PARAMETER_LIMIT = 500
"""Characters of name and value together that Twilio passes on in one stream parameter."""


def stream_twiml(stream_url: str, parameters: Mapping[str, str]) -> str:
    """Joins the call to our websocket; when we close it the call ends, because nothing follows.

    Raises ValueError on a parameter that Twilio would cut or that is not text for XML.
    """
    response = VoiceResponse()
    stream = response.connect().stream(url=stream_url)
    for name, value in parameters.items():
        if len(name) + len(value) > PARAMETER_LIMIT:
            raise ValueError(
                f"stream parameter {name[:40]!r} is longer than {PARAMETER_LIMIT} characters with its name"
            )
        if not (name + value).isprintable():
            raise ValueError(f"stream parameter {name[:40]!r} contains control characters")
        stream.parameter(name=name, value=value)
    return str(response)


def reject_twiml(cause: Cause) -> str:
    """Refuses an inbound call without answering it: the caller hears busy, or that the number is not in service."""
    response = VoiceResponse()
    response.reject(reason="busy" if cause in (Cause.BUSY, Cause.OVERLOADED) else "rejected")
    return str(response)


def hang_up_twiml() -> str:
    """Ends the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def dial_twiml(target: str, *, caller_id: str | None, ring_seconds: int, answered_url: str, done_url: str) -> str:
    """Joins the caller to `target` (E.164 or a SIP URI). `answered_url` hears of the answer, `done_url` of the end."""
    response = VoiceResponse()
    dial = response.dial(action=done_url, method="POST", timeout=ring_seconds, caller_id=caller_id)
    noun = dial.sip if target.startswith(("sip:", "sips:")) else dial.number
    noun(target, status_callback=answered_url, status_callback_event="answered", status_callback_method="POST")
    return str(response)
