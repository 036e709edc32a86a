"""`voicebot case`: hand in cases, one or a table of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._importing import EncodingOption, FileArgument, MappingOption, RejectsOption, import_table
from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.campaign.importing import ImportReport, Progress
    from voicebot.campaign.importing_columns import Columns
    from voicebot.store import Store
    from voicebot.store.records import Case

app = typer.Typer(help="Add, import and list cases.", no_args_is_help=True)

_LooserOption = Annotated[
    bool, typer.Option("--looser", help="Let rows lift what stops calls: an officer's decision, kept in the audit log.")
]
_EXAMPLES = {
    "cases": {
        "external_id": "contract-1",
        "name": "王小样",
        "surname": "王",
        "honorific": "女士",
        "id_last_four": "1234",
        "numbers": "13800000001;13800000002",
        "creditor": "示例银行",
        "amount_due": "2000.00",
        "due_date": "2026-11-01",
    },
    "payments": {"case": "contract-1", "reference": "pay-1", "amount": "500.00", "paid_on": "2026-11-10"},
    "flags": {"case": "contract-1", "flag": "dispute", "since": "2026-11-10", "note": "金额有异议"},
    "numbers": {"case": "contract-1", "number": "13800000002", "state": "valid", "label": "household"},
    "consents": {"case": "contract-1", "kind": "agency_notice", "on": "2026-11-01", "source": "告知函"},
    "times": {
        "case": "contract-1",
        "kind": "agreed",
        "starts": "2026-11-10 22:00",
        "ends": "2026-11-10 22:30",
        "source": "录音",
    },
}


@app.command()
def template(
    of: Annotated[str, typer.Option(help="cases, payments, flags, numbers, consents or times.")] = "cases",
) -> None:
    """Prints a table with every column and one example row, to be filled in."""
    from voicebot.campaign.importing_columns import CASE_FIELDS
    from voicebot.campaign.importing_news import KINDS, NewsTable
    from voicebot.cli._terminal import fail, out

    if of not in _EXAMPLES:
        raise fail(f"There is no table of {of}.", f"Choose {', '.join(_EXAMPLES)}.", code=2)
    fields = CASE_FIELDS if of == "cases" else KINDS[NewsTable(of)].fields
    out.print(",".join(fields.names), markup=False, highlight=False, soft_wrap=True)
    example = _EXAMPLES[of]
    out.print(",".join(example.get(name, "") for name in fields.names), markup=False, highlight=False, soft_wrap=True)


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
    file: FileArgument,
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    rejects: RejectsOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Loads the good rows of a table of cases and says what is wrong with the bad ones: exit 1 when there are any."""
    from voicebot.campaign.importing import import_cases
    from voicebot.campaign.importing_columns import CASE_FIELDS

    async def load(store: Store, *, rejects: Path, columns: Columns, progress: Progress) -> ImportReport:
        return await import_cases(
            file, store.cases, rejects=rejects, columns=columns, encoding=encoding, progress=progress
        )

    import_table(
        file,
        CASE_FIELDS,
        load,
        action="case.import",
        mapping=mapping,
        rejects=rejects,
        config=config,
        json_output=json_output,
    )


@app.command("import-payments")
def import_payments(
    file: FileArgument,
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    rejects: RejectsOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Loads payments: what is owed goes down, and whoever paid is left alone at once."""
    _import_news("payments", file, mapping, encoding, rejects, config, json_output, looser=False)


@app.command("import-flags")
def import_flags(
    file: FileArgument,
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    rejects: RejectsOption = None,
    looser: _LooserOption = False,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Loads flags such as dispute, stop_contact, deceased, lawyer or vulnerable: they stop calls at once."""
    _import_news("flags", file, mapping, encoding, rejects, config, json_output, looser=looser)


@app.command("import-numbers")
def import_numbers(
    file: FileArgument,
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    rejects: RejectsOption = None,
    looser: _LooserOption = False,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Loads what is known of numbers: state (valid, invalid, wrong_person, stop) and whose they are."""
    _import_news("numbers", file, mapping, encoding, rejects, config, json_output, looser=looser)


@app.command("import-consents")
def import_consents(
    file: FileArgument,
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    rejects: RejectsOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Loads consents, and notices that were sent to debtors."""
    _import_news("consents", file, mapping, encoding, rejects, config, json_output, looser=False)


@app.command("import-times")
def import_times(
    file: FileArgument,
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    rejects: RejectsOption = None,
    looser: _LooserOption = False,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Loads times that were agreed or ruled out, and visits."""
    _import_news("times", file, mapping, encoding, rejects, config, json_output, looser=looser)


def _import_news(
    name: str,
    file: Path,
    mapping: Path | None,
    encoding: str | None,
    rejects: Path | None,
    config: Path | None,
    json_output: bool,
    looser: bool,
) -> None:
    from voicebot.campaign.importing_news import KINDS, NewsTable, import_news

    table = NewsTable(name)

    async def load(store: Store, *, rejects: Path, columns: Columns, progress: Progress) -> ImportReport:
        return await import_news(
            file,
            table,
            store.news,
            by=f"{ACTOR}:{file.name}"[:200],
            rejects=rejects,
            looser=looser,
            columns=columns,
            encoding=encoding,
            progress=progress,
        )

    import_table(
        file,
        KINDS[table].fields,
        load,
        action=f"case.import_{name}" + (".looser" if looser else ""),
        mapping=mapping,
        rejects=rejects,
        config=config,
        json_output=json_output,
    )


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
