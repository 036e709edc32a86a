"""Cells of a table as people and spreadsheets write them: dates, money, yes and no, lists; and what is wrong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

_SEVERAL = re.compile(r"[;；、|\n]")
_DATE = re.compile(r"^(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[ T]0{1,2}:00(?::00)?)?$")
_MOMENT = re.compile(r"^(\S+)[ T](\d{1,2}):(\d{2})(?::\d{2})?([+-]\d{2}:\d{2}|Z)?$")
_THOUSANDS = re.compile(r"^\d{1,3}(,\d{3})+(\.\d+)?$")
_YES = frozenset({"yes", "y", "true", "1", "是", "同意", "有", "设置", "生效"})
_NO = frozenset({"no", "n", "false", "0", "否", "不同意", "无", "解除", "撤销"})

Form = TypeVar("Form", bound=BaseModel)
Readers = Mapping[str, Callable[[str], object]]


@dataclass(frozen=True)
class RowFault:
    """What is wrong with one row."""

    line: int
    """In the file, from 1; 0 for what did not come from a file."""
    column: str
    """Field of what the row is read as."""
    what: str
    """What is wrong, and what is wanted."""


def typed(values: Mapping[str, str], readers: Readers, as_written: frozenset[str] = frozenset()) -> dict[str, object]:
    """Values from the text of each field; empty ones are left out, those of `as_written` keep their characters."""
    return {name: _typed(name, text, readers, as_written) for name, text in values.items() if text.strip()}


def fill(form: type[Form], values: Mapping[str, Any], line: int) -> tuple[Form | None, tuple[RowFault, ...]]:
    """A form from its values, or everything that is wrong with them."""
    given = {key: value for key, value in values.items() if value not in (None, "", ())}
    try:
        return form.model_validate(given), ()
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        faults = (_said(form, detail["loc"], detail["type"], detail["msg"]) for detail in details)
        return None, tuple(RowFault(line, column, what) for column, what in faults)


def several(text: str) -> tuple[str, ...]:
    """The parts of a cell that holds more than one."""
    return tuple(part.strip() for part in _SEVERAL.split(text) if part.strip())


def answer(text: str) -> object:
    """True, False, or the text that is neither."""
    word = text.casefold()
    return True if word in _YES else False if word in _NO else text


def money(text: str) -> str:
    """An amount without signs of currency and thousands."""
    bare = text.lstrip("¥￥$€£ ").removesuffix("元").strip()
    return bare.replace(",", "") if _THOUSANDS.match(bare) else bare


def day(text: str) -> str:
    """YYYY-MM-DD, or the text that is no date."""
    found = _DATE.match(text)
    if found is None:
        return text
    year, month, date = found[1], found[2] or found[4], found[3] or found[5]
    return f"{year}-{int(month):02d}-{int(date):02d}"


def moment(text: str) -> str:
    """YYYY-MM-DDTHH:MM with the offset that was given, or the text that is no time."""
    found = _MOMENT.match(text)
    if found is None:
        return f"{day(text)}T00:00" if _DATE.match(text) else text
    return f"{day(found[1])}T{int(found[2]):02d}:{found[3]}{found[4] or ''}"


def _typed(name: str, text: str, readers: Readers, as_written: frozenset[str]) -> object:
    # Full-width digits and letters are what a Chinese keyboard writes; names keep the characters they have.
    if name in as_written:
        return text.strip()
    plain = unicodedata.normalize("NFKC", text).strip()
    read = readers.get(name)
    return plain if read is None else read(plain)


def _said(form: type[BaseModel], location: tuple[int | str, ...], kind: str, message: str) -> tuple[str, str]:
    """Column, and what is wrong with the remedy beside it."""
    if not location:
        return (kind if kind in form.model_fields else "row"), message
    name = str(location[0])
    info = form.model_fields.get(name)
    meaning = " ".join((info.description or "").split()) if info else ""
    return name, f"{message[:1].lower()}{message[1:]}. {meaning}".strip()
