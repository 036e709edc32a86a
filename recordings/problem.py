"""What can go wrong with a recording while its call goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ProblemKind(Enum):
    MOVED = "moved"
    """A disk refused; recording goes on in the next place (the spool, or a new file)."""
    NOWHERE = "nowhere"
    """No place takes the recording now; it is kept in memory and tried again."""
    LOST = "lost"
    """Memory ran out before a disk came back: audio or entries are gone, and the manifest says how much."""
    NOT_FINALISED = "not_finalised"
    """The call is over but its evidence is in pieces; `voicebot evidence recover` joins them once there is room."""


@dataclass(frozen=True)
class EvidenceProblem:
    """One thing that went wrong, for the operator of the machine."""

    kind: ProblemKind
    call_id: str
    place: str
    """Folder that refused."""
    message: str
    """What failed, what happens next, and how to mend it."""
    at: datetime
