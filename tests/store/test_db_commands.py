"""`voicebot db`: brings the database up to date and says how it is, with exit codes for scripts."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    for name in [name for name in os.environ if name.startswith("VOICEBOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VOICEBOT_WORKER__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    from voicebot.cli import app

    return lambda *arguments: CliRunner().invoke(app, ["db", *arguments])


def test_from_empty_to_sound(invoke: Invoke, url: str) -> None:
    before = invoke("current", "--url", url, "--json")
    assert before.exit_code == 1
    assert json.loads(before.stdout)["current"] is None
    assert "voicebot db upgrade" in invoke("check", "--url", url).stdout
    assert invoke("upgrade", "--url", url).exit_code == 0
    assert invoke("upgrade", "--url", url).exit_code == 0
    assert invoke("current", "--url", url).exit_code == 0
    sound = invoke("check", "--url", url, "--json")
    assert (sound.exit_code, json.loads(sound.stdout)) == (0, {"sound": True, "findings": []})


def test_without_a_url_it_is_the_configurations(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("upgrade").exit_code == 0
    assert (tmp_path / "data" / "voicebot.db").exists()


def test_check_finds_changed_tables_and_a_changed_audit_log(invoke: Invoke, tmp_path: Path) -> None:
    invoke("upgrade")
    connection = sqlite3.connect(tmp_path / "data" / "voicebot.db")
    connection.execute("ALTER TABLE promise DROP COLUMN words")
    connection.execute(
        "INSERT INTO audit VALUES (1, '2026-11-20 09:30:00', 'nobody', 'x', 'y', '{}', 'z', 'not its hash')"
    )
    connection.commit()
    connection.close()
    found = invoke("check")
    assert found.exit_code == 1
    assert "words" in found.stdout
    assert "audit log is broken at entry 1" in found.stdout


def test_a_database_that_is_away_says_how_to_mend_it(invoke: Invoke, unused_tcp_port: int) -> None:
    away = invoke("upgrade", "--url", f"postgresql://me:geheim@127.0.0.1:{unused_tcp_port}/x")
    assert away.exit_code == 2
    assert "Start the database" in away.stderr
    assert "geheim" not in away.output
