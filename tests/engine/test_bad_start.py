"""What keeps `voicebot serve` from starting is said in one sentence: what, where, and how to mend it. No traceback."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recordings.cipher import KeyRing
from tests.engine.people import PitchSpeech
from voicebot import app
from voicebot.cli import app as commands
from voicebot.demo.telephones import free_port

Fails = Callable[..., str]


@pytest.fixture
def fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fails]:
    """Runs `voicebot serve` on a configuration; gives what it said on its way out."""
    for name in list(os.environ):
        if name.startswith("VOICEBOT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def run(text: str) -> str:
        file = tmp_path / "voicebot.toml"
        file.write_text(text, encoding="utf-8")
        result: Result = CliRunner().invoke(commands, ["serve", "--config", str(file)])
        assert result.exit_code in (1, 2), result.output
        assert "Traceback" not in result.output
        return result.output + result.stderr

    yield run
    root.handlers[:] = before[0]
    root.setLevel(before[1])


@pytest.fixture
def speaks(monkeypatch: pytest.MonkeyPatch) -> list[PitchSpeech]:
    """Speech that needs no model: for starts that fail further on."""
    made: list[PitchSpeech] = []

    async def load(settings: object, language: str) -> PitchSpeech:
        made.append(PitchSpeech())
        return made[-1]

    monkeypatch.setattr(app.SharedSpeech, "load", load)
    return made


def sip(port: int) -> str:
    rtp = free_port(span=8)
    return f"[sip]\nport = {port}\nrtp_port_first = {rtp}\nrtp_port_last = {rtp + 7}\nmax_calls = 4\n"


def test_missing_models_are_named_with_the_command_that_brings_them(fails: Fails, tmp_path: Path) -> None:
    said = fails(f'{sip(free_port())}[speech]\nmodel_directory = "{tmp_path}/none"\n')
    assert "voicebot models pull" in said
    assert str(tmp_path / "none") in said or "whisper" in said or "silero" in said


def test_a_taken_sip_port_is_named_with_who_to_ask(fails: Fails, speaks: list[PitchSpeech]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        said = fails(f"{sip(port)}[http]\nport = 0\n")
    assert f"127.0.0.1:{port}" in said
    assert "set another port" in said
    assert speaks[0].closed, "what had been opened was left open"


def test_a_taken_http_port_is_named_with_the_key_to_change(fails: Fails, speaks: list[PitchSpeech]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = fails(f"{sip(free_port())}[http]\nport = {port}\n")
    assert f"127.0.0.1:{port}" in said
    assert "http.port" in said
    assert speaks[0].closed, "what had been opened was left open"


def test_a_lost_key_file_is_not_silently_replaced(fails: Fails, tmp_path: Path) -> None:
    keys = tmp_path / "voicebot-data" / "keys.json"
    keys.parent.mkdir()
    KeyRing.load_or_create(keys)
    (tmp_path / "voicebot-data" / "voicebot.db").write_bytes(b"")
    keys.unlink()
    said = fails(sip(free_port()))
    assert str(keys) in said
    assert "backup" in said
    assert not keys.exists()


def test_a_certificate_that_is_none_is_named(fails: Fails, speaks: list[PitchSpeech], tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    said = fails(f'{sip(free_port())}[http]\nport = 0\ntls_certificate = "cert.pem"\ntls_key = "cert.pem"\n')
    assert str(tmp_path / "cert.pem") in said
    assert "http.tls_certificate" in said


def test_a_database_that_is_away_is_named_without_its_password(fails: Fails) -> None:
    port = free_port()
    said = fails(f'database_url = "postgresql://user:hunter2@127.0.0.1:{port}/none"\n{sip(free_port())}')
    assert f"127.0.0.1:{port}" in said
    assert "hunter2" not in said


def test_no_way_in_at_all_is_named(fails: Fails) -> None:
    assert "sip.enabled" in fails("[sip]\nenabled = false\n")
