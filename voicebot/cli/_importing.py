"""What the commands that import a table have in common: progress, what was wrong, the exit status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from voicebot.cli._store import ACTOR, with_store

if TYPE_CHECKING:
    from voicebot.campaign.importing import ImportReport, Progress
    from voicebot.campaign.importing_columns import Columns, Fields
    from voicebot.store import Store

FileArgument = Annotated[
    Path, typer.Argument(help="CSV (UTF-8 or GB18030) or XLSX with a header; see `case template`.")
]
MappingOption = Annotated[
    Path | None, typer.Option(help="YAML that names foreign columns: columns, ignore, constants.")
]
EncodingOption = Annotated[str | None, typer.Option(help="utf-8 or gb18030; left out, it is found out.")]
RejectsOption = Annotated[Path | None, typer.Option(help="Where bad rows go; left out, FILE.rejected.csv.")]


class Load(Protocol):
    """Loads a table into a store."""

    async def __call__(self, store: Store, *, rejects: Path, columns: Columns, progress: Progress) -> ImportReport: ...


def import_table(
    file: Path,
    fields: Fields,
    load: Load,
    *,
    action: str,
    mapping: Path | None,
    rejects: Path | None,
    config: Path | None,
    json_output: bool,
) -> None:
    """Loads a table, says what became of its rows, and exits 1 when some were bad, 2 when the file cannot be read."""
    from voicebot.campaign.importing_columns import Columns, read_columns
    from voicebot.campaign.importing_table import TableFault
    from voicebot.cli._terminal import fail, out, print_json

    target = rejects or file.with_suffix(".rejected.csv")

    async def work(store: Store) -> ImportReport:
        with _progress() as progress:
            report = await load(store, rejects=target, columns=columns, progress=progress)
        counts = {"added": report.added, "changed": report.changed, "unchanged": report.unchanged}
        await store.audit.append(ACTOR, action, f"file:{file.name}", {**counts, "rejected": report.rejected})
        return report

    try:
        columns = read_columns(mapping, fields) if mapping else Columns()
        with file.open("rb"):
            pass
        report = with_store(config, work)
    except TableFault as error:
        raise fail(f"{file}: {error}", f"Print a table to fill in with: {fields.template}", code=2) from None
    except OSError as error:
        raise fail(f"{error.filename or file}: {error.strerror or error}", code=2) from None
    if json_output:
        faults_found = [{"line": f.line, "column": f.column, "what": f.what} for f in report.faults]
        said = {"added": report.added, "changed": report.changed, "unchanged": report.unchanged}
        print_json({"loaded": report.loaded, **said, "rejected": report.rejected, "faults": faults_found})
    else:
        _say_faults(file, report)
        counts = f"{report.added} new, {report.changed} changed, {report.unchanged} as before"
        out.print(f"{report.loaded} loaded ({counts}), {report.rejected} rejected.", highlight=False)
        if report.rejected:
            out.print(f"Mend them in {target} and import that file.", markup=False, highlight=False, soft_wrap=True)
    if report.rejected:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[ImportReport, float], None]]:
    """A bar on standard error, where that is a terminal."""
    from rich.progress import Progress

    from voicebot.cli._terminal import error_console

    with Progress(console=error_console, transient=True, disable=not error_console.is_terminal) as bars:
        task = bars.add_task("rows", total=1.0)

        def tell(report: ImportReport, share: float) -> None:
            bars.update(task, completed=share, description=f"{report.loaded} loaded, {report.rejected} rejected")

        yield tell


def _say_faults(file: Path, report: ImportReport) -> None:
    from voicebot.cli._terminal import error_console

    for fault in report.faults:
        said = f"{file}:{fault.line}: {fault.column}: {fault.what}"
        error_console.print(said, markup=False, highlight=False, soft_wrap=True)
    if report.unsaid:
        error_console.print(f"... and {report.unsaid} more, in the file of rejected rows.", highlight=False)
