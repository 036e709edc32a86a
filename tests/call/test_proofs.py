"""What was proven once is not proven again, unless the flow or the prover changed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from voicebot.call.proofs import RememberedProofs, prover
from voicebot.dialog import publishing
from voicebot.dialog.loader import FLOWS
from voicebot.dialog.publishing import Published, Refused, judge

NAME = "voicemail_message"
VERSION = "a" * 64


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """One flow of the operator's own."""
    folder = tmp_path / "dialog_flows"
    folder.mkdir()
    (folder / f"{NAME}.yaml").write_text((FLOWS / f"{NAME}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def one_flow(content: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others take seconds to prove."""
    path = content / "dialog_flows" / f"{NAME}.yaml"
    monkeypatch.setattr(publishing, "flow_files", lambda _: {NAME: path})


@pytest.mark.usefixtures("one_flow")
def test_a_proven_version_is_served_again_without_a_proof(
    content: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cache" / "proofs"
    first = judge(content, {}, RememberedProofs(file))[NAME]
    assert isinstance(first, Published)
    assert file.read_text() == f"{first.flow.hash}\n"
    monkeypatch.delattr(publishing, "check_loaded")
    again = judge(content, {}, RememberedProofs(file))[NAME]
    assert isinstance(again, Published)
    assert again.flow.hash == first.flow.hash


@pytest.mark.usefixtures("one_flow")
def test_what_fails_its_proof_is_never_remembered(content: Path, tmp_path: Path) -> None:
    path = content / "dialog_flows" / f"{NAME}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("voicemail.message", "common.goodbye"), encoding="utf-8")
    file = tmp_path / "proofs"
    for _ in range(2):
        verdict = judge(content, {}, RememberedProofs(file))[NAME]
        assert isinstance(verdict, Refused)
        assert "disclosures-first" in {finding.rule for finding in verdict.findings}
    assert not file.exists()


def test_two_workers_add_to_one_file(tmp_path: Path) -> None:
    file = tmp_path / "proofs"
    one, other = RememberedProofs(file), RememberedProofs(file)
    one.learn("a" * 64)
    other.learn("b" * 64)
    both = RememberedProofs(file)
    assert both.knows("a" * 64)
    assert both.knows("b" * 64)
    assert not both.knows("c" * 64)


def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "proofs"
    RememberedProofs(file).learn(VERSION)
    file.chmod(0o666)
    with caplog.at_level(logging.WARNING):
        assert not RememberedProofs(file).knows(VERSION)
    assert "not believed" in caplog.text


@pytest.mark.parametrize("rubbish", [b"\xff\x00", b"a" * 63, b"\n\n"])
def test_rubbish_proves_nothing(tmp_path: Path, rubbish: bytes) -> None:
    file = tmp_path / "proofs"
    file.write_bytes(rubbish)
    file.chmod(0o600)
    assert not RememberedProofs(file).knows(VERSION)


def test_a_place_that_cannot_be_written_costs_only_the_proofs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a file").touch()
    with caplog.at_level(logging.WARNING):
        RememberedProofs(tmp_path / "a file" / "proofs").learn(VERSION)
    assert "not remembered" in caplog.text


def test_the_prover_is_another_when_a_rule_pack_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prover()
    assert prover() == before
    read = Path.read_bytes

    def edited(path: Path) -> bytes:
        return read(path) + (b"# edited" if path.name == "cn.yaml" else b"")

    monkeypatch.setattr(Path, "read_bytes", edited)
    assert prover() != before
