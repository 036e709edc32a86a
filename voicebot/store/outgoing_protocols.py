"""The repositories of what goes out beside calls, as their users see them. As in `voicebot.store.protocols`, a method
that is *kept* never loses what it is given; every other one raises `StoreUnavailable` when the database is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from voicebot.store.exporting import ExportChoice, ExportKind
from voicebot.store.outgoing import (
    Delivery,
    DeliveryState,
    Event,
    FollowUp,
    Message,
    MessageHistory,
    MessagePermit,
    MessageState,
    StepResult,
    StepState,
)
from voicebot.store.records import Permission, PhoneNumber


class Events(Protocol):
    async def waiting(self, *, limit: int = 100) -> Sequence[Event]:
        """Events that nobody has dealt with, oldest first."""
        ...

    async def done(self, event_id: str) -> None:
        """Takes an event away. Who deals with one must be able to do so twice: a crash lies in between."""
        ...


class Messages(Protocol):
    async def add(self, message: Message) -> None:
        """Kept. The same key again changes nothing."""
        ...

    async def verified(self, case_id: str, number: str, *, call_id: str, at: datetime) -> None:
        """Kept. On a call over this number the debtor proved to be who they are; ignored for others' numbers."""
        ...

    async def verified_numbers(self, debtor_id: str) -> Sequence[PhoneNumber]:
        """The debtor's numbers on which they were verified, in the order in which they are tried."""
        ...

    async def get(self, message_id: str) -> Message | None: ...

    async def list(
        self, *, case_id: str | None = None, state: MessageState | None = None, limit: int = 100
    ) -> Sequence[Message]:
        """Newest first."""
        ...

    async def due(self, at: datetime, *, limit: int = 50) -> Sequence[Message]:
        """Waiting messages whose time has come and whose call is over, oldest first."""
        ...

    async def begin(
        self,
        message_id: str,
        *,
        number: str,
        text: str,
        sender: str,
        worker_id: str,
        permit: MessagePermit,
        at: datetime,
    ) -> Permission | None:
        """Marks a message as being sent, if `permit` allows; records what it said either way.

        Of several workers one gets the permission, the others None. Two messages to one debtor, or a message and a
        dial, never run their policies at the same time.
        """
        ...

    async def outlook(self, case_id: str, number: str, *, at: datetime) -> MessageHistory | None:
        """What would decide on a message of a case to a number, E.164, at that time; None where the case is gone."""
        ...

    async def settle(
        self,
        message_id: str,
        state: MessageState,
        *,
        at: datetime,
        expecting: Sequence[MessageState],
        reason: str = "",
        provider_id: str | None = None,
        due_at: datetime | None = None,
    ) -> bool:
        """Changes the state if it is one of `expecting`. Whether it was changed."""
        ...

    async def report(
        self, message_id: str, state: MessageState, *, provider_id: str, reason: str, at: datetime
    ) -> bool:
        """What the provider says became of a message; what was delivered stays delivered. Whether it was changed."""
        ...

    async def lose(self, *, before: datetime, at: datetime) -> int:
        """Gives up messages that a worker began to send before that and never settled: UNSURE. How many."""
        ...


class FollowUps(Protocol):
    async def add(self, steps: Sequence[FollowUp]) -> None:
        """Adds steps; one of a kind that the promise has already is left as it is."""
        ...

    async def due(self, at: datetime, *, only: str | None = None, limit: int = 100) -> Sequence[FollowUp]:
        """Waiting steps whose time has come, oldest first. `only` is the id of the one that is asked for."""
        ...

    async def list(
        self,
        *,
        case_id: str | None = None,
        promise_id: str | None = None,
        state: StepState | None = None,
        limit: int = 100,
    ) -> Sequence[FollowUp]:
        """Latest due first."""
        ...

    async def take(self, step: FollowUp, result: StepResult, *, at: datetime) -> bool:
        """Writes what a step comes to, in one transaction, if it still waits as it was read. Whether it was written."""
        ...

    async def hasten(self, promise_id: str, *, at: datetime) -> int:
        """Has the check of a promise, or the call about it, done now where it waits for later. How many."""
        ...

    async def drop(self, promise_id: str, outcome: str, *, at: datetime) -> int:
        """Drops the steps of a promise that still wait. How many."""
        ...


class Deliveries(Protocol):
    async def add(self, delivery: Delivery) -> None:
        """Adds a notice; one of an event that has one already is left as it is."""
        ...

    async def claim(self, at: datetime, *, lease: timedelta, limit: int = 20) -> Sequence[Delivery]:
        """Takes notices that are due, with the try counted; they are due again after `lease` if nothing is said."""
        ...

    async def delivered(self, delivery_id: str, status: int, *, at: datetime) -> None: ...

    async def failed(
        self, delivery_id: str, *, status: int | None, error: str, again_at: datetime | None, at: datetime
    ) -> None:
        """Says that a try failed; without `again_at` it was the last."""
        ...

    async def retry(self, delivery_id: str | None = None, *, at: datetime) -> int:
        """Has one notice, or every dead one, tried again from the start. How many."""
        ...

    async def list(self, *, state: DeliveryState | None = None, limit: int = 100) -> Sequence[Delivery]:
        """Newest first."""
        ...

    async def get(self, delivery_id: str) -> Delivery | None: ...

    async def counts(self) -> Mapping[DeliveryState, int]: ...


class Exports(Protocol):
    def rows(self, kind: ExportKind, choice: ExportChoice) -> AsyncIterator[Mapping[str, Any]]:
        """Every row of the choice, oldest first, a page at a time, with the columns of its kind."""
        ...
