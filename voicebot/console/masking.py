"""What an operator sees of personal data: enough to follow a call, not enough to know a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compliance_filters.masking import mask, mask_name, mask_number
from voicebot.handoff.brief import mask_digits

_TEXT = frozenset({"text", "normalised_text", "heard_text", "unsaid_text", "words", "note", "why", "error"})
_NUMBERS = frozenset({"number", "to", "from", "from_number", "to_number", "caller_id"})
_AMOUNTS = frozenset({"amount", "value", "ledger_amount", "stated_amounts", "amount_due"})


def mask_text(text: str, names: Sequence[str] = ()) -> str:
    """Words with numbers, addresses and the given names as stars; four digits are enough to be hidden."""
    return mask_digits(mask(text, names=names))


def mask_data(value: Any, names: Sequence[str] = (), key: str = "") -> Any:
    """JSON values of a timeline entry with personal data masked, by the name of the field they stand in."""
    if isinstance(value, Mapping):
        return {name: mask_data(inner, names, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask_data(inner, names, key) for inner in value]
    return value if value is None or isinstance(value, bool) else _mask_value(value, names, key)


def _mask_value(value: Any, names: Sequence[str], key: str) -> Any:
    if key in _TEXT and isinstance(value, str):
        return mask_text(value, names)
    masks: dict[str, str] = {"digits": "*" * len(str(value)), "name": mask_name(str(value))}
    if key in masks:
        return masks[key]
    if key in _NUMBERS and isinstance(value, str):  # a line's own number is an integer
        return mask_number(value)
    return "***" if key in _AMOUNTS else value
