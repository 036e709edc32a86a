"""`voicebot serve`: the engine as a service."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
from typing import TYPE_CHECKING, Annotated

import typer

from voicebot.cli._store import ConfigOption

if TYPE_CHECKING:
    from voicebot.settings import Settings


def command(
    config: ConfigOption = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes; about one for each core.")] = 1,
) -> None:
    """Takes and places calls until SIGTERM, then lets live calls end and stops.

    With several workers, each one after the first listens one port higher (SIP and HTTP) and has its share of the media
    ports; a load balancer stands in front, and they share one PostgreSQL.
    """
    from voicebot.cli._logging import set_up_logging
    from voicebot.cli._terminal import fail, load_settings_or_exit
    from voicebot.settings import ConfigurationError

    # Should native code fail, the terminal shows where every thread was: names of functions, nothing of any call.
    with contextlib.suppress(OSError, RuntimeError):  # Not every output is a file that can be written to then.
        faulthandler.enable()
    settings = load_settings_or_exit(config)
    set_up_logging(settings.worker.log_level, settings.worker.log_format, _show_secret)
    try:
        status = asyncio.run(_one(settings) if workers == 1 else _several(settings, workers))
    except ConfigurationError as error:
        raise fail(str(error), code=2) from None
    except _expected() as error:
        raise fail(
            f"The engine cannot run: {error}", "Mend it and start again; /readyz and the log say more."
        ) from None
    if status:
        raise typer.Exit(status)


async def _one(settings: Settings) -> int:
    from voicebot.app import serve

    await serve(settings)
    return 0


async def _several(settings: Settings, workers: int) -> int:
    from voicebot.cli._supervisor import Supervisor, plan_workers, worker_command

    plans = plan_workers(settings, workers)
    command_line = worker_command(str(settings.file) if settings.file else None)
    return await Supervisor(plans, command_line, settings.worker.drain_seconds).run()


def _expected() -> tuple[type[Exception], ...]:
    """What a person can mend: said in a sentence. Anything else is a fault of ours and keeps its traceback."""
    from compliance_filters.pack import PackError
    from recordings.cipher import KeyFault
    from telephony.carrier import CarrierUnavailable
    from voicebot.dialog.places import FlowError
    from voicebot.speech.catalogue import CatalogueError
    from voicebot.store.errors import StoreUnavailable

    return (CarrierUnavailable, CatalogueError, FlowError, KeyFault, OSError, PackError, StoreUnavailable, ValueError)


def _show_secret(message: str, secret: str) -> None:
    """A secret goes to the terminal that started the engine, and to no log."""
    from voicebot.cli._terminal import error_console

    error_console.print(f"{message}: {secret}", style="bold", markup=False, highlight=False, soft_wrap=True)
