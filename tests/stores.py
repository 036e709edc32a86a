"""Fixtures for tests on a store: SQLite in a file, and a private PostgreSQL cluster that ends with the tests.

A folder of tests takes them by importing them into its conftest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from recordings.cipher import KeyRing
from tests.postgresql import Cluster, private_cluster
from voicebot.store import Store
from voicebot.store.records import Case, Debt, Debtor, PhoneNumber

__all__ = ["cluster", "invented_case", "keys", "make_case", "one_url", "store", "url"]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with private_cluster() as running:
        yield running


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing.generate()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on each of the two."""
    return _empty(request.param, request, tmp_path)


@pytest.fixture(name="url")
def one_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: SQLite, unless a test asks for "postgresql". Taken in place of `url`."""
    return _empty(getattr(request, "param", "sqlite"), request, tmp_path)


def _empty(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    running: Cluster = request.getfixturevalue("cluster")
    return asyncio.run(running.empty())


@pytest.fixture
async def store(url: str, keys: KeyRing) -> AsyncIterator[Store]:
    async with await Store.open(url, keys, migrate=True) as opened:
        yield opened


def invented_case(number: str = "+8613800000001", **fields: object) -> Case:
    """A case of nobody."""
    debtor = Debtor(name="王小样", surname="王", id_last_four="123X", numbers=(PhoneNumber(number),))
    debt = Debt(creditor="示例银行", amount_due=Decimal("2350.75"), due_date=date(2026, 11, 1))
    return Case(**{"debtor": debtor, "debt": debt, **fields})  # type: ignore[arg-type]


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Makes an invented case."""
    return invented_case
