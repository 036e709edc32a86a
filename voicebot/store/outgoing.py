"""What goes out beside calls: messages to debtors, follow-ups of promises, notices to other systems. Plain records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from voicebot.store.campaign_records import Member
from voicebot.store.records import ContactHistory, Permission, PromiseState, new_id, utc_now


class EventKind(Enum):
    """What happened that others wait for."""

    ATTEMPT_ENDED = "attempt.ended"
    """A dial is over, answered or not; its disposition is known."""
    CALL_ENDED = "call.ended"
    """A call that came in is over."""
    PROMISE_RECORDED = "promise.recorded"
    PROMISE_SETTLED = "promise.settled"
    """A promise was kept, kept in part, broken, or taken back."""
    PAYMENT_TAKEN = "payment.taken"
    """Money came in on a case of which a promise is followed up."""


@dataclass(frozen=True)
class Event:
    """Something that happened, written in the transaction in which it did, and gone when it was dealt with."""

    kind: EventKind
    subject: str
    """Id of the attempt, the call or the promise; of the case, for a payment."""
    at: datetime
    id: str = field(default_factory=new_id)


class MessageState(Enum):
    WAITING = "waiting"
    """Not before `due_at`."""
    SENDING = "sending"
    """A worker hands it to the provider now."""
    SENT = "sent"
    """The provider took it."""
    DELIVERED = "delivered"
    """The provider says that the telephone has it."""
    OUTBOX = "outbox"
    """Written here and nowhere else: the engine has no provider. Nothing left this machine."""
    FAILED = "failed"
    REFUSED = "refused"
    """The contact policy, or the message itself, spoke against it; nothing was sent."""
    UNSURE = "unsure"
    """The worker died, or the network did, while it was being sent. It is not sent again."""
    RECEIVED = "received"
    """It came from the person."""


@dataclass(frozen=True)
class Message:
    """One short text to a debtor, or from one."""

    template: str
    """Its name in scripts_library/<language>/messages; empty for a text that came in."""
    key: str
    """The same key is one message, however often it is asked for."""
    id: str = field(default_factory=new_id)
    inbound: bool = False
    case_id: str | None = None
    debtor_id: str | None = None
    call_id: str | None = None
    """The call that asked for it: it is not sent before that call is over."""
    promise_id: str | None = None
    """The promise it speaks of."""
    plan_id: str | None = None
    """The wish for instalments it speaks of."""
    number: str | None = None
    """E.164; None takes the debtor's first number on which they were verified."""
    text: str | None = None
    """As it was sent."""
    state: MessageState = MessageState.WAITING
    reason: str = ""
    """Why it is in this state."""
    due_at: datetime = field(default_factory=utc_now)
    expires_at: datetime | None = None
    """After this it is of no use and is not sent any more."""
    tries: int = 0
    """How often it was handed to the provider."""
    sender: str | None = None
    """outbox, twilio."""
    provider_id: str | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    """What the contact policy said when it was last asked. JSON values."""
    created_at: datetime = field(default_factory=utc_now)
    claimed_by: str | None = None
    sent_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class MessageHistory:
    """What decides on a message, read in the transaction that marks it as being sent."""

    message: Message
    contact: ContactHistory
    sent: Sequence[Message]
    """Messages to this debtor of the last 31 days that were sent or may have been, newest first."""
    verified: frozenset[str]
    """Numbers, E.164, on which this debtor proved on a call to be who they are."""


MessagePermit = Callable[[MessageHistory], Permission]
"""A contact policy for messages: pure. `next_allowed` in its explanation says when to ask again."""


class StepKind(Enum):
    """What is done about a promise, in this order."""

    REMIND = "remind"
    """On the day itself."""
    CHECK = "check"
    """When the days of grace are over: kept, kept in part, or broken."""
    CALL = "call"
    """About a promise that was broken, or kept in part."""


class StepState(Enum):
    WAITING = "waiting"
    DONE = "done"
    DROPPED = "dropped"
    """There was no more need, or it must not be done; `outcome` says why."""


@dataclass(frozen=True)
class FollowUp:
    """One step after a promise. There is one of each kind for a promise."""

    promise_id: str
    case_id: str
    kind: StepKind
    due_at: datetime
    id: str = field(default_factory=new_id)
    state: StepState = StepState.WAITING
    outcome: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True)
class StepResult:
    """What a step comes to; all of it is written at once, or nothing."""

    outcome: str
    """For a person: what was done, or why not."""
    state: StepState = StepState.DONE
    again_at: datetime | None = None
    """The step waits until then; nothing else of this is written but `outcome`."""
    promise: PromiseState | None = None
    """The promise's new state, None leaves it."""
    message: Message | None = None
    """To be sent."""
    follow_ups: tuple[FollowUp, ...] = ()
    """Steps that come after it."""
    member: Member | None = None
    """The case's place in the campaign of follow-ups; it leaves the queues of all others."""
    release_from: str | None = None
    """Campaign whose queue the case leaves, because there is nothing to follow up any more."""


class DeliveryState(Enum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after the last try; a person may have it tried again."""


@dataclass(frozen=True)
class Delivery:
    """One notice to another system, as it is sent."""

    event_id: str
    """The receiver knows by it what it has seen already; the same at every try."""
    kind: str
    payload: Mapping[str, Any]
    """The body. JSON values."""
    id: str = field(default_factory=new_id)
    state: DeliveryState = DeliveryState.WAITING
    due_at: datetime = field(default_factory=utc_now)
    tries: int = 0
    last_status: int | None = None
    """HTTP status of the last try; None when no answer came."""
    last_error: str = ""
    created_at: datetime = field(default_factory=utc_now)
    ended_at: datetime | None = None
