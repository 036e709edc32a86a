"""What a table of `voicebot.toml` is, and the kinds of value that stand in several of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

Port = Annotated[int, Field(ge=1, le=65535)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


def _read_secret(value: object) -> object:
    """`file:/run/secrets/name` stands for the first line of that file: a secret need not lie in the configuration."""
    if not isinstance(value, str) or not value.startswith("file:"):
        return value
    path = Path(value.removeprefix("file:"))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PydanticCustomError(
            "secret_file",
            "the file {path} that holds this secret cannot be read: {error}",
            {"path": str(path), "error": str(error)},
        ) from error
    if not lines or not lines[0].strip():
        raise PydanticCustomError("secret_file", "the file {path} that holds this secret is empty", {"path": str(path)})
    return lines[0].strip()


Secret = Annotated[SecretStr, BeforeValidator(_read_secret)]


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes, values do not change while the engine runs."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)


def plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise PydanticCustomError(
                "unique",
                "two entries are named `{name}`; every {what} needs a name of its own",
                {"what": what, "name": name},
            )
