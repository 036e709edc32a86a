"""A whole call on stand-ins: real pipeline, real machine, real understanding, real guard; scripted ears and voice."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from compliance_filters.guard import PhraseGuard, load_guard
from voicebot.understanding import Understander, load_understander


def _beside(name: str) -> ModuleType:
    """A module of this folder; tests are not a package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


line = _beside("line")


@pytest.fixture(scope="session")
def understander() -> Understander:
    return load_understander()


@pytest.fixture(scope="session")
def guard() -> PhraseGuard:
    return load_guard("cn")


@pytest.fixture
def hold(understander: Understander, guard: PhraseGuard) -> Callable[..., Awaitable[Any]]:
    """`hold(flow, script, ...)` holds a call and gives back a `HeldCall`."""
    return partial(line.hold_call, understander, guard)
