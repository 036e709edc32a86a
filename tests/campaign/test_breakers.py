"""A breaker opens on what it is told to watch, and on nothing else."""

from __future__ import annotations

import pytest

from voicebot.campaign.breakers import carrier_tripped, tripped
from voicebot.campaign.plan import Breakers

BREAKERS = Breakers(window=10, fault_share=0.3, least_answer_share=0.1, complaint_share=0.2)


@pytest.mark.parametrize(
    ("recent", "said"),
    [
        (["ptp"] * 10, None),
        (["network_error"] * 9, None),
        (["network_error"] * 3 + ["ptp"] * 7, None),
        (["network_error"] * 4 + ["ptp"] * 6, "4 of the last 10 attempts failed"),
        (["no_answer"] * 10, "only 0 of the last 10"),
        (["no_answer"] * 9 + ["voicemail"], None),
        (["complaint", "cease", "guarded"] + ["ptp"] * 7, "3 of the last 10 attempts ended in a complaint"),
        (["ptp"] * 10 + ["network_error"] * 40, None),
    ],
)
def test_a_campaign_pauses_for_a_reason(recent: list[str], said: str | None) -> None:
    because = tripped(BREAKERS, recent)
    assert (because is None) == (said is None)
    assert said is None or said in str(because)


def test_a_carrier_is_judged_by_its_faults_only() -> None:
    assert carrier_tripped(BREAKERS, "sip", ["no_answer"] * 10) is None
    because = carrier_tripped(BREAKERS, "sip", ["trunk_refused"] * 10)
    assert because == "carrier sip: 10 of its last 10 calls failed"
