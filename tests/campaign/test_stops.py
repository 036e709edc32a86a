"""Whatever says that a person is not to be called stops every campaign of that person, from the next dial on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tests.campaign.test_runner import FIRM, PLAN, World
from voicebot.campaign.choosing import enrolled
from voicebot.campaign.importing_news import NewsTable, import_news
from voicebot.campaign.policy import ContactPolicy
from voicebot.store import Store
from voicebot.store.campaign_records import Campaign, CampaignState, MemberState
from voicebot.store.records import Case, Debtor, PhoneNumber, Promise

MakeCase = Callable[..., Case]
STARTED = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
STOPS = {
    "part payment": (NewsTable.PAYMENTS, "{case},p-1,100,2026-11-19", "CN-ACC-01"),
    "payment in full": (NewsTable.PAYMENTS, "{case},p-1,￥9999,2026-11-19", "settled"),
    "dispute": (NewsTable.FLAGS, "{case},争议", "CN-DISP-01"),
    "stop_contact": (NewsTable.FLAGS, "{case},拒绝联系", "CN-CONTACT-06"),
    "deceased": (NewsTable.FLAGS, "{case},身故", "CN-CONTACT-05"),
    "lawyer": (NewsTable.FLAGS, "{case},律师代理", "CN-CONTACT-06"),
    "vulnerable": (NewsTable.FLAGS, "{case},弱势", "CN-CONTACT-05"),
}
"""What is imported of the first debt, and what holds its member then."""
HEADERS = {NewsTable.PAYMENTS: "合同号,流水号,还款金额,还款日期", NewsTable.FLAGS: "合同号,标记"}


class Two:
    """Debtors with two debts each, one in each of two campaigns; somebody else is in both."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.world = World(store, permit=ContactPolicy(FIRM).permit, outcome=lambda key: "no_answer")
        self.debts: dict[str, tuple[str, str]] = {}
        """Name of a debtor to the ids of their cases, in the first and the second campaign."""
        self.campaigns: list[Campaign] = []

    async def made(self, make_case: MakeCase, *debtors: str) -> Two:
        queues: tuple[list[Case], list[Case]] = ([], [])
        for n, name in enumerate(debtors):
            debtor = Debtor(name="王小样", external_id=name, numbers=(PhoneNumber(f"+861380000000{n}"),))
            one = await self.store.cases.add(make_case(external_id=f"{name}-1", debtor=debtor))
            two = await self.store.cases.add(
                make_case(external_id=f"{name}-2", debtor=replace(debtor, id=one.debtor.id))
            )
            self.debts[name] = (one.id, two.id)
            queues[0].append(one)
            queues[1].append(two)
        other = await self.store.cases.add(make_case("+8613800000099", external_id="other-1"))
        self.other = other.id
        for name, cases in zip(("first", "second"), queues, strict=True):
            made = await self.store.campaigns.create(Campaign(name, PLAN.model_dump(mode="json")))
            await self.store.campaigns.enrol([enrolled(case, made.id, PLAN, STARTED) for case in (*cases, other)])
            await self.world.state(made, CampaignState.RUNNING)
            self.campaigns.append(made)
        await self.world.runner.start()
        return self

    async def members(self, debtor: str) -> list[tuple[MemberState, str]]:
        """State and reason of a debtor's members, in the order of the campaigns."""
        found = []
        for campaign, case in zip(self.campaigns, self.debts[debtor], strict=True):
            every = await self.store.campaigns.members(campaign.id)
            found += [(member.state, member.reason) for member in every if member.case_id == case]
        assert len(found) == 2
        return found

    def dialled(self, debtor: str) -> set[str]:
        return {call.case_id for call in self.world.calls.placed} & set(self.debts[debtor])


async def test_what_is_imported_stops_every_campaign_of_the_debtor(
    store: Store, make_case: MakeCase, tmp_path: Path
) -> None:
    two = await Two(store).made(make_case, *STOPS)
    for table, header in HEADERS.items():
        rows = [row.format(case=f"{name}-1") for name, (kind, row, _) in STOPS.items() if kind is table]
        file = tmp_path / f"{table.value}.csv"
        file.write_text("\n".join([header, *rows, ""]), encoding="gb18030")
        report = await import_news(file, table, store.news, by="test", rejects=tmp_path / "bad.csv")
        assert (report.added, report.rejected) == (len(rows), 0)
    await two.world.looks(6)
    assert {call.case_id for call in two.world.calls.placed} == {two.other}
    for name, (_, _, rule) in STOPS.items():
        (state, reason), (other_state, other_reason) = await two.members(name)
        assert rule in reason, name
        assert "not permitted" in other_reason, name
        assert {state, other_state} <= {MemberState.WAITING, MemberState.HELD, MemberState.DONE}, name
    refused = [attempt for attempt in await store.attempts.list(limit=500) if attempt.case_id != two.other]
    assert len(refused) == 2 * len(STOPS)
    assert all(attempt.policy["rules"] for attempt in refused)


async def test_a_promise_that_is_not_yet_due_stops_every_campaign_of_the_debtor(
    store: Store, make_case: MakeCase
) -> None:
    two = await Two(store).made(make_case, "one")
    await store.promises.add(Promise(two.debts["one"][0], Decimal(100), date(2026, 11, 25)))
    await two.world.looks(3)
    assert {call.case_id for call in two.world.calls.placed} == {two.other}
    assert all("CN-PTP-01" in reason for _, reason in await two.members("one"))


async def test_after_a_part_payment_the_campaign_goes_on_when_a_week_is_over(
    store: Store, make_case: MakeCase, tmp_path: Path
) -> None:
    two = await Two(store).made(make_case, "one")
    file = tmp_path / "payments.csv"
    file.write_text("case,reference,amount,paid_on\none-1,p-1,100,2026-11-19\n", encoding="utf-8")
    await import_news(file, NewsTable.PAYMENTS, store.news, by="test", rejects=tmp_path / "bad.csv")
    (payment,) = await store.news.payments(two.debts["one"][0])
    two.world.clock.at = payment.recorded_at
    await two.world.looks(2)
    assert not two.dialled("one")
    two.world.clock.at = (payment.recorded_at + timedelta(days=8)).replace(hour=2)
    await two.world.looks(2)
    # One of the two debts: the other waits out the hour that one person is owed.
    assert len(two.dialled("one")) == 1


async def test_the_emergency_stop_gives_nothing_out_and_loses_nobody(store: Store, make_case: MakeCase) -> None:
    two = await Two(store).made(make_case, "one")
    await store.brakes.halt("complaints", by="operator")
    await two.world.looks(3)
    assert two.world.calls.placed == []
    assert await store.attempts.list() == []
    assert {state for state, _ in await two.members("one")} == {MemberState.READY}
    await store.brakes.resume("found", by="officer")
    await two.world.looks(2)
    assert two.dialled("one")


async def test_a_dial_that_was_given_out_before_the_stop_is_refused_and_comes_back(
    store: Store, make_case: MakeCase
) -> None:
    two = await Two(store).made(make_case, "one")
    dials = two.world.dials
    dials.lose = True
    await two.world.runner.look()
    dials.lose = False
    await store.brakes.halt("complaints", by="operator")
    await dials.late()
    await two.world.looks(2)
    assert two.world.calls.placed == []
    assert all("CN-SUPP-01" in reason for _, reason in await two.members("one"))
    await store.brakes.resume("found", by="officer")
    await two.world.looks(2)
    assert two.dialled("one")
