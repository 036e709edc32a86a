"""The shipped flow of follow-ups can be held with what the store knows of a promise, and says how it stands."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from voicebot.call.case_facts import Firm, facts_of, profile_of
from voicebot.call.promise_facts import standing_of
from voicebot.dialog.library import load_library
from voicebot.dialog.loader import load_flow
from voicebot.dialog.machine import Machine
from voicebot.dialog.places import FlowError
from voicebot.store.news_records import Payment
from voicebot.store.records import Case, Debt, Debtor, Promise

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
MADE = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CASE = Case(Debtor("王小样", id_last_four="123X"), Debt("示例银行", Decimal(2350), date(2026, 11, 1)))
LIBRARY = load_library("zh-CN")
FIRM = Firm("示例服务中心", "4000000000")


@pytest.mark.parametrize(("paid", "status"), [(0, "broken"), (400, "partly"), (1000, "kept")])
def test_every_standing_gives_the_flow_the_facts_it_needs(paid: int, status: str) -> None:
    promise = Promise(CASE.id, Decimal(1000), date(2026, 11, 25), recorded_at=MADE)
    payments = [Payment(CASE.id, "r", Decimal(paid), date(2026, 11, 24), recorded_at=NOW)] if paid else []
    facts = facts_of(CASE, FIRM, NOW, promise=standing_of(promise, CASE, payments, NOW))
    assert facts.get("promise.status") == status
    machine = Machine(load_flow("promise_followup", LIBRARY), LIBRARY, facts, profile=profile_of(CASE, "c"))
    _, decision = machine.start(NOW)
    assert decision.actions


def test_without_a_promise_the_flow_is_not_begun() -> None:
    with pytest.raises(FlowError, match="promise"):
        Machine(
            load_flow("promise_followup", LIBRARY),
            LIBRARY,
            facts_of(CASE, FIRM, NOW),
            profile=profile_of(CASE, "c"),
        )
