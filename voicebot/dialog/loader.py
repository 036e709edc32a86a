"""Reads flows from YAML."""

from __future__ import annotations

from pathlib import Path

from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library


def load_flow(name_or_path: str | Path, library: Library) -> Flow:
    """A shipped flow by its name (reminder_first) or any flow by its path. Raises FlowError with every finding, each with
    file, line, column and remedy."""
    raise NotImplementedError
