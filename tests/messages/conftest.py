"""Stores on both databases, and invented cases that may be written to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.stores import cluster, invented_case, keys, one_url, store
from voicebot.store.records import Case, Consent

__all__ = ["cluster", "keys", "make_case", "one_url", "store"]

NUMBER = "+8613800000001"


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Makes an invented case whose debtor agreed to be written to."""

    def made(number: str = NUMBER, **fields: object) -> Case:
        consent = Consent("sms", True, datetime(2026, 1, 1, tzinfo=UTC), "contract")
        return invented_case(number, **{"consents": (consent,), **fields})

    return made
