"""A whole call on stand-ins: real pipeline, real machine, real understanding, real guard; scripted ears and voice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from compliance_filters.guard import PhraseGuard, load_guard
from tests.call.line import HeldCall, hold_call
from voicebot.understanding import Understander, load_understander


@pytest.fixture(scope="session")
def understander() -> Understander:
    return load_understander()


@pytest.fixture(scope="session")
def guard() -> PhraseGuard:
    return load_guard("cn")


@pytest.fixture
def hold(understander: Understander, guard: PhraseGuard) -> Callable[..., Awaitable[HeldCall]]:
    """`hold(flow, script, ...)` holds a call and gives back what it left."""
    return partial(hold_call, understander, guard)
