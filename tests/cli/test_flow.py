"""`voicebot flow check` and `voicebot flow test` do not take nothing for all well: where nothing lies, they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from voicebot.cli.flow import app

FLOW = "flow: {name}\ntitle: 语音信箱\nstart: a\nstates:\n  a: {{end: voicemail}}\n"


@pytest.mark.parametrize(
    ("locale", "what", "remedy"),
    [("zh", "这个文件夹里没有流程", "检查路径"), ("en", "there is no flow in this folder", "Check the path")],
)
def test_check_refuses_a_folder_without_flows(tmp_path: Path, locale: str, what: str, remedy: str) -> None:
    (tmp_path / "only.test.yaml").write_text("flow: only\n", encoding="utf-8")
    made = CliRunner().invoke(app, ["check", str(tmp_path), "--locale", locale])
    assert made.exit_code == 2
    assert made.stdout == ""
    assert made.stderr.startswith(f"{tmp_path}:1:1: [no-flows] {what}")
    assert remedy in made.stderr


def test_check_names_the_folder_that_was_meant(tmp_path: Path) -> None:
    inner = tmp_path / "own" / "dialog_flows"
    inner.mkdir(parents=True)
    (inner / "mine.yaml").write_text(FLOW.format(name="mine"), encoding="utf-8")
    (tmp_path / "tests").mkdir()
    made = CliRunner().invoke(app, ["check", str(tmp_path), "--locale", "en"])
    assert made.exit_code == 2
    assert f"There are flows in {inner}: name that." in made.stderr
    assert "1 flows" in CliRunner().invoke(app, ["check", str(inner), "--locale", "en"]).stdout


def test_check_tells_of_every_path_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    made = CliRunner().invoke(app, ["check", str(tmp_path / "one"), "no_such_flow", str(tmp_path / "two")])
    assert made.exit_code == 2
    assert [line.split(":")[0] for line in made.stderr.splitlines()] == [
        str(tmp_path / "one"),
        "no_such_flow",
        str(tmp_path / "two"),
    ]


@pytest.mark.parametrize(
    ("locale", "what"), [("zh", "没有测试"), ("en", "there is no test in this folder, nor below it")]
)
def test_test_refuses_a_folder_without_tests_beside_one_with_tests(tmp_path: Path, locale: str, what: str) -> None:
    inner = tmp_path / "mine" / "flows"
    inner.mkdir(parents=True)
    (inner / "voicemail_message.test.yaml").write_text("flow: voicemail_message\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    made = CliRunner().invoke(app, ["test", str(tmp_path / "mine"), str(tmp_path / "empty"), "--locale", locale])
    assert made.exit_code == 2
    assert made.stderr.startswith(f"{tmp_path / 'empty'}:1:1: [no-tests]")
    assert what in made.stderr
    assert made.stdout == ""


def test_test_refuses_a_file_without_tests(tmp_path: Path) -> None:
    path = tmp_path / "nothing.test.yaml"
    path.write_text("flow: voicemail_message\nclock: 2026-03-10T15:00:00+08:00\ntests: []\n", encoding="utf-8")
    made = CliRunner().invoke(app, ["test", str(path), "--locale", "en"])
    assert made.exit_code == 2
    assert made.stderr.startswith(f"{path}:3:1: [schema] tests:")
