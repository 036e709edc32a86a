"""`voicebot campaign` and `voicebot policy` on an embedded database, as an operator uses them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

Invoke = Callable[..., Result]

TABLE = "external_id,name,numbers,creditor,amount_due,due_date,risk_tier\n" + "".join(
    f"c-{n},王小样,1380000000{n},示例银行,{100 * n},2026-11-01,{'AB'[n % 2]}\n" for n in range(1, 6)
)
PLAN = """
arms: [{flow: reminder_first, weight: 2}, {flow: reminder_gentle}]
choice: {risk_tiers: [A, B], amount_from: 200}
callers: {numbers: ["+861066668888"]}
calendar: {hours: ["00:00-24:00"]}
pacing: {concurrency: 5, calls_per_second: 2}
"""


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    from voicebot.cli import app

    for name in list(os.environ):
        if name.startswith("VOICEBOT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VOICEBOT_COMPLIANCE__CALLER_NUMBER", "+861066668888")
    monkeypatch.setenv("VOICEBOT_COMPLIANCE__REGISTERED_CALLERS", '["+861066668888"]')
    monkeypatch.setenv("VOICEBOT_COMPLIANCE__COLLECTS_FOR_OTHERS", "false")
    monkeypatch.setenv("VOICEBOT_COMPLIANCE__DEBTS_BOUGHT", "false")
    (tmp_path / "cases.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    imported = run("case", "import", "cases.csv")
    assert imported.exit_code == 0, imported.output
    return run


def _json(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return answer


def test_a_campaign_is_made_looked_at_started_and_ended(invoke: Invoke) -> None:
    made = _json(invoke("campaign", "create", "november", "plan.yaml", "--json"))
    assert made["members"] == 4
    again = invoke("campaign", "create", "november", "plan.yaml")
    assert (again.exit_code, "choose another name" in again.stderr) == (1, True)
    shown = _json(invoke("campaign", "show", "november", "--json"))
    assert (shown["state"], shown["members"]) == ("draft", {"ready": 4})
    for command, state in (
        ("start", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("drain", "draining"),
        ("stop", "stopped"),
    ):
        done = invoke("campaign", command, "november", "--because", "test")
        assert done.exit_code == 0, done.output
        assert _json(invoke("campaign", "show", "november", "--json"))["state"] == state
    again = invoke("campaign", "start", "november")
    assert again.exit_code == 1
    assert "november is stopped" in again.stderr
    assert "november" in invoke("campaign", "list").stdout
    reported = _json(invoke("campaign", "report", "november", "--json"))
    assert reported["dispositions"] == {}
    arms = reported["arms"]
    assert isinstance(arms, list)
    assert sum(arm["members"] for arm in arms) == 4
    assert {arm["flow"] for arm in arms} <= {"reminder_first", "reminder_gentle"}
    assert "debtor reached" in invoke("campaign", "report", "november").stdout


def test_a_dry_run_says_what_it_would_dial_and_why_not(invoke: Invoke) -> None:
    invoke("campaign", "create", "november", "plan.yaml")
    result = _json(invoke("campaign", "dry-run", "november", "--json"))
    dials, refused = result["dials"], result["refused"]
    assert isinstance(dials, list)
    assert isinstance(refused, list)
    # By day everybody would be called, by night nobody: either way each of the four is accounted for.
    assert len(dials) + len(refused) == 4
    assert all(one["rules"] for one in refused)
    assert "1380000000" not in json.dumps(result)
    assert invoke("campaign", "dry-run", "november").exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arms: []", "arms"),
        ("- 1", "begins with `arms:`"),
        ("arms: [", "not YAML"),
        ("arms: [{flow: a}]\ncalendar: {hours: ['25:00-26:00']}", "calendar.hours"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_place(invoke: Invoke, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    refused = invoke("campaign", "create", "x", "wrong.yaml")
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_an_unknown_campaign_is_said(invoke: Invoke) -> None:
    refused = invoke("campaign", "show", "nothing")
    assert refused.exit_code == 2
    assert "campaign list" in refused.stderr


def test_the_policy_explains_day_and_night(invoke: Invoke) -> None:
    case = json.loads(invoke("case", "list", "--json").stdout)["cases"][0]["id"]
    by_day = _json(invoke("policy", "explain", case, "--at", "2026-11-20T10:00+08:00", "--json"))
    assert by_day["allowed"] is True
    by_night = _json(invoke("policy", "explain", case, "--at", "2026-11-20T22:30+08:00", "--json"))
    rules = by_night["rules"]
    assert isinstance(rules, list)
    assert {"id", "verdict", "counts", "until"} <= set(rules[0])
    assert (by_night["allowed"], by_night["next_allowed"]) == (False, "2026-11-21T00:00:00+00:00")
    assert "CN-TIME-01" in {rule["id"] for rule in rules if rule["verdict"] == "refuse"}
    assert "not allowed" in invoke("policy", "explain", case, "--at", "2026-11-20T22:30+08:00").stdout


@pytest.mark.parametrize("at", ["yesterday", "2026-11-20T10:00"])
def test_a_time_without_a_zone_is_refused(invoke: Invoke, at: str) -> None:
    case = json.loads(invoke("case", "list", "--json").stdout)["cases"][0]["id"]
    assert invoke("policy", "explain", case, "--at", at).exit_code == 2
    assert invoke("policy", "explain", "nobody").exit_code == 2
