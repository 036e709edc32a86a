"""`voicebot guard`: exit codes a script can rely on, the keys of the evaluation contract, errors with their place."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from compliance_filters import guard as guard_module
from compliance_filters import pack as pack_module
from compliance_filters import trained_models
from compliance_filters.guard import PhraseGuard
from compliance_filters.pack import RulePack, load_pack
from voicebot.cli.guard import app
from voicebot.dialog.library import load_library

runner = CliRunner()

VERIFIED = ("--state", "party=debtor", "--state", "identity_verified=true")


@functools.cache
def loaded(digest: str, name: str) -> PhraseGuard:
    return PhraseGuard(load_pack(name))


@pytest.fixture(autouse=True)
def guards_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shipped pack is loaded once for all tests here; a changed pack is built as it is."""
    shipped = {name: load_pack(name).hash for name in ("cn", "us")}

    def built(pack: RulePack) -> PhraseGuard:
        return loaded(pack.hash, pack.pack) if shipped.get(pack.pack) == pack.hash else PhraseGuard(pack)

    monkeypatch.setattr(guard_module, "PhraseGuard", built)


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = runner.invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def answer(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(*arguments, "--json")
    return code, json.loads(out)


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    path = tmp_path / "sentences.yaml"
    path.write_text(
        """base_context:
  party: debtor
  identity_verified: true
categories:
- id: insult
  positives:
  - {id: p1, text: 你这个人渣。, expected: block}
  evasive:
  - {id: e1, text: 你这个，嗯，人，渣。, variant: filler, expected: block}
  benign:
  - {id: b1, text: 您慢慢说，不着急。, expected: allow}
  - {id: b2, text: 你这个废物。, expected: allow}
context_pairs:
- id: c1
  text: 您有一笔账单逾期了。
  cases:
  - {expected: allow}
  - {expected: block, context: {party: third_party, identity_verified: false}}
mixed_turns:
- {id: m1, text: 您好。你这个人渣。, expected: 'block:insult'}
debtor_side_must_not_trigger:
- {text: 你们是不是要起诉我？}
""",
        encoding="utf-8",
    )
    return path


def test_check_exits_0_for_what_may_be_said() -> None:
    code, verdict = answer("check", "您慢慢说，不着急。", *VERIFIED)
    assert (code, verdict["action"], verdict["findings"]) == (0, "allow", [])
    assert run("check", "您慢慢说，不着急。", *VERIFIED)[1].strip() == "allow"


def test_check_exits_1_and_says_what_where_and_what_instead() -> None:
    code, verdict = answer("check", "你这个人渣。", *VERIFIED)
    assert code == 1
    assert verdict["category"] == "insult"
    assert verdict["findings"][0]["rules"]
    assert verdict["replacement"]
    assert verdict["pack_hash"] == load_pack("cn").hash
    code, out, _ = run("check", "你这个人渣。", *VERIFIED)
    assert code == 1
    assert "insult" in out
    assert "say instead" in out


def test_check_judges_by_the_state_and_the_pack() -> None:
    told = "Your account is thirty days past due."
    assert answer("check", told, "--pack", "us", *VERIFIED)[0] == 0
    code, verdict = answer("check", told, "--pack", "us", "--state", "party=third_party")
    assert (code, verdict["category"]) == (1, "third_party_disclosure")


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("--state", "party"), "write name=value"),
        (("--state", "party=martian"), "it is one of"),
        (("--state", "verified=true"), "there is no fact named 'verified'"),
        (("--state", "ledger_amount=much"), "write a number such as 1286.40"),
        (("--pack", "atlantis"), "the packs are"),
    ],
)
def test_an_unusable_question_exits_2_with_a_remedy(arguments: tuple[str, ...], remedy: str) -> None:
    code, out, err = run("check", "您好", *arguments, "--json")
    assert (code, out) == (2, "")
    assert remedy in " ".join(err.split())


def test_eval_prints_the_keys_of_the_contract(sentences: Path) -> None:
    code, report = answer("eval", sentences)
    assert code == 0
    assert report["plain"] == {"n": 1, "blocked": 1}
    assert report["evasive"] == {"n": 1, "blocked": 1}
    assert report["benign"] == {"n": 2, "allowed": 1}
    assert report["pairs"] == {"n": 1, "both_right": 1}
    assert report["mixed"] == {"n": 1, "right": 1}
    assert report["debtor_side"] == {"n": 1, "silent": 1}
    assert report["per_category"]["insult"]["plain"] == {"n": 1, "right": 1}
    assert set(report["latency_ms"]) == {"p50", "p95", "p99"}
    assert [(e["id"], e["expected"]) for e in report["errors"]] == [("b2", "allow")]


def test_eval_without_json_shows_a_table_and_what_went_wrong(sentences: Path) -> None:
    code, out, err = run("eval", sentences)
    assert code == 0
    assert "insult" in out
    assert "b2: expected allow, got" in out
    assert "loading rule pack cn" in err


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("categories: [\n", 2, "this is not YAML"),
        ("version: 1\n", 1, "there is no 'categories' key"),
        ("categories:\n- id: insult\n  positives:\n  - {id: a}\n", 4, "the key 'text' is missing; add it"),
        ("categories:\n- id: insult\n  default_context: {party: martian}\n", 3, "it is one of"),
        (
            "categories:\n- id: insult\n  positives:\n  - {id: a, text: 您好, expected: maybe}\n",
            4,
            "write allow, block or block:<category>",
        ),
    ],
)
def test_an_unusable_file_exits_2_with_file_line_and_remedy(tmp_path: Path, text: str, line: int, remedy: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    code, out, err = run("eval", file, "--json")
    told = "".join(err.split())
    assert (code, out) == (2, "")
    assert f"{file}:{line}:" in told
    assert "".join(remedy.split()) in told


def test_a_file_that_is_not_there_exits_2(tmp_path: Path) -> None:
    code, _, err = run("eval", tmp_path / "gone.yaml")
    assert code == 2
    assert "does not exist" in " ".join(err.split())


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """The mainland pack, with insults ending the call."""
    folder = tmp_path / "packs"
    shutil.copytree(pack_module.PACKS, folder)
    file = folder / "cn.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == "insult:")
    at = next(i for i in range(at, len(lines)) if lines[i].strip().startswith("action:"))
    assert lines[at].strip() != "action: end"
    lines[at] = "    action: end"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_diff_exits_1_and_names_each_utterance_that_changes(tmp_path: Path, stricter: Path) -> None:
    past = tmp_path / "past.txt"
    past.write_text("您慢慢说，不着急。\n\n你这个人渣。\n", encoding="utf-8")
    code, report = answer("diff", "cn", stricter, "--texts", past)
    assert code == 1
    assert {change["where"] for change in report["changed"]} == {f"{past}:3"}
    assert {change["listener"] for change in report["changed"]} == {"the verified debtor", "somebody else"}
    assert report["changed"][0]["now"] == {"action": "end", "category": "insult"}
    assert report["n"] > 2
    assert report["old"] != report["new"]


def test_diff_shows_a_library_line_and_a_past_utterance_that_change(tmp_path: Path, stricter: Path) -> None:
    """Told to somebody else, a library line of the debt is as forbidden as the same thing said on a past call."""
    lines = stricter.read_text(encoding="utf-8").splitlines()
    at = lines.index("  third_party_disclosure:")
    at = next(i for i in range(at, len(lines)) if lines[i].strip().startswith("action:"))
    assert lines[at].strip() != "action: hand_off"
    lines[at] = "    action: hand_off"
    stricter.write_text("\n".join(lines) + "\n", encoding="utf-8")
    past = tmp_path / "past.txt"
    past.write_text("您慢慢说，不着急。\n他欠了我们银行两千多块钱，一直没还。\n", encoding="utf-8")
    code, report = answer("diff", "cn", stricter, "--texts", past)
    assert code == 1
    told = {(c["where"], c["listener"]): c["now"] for c in report["changed"]}
    owed = {"action": "hand_off", "category": "third_party_disclosure"}
    assert told[(f"{past}:2", "somebody else")] == owed
    reminders = "scripts_library/zh-CN/lines/reminder.yaml:"
    reminded = [verdict for (where, listener), verdict in told.items() if where.startswith(reminders)]
    assert reminded
    assert all(verdict == owed for verdict in reminded)
    assert {listener for _, listener in told} == {"somebody else"}, "to the debtor nothing changes"
    code, out, _ = run("diff", "cn", stricter, "--texts", past)
    assert code == 1
    assert "utterances change verdict" in out


def test_diff_compares_every_wording_of_a_library_line() -> None:
    _, report = answer("diff", "us", "us", "--state", "party=debtor")
    libraries = [load_library(language) for language in ("zh-CN", "en-US")]
    assert report["n"] == sum(len(line.texts) for library in libraries for line in library.lines.values())


def test_diff_of_a_pack_with_itself_exits_0() -> None:
    code, report = answer("diff", "us", "us")
    assert (code, report["changed"]) == (0, [])
    assert run("diff", "us", "us")[0] == 0


def test_diff_with_a_broken_pack_exits_2_with_its_place(stricter: Path) -> None:
    stricter.write_text(stricter.read_text(encoding="utf-8").replace("action: end", "action: shout"), encoding="utf-8")
    code, out, err = run("diff", "cn", stricter, "--json")
    assert (code, out) == (2, "")
    assert f"{stricter}:" in "".join(err.split())
    assert "shout" in err


def test_packs_lists_every_pack_with_its_hash() -> None:
    code, listed = answer("packs")
    assert code == 0
    assert {row["pack"] for row in listed["packs"]} == {"cn", "hk", "tw", "uk_eu", "us"}
    assert all(len(row["hash"]) == 64 and row["categories"] == 18 for row in listed["packs"])
    assert listed["broken"] == []
    assert "uk_eu" in run("packs")[1]


def test_packs_exits_2_when_one_is_broken(stricter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stricter.write_text("pack: cn\n", encoding="utf-8")
    monkeypatch.setattr(pack_module, "PACKS", stricter.parent)
    code, _, err = run("packs")
    assert code == 2
    assert "cn.yaml" in err


def test_train_leaves_current_models_and_removes_old_ones(tmp_path: Path) -> None:
    folder = tmp_path / "trained"
    shutil.copytree(trained_models.SHIPPED, folder)
    (folder / "meaning-0000000000000000-1.npz").touch()
    code, report = answer("train", "--output", folder)
    assert (code, report["trained"]) == (0, [])
    assert report["removed"] == ["meaning-0000000000000000-1.npz"]
    assert {f.name for f in folder.iterdir()} == {f.name for f in trained_models.SHIPPED.iterdir()}
    assert {model["file"] for model in report["models"]} == {f.name for f in folder.iterdir()}
