"""The log: one line a record, personal data masked, a secret shown to the terminal and to no log."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from voicebot.cli._logging import JsonFormatter, TextFormatter, set_up_logging


def record(**extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "voicebot.call", "levelno": 20, "levelname": "INFO", "msg": "answered", **extra}
    )
    made.created = 1_800_000_000.0
    return made


def test_json_has_the_fields_and_masks_what_is_personal() -> None:
    line = json.loads(
        JsonFormatter().format(record(call="c1", number="+8613800000001", text="我是王小样", amount="2000"))
    )
    assert line["message"] == "answered"
    assert line["level"] == "info"
    assert line["call"] == "c1"
    assert line["number"] == line["text"] == line["amount"] == "***"
    assert line["at"].startswith("2027-01-15T")


def test_text_is_one_line_with_the_fields_behind() -> None:
    line = TextFormatter().format(record(call="c1", number="+8613800000001"))
    assert line.endswith("info    voicebot.call: answered call=c1 number=***")


def test_a_fault_keeps_its_traceback() -> None:
    try:
        raise RuntimeError("oops")
    except RuntimeError as error:
        failed = record(exc_info=(RuntimeError, error, error.__traceback__))
    assert "RuntimeError: oops" in json.loads(JsonFormatter().format(failed))["trace"]
    assert "RuntimeError: oops" in TextFormatter().format(failed)


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    before, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = before
    logger.setLevel(level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_reaches_the_terminal_and_no_log(
    form: str, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[tuple[str, str]] = []
    set_up_logging("info", form, lambda message, secret: shown.append((message, secret)))
    logging.getLogger("voicebot.app").warning("first start", extra={"secret": "vbt_x_y"})
    logging.getLogger("voicebot.app").warning("a careless message about 13800000001")
    assert shown == [("first start", "vbt_x_y")]
    written = capsys.readouterr().err
    assert "vbt_x_y" not in written
    assert "13800000001" not in written
    assert written.count("\n") == 2
