"""One form for one telephone number, so that it is found again whoever wrote it."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

REGIONS = {"cn": "CN", "us": "US", "uk_eu": "GB", "hk": "HK", "tw": "TW"}
"""Region (ISO 3166) in which each jurisdiction's national numbers are read."""
_NOT_DIALLED = re.compile(r"[^0-9+]")


@lru_cache(maxsize=4096)
def e164(number: str, region: str = "CN") -> str:
    """The number in E.164; a national one is taken as of `region` (ISO 3166).

    What is no number comes back bare of blanks and marks, so that a short number is still found by itself.
    """
    text = number.strip()
    if text.lower().startswith(("sip:", "sips:", "tel:")):
        text = text.split(":", 1)[1].split("@", 1)[0].split(";", 1)[0]
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return _NOT_DIALLED.sub("", text) or text
    if not phonenumbers.is_possible_number(parsed):
        return _NOT_DIALLED.sub("", text)
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def dialable(number: str, jurisdiction: str) -> str | None:
    """The number in E.164, a national one taken as of the jurisdiction; None when it cannot be one."""
    found = e164(number, REGIONS.get(jurisdiction, "CN"))
    return found if found.startswith("+") and phonenumbers.is_possible_number(phonenumbers.parse(found)) else None
