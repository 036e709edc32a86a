"""The guard's facts of a call, as the dialog changes them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from compliance_filters.verdict import CallState, Channel, Party, Speaker

_ENUMS: Mapping[str, Callable[[str], object]] = {"party": Party, "channel": Channel, "speaker": Speaker}


def changed(state: CallState, changes: Mapping[str, object]) -> CallState:
    """The call state with the dialog's changes; enumerations may come by their values.

    Raises TypeError for a name that is not a field: a guard that misses a fact would judge wrongly.
    """
    return replace(state, **{name: _typed(name, value) for name, value in changes.items()})


def _typed(name: str, value: object) -> Any:
    as_enum = _ENUMS.get(name)
    if as_enum is not None and isinstance(value, str):
        return as_enum(value)
    if name == "ledger_amount" and value is not None:
        return Decimal(str(value))
    if name == "stated_amounts" and isinstance(value, list | tuple):
        return tuple(Decimal(str(amount)) for amount in value)
    return value
