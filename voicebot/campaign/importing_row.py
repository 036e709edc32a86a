"""One row of a table, checked: a case, or everything that is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from voicebot.campaign.case_form import CaseForm
from voicebot.store.records import Case

_SEVERAL = re.compile(r"[;；、|\n]")
_DATE = re.compile(r"^(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[ T]0{1,2}:00(?::00)?)?$")
_THOUSANDS = re.compile(r"^\d{1,3}(,\d{3})+(\.\d+)?$")
_YES = frozenset({"yes", "y", "true", "1", "是", "同意", "有"})
_NO = frozenset({"no", "n", "false", "0", "否", "不同意", "无"})
_AGE_BANDS = {
    "未成年": "minor",
    "成年": "adult",
    "老年": "elderly",
    "老人": "elderly",
    "未知": "unknown",
    "不详": "unknown",
}
_HONORIFICS = {
    "先生": "先生",
    "女士": "女士",
    "男": "先生",
    "女": "女士",
    "mr": "Mr",
    "mr.": "Mr",
    "ms": "Ms",
    "ms.": "Ms",
}
ADULT_FROM = 18
ELDERLY_FROM = 60
OLDEST = 130


@dataclass(frozen=True)
class RowFault:
    """What is wrong with one row."""

    line: int
    """In the file, from 1; 0 for what did not come from a file."""
    column: str
    """Field of the case."""
    what: str
    """What is wrong, and what is wanted."""


def read_row(values: Mapping[str, str], line: int) -> tuple[Case | None, tuple[RowFault, ...]]:
    """A case from the text of each field, as people and spreadsheets write them."""
    typed = {name: _typed(name, text) for name, text in values.items() if text.strip()}
    return read_case(typed, line)


def read_case(values: Mapping[str, Any], line: int) -> tuple[Case | None, tuple[RowFault, ...]]:
    """A case from its values, or everything that is wrong with them."""
    given = {key: value for key, value in values.items() if value not in (None, "", ())}
    try:
        return CaseForm.model_validate(given).to_case(), ()
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        return None, tuple(RowFault(line, *_said(detail["loc"], detail["type"], detail["msg"])) for detail in details)
    except ValueError as error:
        return None, (RowFault(line, "numbers", str(error)),)


def _said(location: tuple[int | str, ...], kind: str, message: str) -> tuple[str, str]:
    """Column, and what is wrong with the remedy beside it."""
    if not location:
        return (kind if kind in CaseForm.model_fields else "row"), message
    name = str(location[0])
    info = CaseForm.model_fields.get(name)
    meaning = " ".join((info.description or "").split()) if info else ""
    return name, f"{message[:1].lower()}{message[1:]}. {meaning}".strip()


def _typed(name: str, text: str) -> object:
    # Full-width digits and letters are what a Chinese keyboard writes; names keep the characters they have.
    if name in _AS_WRITTEN:
        return text.strip()
    plain = unicodedata.normalize("NFKC", text).strip()
    read = _READERS.get(name)
    return plain if read is None else read(plain)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _SEVERAL.split(text) if part.strip())


def _answer(text: str) -> object:
    word = text.casefold()
    return True if word in _YES else False if word in _NO else text


def _money(text: str) -> str:
    bare = text.lstrip("¥￥$€£ ").removesuffix("元").strip()
    return bare.replace(",", "") if _THOUSANDS.match(bare) else bare


def _date(text: str) -> str:
    found = _DATE.match(text)
    if found is None:
        return text
    year, month, day = found[1], found[2] or found[4], found[3] or found[5]
    return f"{year}-{int(month):02d}-{int(day):02d}"


def _age_band(text: str) -> str:
    if text.isdecimal() and int(text) <= OLDEST:
        age = int(text)
        return "minor" if age < ADULT_FROM else "elderly" if age >= ELDERLY_FROM else "adult"
    return _AGE_BANDS.get(text, text.casefold())


_READERS: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(("numbers", "preferred_hours"), _list),
    **dict.fromkeys(("amount_due", "principal", "minimum_due"), _money),
    **dict.fromkeys(("due_date", "consent_date"), _date),
    **dict.fromkeys(("consent_call", "consent_robot_call", "consent_recording", "consent_sms"), _answer),
    "age_band": _age_band,
    "honorific": lambda text: _HONORIFICS.get(text.casefold(), text),
}
_AS_WRITTEN = frozenset({"name", "surname", "creditor", "product"})
