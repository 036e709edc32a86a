"""Commands that work on the database directly, without a running engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from voicebot.store import Store

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration file; left out, the usual places.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
ACTOR = "cli"


def with_store(config: Path | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """Opens the store that the configuration names, does the work and closes it. What fails is said and exits 1."""
    from recordings.cipher import KeyFault, KeyRing
    from voicebot.cli._terminal import fail, load_settings_or_exit
    from voicebot.store import Store, StoreUnavailable
    from voicebot.store.errors import StoreRefused

    settings = load_settings_or_exit(config)

    async def run() -> T:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        keys = KeyRing.load_or_create(settings.key_file)
        async with await Store.open(settings.database, keys) as store:
            return await work(store)

    try:
        return asyncio.run(run())
    except (StoreUnavailable, StoreRefused, KeyFault) as error:
        raise fail(str(error)) from None
    except OSError as error:
        what = f"{error.filename or settings.data_dir}: {error.strerror or error}"
        raise fail(f"The data folder cannot be used: {what}.", "Check worker.data_dir and its rights.") from None
