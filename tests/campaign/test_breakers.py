"""A breaker opens on what it is told to watch, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from voicebot.campaign.breakers import carrier_tripped, tripped
from voicebot.campaign.plan import Breakers
from voicebot.store import Store
from voicebot.store.campaign_records import Ended
from voicebot.store.records import Call, Case

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BREAKERS = Breakers(
    window=10, fault_share=0.3, least_answer_share=0.1, answer_drop=0.5, complaint_share=0.2, guard_share=0.1
)


def _ended(*names: str) -> list[Ended]:
    return [Ended(name) for name in names]


@pytest.mark.parametrize(
    ("recent", "said"),
    [
        (["ptp"] * 10, None),
        (["network_error"] * 9, None),
        (["network_error"] * 3 + ["ptp"] * 7, None),
        (["network_error"] * 4 + ["ptp"] * 6, "4 of the last 10 attempts failed"),
        (["no_answer"] * 10, "only 0 of the last 10"),
        (["no_answer"] * 9 + ["voicemail"], None),
        (["complaint", "cease", "anger"] + ["ptp"] * 7, "3 of the last 10 attempts ended in a complaint"),
        (["guarded"] + ["ptp"] * 9, None),
        (["guarded"] * 2 + ["ptp"] * 8, "the guard stopped lines in 2 of the last 10 calls"),
        (["ptp"] * 10 + ["network_error"] * 40, None),
        # Two of ten answer where six of ten did, and where three of ten did.
        (["ptp"] * 2 + ["busy"] * 8 + (["ptp"] * 6 + ["busy"] * 4) * 3, "only 2 of the last 10 attempts were answered"),
        (["ptp"] * 2 + ["busy"] * 8 + (["ptp"] * 3 + ["busy"] * 7) * 3, None),
        (["ptp"] * 2 + ["busy"] * 8 + ["ptp"] * 9, None),
    ],
)
def test_calling_pauses_for_a_reason(recent: list[str], said: str | None) -> None:
    for because in (tripped(BREAKERS, _ended(*recent)), carrier_tripped(BREAKERS, "sip", _ended(*recent))):
        assert (because is None) == (said is None)
        assert said is None or said in str(because)


def test_a_line_that_was_replaced_counts_though_the_call_went_on() -> None:
    recent = [Ended("ptp", guard_hits=1), Ended("ptp", guard_hits=3), *_ended(*["ptp"] * 8)]
    assert tripped(BREAKERS, recent) == "the guard stopped lines in 2 of the last 10 calls"


def test_a_carrier_is_named() -> None:
    because = carrier_tripped(BREAKERS, "sip", _ended(*["trunk_refused"] * 10))
    assert because == "carrier sip: 10 of the last 10 attempts failed on our side or the carrier's"


async def test_each_carrier_is_judged_by_its_own_calls(store: Store, make_case: Callable[..., Case]) -> None:
    case = await store.cases.add(make_case())
    call = Call(
        "outbound", "reminder_first", NOW, "w", carrier="twilio", number=case.debtor.numbers[0].number, case_id=case.id
    )
    for n in range(60):
        at = NOW + timedelta(seconds=n)
        # Every sixth call goes over the other carrier, and fails there.
        other = n % 6 == 0
        one = replace(call, id=f"call-{n}", started_at=at, carrier="sip" if other else "twilio")
        await store.calls.begin(one)
        how = "network_error" if other else "ptp"
        await store.calls.finish(one.id, ended_at=at, disposition=how, guard_hits=int(n == 1))
    await store.calls.begin(replace(call, id="inbound", direction="inbound", carrier="sip"))
    found = await store.campaigns.recent_on_carriers(since=NOW, limit=20)
    assert {name: len(ended) for name, ended in found.items()} == {"sip": 10, "twilio": 20}
    assert "carrier sip: 10 of the last 10" in str(carrier_tripped(BREAKERS, "sip", found["sip"]))
    assert carrier_tripped(BREAKERS, "twilio", found["twilio"]) is None
    every = await store.campaigns.recent_on_carriers(since=NOW, limit=60)
    assert sum(ended.guard_hits for ended in every["twilio"]) == 1
    assert await store.campaigns.recent_on_carriers(since=NOW + timedelta(hours=1), limit=20) == {}
