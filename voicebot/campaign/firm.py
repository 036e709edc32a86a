"""What the contact policy knows of the firm that calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self


class FirmSettings(Protocol):
    """The part of the configuration that the contact policy needs: `[compliance]`."""

    @property
    def caller_number(self) -> str | None: ...
    @property
    def registered_callers(self) -> tuple[str, ...] | None: ...
    @property
    def whitelisted_callers(self) -> tuple[str, ...]: ...
    @property
    def collects_for_others(self) -> bool | None: ...
    @property
    def debts_bought(self) -> bool | None: ...
    @property
    def conservative(self) -> bool: ...


@dataclass(frozen=True)
class FirmFacts:
    """What is true of every call that this firm makes. None is unknown, and unknown refuses."""

    registered_callers: frozenset[str] | None = None
    """Numbers registered for these calls, E.164."""
    own_caller: str | None = None
    """The number that the carrier shows when a call names none, E.164."""
    by_agency: bool | None = None
    """Whether the firm collects for other creditors."""
    assigned: bool | None = None
    """Whether its debts were bought from others."""
    conservative: bool = False
    """Whether lunch time and holidays are left alone."""
    whitelisted_callers: frozenset[str] = frozenset()
    """Numbers for which the carrier has lifted its own limits, E.164."""

    @classmethod
    def of(cls, settings: FirmSettings) -> Self:
        """The facts that a configuration states."""
        callers = settings.registered_callers
        return cls(
            registered_callers=None if callers is None else frozenset(callers),
            own_caller=settings.caller_number,
            by_agency=settings.collects_for_others,
            assigned=settings.debts_bought,
            conservative=settings.conservative,
            whitelisted_callers=frozenset(settings.whitelisted_callers),
        )
