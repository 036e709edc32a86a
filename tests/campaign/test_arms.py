"""The flows of a campaign are compared by what the attempts on their own cases came to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from voicebot.campaign.arms import ArmReport, compare
from voicebot.campaign.choosing import enrolled
from voicebot.campaign.plan import Arm, CampaignPlan
from voicebot.store import Store
from voicebot.store.campaign_records import ArmCount, Campaign
from voicebot.store.records import Case

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_what_rang_is_counted_by_whom_it_reached() -> None:
    counts = [
        ArmCount("gentle", None, 3),
        ArmCount("first", None, 4),
        ArmCount("first", "no_answer", 5),
        ArmCount("first", "voicemail", 2),
        ArmCount("first", "ptp", 3),
        ArmCount("first", "refusal", 1),
        ArmCount("first", "cease", 2),
        ArmCount("first", "trunk_refused", 9),
    ]
    first, gentle = compare(counts)
    assert first == ArmReport("first", 4, attempts=13, answered=8, right_party=6, promises=3, complaints=2)
    assert first.promises_per_right_party == 0.5
    assert gentle == ArmReport("gentle", 3, 0, 0, 0, 0, 0)
    assert gentle.promises_per_right_party is None


async def test_an_attempt_counts_for_the_flow_that_its_case_was_drawn_for(
    store: Store, make_case: Callable[..., Case]
) -> None:
    plan = CampaignPlan(arms=(Arm(flow="a"), Arm(flow="b")))
    campaigns = [
        await store.campaigns.create(Campaign(name, plan.model_dump(mode="json"), created_at=NOW))
        for name in ("one", "two")
    ]
    cases = [await store.cases.add(make_case(f"+86138{n:08d}")) for n in range(12)]
    members = {
        campaign.id: {case.id: enrolled(case, campaign.id, plan, NOW) for case in cases} for campaign in campaigns
    }
    for found in members.values():
        await store.campaigns.enrol(list(found.values()))
    campaign = campaigns[0]
    flow_of = {case_id: member.flow for case_id, member in members[campaign.id].items()}
    assert set(flow_of.values()) == {"a", "b"}, "the draw gave everybody the same flow"
    for case in cases:
        begun = await store.attempts.begin(
            idempotency_key=case.id,
            case_id=case.id,
            number=case.debtor.numbers[0].number,
            worker_id="w",
            campaign_id=campaign.id,
            at=NOW,
        )
        how = "ptp" if flow_of[case.id] == "a" else "refusal"
        await store.attempts.finish(begun.attempt.id, disposition=how, at=NOW)
    a, b = compare(await store.campaigns.arms(campaign.id))
    assert (a.members, a.promises, a.right_party) == (a.attempts, a.attempts, a.attempts)
    assert (b.members, b.promises, b.right_party) == (b.attempts, 0, b.attempts)
    assert a.members + b.members == 12
    assert all(arm.attempts == 0 for arm in compare(await store.campaigns.arms(campaigns[1].id)))
