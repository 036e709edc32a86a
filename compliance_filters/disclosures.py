"""Statements a caller must have heard: who calls, that a machine speaks, that the call is recorded.

What counts is audio played to the caller, not text generated. The tracker is told what was heard and for how long the
bot has been heard; it answers what is still owed and what came too late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from pydantic import BaseModel, ConfigDict, Field


class Owed(Enum):
    """To whom a statement is owed."""

    EVERYONE = "everyone"
    """From the first words to whoever picked up."""
    RIGHT_PARTY = "right_party"
    """Once the debtor is verified, and never to anybody else."""


class Missed(Enum):
    """What a missed deadline comes to."""

    RECOVER = "recover"
    """The flow must say it before anything else."""
    END = "end"
    """The call must end."""


class Disclosure(BaseModel):
    """A required statement of a rule pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """The word in a line's `discloses` tag: ai, recording, identity, mini_miranda."""
    rules: tuple[str, ...] = Field(min_length=1)
    owed_to: Owed = Owed.EVERYONE
    within_played_seconds: float = Field(gt=0)
    """Seconds of bot audio the caller may have heard before the statement was complete, counted from when it is
    owed."""
    if_missed: Missed = Missed.RECOVER
    wording: dict[str, str] = Field(default_factory=dict)
    """Approved wording by language tag, for a flow that must recover."""


class DisclosureStatus(Enum):
    PENDING = "pending"
    MADE = "made"
    LATE = "late"
    """Said in the end, but after its deadline."""
    MISSED = "missed"


@dataclass(frozen=True)
class DisclosureChange:
    """One statement that was made or missed just now."""

    disclosure: Disclosure
    status: DisclosureStatus
    played_seconds: float
    """Bot audio heard by the caller when it was noticed."""


class DisclosureTracker:
    """Follows the required statements of one call. Pure: it knows only what it is told."""

    def __init__(self, required: Iterable[Disclosure]) -> None:
        self._required = {d.id: d for d in required}
        self._status = dict.fromkeys(self._required, DisclosureStatus.PENDING)
        self._owed_since: dict[str, float] = {d.id: 0.0 for d in self._required.values() if d.owed_to is Owed.EVERYONE}
        self._played = 0.0

    @property
    def played_seconds(self) -> float:
        return self._played

    def status(self, disclosure_id: str) -> DisclosureStatus:
        return self._status[disclosure_id]

    def right_party(self) -> None:
        """The debtor was verified: what is owed to the right party is owed from here on."""
        for d in self._required.values():
            self._owed_since.setdefault(d.id, self._played)

    def heard(self, seconds: float, discloses: Iterable[str] = (), complete: bool = False) -> list[DisclosureChange]:
        """Bot audio of `seconds` was played; a line that discloses counts only when it was heard to its end.

        Returns what was made or missed by it. Unknown ids in `discloses` are other rooms' tags and are ignored.
        """
        self._played += max(0.0, seconds)
        changes = []
        if complete:
            for name in discloses:
                if name in self._required and self._status[name] in {DisclosureStatus.PENDING, DisclosureStatus.MISSED}:
                    late = self._status[name] is DisclosureStatus.MISSED or self._overdue(name)
                    self._status[name] = DisclosureStatus.LATE if late else DisclosureStatus.MADE
                    changes.append(DisclosureChange(self._required[name], self._status[name], self._played))
        for name, status in self._status.items():
            if status is DisclosureStatus.PENDING and self._overdue(name):
                self._status[name] = DisclosureStatus.MISSED
                changes.append(DisclosureChange(self._required[name], DisclosureStatus.MISSED, self._played))
        return changes

    def owed(self) -> tuple[Disclosure, ...]:
        """What must still be said, soonest deadline first; missed ones come before all."""
        open_ = [
            d
            for d in self._required.values()
            if d.id in self._owed_since and self._status[d.id] in {DisclosureStatus.PENDING, DisclosureStatus.MISSED}
        ]
        return tuple(sorted(open_, key=lambda d: self._owed_since[d.id] + d.within_played_seconds - self._played))

    def must_end(self) -> bool:
        """True when a statement was missed whose rule ends the call."""
        return any(
            self._status[d.id] is DisclosureStatus.MISSED and d.if_missed is Missed.END for d in self._required.values()
        )

    def _overdue(self, name: str) -> bool:
        since = self._owed_since.get(name)
        return since is not None and self._played - since > self._required[name].within_played_seconds
