"""Queries and answers about what leaves the engine: exported tables, notices to other systems."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from voicebot.console.schemas import Answer, Body, Page
from voicebot.store.outgoing import Delivery, DeliveryState

DeliveryStateName = Literal["waiting", "delivered", "dead"]


class ExportQuery(Body):
    campaign: str | None = None
    """Name or id of a campaign; left out, everything."""
    since: AwareDatetime | None = None
    """From this time on, such as 2026-11-20T00:00:00Z; in a query, the + of a zone is written %2B."""
    until: AwareDatetime | None = None
    """Before this time, such as 2026-11-21T00:00:00Z; in a query, the + of a zone is written %2B."""
    unmasked: bool = False
    """With personal data: for officers and administrators."""


class DeliveriesQuery(Page):
    state: DeliveryStateName | None = None
    """Only notices that wait, that were delivered, or that were given up (dead)."""


class DeliveryAnswer(Answer):
    id: str
    event: str
    """The `webhook-id` that the receiver knows it by."""
    kind: str
    state: DeliveryStateName
    tries: int
    """How often it was posted since it was written, or since it was last tried again by hand."""
    next_try_at: datetime | None
    """None once it was delivered or given up."""
    last_status: int | None
    """HTTP status of the last answer; None when there was none."""
    last_error: str
    """What failed at the last try; empty when it was taken, or not tried yet."""
    created_at: datetime
    ended_at: datetime | None
    """When it was delivered or given up."""

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryAnswer:
        waits = delivery.state is DeliveryState.WAITING
        return cls(
            id=delivery.id,
            event=delivery.event_id,
            kind=delivery.kind,
            state=delivery.state.value,
            tries=delivery.tries,
            next_try_at=delivery.due_at if waits else None,
            last_status=delivery.last_status,
            last_error=delivery.last_error,
            created_at=delivery.created_at,
            ended_at=delivery.ended_at,
        )


class DeliveryList(Answer):
    deliveries: list[DeliveryAnswer]
    """Newest first."""
    counts: dict[DeliveryStateName, int]
    """All that are kept, by state; a state without any is left out."""
