"""What an export shows of personal data when nobody with the right role asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compliance_filters.masking import mask_name, mask_number
from voicebot.store.exporting import ColumnKind, Columns


def hidden(row: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The row with numbers and names masked, words and amounts left out."""
    return {name: _hide(kind, row[name]) for name, kind in columns.items()}


def _hide(kind: ColumnKind, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case ColumnKind.NUMBER:
            return mask_number(str(value))
        case ColumnKind.NAME:
            return mask_name(str(value))
        case ColumnKind.AMOUNT | ColumnKind.WORDS:
            # Nobody can find every name in what a person said: words are left out whole.
            return None
        case _:
            return value
