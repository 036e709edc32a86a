"""A clock and an engine shared by the tests of understanding: Tuesday, 10 March 2026, three in the afternoon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from voicebot.understanding import Context, Expecting, Understander, load_understander

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Understander:
    return load_understander(cache=None)


@pytest.fixture
def asking() -> Callable[..., Context]:
    """Builds a context at the fixed clock: `asking(Expecting.DATE, payday=15)`."""

    def build(
        expecting: Expecting = Expecting.NOTHING, *, payday: int | None = None, due: str | None = None
    ) -> Context:
        return Context(now=NOW, expecting=expecting, payday=payday, amount_due=None if due is None else Decimal(due))

    return build
