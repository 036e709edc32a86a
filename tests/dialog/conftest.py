"""What the dialog's tests share: the shipped words, an invented case, a pinned clock, and flows written on the spot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from voicebot.dialog.conversation import Conversation
from voicebot.dialog.examples import EXAMPLE_CASE
from voicebot.dialog.facts import Facts
from voicebot.dialog.library import Library, load_library
from voicebot.dialog.loader import load_flow
from voicebot.dialog.machine import Machine
from voicebot.dialog.profile import Profile

NOW = datetime.fromisoformat("2026-03-10T15:00:00+08:00")


@pytest.fixture(scope="session")
def library() -> Library:
    return load_library("zh-CN")


@pytest.fixture(scope="session")
def facts() -> Facts:
    return Facts.of(EXAMPLE_CASE)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def talk(library: Library, facts: Facts) -> Callable[..., Conversation]:
    """A conversation with a shipped flow, begun."""

    def begin(flow: str = "reminder_first", profile: Profile | None = None) -> Conversation:
        conversation = Conversation(Machine(load_flow(flow, library), library, facts, profile=profile), NOW)
        conversation.start()
        return conversation

    return begin


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Path]:
    """A flow file with this text."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
