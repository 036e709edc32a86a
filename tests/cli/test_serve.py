"""`voicebot serve`: settings reach the engine, and what a person can mend is said in a sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from telephony.carrier import CarrierUnavailable
from voicebot.settings import Settings

Invoke = Any


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Stands where the composition root is, so that no model is loaded."""
    import logging

    before = logging.getLogger().handlers[:], logging.getLogger().level
    app = ModuleType("voicebot.app")
    monkeypatch.setitem(sys.modules, "voicebot.app", app)
    yield app
    logging.getLogger().handlers[:] = before[0]
    logging.getLogger().setLevel(before[1])


def test_the_engine_gets_the_validated_settings(invoke: Invoke, folder: Path, engine: ModuleType) -> None:
    served: list[Settings] = []

    async def serve(settings: Settings) -> None:
        served.append(settings)

    engine.serve = serve  # type: ignore[attr-defined]
    (folder / "voicebot.toml").write_text("[sip]\nport = 5070\n", encoding="utf-8")
    assert invoke("serve").exit_code == 0
    assert served[0].sip.port == 5070


def test_a_broken_configuration_never_starts_the_engine(invoke: Invoke, folder: Path, engine: ModuleType) -> None:
    (folder / "voicebot.toml").write_text("[sip]\nport = 0\n", encoding="utf-8")
    refused = invoke("serve")
    assert refused.exit_code == 2
    assert "voicebot.toml:2: sip.port" in refused.stderr


@pytest.mark.parametrize(
    "error",
    [
        CarrierUnavailable("cannot listen for SIP on 127.0.0.1:5060: the port is taken; set sip.port to another one"),
        OSError(98, "cannot listen for HTTP on 127.0.0.1:8080"),
        ValueError("no carrier is enabled: set sip.enabled to true"),
    ],
)
def test_what_a_person_can_mend_is_said_without_a_traceback(
    invoke: Invoke, engine: ModuleType, error: Exception
) -> None:
    async def serve(settings: Settings) -> None:
        raise error

    engine.serve = serve  # type: ignore[attr-defined]
    failed = invoke("serve")
    assert failed.exit_code == 1
    assert str(error) in failed.stderr
    assert "Traceback" not in failed.output


def test_a_fault_of_ours_keeps_its_traceback(invoke: Invoke, engine: ModuleType) -> None:
    async def serve(settings: Settings) -> None:
        raise RuntimeError("a fault of ours")

    engine.serve = serve  # type: ignore[attr-defined]
    failed = invoke("serve")
    assert failed.exit_code == 1
    assert isinstance(failed.exception, RuntimeError)


def test_too_few_media_ports_for_the_workers_are_said(invoke: Invoke, folder: Path, engine: ModuleType) -> None:
    (folder / "voicebot.toml").write_text(
        "[sip]\nmax_calls = 10\nrtp_port_first = 20000\nrtp_port_last = 20039\n", encoding="utf-8"
    )
    failed = invoke("serve", "--workers", "4")
    assert failed.exit_code == 1
    assert "80 media ports" in failed.stderr
