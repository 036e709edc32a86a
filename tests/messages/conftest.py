"""A store, invented cases that may be written to, and a sender that keeps what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from recordings.cipher import KeyRing
from tests.postgresql import Cluster, private_cluster
from voicebot.store import Store
from voicebot.store.records import Case, Consent, Debt, Debtor, PhoneNumber

NUMBER = "+8613800000001"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with private_cluster() as running:
        yield running


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: SQLite, unless a test asks for "postgresql"."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    running: Cluster = request.getfixturevalue("cluster")
    return asyncio.run(running.empty())


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with await Store.open(url, KeyRing.generate(), migrate=True) as opened:
        yield opened


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Makes an invented case whose debtor agreed to be written to."""

    def made(number: str = NUMBER, **fields: object) -> Case:
        debtor = Debtor(name="王小样", surname="王", id_last_four="123X", numbers=(PhoneNumber(number),))
        debt = Debt(creditor="示例银行", amount_due=Decimal("2350.75"), due_date=date(2026, 11, 1))
        consent = Consent("sms", True, datetime(2026, 1, 1, tzinfo=UTC), "contract")
        return Case(**{"debtor": debtor, "debt": debt, "consents": (consent,), **fields})  # type: ignore[arg-type]

    return made
