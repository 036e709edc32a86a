"""What a call brings about reaches the store: a promise, the message that confirms it, and whose number it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from compliance_filters.complaint_rules import complaint_rules_of
from compliance_filters.pack import load_pack
from recordings.cipher import KeyRing
from voicebot.call.complaints import TakenComplaints
from voicebot.call.outcomes import StoredOutcomes
from voicebot.dialog.events import RecordPlan, RecordPromise, SendMessage
from voicebot.store import Store
from voicebot.store.outgoing import MessageState
from voicebot.store.records import Case, Debt, Debtor, PhoneNumber

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
NUMBER = "+8613800000001"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{tmp_path}/store.db", KeyRing.generate()) as opened:
        yield opened


@pytest.fixture
async def case(store: Store) -> Case:
    debtor = Debtor("王小样", numbers=(PhoneNumber(NUMBER),))
    return await store.cases.add(Case(debtor, Debt("示例银行", Decimal(2350), date(2026, 11, 1))))


def outcomes(store: Store, case: Case | None, number: str | None = NUMBER) -> StoredOutcomes:
    complaints = TakenComplaints(
        store.complaints,
        complaint_rules_of(load_pack("cn")),
        call_id="call-1",
        number=number,
        jurisdiction="cn",
        zone="Asia/Shanghai",
        now=lambda: NOW,
    )
    return StoredOutcomes(
        store,
        call_id="call-1",
        case=case,
        number=number,
        now=lambda: NOW,
        reasons_to_keep=set(),
        complaints=complaints,
    )


async def test_a_promise_and_its_confirmation_belong_together(store: Store, case: Case) -> None:
    call = outcomes(store, case)
    await call.keep(RecordPromise(Decimal(1000), date(2026, 11, 25), partial=True, words="下周三还一千"))
    await call.keep(SendMessage("promise_confirmation", {"slot.amount": "一千元"}))
    await call.keep(SendMessage("promise_confirmation"))
    (promise,) = await store.promises.list(case_id=case.id)
    (message,) = await store.messages.list()
    assert (message.template, message.promise_id, message.call_id, message.number) == (
        "promise_confirmation",
        promise.id,
        "call-1",
        NUMBER,
    )
    assert (message.state, message.debtor_id, message.text) == (MessageState.WAITING, case.debtor.id, None)


async def test_a_wish_for_a_plan_is_confirmed_as_such(store: Store, case: Case) -> None:
    call = outcomes(store, case)
    await call.keep(RecordPlan(6))
    await call.keep(SendMessage("plan_application"))
    (plan,) = await store.plans.list(case_id=case.id)
    (message,) = await store.messages.list()
    assert (message.plan_id, message.promise_id) == (plan.id, None)


async def test_nothing_is_written_to_somebody_nobody_knows(store: Store) -> None:
    await outcomes(store, None).keep(SendMessage("callback_request"))
    assert await store.messages.list() == []
    (entry,) = await store.audit.list()
    assert (entry.action, entry.data) == ("message.requested", {"template": "callback_request"})


async def test_the_number_on_which_the_debtor_was_verified_is_remembered(store: Store, case: Case) -> None:
    await outcomes(store, case).verified()
    assert [entry.number for entry in await store.messages.verified_numbers(case.debtor.id)] == [NUMBER]


@pytest.mark.parametrize("number", ["+8613900000009", None])
async def test_another_number_verifies_nothing(store: Store, case: Case, number: str | None) -> None:
    await outcomes(store, case, number).verified()
    assert await store.messages.verified_numbers(case.debtor.id) == []
