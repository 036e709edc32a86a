"""What the commands of `voicebot flow` share: the files that are meant, the language of findings, who understands."""

from __future__ import annotations

import locale as system_locale
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from voicebot.dialog.conversation import Guard, Understand
    from voicebot.dialog.flow import Flow
    from voicebot.dialog.library import Library
    from voicebot.dialog.places import Finding

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

UNUSABLE = 2
"""Exit status for what cannot be read, against 1 for what was read and found wanting."""

Locale = Annotated[str | None, typer.Option("--locale", help="zh or en; taken from the system where not given.")]


def locale_of(given: str | None) -> str:
    if given in ("zh", "en"):
        return given
    named = os.environ.get("LC_ALL") or os.environ.get("LANG") or (system_locale.getlocale()[0] or "")
    return "zh" if named.lower().startswith("zh") else "en"


def plain(text: str) -> None:
    out.print(text, markup=False, highlight=False)


def flow_files(given: Sequence[Path]) -> list[Path]:
    """Flow files of the arguments: files, folders of flows, names of shipped flows; all shipped ones for none.

    Raises FlowError with what is wrong with every argument: no such flow, a folder without flows.
    """
    from voicebot.dialog.loader import flow_path, shipped_flows
    from voicebot.dialog.places import FlowError

    if not given:
        return shipped_flows()
    found: list[Path] = []
    wrong: list[Finding] = []
    for path in given:
        try:
            found.extend(_flows_in(path) if path.is_dir() else [flow_path(path)])
        except FlowError as error:
            wrong.extend(error.findings)
    if wrong:
        raise FlowError(tuple(wrong))
    return found


def _flows_in(folder: Path) -> list[Path]:
    from voicebot.dialog.places import FlowError, Place, finding

    if flows := _flows_directly_in(folder):
        return flows
    below = sorted({str(file.parent) for file in folder.rglob("*.yaml") if _flows_directly_in(file.parent)})
    raise FlowError(
        (
            finding(
                "no-flows",
                Place(str(folder), 1, 1),
                "这个文件夹里没有流程（只看直接放在里面的 .yaml，不往下一层找，测试文件不算）。",
                "there is no flow in this folder (only .yaml files that lie directly in it are taken, tests left out).",
                f"流程在这里，换成它：{'、'.join(below)}。" if below else "检查路径，或直接写流程的文件名。",
                f"There are flows in {', '.join(below)}: name that." if below else "Check the path, or name a file.",
            ),
        )
    )


def _flows_directly_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.yaml") if not file.name.endswith(".test.yaml"))


def test_files(given: Sequence[Path]) -> list[Path]:
    """Test files of the arguments, folders searched to the bottom. Raises FlowError for every folder without one."""
    from voicebot.dialog.places import FlowError, Place, finding

    found: list[Path] = []
    wrong: list[Finding] = []
    for path in given:
        files = sorted(path.rglob("*.test.yaml")) if path.is_dir() else [path]
        found.extend(files)
        if not files:
            wrong.append(
                finding(
                    "no-tests",
                    Place(str(path), 1, 1),
                    "这个文件夹里，连同下面各层，没有测试。",
                    "there is no test in this folder, nor below it.",
                    "检查路径；测试文件的名字以 .test.yaml 结尾。",
                    "Check the path; names of test files end in .test.yaml.",
                )
            )
    if wrong:
        raise FlowError(tuple(wrong))
    return found


def library_of(path: Path) -> Library:
    from voicebot.dialog.library import content_of, load_library
    from voicebot.dialog.loader import language_of

    return load_library(language_of(path), content_of(path))


def load_with_words(path: str | Path) -> tuple[Flow, Library]:
    from voicebot.dialog.loader import flow_path, load_flow

    file = flow_path(path)
    library = library_of(file)
    return load_flow(file, library), library


def refuse(findings: Sequence[Finding], spoken: str) -> typer.Exit:
    for item in findings:
        err.print(item.text(spoken), markup=False, highlight=False)
    return typer.Exit(UNUSABLE)


def understander() -> Understand:
    from voicebot.understanding.engine import load_understander

    engine = load_understander()
    return engine.understand


def guarding() -> Guard:
    from compliance_filters.guard import load_guard

    return lambda text, state: load_guard(state.jurisdiction).check(text, state)


def case_of(path: Path | None) -> dict[str, Any]:
    from voicebot.dialog.examples import EXAMPLE_CASE
    from voicebot.dialog.places import read_yaml

    if path is None:
        return EXAMPLE_CASE
    content = read_yaml(path).content
    if not isinstance(content, dict):
        raise typer.BadParameter(f"{path} 里要写事实 / must hold facts, such as debtor: {{name: 王小样}}")
    return {str(name): value for name, value in content.items()}
