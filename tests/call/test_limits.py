"""Hard limits hold whatever a flow does."""

from __future__ import annotations

from voicebot.call.limits import CallFacts, Limit, reached
from voicebot.call.settings import CallLimits

LIMITS = CallLimits()


def facts(**changes: object) -> CallFacts:
    values: dict[str, object] = {"now": 60.0, "last_sound_at": 55.0, "heard_media": True, **changes}
    return CallFacts(**values)  # type: ignore[arg-type]


def test_an_ordinary_call_is_within_all_limits() -> None:
    assert reached(LIMITS, facts()) is None


def test_a_call_that_is_too_long_is_told_to_end() -> None:
    assert reached(LIMITS, facts(now=301.0, last_sound_at=300.0)) is Limit.LONGEST_CALL


def test_a_caller_who_sends_no_audio_is_not_talked_to_for_ever() -> None:
    assert reached(LIMITS, facts(now=16.0, heard_media=False)) is Limit.NO_MEDIA
    assert reached(LIMITS, facts(now=14.0, last_sound_at=1.0, heard_media=False)) is None


def test_a_long_silence_of_both_sides_ends_the_call() -> None:
    assert reached(LIMITS, facts(now=100.0, last_sound_at=59.0)) is Limit.SILENCE


def test_waiting_for_an_agent_is_neither_silence_nor_too_long() -> None:
    assert reached(LIMITS, facts(now=400.0, last_sound_at=10.0, handing_off=True)) is None


def test_a_goodbye_has_its_own_limit() -> None:
    assert reached(LIMITS, facts(now=305.0, limit_reached_at=300.0)) is None
    assert reached(LIMITS, facts(now=313.0, limit_reached_at=300.0)) is Limit.GOODBYE


def test_people_may_talk_longer_than_the_bot() -> None:
    assert reached(LIMITS, facts(now=2000.0, last_sound_at=0.0, bridged_at=100.0)) is None
    assert reached(LIMITS, facts(now=3701.0, bridged_at=100.0)) is Limit.LONGEST_BRIDGE
