"""A store, and a receiver of notices that verifies what it is sent and answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.stores import keys, make_case, one_url, store
from tests.webhooks.receiving import ReceivingServer

__all__ = ["keys", "make_case", "one_url", "server", "store"]


@pytest.fixture
async def server() -> AsyncIterator[ReceivingServer]:
    made = ReceivingServer()
    runner = await made.start()
    yield made
    await runner.cleanup()
