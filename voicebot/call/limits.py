"""Hard limits of a call, outside the dialog: whatever a flow does, these hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from voicebot.call.settings import CallLimits


class Limit(Enum):
    """Which limit was reached; the values stand in the timeline."""

    LONGEST_CALL = "longest_call"
    SILENCE = "silence"
    NO_MEDIA = "no_media"
    LONGEST_BRIDGE = "longest_bridge"
    GOODBYE = "goodbye"
    """The goodbye after another limit took too long."""


@dataclass(frozen=True)
class CallFacts:
    """What the limits are held against. All in media seconds."""

    now: float
    last_sound_at: float
    """When either side was last heard."""
    heard_media: bool
    """Any audio at all has come from the caller."""
    bridged_at: float | None = None
    handing_off: bool = False
    limit_reached_at: float | None = None
    """When a first limit was reached and the dialog was told to say goodbye."""


def reached(limits: CallLimits, facts: CallFacts) -> Limit | None:
    """The limit that the call has reached, None while it is within all of them."""
    if facts.bridged_at is not None:
        watched = [(Limit.LONGEST_BRIDGE, facts.now - facts.bridged_at, limits.longest_bridge_seconds)]
    elif facts.limit_reached_at is not None:
        watched = [(Limit.GOODBYE, facts.now - facts.limit_reached_at, limits.goodbye_seconds)]
    else:
        watched = [] if facts.heard_media else [(Limit.NO_MEDIA, facts.now, limits.no_media_seconds)]
        if not facts.handing_off:
            watched.append((Limit.LONGEST_CALL, facts.now, limits.longest_call_seconds))
            watched.append((Limit.SILENCE, facts.now - facts.last_sound_at, limits.longest_silence_seconds))
    return next((limit for limit, seconds, most in watched if seconds > most), None)
