"""`voicebot export`: attempts, calls, dispositions, promises and messages as CSV or Parquet."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicebot.cli._store import ACTOR, ConfigOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store
    from voicebot.store.exporting import ExportChoice, ExportKind

_TOKEN_VARIABLE = "VOICEBOT_EXPORT_TOKEN"  # noqa: S105
_PROGRESS_ROWS = 10_000


def command(
    what: Annotated[str, typer.Argument(help="attempts, calls, dispositions, promises or messages.")],
    to: Annotated[Path, typer.Argument(metavar="FILE", help="A new file ending in .csv or .parquet.")],
    campaign: Annotated[str | None, typer.Option(help="Name or id of a campaign; left out, everything.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on, such as 2026-11-20T00:00+08:00.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    unmasked: Annotated[
        bool,
        typer.Option(
            "--unmasked", help=f"With personal data: needs an officer's or administrator's token in {_TOKEN_VARIABLE}."
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Writes a table, row by row, however long it is. Numbers and names are masked, words and amounts left out,
    unless `--unmasked` is allowed; every export is written into the audit log."""
    from voicebot.cli._terminal import error_console, fail, out
    from voicebot.exports.tables import ExportFault, format_of
    from voicebot.store.exporting import ExportKind

    kinds = [kind.value for kind in ExportKind]
    if what not in kinds:
        raise fail(f"There are no {what} to export.", f"Choose one of: {', '.join(kinds)}.", code=2)
    if to.exists():
        raise fail(f"{to} is there already.", "Name a new file: an export never writes over one.", code=2)
    try:
        format_of(to)
    except ExportFault as fault:
        raise fail(str(fault), code=2) from None
    first, last = _moment(since), _moment(until)
    error_console.print(f"Exporting {what} to {to} ...", markup=False, highlight=False)

    async def work(store: Store) -> int:
        actor = await _actor(store, unmasked)
        choice = await _choice(store, campaign, first, last)
        data = {"what": what, "campaign": campaign, "since": since, "until": until, "unmasked": unmasked}
        # Before the first row is written: an export that is broken off has been made all the same.
        await store.audit.append(actor, "export.begin", f"export:{to.name}", data)
        rows = await _write(store, ExportKind(what), choice, to, unmasked)
        await store.audit.append(actor, "export.end", f"export:{to.name}", {**data, "rows": rows})
        return rows

    try:
        rows = with_store(config, work)
    except ExportFault as fault:
        raise fail(str(fault)) from None
    hidden = "with personal data" if unmasked else "personal data masked"
    out.print(f"{to}: {rows} rows, {hidden}.", markup=False, highlight=False)


async def _write(store: Store, kind: ExportKind, choice: ExportChoice, to: Path, unmasked: bool) -> int:
    """Writes beside the file and renames it when it is whole; only its owner may read it."""
    from voicebot.cli._terminal import error_console
    from voicebot.exports.hiding import hidden
    from voicebot.exports.tables import format_of, open_table
    from voicebot.store.exporting import COLUMNS

    columns = COLUMNS[kind]
    unfinished = to.with_name(f".{to.name}.unfinished")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    rows = 0
    try:
        table = open_table(unfinished, format_of(to), columns)
        try:
            async for row in store.exports.rows(kind, choice):
                table.add(row if unmasked else hidden(row, columns))
                rows += 1
                if rows % _PROGRESS_ROWS == 0:
                    error_console.print(f"{rows} rows", highlight=False)
        finally:
            table.close()
        unfinished.rename(to)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


async def _actor(store: Store, unmasked: bool) -> str:
    """Who exports. Raises ExportFault when they may not see what they ask for."""
    from voicebot.console.access import Role
    from voicebot.exports.tables import ExportFault

    secret = os.environ.get(_TOKEN_VARIABLE, "")
    token = await store.tokens.check(secret) if secret else None
    if unmasked and (token is None or not token.roles & {Role.OFFICER.value, Role.ADMIN.value}):
        raise ExportFault(
            "personal data is exported only for an officer or an administrator: put their token into "
            f"{_TOKEN_VARIABLE}, or leave out --unmasked"
        )
    return ACTOR if token is None else f"token:{token.label}:{token.id}"


async def _choice(store: Store, campaign: str | None, since: datetime | None, until: datetime | None) -> ExportChoice:
    from voicebot.exports.tables import ExportFault
    from voicebot.store.exporting import ExportChoice

    if campaign is None:
        return ExportChoice(None, since, until)
    found = await store.campaigns.get(campaign)
    if found is None:
        raise ExportFault(f"there is no campaign {campaign}; list them with: voicebot campaign list")
    return ExportChoice(found.id, since, until)


def _moment(text: str | None) -> datetime | None:
    from voicebot.cli._terminal import fail

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise fail(f"{text} is not a time.", "Write it as 2026-11-20T21:30+08:00.", code=2) from None
    return moment.astimezone() if moment.tzinfo is None else moment
