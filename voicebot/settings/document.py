"""The configuration written out: the commented file of `config init` and the table of the documentation."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from voicebot.settings.carriers import SipTrunk
from voicebot.settings.model import PREFIX, Settings

_WIDTH = 100


@dataclass(frozen=True)
class Key:
    """One key of the configuration, as documentation shows it."""

    section: str
    """Table in the file, empty for the top."""
    name: str
    default: str | None
    """As TOML, None when the key has no default value."""
    description: str

    @property
    def variable(self) -> str:
        """Name in the environment."""
        return PREFIX + "__".join(part for part in (*self.section.split("."), self.name) if part).upper()


def keys() -> Iterator[Key]:
    """Every key in the order of the file; the keys of a trunk stand as `sip.trunks`."""
    yield from _tables(Settings, "")


def _tables(model: type[BaseModel], section: str) -> Iterator[Key]:
    yield from _keys(model, section)
    if section == "sip":
        yield from _keys(SipTrunk, "sip.trunks")
    for name, info in model.model_fields.items():
        if inner := _section(info):
            yield from _tables(inner, f"{section}.{name}" if section else name)


def default_file() -> str:
    """The text of a complete `voicebot.toml`: every default with its meaning as a comment."""
    out = [
        "# Configuration of the voice engine. Every key is shown with its default; a key behind # is not set.",
        f"# The environment stands over this file: {PREFIX}SIP__PORT=5070. Check it with `voicebot config check`.",
        "",
    ]
    current = ""
    for key in keys():
        if key.section != current:
            current = key.section
            out += ["", *_heading(current)]
        out += _comment(key.description)
        prefix = "# " if current == "sip.trunks" else ""
        if key.default is not None:
            out.append(f"{prefix}{key.name} = {key.default}")
        else:
            out.append(f"# {key.name} =" + (' ""' if current != "sip.trunks" else ' "..."'))
        out.append("")
    return "\n".join(out).rstrip() + "\n"


def markdown_table() -> str:
    """The table of `docs/configuration.md`."""
    out: list[str] = []
    current: str | None = None
    for key in keys():
        if key.section != current:
            current = key.section
            name = (
                f"`[{current}]`"
                if current and current != "sip.trunks"
                else "`[[sip.trunks]]`"
                if current
                else "Top of the file"
            )
            out += ["", f"### {name}", ""]
            if summary := _summary(current):
                out += [summary, ""]
            out += ["| key | default | meaning |", "|---|---|---|"]
        default = f"`{key.default}`" if key.default is not None else "–"
        out.append(f"| `{key.name}` | {default} | {key.description.replace('|', chr(92) + '|')} |")
    return "\n".join(out).strip() + "\n"


def _keys(model: type[BaseModel], section: str) -> Iterator[Key]:
    for name, info in model.model_fields.items():
        if _section(info) or (section == "sip" and name == "trunks"):
            continue
        default = None if info.is_required() else info.get_default(call_default_factory=True, validated_data={})
        if isinstance(default, Path) and info.default_factory is not None:
            default = None  # depends on the machine and its user: the description says where it is
        shown = _toml(default) if default is not None else None
        yield Key(section, info.alias or name, shown, describe(model, name))


def describe(model: type[BaseModel], name: str) -> str:
    """The documentation of a key in one paragraph: the field's description, or the docstring under it."""
    text = model.model_fields[name].description or _docstrings(model).get(name) or ""
    return " ".join(text.split())


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            found[field.target.id] = following.value.value
    return found


def _section(info: FieldInfo) -> type[BaseModel] | None:
    annotation = info.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _summary(section: str) -> str | None:
    if section == "sip.trunks":
        return SipTrunk.__doc__
    model: type[BaseModel] = Settings
    for part in filter(None, section.split(".")):
        inner = _section(model.model_fields[part])
        assert inner is not None
        model = inner
    return model.__doc__ if section else None


def _heading(section: str) -> list[str]:
    if section == "sip.trunks":
        return ["# A trunk; repeat the block for each one.", "# [[sip.trunks]]"]
    return [*_comment(_summary(section) or ""), f"[{section}]"]


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH)]


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case tuple() | list():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
        case Path():
            return json.dumps(value.as_posix(), ensure_ascii=False)
        case SecretStr():
            return '""'
        case _:
            return json.dumps(str(value), ensure_ascii=False)
