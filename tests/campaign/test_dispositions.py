"""Every way for an attempt to end has a rule, and no rule calls where nobody may call."""

from __future__ import annotations

import pytest

from voicebot.call.engine import _NOT_ANSWERED
from voicebot.campaign.dispositions import RULES, Reached, Then, rule_of
from voicebot.dialog.disposition import DISPOSITIONS


def test_every_disposition_of_the_flows_and_of_the_engine_has_a_rule() -> None:
    engine = {"engine_fault", "disclosure_missed", "no_media", "interrupted", "cancelled", *_NOT_ANSWERED.values()}
    assert {*DISPOSITIONS, *engine} - set(RULES) == set()


@pytest.mark.parametrize("name", [name for name, one in DISPOSITIONS.items() if one.stops_dialling])
def test_what_stops_dialling_in_a_flow_stops_it_here(name: str) -> None:
    """A wrong number and a third party's wish stop that number; everything else stops the person."""
    only_the_number = name in {"wrong_number", "third_party_optout"}
    assert rule_of(name).then is (Then.NEXT_NUMBER if only_the_number else Then.STOP)


@pytest.mark.parametrize(
    ("name", "then", "reached"),
    [
        ("ptp", Then.PROMISE, Reached.RIGHT_PARTY),
        ("paid_claim", Then.HOLD, Reached.RIGHT_PARTY),
        ("refusal", Then.RETRY, Reached.RIGHT_PARTY),
        ("callback_at", Then.CALLBACK, Reached.SOMEBODY),
        ("voicemail", Then.RETRY, Reached.MACHINE),
        ("phone_assistant", Then.RETRY, Reached.MACHINE),
        ("busy", Then.RETRY, Reached.NOBODY),
        ("no_answer", Then.RETRY, Reached.NOBODY),
        ("switched_off", Then.RETRY, Reached.NOBODY),
        ("empty_number", Then.NEXT_NUMBER, Reached.NOBODY),
        ("out_of_service", Then.NEXT_NUMBER, Reached.NOBODY),
        ("rejected", Then.RETRY, Reached.NOBODY),
        ("network_error", Then.RETRY, Reached.NOBODY),
        ("abandoned", Then.RETRY, Reached.NOBODY),
        ("third_party", Then.RETRY, Reached.THIRD_PARTY),
        ("wrong_number", Then.NEXT_NUMBER, Reached.WRONG_NUMBER),
        ("something new", Then.HOLD, Reached.SOMEBODY),
    ],
)
def test_what_follows(name: str, then: Then, reached: Reached) -> None:
    assert (rule_of(name).then, rule_of(name).reached) == (then, reached)


def test_an_interrupted_call_counts_as_an_attempt() -> None:
    assert rule_of("interrupted").counts
    assert not rule_of("trunk_refused").counts
