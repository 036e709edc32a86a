"""`voicebot flow`: write, prove, try, test, draw and compare dialog flows."""

from __future__ import annotations

import json
import locale as system_locale
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

if TYPE_CHECKING:
    from voicebot.dialog.author_tests import AuthorTest
    from voicebot.dialog.conversation import Guard, Understand
    from voicebot.dialog.flow import Flow
    from voicebot.dialog.library import Library
    from voicebot.dialog.places import Finding

app = typer.Typer(help="Write, prove, try and test dialog flows.", no_args_is_help=True)

_out = Console(soft_wrap=True)
_err = Console(stderr=True, soft_wrap=True)

UNUSABLE = 2


class Form(StrEnum):
    text = "text"
    json = "json"
    sarif = "sarif"
    github = "github"


Locale = Annotated[str | None, typer.Option("--locale", help="zh or en; taken from the system where not given.")]


def _locale(given: str | None) -> str:
    if given in ("zh", "en"):
        return given
    named = os.environ.get("LC_ALL") or os.environ.get("LANG") or (system_locale.getlocale()[0] or "")
    return "zh" if named.lower().startswith("zh") else "en"


def _plain(text: str) -> None:
    _out.print(text, markup=False, highlight=False)


def _paths(given: Sequence[Path]) -> list[Path]:
    """Flow files of the arguments: files, folders of flows, names of shipped flows; all shipped ones for none."""
    from voicebot.dialog.loader import flow_path, shipped_flows

    if not given:
        return shipped_flows()
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            found.extend(sorted(file for file in path.glob("*.yaml") if not file.name.endswith(".test.yaml")))
        else:
            found.append(flow_path(path))
    return found


def _library(path: Path) -> Library:
    from voicebot.dialog.library import load_library
    from voicebot.dialog.loader import language_of

    return load_library(language_of(path))


def _load(path: str | Path) -> tuple[Flow, Library]:
    from voicebot.dialog.loader import flow_path, load_flow

    file = flow_path(path)
    library = _library(file)
    return load_flow(file, library), library


def _refuse(findings: Sequence[Finding], spoken: str) -> typer.Exit:
    for item in findings:
        _err.print(item.text(spoken), markup=False, highlight=False)
    return typer.Exit(UNUSABLE)


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

    spoken = _locale(locale)
    found: list[Finding] = []
    started = time.monotonic()
    count = 0
    try:
        files = _paths(paths or [])
    except FlowError as error:
        raise _refuse(error.findings, spoken) from error
    for file in files:
        count += 1
        try:
            found.extend(check_flow(file, _library(file)))
        except FlowError as error:
            found.extend(error.findings)
    if not paths:
        found.extend(check_library())
    found = list({(item.rule, item.place, item.message["en"]): item for item in found}.values())
    found.sort(key=lambda item: (item.place, item.rule))
    match Form.json if as_json else form:
        case Form.json:
            _plain(json.dumps(reports.as_json(found, spoken), ensure_ascii=False))
        case Form.sarif:
            _plain(json.dumps(reports.as_sarif(found, spoken), ensure_ascii=False))
        case Form.github:
            if found:
                _plain(reports.as_github(found, spoken))
        case Form.text:
            for item in found:
                _plain(item.text(spoken))
                for step in item.path:
                    _plain(f"    {step}")
            seconds = time.monotonic() - started
            _plain(
                f"{count} 个流程，{len(found)} 处要改，{seconds:.1f} 秒"
                if spoken == "zh"
                else f"{count} flows, {len(found)} findings, {seconds:.1f} s"
            )
    if any(item.severity is Severity.ERROR for item in found):
        raise typer.Exit(1)


@app.command("test")
def run_tests(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Test files or folders; all shipped tests if none.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    guard: Annotated[bool, typer.Option("--guard", help="Every spoken line must also pass the guard.")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="List what no test has met.")] = False,
    at_least: Annotated[float, typer.Option("--at-least", help="Fail below this coverage, 0 to 1.")] = 0.0,
    locale: Locale = None,
) -> None:
    """Run conversation tests: deterministic, no network, a virtual clock. Exit 1 when one fails."""
    from voicebot.dialog.author_tests import read_tests
    from voicebot.dialog.loader import FLOWS
    from voicebot.dialog.places import FlowError
    from voicebot.dialog.trying import Bench

    spoken = _locale(locale)
    files: list[Path] = []
    for path in paths or [FLOWS]:
        files.extend(sorted(path.rglob("*.test.yaml")) if path.is_dir() else [path])
    tests: list[AuthorTest] = []
    try:
        for file in files:
            tests.extend(read_tests(file))
        if not tests:
            _err.print("没有找到测试 / no tests found: *.test.yaml", markup=False)
            raise typer.Exit(UNUSABLE)
        words = any(
            step.caller is not None and step.means is None and not step.told for t in tests for step, _ in t.steps
        )
        bench = Bench(_understand() if words else None, _guard() if guard else None)
        started = time.monotonic()
        result = bench.run(tests)
    except FlowError as error:
        raise _refuse(error.findings, spoken) from error
    seconds = time.monotonic() - started
    shares = result.coverage.share()
    if as_json:
        _plain(
            json.dumps(
                {
                    "passed": result.passed,
                    "failed": len(result.failures),
                    "coverage": shares,
                    "seconds": round(seconds, 3),
                    "failures": [
                        {
                            "test": item.test,
                            "file": item.place.file,
                            "line": item.place.line,
                            "expected": item.expected,
                            "got": item.got,
                            "transcript": list(item.transcript),
                        }
                        for item in result.failures
                    ],
                    "never_met": [
                        {"kind": kind, "name": name, "file": place.file, "line": place.line}
                        for kind, name, place in result.coverage.never()
                    ],
                },
                ensure_ascii=False,
            )
        )
    else:
        for failure in result.failures:
            _plain(failure.text())
        if coverage:
            for kind, name, place in result.coverage.never():
                _plain(f"{place}: {kind} {name}")
        rate = len(tests) / seconds if seconds else 0.0
        _plain(
            f"{result.passed} passed, {len(result.failures)} failed, {seconds:.2f} s ({rate:.0f}/s); "
            f"states {shares['states']:.1%}, routes {shares['routes']:.1%}, lines {shares['lines']:.1%}"
        )
    if result.failures or min(shares.values()) < at_least:
        raise typer.Exit(1)


def _understand() -> Understand:
    from voicebot.understanding.engine import load_understander

    engine = load_understander()
    return engine.understand


def _guard() -> Guard:
    from compliance_filters.guard import load_guard

    return lambda text, state: load_guard(state.jurisdiction).check(text, state)


def _case(path: Path | None) -> dict[str, Any]:
    from voicebot.dialog.examples import EXAMPLE_CASE
    from voicebot.dialog.places import read_yaml

    if path is None:
        return EXAMPLE_CASE
    content = read_yaml(path).content
    if not isinstance(content, dict):
        raise typer.BadParameter(f"{path} 里要写事实 / must hold facts, such as debtor: {{name: 王小样}}")
    return {str(name): value for name, value in content.items()}


@app.command()
def chat(
    flow: Annotated[str, typer.Argument(help="A flow's name or file.")],
    case: Annotated[Path | None, typer.Option(help="YAML of facts; an invented case if none.")] = None,
    clock: Annotated[datetime | None, typer.Option(help="Pinned clock of the call.")] = None,
    elderly: Annotated[bool, typer.Option(help="Speak as to an elderly caller.")] = False,
    locale: Locale = None,
) -> None:
    """Talk to a flow in text. /key 12, /silence, /hangup, /agent no_answer, /undo, /why, /slots, /save FILE, /quit."""
    from voicebot.dialog.chatting import Chat
    from voicebot.dialog.facts import FactError, Facts
    from voicebot.dialog.machine import Machine
    from voicebot.dialog.places import FlowError
    from voicebot.dialog.profile import Profile

    spoken = _locale(locale)
    try:
        loaded, library = _load(flow)
        facts = Facts.of(_case(case))
        machine = Machine(loaded, library, facts, profile=Profile(elderly=elderly) if elderly else None)
    except FlowError as error:
        raise _refuse(error.findings, spoken) from error
    except FactError as error:
        _err.print(str(error), markup=False)
        raise typer.Exit(UNUSABLE) from error
    now = (clock or datetime.now(UTC)).astimezone()
    talk = Chat(machine, now, _understand(), _guard(), _case(case))
    for line in talk.begin():
        _plain(line)
    while not talk.done:
        try:
            words = _out.input("[bold]你 > [/bold]")
        except (EOFError, KeyboardInterrupt):
            break
        for line in talk.hear(words):
            _plain(line)


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

    spoken = _locale(locale)
    try:
        loaded, library = _load(flow)
        met: set[tuple[str, str]] | None = None
        if covered:
            beside = flow_path(flow).with_name(f"{loaded.name}.test.yaml")
            tests = [item for item in read_tests(beside)] if beside.is_file() else []
            words = any(s.caller is not None and s.means is None and not s.told for t in tests for s, _ in t.steps)
            met = Bench(_understand() if words else None).run(tests).coverage.met_states
        wrong = {item.place for item in check_flow(flow_path(flow), library)} if checked else set()
    except FlowError as error:
        raise _refuse(error.findings, spoken) from error
    colours = Colours(met, frozenset(wrong))
    if out is None:
        _plain(mermaid(loaded, colours))
        return
    if out.suffix == ".svg":
        out.write_text(svg(loaded, colours), encoding="utf-8")
    else:
        out.write_text(mermaid(loaded, colours), encoding="utf-8")
    _err.print(f"{out}", markup=False)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The flow as it was.")],
    new: Annotated[Path, typer.Argument(help="The flow as it is.")],
    locale: Locale = None,
) -> None:
    """What a change does: states and routes added, gone or leading elsewhere, lines said differently."""
    from voicebot.dialog.comparing import differences
    from voicebot.dialog.places import FlowError

    try:
        before, old_library = _load(old)
        after, new_library = _load(new)
    except FlowError as error:
        raise _refuse(error.findings, _locale(locale)) from error
    table = Table("", "what", "before", "after")
    rows = differences(before, old_library, after, new_library)
    for row in rows:
        table.add_row(row.kind, escape(row.name), escape(row.before), escape(row.after))
    _out.print(table) if rows else _plain("no difference")


@app.command()
def replay(
    timelines: Annotated[list[Path], typer.Argument(help="Recorded call timelines, JSON Lines.")],
    flow: Annotated[str, typer.Option("--flow", help="The flow to replay them through.")],
    case: Annotated[Path | None, typer.Option(help="YAML of facts for calls that carry none.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    locale: Locale = None,
) -> None:
    """Recorded calls through a changed flow: which would now go another way, say something else, or trip the guard."""
    from voicebot.dialog.facts import FactError, Facts
    from voicebot.dialog.places import FlowError
    from voicebot.dialog.replaying import TimelineError, read_timeline, replayed

    try:
        loaded, library = _load(flow)
        facts = Facts.of(_case(case))
    except FlowError as error:
        raise _refuse(error.findings, _locale(locale)) from error
    except FactError as error:
        _err.print(str(error), markup=False)
        raise typer.Exit(UNUSABLE) from error
    understand, guard = _understand(), _guard()
    rows: list[dict[str, Any]] = []
    for file in timelines:
        try:
            changes = replayed(read_timeline(file), loaded, library, facts, understand, guard)
        except TimelineError as error:
            _err.print(f"{error}", markup=False)
            raise typer.Exit(UNUSABLE) from error
        rows.append({"timeline": str(file), "changes": [change.as_dict() for change in changes]})
    if as_json:
        _plain(json.dumps({"calls": rows}, ensure_ascii=False))
        return
    for row in rows:
        _plain(f"{row['timeline']}: {len(row['changes'])}")
        for change in row["changes"]:
            _plain(f"    {change['at']}: {change['what']}: {change['before']} → {change['after']}")


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
    _plain(json.dumps(made[what](), ensure_ascii=False, indent=2))


@app.command("list")
def list_flows() -> None:
    """The shipped flows."""
    from voicebot.dialog.loader import shipped_flows

    table = Table(Column("flow", no_wrap=True), "title", "language", "direction", "pack", "version")
    for path in shipped_flows():
        loaded, _ = _load(path)
        table.add_row(loaded.name, loaded.title, loaded.language, loaded.direction, loaded.policy, loaded.hash[:12])
    _out.print(table)
