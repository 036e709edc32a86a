"""`voicebot policy` and the imports of `voicebot case`: stopped at once, explained, and loosened by an officer only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from voicebot.cli import app

Invoke = Callable[..., Result]
CASES = "external_id,name,numbers,creditor,amount_due,due_date\na-1,王小样,13800000001,示例银行,2000,2026-11-01\n"
DAY = "2026-11-20T10:00+08:00"


@pytest.fixture
def loaded(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """A firm that says what it must, with one case."""
    monkeypatch.setenv("VOICEBOT_COMPLIANCE__CALLER_NUMBER", "+861066668888")
    monkeypatch.setenv("VOICEBOT_COMPLIANCE__REGISTERED_CALLERS", '["+861066668888"]')
    monkeypatch.setenv("VOICEBOT_COMPLIANCE__COLLECTS_FOR_OTHERS", "false")
    monkeypatch.setenv("VOICEBOT_COMPLIANCE__DEBTS_BOUGHT", "false")
    (folder / "cases.csv").write_text(CASES, encoding="utf-8")
    assert invoke("case", "import", "cases.csv").exit_code == 0
    return invoke


def explained(invoke: Invoke, at: str = DAY) -> dict[str, Any]:
    case = json.loads(invoke("case", "list", "--status", "any", "--json").stdout)["cases"][0]["id"]
    answer: dict[str, Any] = json.loads(invoke("policy", "explain", case, "--at", at, "--json").stdout)
    return answer


def refusing(answer: dict[str, Any]) -> list[str]:
    return [rule["id"] for rule in answer["rules"] if rule["verdict"] == "refuse"]


def test_the_emergency_stop_refuses_is_shown_and_lifted(loaded: Invoke) -> None:
    assert explained(loaded)["allowed"]
    assert "dialling is allowed" in loaded("policy", "status").stdout
    assert loaded("policy", "resume", "--reason", "nothing").exit_code == 1
    assert loaded("policy", "halt").exit_code == 2
    assert loaded("policy", "halt", "--reason", "投诉激增").exit_code == 0
    assert refusing(explained(loaded)) == ["CN-SUPP-01"]
    status = json.loads(loaded("policy", "status", "--json").stdout)
    assert (status["halted"], status["halts"][0]["reason"]) == (True, "投诉激增")
    assert "投诉激增" in loaded("policy", "status").stdout
    assert loaded("policy", "resume", "--reason", "原因已查明").exit_code == 0
    assert explained(loaded)["allowed"]


def test_a_table_that_is_imported_stops_the_next_call(loaded: Invoke, folder: Path) -> None:
    (folder / "flags.csv").write_text("合同号,标记,备注\na-1,争议,金额不对\na-2,争议,\n", encoding="gb18030")
    imported = loaded("case", "import-flags", "flags.csv")
    assert imported.exit_code == 1
    assert "1 loaded (1 new, 0 changed, 0 as before), 1 rejected." in imported.stdout
    assert "flags.csv:3: case: no case has the contract number" in imported.stderr
    assert refusing(explained(loaded)) == ["CN-DISP-01"]
    (folder / "lift.csv").write_text("case,flag,in_force\na-1,dispute,no\n", encoding="utf-8")
    assert loaded("case", "import-flags", "lift.csv").exit_code == 1
    assert loaded("case", "import-flags", "lift.csv", "--looser").exit_code == 0
    assert explained(loaded)["allowed"]


@pytest.mark.parametrize("of", ["payments", "flags", "numbers", "consents", "times"])
def test_every_template_can_be_imported_twice_and_changes_something_once(loaded: Invoke, folder: Path, of: str) -> None:
    table = loaded("case", "template", "--of", of).stdout.replace("contract-1", "a-1")
    (folder / "news.csv").write_text(table, encoding="utf-8")
    first = json.loads(loaded("case", f"import-{of}", "news.csv", "--json").stdout)
    again = json.loads(loaded("case", f"import-{of}", "news.csv", "--json").stdout)
    assert (first["loaded"], first["unchanged"], first["rejected"]) == (1, 0, 0)
    assert (again["loaded"], again["unchanged"], again["rejected"]) == (1, 1, 0)


def test_a_table_of_nothing_known_has_no_template(invoke: Invoke) -> None:
    assert invoke("case", "template", "--of", "wishes").exit_code == 2


def test_a_caller_number_is_reviewed(loaded: Invoke) -> None:
    until = ("--until", "2026-11-20T22:00+08:00", "--reason", "复核通过")
    assert loaded("policy", "review-caller", "+861066668888", *until).exit_code == 0
    assert loaded("policy", "review-caller", "95500", *until).exit_code == 2
    naive = loaded("policy", "review-caller", "+861066668888", "--until", "2026-11-20", "--reason", "x")
    assert "--until: 2026-11-20 has no time zone" in naive.stderr


def test_a_looser_rule_is_signed_by_an_officer_and_its_hash_kept(loaded: Invoke, folder: Path) -> None:
    def with_secret(*arguments: str, secret: str = "long enough\nlong enough\n") -> Result:
        return CliRunner().invoke(app, list(arguments), input=secret)

    made = with_secret("policy", "keygen", "li.pem", "--officer", "li")
    assert made.exit_code == 0, made.output
    assert oct((folder / "li.pem").stat().st_mode)[-3:] == "600"
    assert b"ENCRYPTED" in (folder / "li.pem").read_bytes()
    assert with_secret("policy", "keygen", "li.pem", "--officer", "li").exit_code == 1
    trusted = "\n".join(line for line in made.stdout.splitlines() if "compliance" in line)
    text = "# ours\noverrides:\n  - {pack: cn, rule: CN-OPS-01, params: {calls_per_day: 800}}  # a busy week\n"
    (folder / "overrides.yaml").write_text(text, encoding="utf-8")
    (folder / "voicebot.toml").write_text(f'[compliance]\noverrides = "overrides.yaml"\n{trusted}\n', "utf-8")
    refused = loaded("policy", "overrides")
    assert refused.exit_code == 2
    assert "CN-OPS-01: calls_per_day would be looser than the pack" in refused.stderr

    def sign(officer: str = "li", key: str = "li.pem", secret: str = "long enough\n") -> Result:
        what = ("--pack", "cn", "--rule", "CN-OPS-01", "--officer", officer, "--key", key)
        until = ("--reason", "监管函第12号", "--until", "2099-01-01T00:00+08:00")
        return with_secret("policy", "sign", "overrides.yaml", *what, *until, secret=secret)

    assert sign(secret="guessed\n").exit_code == 2
    assert sign(officer="wang").exit_code == 2
    assert with_secret("policy", "keygen", "other.pem", "--officer", "wang").exit_code == 0
    forged = sign(key="other.pem")
    assert (forged.exit_code, "not li's" in forged.stderr) == (1, True)
    assert sign().exit_code == 0
    assert "# a busy week" in (folder / "overrides.yaml").read_text(encoding="utf-8")
    listed = json.loads(loaded("policy", "overrides", "--json").stdout)
    assert listed["overrides"][0]["holds"]
    assert "li (compliance_officer)" in loaded("policy", "overrides").stdout
    later = explained(loaded, at="2027-01-04T10:00+08:00")
    assert later["overrides_hash"] == listed["hashes"]["cn"]
    assert explained(loaded, at="2026-01-05T10:00+08:00")["overrides_hash"] is None
    signed = (folder / "overrides.yaml").read_text(encoding="utf-8")
    (folder / "overrides.yaml").write_text(signed.replace("800", "8000"), encoding="utf-8")
    tampered = loaded("policy", "overrides")
    assert (tampered.exit_code, "have it signed again" in tampered.stderr) == (2, True)
