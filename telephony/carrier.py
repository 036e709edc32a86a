"""What a carrier and one of its calls look like to the rest of the engine.

A new carrier is a `Carrier` with a `CallLeg` and a `MediaPort`; nothing else of the engine changes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from telephony.media import MediaPort


class Direction(Enum):
    """Who began the call."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Cause(Enum):
    """Why a call ended or was never established. SIP codes are RFC 3261 section 21."""

    NORMAL = "normal"
    """An established call was ended by one of the two sides in the ordinary way (BYE)."""
    BUSY = "busy"
    """486, 600, Twilio `busy`."""
    DECLINED = "declined"
    """603, 403: the person or their network refused."""
    NO_ANSWER = "no_answer"
    """Rang until `ring_seconds` ran out, or 408, 480 after ringing, 487 after our CANCEL."""
    CANCELLED = "cancelled"
    """The caller gave up before the call was answered (CANCEL)."""
    UNAVAILABLE = "unavailable"
    """480 without ringing: switched off or out of coverage."""
    NOT_FOUND = "not_found"
    """404, 410, 484, 604: an empty or wrong number."""
    REFUSED_BY_TRUNK = "refused_by_trunk"
    """401, 407 after credentials, 402: the trunk does not let us dial."""
    NETWORK_ERROR = "network_error"
    """5xx, time-out without any answer, or media lost."""
    OVERLOADED = "overloaded"
    """Our own limit on concurrent calls, or 503."""


class DialFailed(Exception):
    """An outbound call was not established.

    `cause` is typed; `status` is the carrier's own code (SIP status, Twilio error) or None; `reason` is its text.
    """

    def __init__(self, cause: Cause, status: int | None = None, reason: str = "") -> None:
        super().__init__(f"{cause.value} ({status or 'no status'} {reason})".strip())
        self.cause = cause
        self.status = status
        self.reason = reason


class TransferFailed(Exception):
    """The far end did not accept a REFER; the call itself goes on."""

    def __init__(self, status: int | None, reason: str = "") -> None:
        super().__init__(f"transfer refused ({status or 'no status'} {reason})")
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class DialRequest:
    """One number to be dialled once."""

    to: str
    """Number in E.164, or a SIP URI."""
    caller_id: str | None = None
    """Number shown to the person called, E.164; None takes the trunk's own."""
    ring_seconds: float = 40.0
    """Seconds of ringing after which the attempt is given up with `Cause.NO_ANSWER`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Extra SIP headers or stream parameters, such as X-Attempt-Id."""


class CallLeg(Protocol):
    """One call on one carrier, from ringing to its end."""

    id: str
    """Unique on this carrier: the SIP Call-ID or the Twilio call SID."""
    direction: Direction
    from_number: str | None
    """Caller's number as the carrier gave it, None when withheld."""
    to_number: str
    """Number that was dialled."""
    headers: Mapping[str, str]
    """Headers or stream parameters exposed by the carrier, names in lower case."""

    @property
    def media(self) -> MediaPort:
        """The audio of an answered call. Raises RuntimeError before `answer` (inbound)."""
        ...

    async def answer(self) -> None:
        """Accepts an inbound call. Raises DialFailed with CANCELLED when the caller has already gone."""
        ...

    async def reject(self, cause: Cause = Cause.BUSY) -> None:
        """Refuses an inbound call that was not answered."""
        ...

    async def hang_up(self) -> None:
        """Ends the call, in whatever state it is. Calling it again does nothing."""
        ...

    async def transfer(self, target: str, timeout_seconds: float = 20.0) -> None:
        """Blind transfer by REFER (RFC 3515) or the provider's own way. Raises TransferFailed."""
        ...

    async def ended(self) -> Cause:
        """Waits for the call to end, and says why."""
        ...


IncomingHandler = Callable[[CallLeg], Awaitable[None]]


class Carrier(Protocol):
    """A way in and out: a SIP trunk, a Twilio account, a PBX."""

    name: str

    async def start(self) -> None:
        """Begins to listen. Raises CarrierUnavailable with the address and the remedy."""
        ...

    async def dial(self, request: DialRequest) -> CallLeg:
        """Places a call and returns when it is answered. Raises DialFailed. Cancelling the task sends CANCEL."""
        ...

    def on_incoming(self, handler: IncomingHandler) -> None:
        """Sets who is told of inbound calls. Without a handler each is refused with 486 or its like."""
        ...

    def active_calls(self) -> int:
        """Number of calls that ring or talk now."""
        ...

    async def close(self) -> None:
        """Ends every call and stops listening. Draining first is the caller's business."""
        ...


class CarrierUnavailable(Exception):
    """A carrier could not start: says which address or account, what is wrong, and how to mend it."""
