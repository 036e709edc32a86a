"""`voicebot case`: hand in cases, one or a table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.campaign.importing import ImportReport
    from voicebot.store import Store
    from voicebot.store.records import Case

app = typer.Typer(help="Add, import and list cases.", no_args_is_help=True)

_EXAMPLE = {
    "external_id": "contract-1",
    "name": "王小样",
    "surname": "王",
    "honorific": "女士",
    "id_last_four": "1234",
    "numbers": "13800000001;13800000002",
    "creditor": "示例银行",
    "amount_due": "2000.00",
    "due_date": "2026-11-01",
}


@app.command()
def template() -> None:
    """Prints a table with every column and one example row, to be filled in."""
    from voicebot.campaign.case_form import CaseForm
    from voicebot.cli._terminal import out

    columns = list(CaseForm.model_fields)
    out.print(",".join(columns), markup=False, highlight=False, soft_wrap=True)
    out.print(",".join(_EXAMPLE.get(name, "") for name in columns), markup=False, highlight=False, soft_wrap=True)


@app.command()
def add(
    name: Annotated[str, typer.Option(help="The debtor's name.")],
    number: Annotated[list[str], typer.Option(help="Telephone number; repeatable, in the order they are tried.")],
    creditor: Annotated[str, typer.Option(help="Creditor, as it is spoken.")],
    amount: Annotated[str, typer.Option(help="Amount due now.")],
    due: Annotated[str, typer.Option(help="Due date, YYYY-MM-DD.")],
    last_four: Annotated[str | None, typer.Option(help="Last four characters of the identity document.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The creditor's contract number.")] = None,
    honorific: Annotated[str | None, typer.Option(help="先生, 女士, Mr or Ms.")] = None,
    jurisdiction: Annotated[str, typer.Option(help="cn, us, uk_eu, hk or tw.")] = "cn",
    language: Annotated[str, typer.Option(help="BCP 47.")] = "zh-CN",
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Adds one case, or changes the one with the same contract number."""
    from voicebot.campaign.importing_row import read_case
    from voicebot.cli._terminal import fail, out, print_json

    values: dict[str, Any] = {
        "name": name,
        "numbers": number,
        "creditor": creditor,
        "amount_due": amount,
        "due_date": due,
        "id_last_four": last_four,
        "external_id": external_id,
        "honorific": honorific,
        "jurisdiction": jurisdiction,
        "language": language,
    }
    case, faults = read_case(values, line=0)
    if case is None:
        options = {"numbers": "number", "amount_due": "amount", "due_date": "due", "id_last_four": "last-four"}
        said = "\n".join(
            f"--{options.get(fault.column, fault.column).replace('_', '-')}: {fault.what}" for fault in faults
        )
        raise fail(said, code=2)

    async def work(store: Store) -> Case:
        stored = await store.cases.add(case)
        await store.audit.append(ACTOR, "case.add", f"case:{stored.id}")
        return stored

    stored = with_store(config, work)
    if json_output:
        print_json({"id": stored.id})
    else:
        out.print(stored.id, markup=False, highlight=False)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GB18030) or XLSX with a header; see `case template`.")],
    mapping: Annotated[
        Path | None, typer.Option(help="YAML that names foreign columns: columns, ignore, constants.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8 or gb18030; left out, it is found out.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where bad rows go; left out, FILE.rejected.csv.")] = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Loads the good rows of a table and says what is wrong with the bad ones: exit 1 when there are any."""
    from voicebot.campaign.importing import import_cases
    from voicebot.campaign.importing_columns import Columns, read_columns
    from voicebot.campaign.importing_table import TableFault
    from voicebot.cli._terminal import fail, out, print_json

    target = rejects or file.with_suffix(".rejected.csv")

    async def work(store: Store) -> ImportReport:
        with _import_progress() as progress:
            report = await import_cases(
                file, store.cases, rejects=target, columns=columns, encoding=encoding, progress=progress
            )
        counts = {"added": report.added, "changed": report.changed, "unchanged": report.unchanged}
        await store.audit.append(ACTOR, "case.import", f"file:{file.name}", {**counts, "rejected": report.rejected})
        return report

    try:
        columns = read_columns(mapping) if mapping else Columns()
        with file.open("rb"):
            pass
        report = with_store(config, work)
    except TableFault as error:
        raise fail(f"{file}: {error}", "Print a table to fill in with: voicebot case template", code=2) from None
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
def _import_progress() -> Iterator[Callable[[ImportReport, float], None]]:
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


@app.command("list")
def list_cases(
    status: Annotated[str, typer.Option(help="open, settled, closed or any.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Cases at most.")] = 50,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Shows cases, with names and numbers masked."""
    from rich.table import Table

    from voicebot.cli._terminal import fail, out, print_json
    from voicebot.console.schemas import CaseAnswer
    from voicebot.store.records import CaseStatus

    known = {one.value for one in CaseStatus}
    if status not in known | {"any"}:
        raise fail(f"There is no status `{status}`.", f"Choose {', '.join(sorted(known))} or any.", code=2)

    async def work(store: Store) -> list[Case]:
        return list(await store.cases.list(status=None if status == "any" else CaseStatus(status), limit=limit))

    answers = [CaseAnswer.of(case, unmasked=False) for case in with_store(config, work)]
    if json_output:
        print_json({"cases": [answer.model_dump(mode="json") for answer in answers]})
        return
    table = Table("id", "contract", "name", "number", "creditor", "due", "flags")
    for answer in answers:
        first = answer.numbers[0]["number"] if answer.numbers else ""
        table.add_row(
            answer.id,
            answer.external_id or "",
            answer.name,
            first,
            answer.creditor,
            answer.due_date.isoformat(),
            ", ".join(answer.flags),
        )
    out.print(table)
