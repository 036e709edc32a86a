"""Reading `voicebot.toml`, and saying what is wrong with it: file, line, key, what, how to mend it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from voicebot.settings.document import describe
from voicebot.settings.model import PREFIX, Settings

FILE_NAME = "voicebot.toml"

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_-]+|\"[^\"]*\")\s*(?:\.[^=]*)?=")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the configuration."""

    where: str
    """File and line, or the name of the environment variable."""
    key: str
    """Dotted name, such as sip.trunks.0.host; empty when the file as a whole is wrong."""
    what: str
    remedy: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.what) if part) + f". {self.remedy}"


class ConfigurationError(Exception):
    """The configuration cannot be used. `findings` holds everything that is wrong at once."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


def find_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """The file read when none is named: `$VOICEBOT_CONFIG`, else ./voicebot.toml, else /etc/voicebot/voicebot.toml."""
    named = (os.environ if environment is None else environment).get(f"{PREFIX}CONFIG")
    if named:
        return Path(named)
    for candidate in (Path(FILE_NAME), Path("/etc/voicebot") / FILE_NAME):
        if candidate.is_file():
            return candidate
    return None


def load_settings(file: Path | None = None) -> Settings:
    """Reads the file (see `find_file` when None), puts the environment over it and validates both.

    Without any file the defaults hold. Raises ConfigurationError with every finding.
    """
    path = file or find_file()
    text = _read(path) if path else ""
    values = _parse(path, text)
    findings = list(_unknown_variables())
    try:
        settings = Settings(**values)
    except ValidationError as error:
        details = sorted(error.errors(), key=lambda detail: locate(text, tuple(detail["loc"])) or 0)
        findings += [_explain(detail, path, text) for detail in details]
    except SettingsError as error:
        findings.append(
            Finding("environment", "", str(error), "Lists and tables in the environment are written as JSON.")
        )
    if findings:
        raise ConfigurationError(tuple(findings))
    base = path.resolve().parent if path else Path.cwd()
    return settings.within(base, path.resolve() if path else None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problem, remedy = "there is no such file", f"Write one with `voicebot config init {path}`."
    except UnicodeDecodeError as error:
        problem, remedy = f"not UTF-8 text ({error.reason} at byte {error.start})", "Save it as UTF-8."
    except OSError as error:
        problem, remedy = f"cannot be read: {error.strerror or error}", "Check the path and its permissions."
    raise ConfigurationError((Finding(str(path), "", problem, remedy),))


def _parse(path: Path | None, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r" \(at line (\d+), column (\d+)\)", message)
        where = f"{path}:{found[1]}:{found[2]}" if found else f"{path}:{len(text.splitlines())}"
        what = message.replace(found[0], "") if found else message
        remedy = "Text stands in double quotes, true and false in small letters, a table begins with [name]."
        raise ConfigurationError((Finding(where, "", f"not TOML: {what[:1].lower()}{what[1:]}", remedy),)) from error


def _unknown_variables() -> Iterator[Finding]:
    """A misspelt section in the environment would otherwise be ignored without a word."""
    for name in sorted(os.environ):
        section, nested, _ = name.removeprefix(PREFIX).partition("__")
        if name.startswith(PREFIX) and nested and section.lower() not in Settings.model_fields:
            yield Finding(
                name,
                section.lower(),
                "there is no such section",
                _suggest(section.lower(), list(Settings.model_fields)),
            )


def _explain(detail: ErrorDetails, path: Path | None, text: str) -> Finding:
    location = tuple(part for part in detail["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    key = ".".join(str(part) for part in location)
    what = _sentence(detail)
    field = _field(location)
    if detail["type"] == "extra_forbidden":
        remedy = _suggest(str(location[-1]), _names(location[:-1]))
    elif detail["type"] == "missing":
        remedy = f"Add `{location[-1]} = ...`: {field}" if field else f"Add `{location[-1]}`."
    else:
        remedy = f"{field}" if field else "See `voicebot config init`, which writes every key with its meaning."
    return Finding(_origin(location, path, text), key, what, remedy)


def _sentence(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "there is no such key"
    if detail["type"] == "missing":
        return "this key is missing"
    message = detail["msg"]
    message = message[:1].lower() + message[1:] if message[:2].istitle() else message
    given = detail.get("input")
    if isinstance(given, str | int | float) and not _secret(detail["loc"]):
        message += f", and {given!r} is not" if "should" in message else f" (given: {given!r})"
    return message


def _secret(location: tuple[int | str, ...]) -> bool:
    return any(
        part
        in {
            "password",
            "token",
            "auth_token",
            "secondary_auth_token",
            "api_key_secret",
            "announce_token",
            "database_url",
        }
        for part in location
    )


def _origin(location: tuple[int | str, ...], path: Path | None, text: str) -> str:
    names = [part for part in location if isinstance(part, str)]
    for length in range(len(names), 0, -1):
        variable = PREFIX + "__".join(names[:length]).upper()
        if variable in os.environ:
            return variable
    if path is None:
        return "defaults"
    line = locate(text, location)
    return f"{path}:{line}" if line else str(path)


def locate(text: str, location: tuple[int | str, ...]) -> int | None:
    """Line (from 1) on which a key stands; failing that, the nearest table or list around it."""
    table: tuple[int | str, ...] = ()
    counts: dict[str, int] = {}
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            name = header[2].replace(" ", "")
            table = tuple(name.split("."))
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                table = (*table, counts[name])
            here = table
        elif key := _KEY.match(line):
            here = (*table, key[1].strip('"'))
        else:
            continue
        if location[: len(here)] == here and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _model(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The section that a location lies in."""
    model: type[BaseModel] = Settings
    for part in location:
        if isinstance(part, int):
            continue
        info = next((info for name, info in model.model_fields.items() if part in {name, info.alias}), None)
        annotation = info.annotation if info else None
        inner = next(iter(getattr(annotation, "__args__", ())), annotation)
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return None
        model = inner
    return model


def _names(location: tuple[int | str, ...]) -> list[str]:
    model = _model(location)
    return [info.alias or name for name, info in model.model_fields.items()] if model else []


def _field(location: tuple[int | str, ...]) -> str | None:
    names = [part for part in location if isinstance(part, str)]
    model = _model(tuple(names[:-1]))
    if not names or model is None:
        return None
    name = next((name for name, info in model.model_fields.items() if names[-1] in {name, info.alias}), None)
    return describe(model, name) or None if name else None


def _suggest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(sorted(known))}."
