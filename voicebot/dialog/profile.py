"""How this caller is spoken to: nothing of it depends on a protected attribute, only on what was asked for or said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Manner of speaking, fixed when the call begins; what the caller says may change it during the call."""

    elderly: bool = False
    """Shorter sentences, slower: for those of 60 and above, and for anyone who asks."""
    dialect: str | None = None
    """cantonese or sichuan: lines with a variant in it use that; None speaks the plain line."""
    register: str = "neutral"
    """gentle, neutral or firm: which of several wordings of a line is taken."""
    seed: str = ""
    """Chooses among weighted wordings; the call's id, so that a replay says the same."""
