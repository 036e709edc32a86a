"""A store, and a receiver of notices that verifies what it is sent and answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from recordings.cipher import KeyRing
from tests.webhooks.receiving import ReceivingServer
from voicebot.store import Store
from voicebot.store.records import Case, Debt, Debtor, PhoneNumber


@pytest.fixture
async def server() -> AsyncIterator[ReceivingServer]:
    made = ReceivingServer()
    runner = await made.start()
    yield made
    await runner.cleanup()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{tmp_path}/store.db", KeyRing.generate()) as opened:
        yield opened


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Makes an invented case."""

    def made(number: str = "+8613800000001", **fields: object) -> Case:
        debtor = Debtor(name="王小样", surname="王", id_last_four="123X", numbers=(PhoneNumber(number),))
        debt = Debt(creditor="示例银行", amount_due=Decimal("2350.75"), due_date=date(2026, 11, 1))
        return Case(**{"debtor": debtor, "debt": debt, **fields})  # type: ignore[arg-type]

    return made
