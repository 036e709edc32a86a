"""`voicebot token`, `agent` and `case` on an embedded database: what goes in comes out, mistakes are explained."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

Invoke = Any


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(invoke: Invoke) -> None:
    issued = json.loads(invoke("token", "issue", "ops", "--role", "operator", "--days", "30", "--json").stdout)
    listed = invoke("token", "list", "--json")
    assert issued["secret"] not in listed.output
    (token,) = json.loads(listed.stdout)["tokens"]
    assert (token["label"], token["roles"], token["state"]) == ("ops", ["operator"], "in force")
    assert invoke("token", "revoke", issued["id"]).exit_code == 0
    assert json.loads(invoke("token", "list", "--json").stdout)["tokens"][0]["state"] == "revoked"
    again = invoke("token", "revoke", issued["id"])
    assert again.exit_code == 1
    assert "voicebot token list" in again.stderr


def test_only_the_secret_goes_to_standard_output(invoke: Invoke) -> None:
    issued = invoke("token", "issue", "ops", "--role", "admin")
    assert issued.stdout.startswith("vbt_")
    assert len(issued.stdout.split()) == 1


def test_a_role_that_does_not_exist_is_refused(invoke: Invoke) -> None:
    refused = invoke("token", "issue", "ops", "--role", "root")
    assert refused.exit_code == 2
    assert "admin, agent, officer, operator" in refused.stderr


def test_an_agent_is_added_changed_listed_and_set_free(invoke: Invoke) -> None:
    assert "offline" in invoke("agent", "add", "lin", "sip:lin@127.0.0.1", "--skill", "complaint").stdout
    assert invoke("agent", "state", "lin", "free").exit_code == 0
    assert "free" in invoke("agent", "add", "lin", "+861066668888", "--name", "林示例").stdout
    (agent,) = json.loads(invoke("agent", "list", "--json").stdout)["agents"]
    assert agent["endpoint"] == "+861066668888"
    assert agent["name"] == "林示例"
    assert agent["skills"] == ["agent"]
    assert "林示例" in invoke("agent", "list").stdout


def test_a_new_agent_can_be_free_at_once(invoke: Invoke) -> None:
    assert "is free" in invoke("agent", "add", "lin", "sip:lin@127.0.0.1:5080", "--free").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "lin chen", "sip:a@b"),
        ("add", "lin", "13800000001"),
        ("add", "lin", "sip:"),
        ("add", "lin", "sip:a@b\nX-Evil: 1"),
        ("state", "lin", "ringing"),
        ("state", "nobody", "free"),
    ],
)
def test_agents_that_cannot_be_are_refused_with_a_remedy(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    refused = invoke("agent", *arguments)
    assert refused.exit_code in {1, 2}
    assert len(refused.stderr.splitlines()) >= 2


CASE = (
    "--name",
    "王小样",
    "--number",
    "13800000001",
    "--creditor",
    "示例银行",
    "--amount",
    "2000",
    "--due",
    "2026-11-01",
)


def test_a_case_is_added_and_listed_masked(invoke: Invoke) -> None:
    made = invoke("case", "add", *CASE, "--external-id", "c-1", "--json")
    assert made.exit_code == 0, made.output
    case_id = json.loads(made.stdout)["id"]
    assert json.loads(invoke("case", "add", *CASE, "--external-id", "c-1", "--json").stdout)["id"] == case_id
    listed = invoke("case", "list", "--json")
    (case,) = json.loads(listed.stdout)["cases"]
    assert (case["id"], case["name"]) == (case_id, "王**")
    assert "13800000001" not in listed.stdout
    assert "王**" in invoke("case", "list").stdout


def test_a_wrong_option_is_named_as_the_user_typed_it(invoke: Invoke) -> None:
    refused = invoke("case", "add", *CASE[:-3], "-5", "--due", "tomorrow")
    assert refused.exit_code == 2
    assert "--amount: " in refused.stderr
    assert "--due: " in refused.stderr


def test_the_template_can_be_imported_as_it_is(invoke: Invoke, folder: Path) -> None:
    (folder / "cases.csv").write_text(invoke("case", "template").stdout, encoding="utf-8")
    imported = invoke("case", "import", "cases.csv", "--json")
    assert imported.exit_code == 0, imported.output
    assert json.loads(imported.stdout) == {
        "loaded": 1,
        "added": 1,
        "changed": 0,
        "unchanged": 0,
        "rejected": 0,
        "faults": [],
    }
    assert json.loads(invoke("case", "list", "--json").stdout)["cases"][0]["external_id"] == "contract-1"


TABLE = """external_id,name,numbers,creditor,amount_due,due_date
a-1,王小样,13800000001;+8613800000002,示例银行,2000,2026-11-01
a-2,李示例,12,示例银行,2000,2026-11-01

a-3,"赵,示例",13800000003,示例银行,-1,1.11.2026
a-4,钱示例,13800000004,示例银行,10,2026-11-01,extra
"""


def test_good_rows_load_and_bad_rows_come_back_to_be_mended(invoke: Invoke, folder: Path) -> None:
    (folder / "cases.csv").write_text(TABLE, encoding="utf-8-sig")
    imported = invoke("case", "import", "cases.csv")
    assert imported.exit_code == 1
    assert "1 loaded (1 new, 0 changed, 0 as before), 3 rejected." in imported.stdout
    assert "cases.csv:3: numbers: " in imported.stderr
    assert "cases.csv:5: amount_due: " in imported.stderr
    assert "cases.csv:5: due_date: " in imported.stderr
    assert "cases.csv:6: row: " in imported.stderr
    rejected = folder / "cases.rejected.csv"
    with rejected.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    assert [row["external_id"] for row in rows] == ["a-2", "a-3", "a-4"]
    assert rows[1]["name"] == "赵,示例"
    assert "amount_due: " in rows[1]["fault"]
    mended = (
        rejected.read_text(encoding="utf-8-sig")
        .replace(",12,", ",13800000005,")
        .replace("-1,1.11.2026", "1,2026-11-01")
    )
    (folder / "mended.csv").write_text(mended, encoding="utf-8")
    assert invoke("case", "import", "mended.csv").exit_code == 0
    assert len(json.loads(invoke("case", "list", "--json").stdout)["cases"]) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the header lacks"),
        (b"name,numbers\n", "the header lacks amount_due, creditor, due_date, external_id"),
        (b"name,numbers,creditor,amount_due,due_date,colour\n", "unknown columns: colour"),
        (b"external_id,name,name,numbers,creditor,amount_due,due_date\n", "name comes twice"),
        ("name,颜色".encode("gb18030"), "unknown columns: 颜色"),
        (b"\xff\xfe\x00", "neither UTF-8 nor GB18030"),
        (b'external_id,name,numbers,creditor,amount_due,due_date\n"x', "not CSV"),
    ],
)
def test_a_file_that_is_no_table_of_cases_is_refused_whole(
    invoke: Invoke, folder: Path, content: bytes, said: str
) -> None:
    (folder / "cases.csv").write_bytes(content)
    refused = invoke("case", "import", "cases.csv")
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert invoke("case", "import", "missing.csv").exit_code == 2


def test_a_data_folder_that_cannot_be_made_is_said(invoke: Invoke, folder: Path) -> None:
    (folder / "voicebot-data").write_text("a file", encoding="utf-8")
    refused = invoke("token", "list")
    assert refused.exit_code == 1
    assert "worker.data_dir" in refused.stderr
