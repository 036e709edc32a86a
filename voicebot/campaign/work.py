"""What is handed over to be done once, whatever dies on the way, and what does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import Enum
from typing import Any, Protocol

Handler = Callable[..., Awaitable[str]]
"""Does a piece of work from what was handed over, and says in a word what came of it. It is called again after a crash,
and again when the row it was handed for still asks for it: it reads that row first, and does nothing twice."""


class Kind(Enum):
    """What is done durably. The names stand in the database: work under an old one is never taken up."""

    DIAL = "campaign.dial"
    """A member of a campaign is called."""
    CALLBACK = "callback.dial"
    """Somebody is called back at the time they named."""
    STEP = "promise.step"
    """A promise is reminded of, checked, or called about."""


class Work(Protocol):
    """Where work is handed over: `voicebot.campaign.durable.DurableWork`."""

    def handle(self, kind: Kind, handler: Handler) -> None:
        """Says what does a kind of work. Before the work begins: what a dead worker had in hand is taken up then."""
        ...

    async def hand(self, kind: Kind, key: str, *order: Any) -> None:
        """Writes a piece of work down, and begins it. The same key is the same piece of work, whoever hands it over.

        The key is of the row that asks for it, and of how often that row was put off. `order` is JSON values, and says
        which row: no number, name or sum, for it is kept as it is.
        """
        ...

    async def prune(self, older_than: timedelta) -> int:
        """Forgets what was over so long ago. How many pieces of work."""
        ...
