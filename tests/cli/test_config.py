"""`voicebot config`: what init writes, check accepts; nothing is overwritten; secrets stay secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Invoke = Any


def test_what_init_writes_check_accepts_and_show_shows(invoke: Invoke, folder: Path) -> None:
    made = invoke("config", "init")
    assert made.exit_code == 0, made.output
    assert "voicebot config check" in made.stdout
    checked = invoke("config", "check", "voicebot.toml")
    assert checked.exit_code == 0, checked.output
    shown = invoke("config", "show", "--json")
    assert json.loads(shown.stdout)["sip"]["port"] == 5060


def test_init_leaves_a_file_that_exists_as_it_is(invoke: Invoke, folder: Path) -> None:
    file = folder / "voicebot.toml"
    file.write_text("[sip]\nport = 5099\n", encoding="utf-8")
    refused = invoke("config", "init")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert file.read_text(encoding="utf-8") == "[sip]\nport = 5099\n"
    assert invoke("config", "init", "--force").exit_code == 0
    assert "5099" not in file.read_text(encoding="utf-8")


def test_init_can_write_to_the_terminal(invoke: Invoke, folder: Path) -> None:
    import tomllib

    printed = invoke("config", "init", "-")
    assert tomllib.loads(printed.stdout)["call"]["limits"]["longest_call_seconds"] == 300.0
    assert list(folder.iterdir()) == []


def test_init_says_when_it_cannot_write(invoke: Invoke) -> None:
    refused = invoke("config", "init", "nowhere/voicebot.toml")
    assert refused.exit_code == 1
    assert "cannot be written" in refused.stderr


def test_check_names_file_line_key_and_remedy(invoke: Invoke, folder: Path) -> None:
    (folder / "voicebot.toml").write_text("[sip]\nprot = 1\n", encoding="utf-8")
    checked = invoke("config", "check")
    assert checked.exit_code == 1
    assert checked.stderr == "voicebot.toml:2: sip.prot: there is no such key. Did you mean `port`?\n"
    as_json = json.loads(invoke("config", "check", "--json").stdout)
    assert as_json["findings"][0]["key"] == "sip.prot"


@pytest.mark.parametrize("text", ["[sip", "port = = 1", "[sip]\nport=1\n[sip]\n"])
def test_a_file_that_cannot_be_read_is_another_exit_code(invoke: Invoke, folder: Path, text: str) -> None:
    (folder / "voicebot.toml").write_text(text, encoding="utf-8")
    assert invoke("config", "check").exit_code == 2
    assert invoke("config", "check", "missing.toml").exit_code == 2


def test_show_masks_secrets(invoke: Invoke, folder: Path) -> None:
    (folder / "voicebot.toml").write_text(
        "[[sip.trunks]]\nname='a'\nhost='h'\nuser='u'\npassword='opensesame'\n", encoding="utf-8"
    )
    for arguments in (("config", "show"), ("config", "show", "--json")):
        shown = invoke(*arguments)
        assert shown.exit_code == 0
        assert "opensesame" not in shown.output
        assert "**********" in shown.output


def test_show_with_a_broken_file_shows_the_findings(invoke: Invoke, folder: Path) -> None:
    (folder / "voicebot.toml").write_text("[sip]\nport = 'x'\n", encoding="utf-8")
    shown = invoke("config", "show")
    assert shown.exit_code == 2
    assert "sip.port" in shown.stderr
