"""`voicebot db`: bring the database up to date, and say how it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from voicebot.store.database import Database

app = typer.Typer(help="Upgrade the database and say how it is.", no_args_is_help=True)

UrlOption = Annotated[str | None, typer.Option("--url", help="Database URL; left out: the configuration's.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def upgrade(url: UrlOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Makes the tables, or changes them to what this version needs. Back the database up first."""
    from voicebot.cli._terminal import out, print_json
    from voicebot.store.migrate import upgrade as run

    found = _with_database(url, config, run)
    if json_output:
        print_json({"current": found.current, "newest": found.newest})
    else:
        out.print(f"The database is at revision {found.current}, the newest.", markup=False)


@app.command()
def current(url: UrlOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Says which revision the database is at: exit 1 when an upgrade is due."""
    from voicebot.cli._terminal import out, print_json
    from voicebot.store.migrate import revision

    found = _with_database(url, config, revision)
    if json_output:
        print_json({"current": found.current, "newest": found.newest, "up_to_date": found.up_to_date})
    else:
        what = "up to date" if found.up_to_date else "run: voicebot db upgrade"
        out.print(f"revision {found.current or 'none'}, newest {found.newest}: {what}", markup=False)
    if not found.up_to_date:
        raise typer.Exit(1)


@app.command()
def check(url: UrlOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Compares the tables with what this version needs and reads the audit log's chain: exit 1 when anything is off."""
    from voicebot.cli._terminal import out, print_json

    findings = _with_database(url, config, _check)
    if json_output:
        print_json({"sound": not findings, "findings": findings})
    else:
        for finding in findings:
            out.print(finding, style="red", markup=False, highlight=False, soft_wrap=True)
        if not findings:
            out.print("The tables are as they should be and the audit log is whole.")
    if findings:
        raise typer.Exit(1)


async def _check(database: Database) -> list[str]:
    from voicebot.store.audit import AuditRepository
    from voicebot.store.migrate import drift, revision

    found = await revision(database)
    if not found.up_to_date:
        return [f"revision {found.current or 'none'} is not the newest, {found.newest}: run voicebot db upgrade"]
    findings = [f"tables differ: {difference}" for difference in await drift(database)]
    report = await AuditRepository(database).verify()
    if not report.valid:
        findings.append(f"audit log is broken at entry {report.broken_at}: {report.reason}")
    return findings


def _with_database(url: str | None, config: Path | None, work: Callable[[Database], Awaitable[Any]]) -> Any:
    from voicebot.cli._terminal import fail, load_settings_or_exit
    from voicebot.store import StoreUnavailable
    from voicebot.store.database import Database

    address = url or load_settings_or_exit(config).database

    async def run() -> Any:
        database = Database(address, None)
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except StoreUnavailable as error:
        raise fail(str(error), code=2) from None
