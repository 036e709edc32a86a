"""What the engine writes to its log: one line a record, personal data masked, secrets never."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from compliance_filters.masking import MaskingFilter

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PERSONAL = frozenset({"number", "text", "amount", "person", "caller", "words", "digits", "to", "from_number"})
_SECRET = frozenset({"secret", "password", "token", "auth_token"})


def set_up_logging(level: str, form: str, on_secret: Callable[[str, str], None] = lambda message, secret: None) -> None:
    """Sends the log to standard error as text or JSON.

    `on_secret` gets the message and the secret of a record that carries one: the only place where it is shown.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())

    def show_secret(record: logging.LogRecord) -> bool:
        secret = getattr(record, "secret", None)
        if isinstance(secret, str):
            on_secret(record.getMessage(), secret)
        return True

    handler.addFilter(show_secret)
    handler.addFilter(MaskingFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiosqlite", "alembic", "asyncio", "numba", "sqlalchemy.engine"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """The record's own fields, with personal data and secrets as stars."""
    found: dict[str, Any] = {}
    for key, value in vars(record).items():
        if key in _KNOWN or key.startswith("_"):
            continue
        found[key] = "***" if key in _SECRET | _PERSONAL and value is not None else value
    return found


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        value: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **fields(record),
        }
        if record.exc_info:
            value["trace"] = self.formatException(record.exc_info)
        return json.dumps(value, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """One line for a person, fields behind the message."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        rest = "".join(f" {key}={value}" for key, value in fields(record).items())
        line = f"{at} {record.levelname.lower():7} {record.name}: {record.getMessage()}{rest}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
