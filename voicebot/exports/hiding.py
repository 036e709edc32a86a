"""What an export shows of personal data when nobody with the right role asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compliance_filters.masking import mask, mask_name, mask_number
from voicebot.store.exporting import ColumnKind, Columns


def hidden(row: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The row with numbers, names and words masked, and amounts left out."""
    return {name: _hide(kind, row[name]) for name, kind in columns.items()}


def _hide(kind: ColumnKind, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case ColumnKind.NUMBER:
            return mask_number(str(value))
        case ColumnKind.NAME:
            return mask_name(str(value))
        case ColumnKind.WORDS:
            return mask(str(value), amounts=True)
        case ColumnKind.AMOUNT:
            return None
        case _:
            return value
