"""Who is next when several callers wait for the same people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Waiting:
    """A caller who waits for an agent."""

    handoff_id: str
    skill: str
    urgent: bool
    since: datetime
    """When the caller began to wait; aware."""


def in_order(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Urgent callers first, then by how long they have waited; the id settles a tie alike on every worker."""
    return sorted(waiting, key=lambda one: (not one.urgent, one.since, one.handoff_id))


def place(handoff_id: str, waiting: Iterable[Waiting]) -> int:
    """How many callers with the same skill are served before this one. Raises KeyError when it does not wait."""
    ordered = in_order(waiting)
    own = next((one for one in ordered if one.handoff_id == handoff_id), None)
    if own is None:
        raise KeyError(handoff_id)
    return [one.handoff_id for one in ordered if one.skill == own.skill].index(handoff_id)


def turn_has_come(handoff_id: str, waiting: Iterable[Waiting], free_agents: int) -> bool:
    """Whether an agent is left for this caller after all who stand before it.

    Workers need not agree on anything more: an agent is claimed atomically, this only keeps the order fair.
    """
    return place(handoff_id, waiting) < free_agents
