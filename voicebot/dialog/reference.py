"""The reference number of a call: what a caller notes down when a complaint, a dispute or a stop was taken.

It follows from the call's id alone, so that it can be spoken before anything is stored, and whoever knows the call
knows the number: the dialog, the agent's brief, the record, a replay.
"""

from __future__ import annotations

from hashlib import sha256

DIGITS = 10
"""Nine digits and a check digit: short enough to write down while listening."""


def reference_of(call_id: str) -> str:
    """Ten digits for a call. The first is never 0, the last is the Luhn check digit (ISO/IEC 7812-1, annex B)."""
    number = int.from_bytes(sha256(call_id.encode()).digest()[:16], "big")
    body = str(10 ** (DIGITS - 2) + number % (9 * 10 ** (DIGITS - 2)))
    return body + str(-_luhn(body + "0") % 10)


def is_reference(text: str) -> bool:
    """Whether ten digits can be a reference: one digit misheard, or two neighbours swapped, is nearly always told."""
    return len(text) == DIGITS and text.isascii() and text.isdigit() and _luhn(text) % 10 == 0


def _luhn(digits: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total
