"""`voicebot flow`: write, prove, try, test, draw and compare dialog flows."""

from __future__ import annotations

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from voicebot.cli import _flow_history, _flow_trying
from voicebot.cli._flow_files import (
    Locale,
    err,
    flow_files,
    library_of,
    load_with_words,
    locale_of,
    out,
    plain,
    refuse,
    understander,
)

if TYPE_CHECKING:
    from voicebot.dialog.places import Finding

app = typer.Typer(help="Write, prove, try and test dialog flows.", no_args_is_help=True)


class Form(StrEnum):
    text = "text"
    json = "json"
    sarif = "sarif"
    github = "github"


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Flows, folders or names; all shipped if none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    form: Annotated[Form, typer.Option("--format", help="text, json, sarif or github.")] = Form.text,
    locale: Locale = None,
) -> None:
    """Prove flows: every finding at once, with file, line, column, rule and remedy. Exit 1 when one is an error."""
    from voicebot.dialog import reports
    from voicebot.dialog.checking import check_flow, check_library
    from voicebot.dialog.places import FlowError, Severity

    spoken = locale_of(locale)
    found: list[Finding] = []
    started = time.monotonic()
    count = 0
    try:
        files = flow_files(paths or [])
    except FlowError as error:
        raise refuse(error.findings, spoken) from error
    for file in files:
        count += 1
        try:
            found.extend(check_flow(file, library_of(file)))
        except FlowError as error:
            found.extend(error.findings)
    if not paths:
        found.extend(check_library())
    found = list({(item.rule, item.place, item.message["en"]): item for item in found}.values())
    found.sort(key=lambda item: (item.place, item.rule))
    match Form.json if as_json else form:
        case Form.json:
            plain(json.dumps(reports.as_json(found, spoken), ensure_ascii=False))
        case Form.sarif:
            plain(json.dumps(reports.as_sarif(found, spoken), ensure_ascii=False))
        case Form.github:
            if found:
                plain(reports.as_github(found, spoken))
        case Form.text:
            for item in found:
                plain(item.text(spoken))
                for step in item.path:
                    plain(f"    {step}")
            seconds = time.monotonic() - started
            plain(
                f"{count} 个流程，{len(found)} 处要改，{seconds:.1f} 秒"
                if spoken == "zh"
                else f"{count} flows, {len(found)} findings, {seconds:.1f} s"
            )
    if any(item.severity is Severity.ERROR for item in found):
        raise typer.Exit(1)


app.command("test")(_flow_trying.run_tests)
app.command()(_flow_trying.chat)


@app.command()
def graph(
    flow: Annotated[str, typer.Argument(help="A flow's name or file.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="A file, .svg or .mmd; Mermaid to the terminal if none.")
    ] = None,
    covered: Annotated[bool, typer.Option("--coverage", help="Colour states by the tests beside the flow.")] = False,
    checked: Annotated[bool, typer.Option("--check", help="Colour states with findings.")] = False,
    locale: Locale = None,
) -> None:
    """Draw a flow's states and routes."""
    from voicebot.dialog.author_tests import read_tests
    from voicebot.dialog.checking import check_flow
    from voicebot.dialog.drawing import Colours, mermaid, svg
    from voicebot.dialog.loader import flow_path
    from voicebot.dialog.places import FlowError
    from voicebot.dialog.trying import Bench

    spoken = locale_of(locale)
    try:
        loaded, library = load_with_words(flow)
        met: set[tuple[str, str]] | None = None
        if covered:
            beside = flow_path(flow).with_name(f"{loaded.name}.test.yaml")
            tests = [item for item in read_tests(beside)] if beside.is_file() else []
            words = any(s.caller is not None and s.means is None and not s.told for t in tests for s, _ in t.steps)
            met = Bench(understander() if words else None).run(tests).coverage.met_states
        wrong = {item.place for item in check_flow(flow_path(flow), library)} if checked else set()
    except FlowError as error:
        raise refuse(error.findings, spoken) from error
    colours = Colours(met, frozenset(wrong))
    if out is None:
        plain(mermaid(loaded, colours))
        return
    if out.suffix == ".svg":
        out.write_text(svg(loaded, colours), encoding="utf-8")
    else:
        out.write_text(mermaid(loaded, colours), encoding="utf-8")
    err.print(f"{out}", markup=False)


app.command()(_flow_history.diff)
app.command()(_flow_history.replay)


@app.command()
def schema(
    what: Annotated[str, typer.Argument(help="flow, lines or test.")] = "flow",
) -> None:
    """The JSON Schema that an editor's YAML language server completes and underlines from."""
    from voicebot.dialog.author_tests import TestsFile
    from voicebot.dialog.schema import json_schema, lines_schema

    made = {"flow": json_schema, "lines": lines_schema, "test": TestsFile.model_json_schema}
    if what not in made:
        raise typer.BadParameter("flow, lines or test")
    plain(json.dumps(made[what](), ensure_ascii=False, indent=2))


@app.command()
def facts(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table of the authors' guide.")] = False,
    locale: Locale = None,
) -> None:
    """What may stand in the braces of a line and in conditions: facts of the case, computed values, slots."""
    from voicebot.dialog.vocabulary import rows, table

    spoken = locale_of(locale)
    if markdown:
        plain(table(spoken))
        return
    shown = Table(Column("name", no_wrap=True), "means", "read", "limits")
    for row in rows(spoken):
        shown.add_row(*row)
    out.print(shown)


@app.command("list")
def list_flows() -> None:
    """The shipped flows."""
    from voicebot.dialog.loader import shipped_flows

    table = Table(Column("flow", no_wrap=True), "title", "language", "direction", "pack", "version")
    for path in shipped_flows():
        loaded, _ = load_with_words(path)
        table.add_row(loaded.name, loaded.title, loaded.language, loaded.direction, loaded.policy, loaded.hash[:12])
    out.print(table)
