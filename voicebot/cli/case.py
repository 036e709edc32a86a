"""`voicebot case`: hand in cases, one or a table of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.console.case_form import CaseForm
    from voicebot.store import Store
    from voicebot.store.records import Case

app = typer.Typer(help="Add, import and list cases.", no_args_is_help=True)

_SEVERAL = {"numbers", "preferred_hours"}
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


@dataclass(frozen=True)
class RowFault:
    """What is wrong with one row."""

    line: int
    """In the file, from 1."""
    column: str
    what: str


@app.command()
def template() -> None:
    """Prints a table with every column and one example row, to be filled in."""
    from voicebot.cli._terminal import out
    from voicebot.console.case_form import CaseForm

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
def import_cases(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8, with a header; see `voicebot case template`.")],
    rejects: Annotated[Path | None, typer.Option(help="Where bad rows go; left out, FILE.rejected.csv.")] = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Loads the good rows of a table and says what is wrong with the bad ones: exit 1 when there are any."""
    from voicebot.cli._terminal import error_console, fail, out, print_json

    try:
        header, rows = _read_table(file)
    except (OSError, ValueError) as error:
        raise fail(f"{file}: {error}", "Print a table to fill in with: voicebot case template", code=2) from None
    bad: list[tuple[dict[str, str], tuple[RowFault, ...]]] = []
    good: list[Case] = []
    for line, row, fits in rows:
        case, faults = read_case(_typed(row), line)
        if not fits:
            shifted = RowFault(line, "row", "it has more cells than the header; put quotes around a cell with a comma")
            case, faults = None, (shifted, *faults)
        if case is None:
            bad.append((row, faults))
        else:
            good.append(case)

    async def work(store: Store) -> None:
        for case in good:
            await store.cases.add(case)
        await store.audit.append(ACTOR, "case.import", f"file:{file.name}", {"loaded": len(good), "rejected": len(bad)})

    with_store(config, work)
    target = rejects or file.with_suffix(".rejected.csv")
    if bad:
        _write_rejects(target, header, bad)
    if json_output:
        faults_found = [{"line": f.line, "column": f.column, "what": f.what} for _, faults in bad for f in faults]
        print_json({"loaded": len(good), "rejected": len(bad), "faults": faults_found})
    else:
        for _, faults in bad:
            for fault in faults:
                error_console.print(
                    f"{file}:{fault.line}: {fault.column}: {fault.what}", markup=False, highlight=False, soft_wrap=True
                )
        out.print(f"{len(good)} loaded, {len(bad)} rejected.", highlight=False)
        if bad:
            out.print(f"Mend them in {target} and import that file.", markup=False, highlight=False, soft_wrap=True)
    if bad:
        raise typer.Exit(1)


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


def read_case(values: dict[str, Any], line: int) -> tuple[Case | None, tuple[RowFault, ...]]:
    """A case from the values of one row, or everything that is wrong with it."""
    from pydantic import ValidationError

    from voicebot.console.case_form import CaseForm

    given = {key: value for key, value in values.items() if value not in (None, "", ())}
    try:
        return CaseForm.model_validate(given).to_case(), ()
    except ValidationError as error:
        faults = (
            RowFault(
                line, str(detail["loc"][0]) if detail["loc"] else "row", _what(detail["msg"], CaseForm, detail["loc"])
            )
            for detail in error.errors(include_url=False, include_context=False, include_input=False)
        )
        return None, tuple(faults)
    except ValueError as error:
        return None, (RowFault(line, "numbers", str(error)),)


def _what(message: str, form: type[CaseForm], location: tuple[int | str, ...]) -> str:
    info = form.model_fields.get(str(location[0])) if location else None
    meaning = " ".join((info.description or "").split()) if info else ""
    return f"{message[:1].lower()}{message[1:]}. {meaning}".strip()


def _typed(row: dict[str, str]) -> dict[str, Any]:
    return {
        key: tuple(part.strip() for part in value.split(";") if part.strip()) if key in _SEVERAL else value.strip()
        for key, value in row.items()
    }


def _read_table(file: Path) -> tuple[list[str], list[tuple[int, dict[str, str], bool]]]:
    """Header, and rows with their line numbers and whether they fit under it. Raises ValueError on any other file."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.reader(source, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(header)
            return header, list(_rows(reader, header))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {error.start}); save the table as CSV in UTF-8") from error
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from error


def _check_header(header: list[str]) -> None:
    from voicebot.console.case_form import CaseForm

    known = CaseForm.model_fields
    required = {name for name, info in known.items() if info.is_required()}
    if missing := sorted(required - set(header)):
        raise ValueError(f"the header lacks {', '.join(missing)}")
    if unknown := sorted(set(header) - set(known) - {"fault"}):
        raise ValueError(f"the header names unknown columns: {', '.join(unknown)}")
    if len(set(header)) != len(header):
        raise ValueError("the header names a column twice")


def _rows(reader: Any, header: list[str]) -> Iterator[tuple[int, dict[str, str], bool]]:
    for cells in reader:
        if any(cell.strip() for cell in cells):
            row = dict(zip(header, [*cells, *[""] * len(header)], strict=False))
            row.pop("fault", None)
            yield reader.line_num, row, len(cells) <= len(header)


def _write_rejects(target: Path, header: list[str], bad: list[tuple[dict[str, str], tuple[RowFault, ...]]]) -> None:
    columns = [name for name in header if name != "fault"]
    with target.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*columns, "fault"])
        for row, faults in bad:
            said = "; ".join(f"{fault.column}: {fault.what}" for fault in faults)
            writer.writerow([*(row.get(name, "") for name in columns), said])
