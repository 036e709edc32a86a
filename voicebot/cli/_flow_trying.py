"""`voicebot flow test` and `voicebot flow chat`: conversations with a flow, written down or typed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicebot.cli._flow_files import (
    UNUSABLE,
    Locale,
    case_of,
    err,
    guarding,
    load_with_words,
    locale_of,
    out,
    plain,
    refuse,
    test_files,
    understander,
)

if TYPE_CHECKING:
    from voicebot.dialog.author_tests import AuthorTest


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

    spoken = locale_of(locale)
    tests: list[AuthorTest] = []
    try:
        for file in test_files(paths or [FLOWS]):
            tests.extend(read_tests(file))
        words = any(
            step.caller is not None and step.means is None and not step.told for t in tests for step, _ in t.steps
        )
        bench = Bench(understander() if words else None, guarding() if guard else None)
        started = time.monotonic()
        result = bench.run(tests)
    except FlowError as error:
        raise refuse(error.findings, spoken) from error
    seconds = time.monotonic() - started
    shares = result.coverage.share()
    if as_json:
        plain(
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
            plain(failure.text())
        if coverage:
            for kind, name, place in result.coverage.never():
                plain(f"{place}: {kind} {name}")
        rate = len(tests) / seconds if seconds else 0.0
        plain(
            f"{result.passed} passed, {len(result.failures)} failed, {seconds:.2f} s ({rate:.0f}/s); "
            f"states {shares['states']:.1%}, routes {shares['routes']:.1%}, lines {shares['lines']:.1%}"
        )
    if result.failures or min(shares.values()) < at_least:
        raise typer.Exit(1)


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

    spoken = locale_of(locale)
    try:
        loaded, library = load_with_words(flow)
        facts = Facts.of(case_of(case))
        machine = Machine(loaded, library, facts, profile=Profile(elderly=elderly) if elderly else None)
    except FlowError as error:
        raise refuse(error.findings, spoken) from error
    except FactError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(UNUSABLE) from error
    now = (clock or datetime.now(UTC)).astimezone()
    talk = Chat(machine, now, understander(), guarding(), case_of(case), spoken)
    for line in talk.begin():
        plain(line)
    while not talk.done:
        try:
            words = out.input("[bold]你 > [/bold]" if spoken == "zh" else "[bold]you > [/bold]")
        except (EOFError, KeyboardInterrupt):
            break
        for line in talk.hear(words):
            plain(line)
