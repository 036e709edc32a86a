"""The scripts library: every sentence the bot can say. `load_library(language)` reads scripts_library/<language>/lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    language: str
    hash: str


def load_library(language: str) -> Library:
    """The lines shipped for a language. Raises FlowError with every finding when a file is not usable."""
    raise NotImplementedError
