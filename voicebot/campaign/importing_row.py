"""One row of a table of cases, checked: a case, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voicebot.campaign.case_form import CaseForm
from voicebot.campaign.importing_cells import Readers, RowFault, answer, day, fill, money, several, typed
from voicebot.store.records import Case

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


def read_row(values: Mapping[str, str], line: int) -> tuple[Case | None, tuple[RowFault, ...]]:
    """A case from the text of each field, as people and spreadsheets write them."""
    return read_case(typed(values, _READERS, _AS_WRITTEN), line)


def read_case(values: Mapping[str, Any], line: int) -> tuple[Case | None, tuple[RowFault, ...]]:
    """A case from its values, or everything that is wrong with them."""
    form, faults = fill(CaseForm, values, line)
    if form is None:
        return None, faults
    try:
        return form.to_case(), ()
    except ValueError as error:
        return None, (RowFault(line, "numbers", str(error)),)


def _age_band(text: str) -> str:
    if text.isdecimal() and int(text) <= OLDEST:
        age = int(text)
        return "minor" if age < ADULT_FROM else "elderly" if age >= ELDERLY_FROM else "adult"
    return _AGE_BANDS.get(text, text.casefold())


_READERS: Readers = {
    **dict.fromkeys(("numbers", "preferred_hours"), several),
    **dict.fromkeys(("amount_due", "principal", "minimum_due"), money),
    **dict.fromkeys(("due_date", "consent_date"), day),
    **dict.fromkeys(("consent_call", "consent_robot_call", "consent_recording", "consent_sms"), answer),
    "age_band": _age_band,
    "honorific": lambda text: _HONORIFICS.get(text.casefold(), text),
}
_AS_WRITTEN = frozenset({"name", "surname", "creditor", "product"})
