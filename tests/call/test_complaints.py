"""What a caller may hold us to is written down with a number, a tier and days, whoever calls; and stops are obeyed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from compliance_filters.complaint_rules import complaint_rules_of
from compliance_filters.pack import load_pack
from voicebot.call.complaints import TakenComplaints
from voicebot.call.outcomes import StoredOutcomes
from voicebot.dialog.events import RecordCallback, SetFlag
from voicebot.dialog.reference import is_reference, reference_of
from voicebot.store import Store
from voicebot.store.complaint_records import ComplaintKind, Tier
from voicebot.store.records import FOR_AN_AGENT, Case, Debt, Debtor, NumberState, PhoneNumber

NOW = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)
NUMBER = "+8613800000001"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{tmp_path}/store.db", None, migrate=True) as opened:
        yield opened


@pytest.fixture
async def case(store: Store) -> Case:
    debtor = Debtor(name="王小样", numbers=(PhoneNumber(NUMBER),), id="d-1")
    debt = Debt(creditor="示例银行", amount_due=Decimal(2380), due_date=date(2026, 3, 1))
    return await store.cases.add(Case(id="case-1", debtor=debtor, debt=debt))


def outcomes(store: Store, case: Case | None, number: str | None = NUMBER, call_id: str = "call-1") -> StoredOutcomes:
    taken = TakenComplaints(
        store.complaints,
        complaint_rules_of(load_pack("cn")),
        call_id=call_id,
        number=number,
        jurisdiction="cn",
        zone="Asia/Shanghai",
        now=lambda: NOW,
    )
    return StoredOutcomes(
        store,
        call_id=call_id,
        case=case,
        number=number,
        now=lambda: NOW,
        reasons_to_keep=set(),
        complaints=taken,
    )


@pytest.mark.parametrize(
    ("flag", "words", "kind", "tier", "answer_by"),
    [
        ("complaint", "我要投诉", ComplaintKind.COMPLAINT, Tier.SERVICE, date(2026, 3, 25)),
        ("complaint", "我打幺二三七八投诉", ComplaintKind.COMPLAINT, Tier.REGULATOR_LIAISON, date(2026, 3, 25)),
        ("dispute", "这钱不是我借的", ComplaintKind.DISPUTE, Tier.LEGAL, date(2026, 3, 30)),
        ("stop_contact", "别再打了", ComplaintKind.STOP_CONTACT, Tier.SERVICE, date(2026, 3, 11)),
        ("attorney", "找我律师谈", ComplaintKind.STOP_CONTACT, Tier.LEGAL, date(2026, 3, 11)),
        ("data_request", "把我的信息删了", ComplaintKind.DATA_REQUEST, Tier.LEGAL, date(2026, 3, 25)),
    ],
)
async def test_each_matter_gets_its_number_tier_and_days(
    store: Store, case: Case, flag: str, words: str, kind: ComplaintKind, tier: Tier, answer_by: date
) -> None:
    await outcomes(store, case).keep(SetFlag(flag, words))
    (found,) = await store.complaints.list()
    assert (found.kind, found.tier, found.answer_by) == (kind, tier, answer_by)
    assert (found.reference, found.case_id, found.number, found.words) == (
        reference_of("call-1"),
        "case-1",
        NUMBER,
        words,
    )


async def test_details_join_what_was_taken(store: Store, case: Case) -> None:
    call = outcomes(store, case)
    await call.keep(SetFlag("dispute", "金额不对"))
    await call.keep(SetFlag("dispute_detail", "多算了三百利息"))
    (found,) = await store.complaints.find(reference_of("call-1"))
    assert found.words == "金额不对\n多算了三百利息"


@pytest.mark.parametrize("number", [NUMBER, None])
async def test_somebody_unknown_is_taken_as_seriously(store: Store, number: str | None) -> None:
    call = outcomes(store, None, number)
    await call.keep(SetFlag("complaint", "你们总打错电话"))
    await call.keep(SetFlag("stop_contact", "别再打这个号码"))
    taken = await store.complaints.list()
    assert {one.kind for one in taken} == {ComplaintKind.COMPLAINT, ComplaintKind.STOP_CONTACT}
    assert {one.number for one in taken} == {number}
    stopped = await store.suppressions.active(number=NUMBER, at=NOW)
    assert [one.reason for one in stopped] == (["stop_contact"] if number else [])


async def test_a_third_party_who_opts_out_is_not_dialled_on_that_number_again(store: Store, case: Case) -> None:
    await outcomes(store, case).keep(SetFlag("third_party_optout", "我不认识他，别打了"))
    again = await store.cases.get("case-1")
    assert again is not None
    assert again.debtor.numbers[0].state is NumberState.STOP
    assert again.first_valid_number() is None


async def test_a_lawyer_stops_every_case_of_the_debtor(store: Store, case: Case) -> None:
    await outcomes(store, case).keep(SetFlag("attorney", "找我律师"))
    assert [one.reason for one in await store.suppressions.active(debtor_id="d-1", at=NOW)] == ["attorney"]


async def test_a_callback_after_a_human_was_asked_for_is_a_humans_to_make(store: Store, case: Case) -> None:
    bot, human = outcomes(store, case, call_id="call-1"), outcomes(store, case, call_id="call-2")
    await bot.keep(RecordCallback(NOW))
    await human.keep(SetFlag("human_requested", "转人工"))
    await human.keep(RecordCallback(NOW))
    because = {one.call_id: one.because for one in await store.callbacks.list()}
    assert because == {"call-1": "asked_by_caller", "call-2": FOR_AN_AGENT}


def test_a_reference_is_ten_digits_and_tells_a_slip() -> None:
    references = {reference_of(f"call-{n}") for n in range(2000)}
    assert len(references) == 2000
    for reference in references:
        assert is_reference(reference)
        wrong = str((int(reference[4]) + 1) % 10)
        assert not is_reference(reference[:4] + wrong + reference[5:])
    assert not is_reference("883578916")
    assert not is_reference("88357891６8")
