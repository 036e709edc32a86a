"""How the commands speak: one console for answers, one for errors, one way to give up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from voicebot.settings import Settings

out = Console()
error_console = Console(stderr=True)


def fail(what: str, remedy: str = "", code: int = 1) -> typer.Exit:
    """Says what went wrong and how to mend it; the caller raises what comes back."""
    error_console.print(what, style="red", markup=False, highlight=False, soft_wrap=True)
    if remedy:
        error_console.print(remedy, markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


def print_json(value: Any) -> None:
    """One JSON value on standard output, and nothing else."""
    out.print(
        json.dumps(value, ensure_ascii=False, indent=2, default=str), markup=False, highlight=False, soft_wrap=True
    )


def load_settings_or_exit(file: Path | None) -> Settings:
    """The configuration, or its findings on standard error and exit 2."""
    from voicebot.settings import ConfigurationError, load_settings

    try:
        return load_settings(file)
    except ConfigurationError as error:
        raise fail(str(error), code=2) from None
