"""Delivers notices: at least once, in any order, again after longer and longer waits, and given up in the end.

A notice is claimed for a while before it is sent. A worker that dies in between lets the claim run out, and the notice
goes out again under the same id, by which the receiver knows it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType

import aiohttp

from recordings.canonical import canonical
from voicebot.store.errors import StoreUnavailable
from voicebot.store.outgoing import Delivery
from voicebot.store.outgoing_protocols import Deliveries
from voicebot.webhooks.signing import sign

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks."""
WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
)
"""After the first try that failed, the second, and so on; after the last of them it is given up."""
_LATER = 0.2
"""Share by which a wait is longer at random, so that a receiver that comes back is not met by everything at once."""
_AT_ONCE = 8
_LONGEST_ADVICE = timedelta(hours=24)
_MOVED = range(300, 400)


@dataclass(frozen=True)
class Receiver:
    """Where notices go."""

    url: str
    keys: tuple[bytes, ...] = field(repr=False)
    """Of the secret in force, and of the one before it while it is being changed."""
    seconds: float = 10.0
    """Longest that one request may take."""


@dataclass(frozen=True)
class Answer:
    """What came of one request."""

    status: int | None
    """HTTP status, None when no answer came."""
    error: str = ""
    """What failed; empty when it was taken."""
    wait: timedelta | None = None
    """How long the receiver asked to be left alone."""

    @property
    def taken(self) -> bool:
        return not self.error


class Courier:
    """Posts notices to one receiver."""

    def __init__(self, receiver: Receiver, *, now: Callable[[], datetime]) -> None:
        """Must be made inside a running event loop."""
        self._receiver = receiver
        self._now = now
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=receiver.seconds),
            headers={"content-type": "application/json", "user-agent": "voicebot-webhooks/1"},
        )

    async def __aenter__(self) -> Courier:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, delivery: Delivery) -> Answer:
        """One request. A redirect is not followed: what was signed for one address is not for another."""
        body = canonical(dict(delivery.payload))
        headers = sign(self._receiver.keys, delivery.event_id, self._now(), body)
        try:
            async with self._session.post(
                self._receiver.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                if status in range(200, 300):
                    return Answer(status)
                moved = " (redirects are not followed: mend webhooks.url)" if status in _MOVED else ""
                return Answer(status, f"HTTP {status}{moved}", _advice(response.headers.get("retry-after")))
        except TimeoutError:
            return Answer(None, f"no answer within {self._receiver.seconds:g} s")
        except aiohttp.ClientError as error:
            return Answer(None, f"{type(error).__name__}: {error}")


class DeliveryDesk:
    """One a worker."""

    def __init__(
        self,
        deliveries: Deliveries,
        courier: Courier,
        *,
        now: Callable[[], datetime],
        lease: timedelta,
        dice: random.Random | None = None,
    ) -> None:
        """`lease` is how long a claim lasts: longer than a request may take."""
        self._deliveries = deliveries
        self._courier = courier
        self._now = now
        self._lease = lease
        self._dice = dice or random.Random()

    async def run(self, stop: asyncio.Event) -> None:
        """Looks again and again until `stop` is set. A store that is away is waited for."""
        while not stop.is_set():
            try:
                if await self.look():
                    continue
            except StoreUnavailable as away:
                log.warning("webhooks rest: the store is away", extra={"reason": str(away)})
            except Exception:
                log.exception("a look at the webhooks failed; the next one follows")
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> int:
        """One round: the notices that are due, a few at the same time. How many were tried."""
        claimed = await self._deliveries.claim(self._now(), lease=self._lease, limit=_AT_ONCE)
        await asyncio.gather(*(self._deliver(delivery) for delivery in claimed))
        return len(claimed)

    async def _deliver(self, delivery: Delivery) -> None:
        answer = await self._courier.post(delivery)
        at = self._now()
        if answer.taken:
            await self._deliveries.delivered(delivery.id, answer.status or 0, at=at)
            return
        again = self._again(delivery.tries, answer, at)
        told = {"delivery": delivery.id, "kind": delivery.kind, "tries": delivery.tries, "reason": answer.error}
        if again is None:
            log.error("a webhook is given up; list it with: voicebot webhook list --state dead", extra=told)
        else:
            log.warning("a webhook was not taken and is tried again", extra=told)
        await self._deliveries.failed(delivery.id, status=answer.status, error=answer.error, again_at=again, at=at)

    def _again(self, tries: int, answer: Answer, at: datetime) -> datetime | None:
        if tries > len(WAITS):
            return None
        wait = WAITS[tries - 1] * (1 + _LATER * self._dice.random())
        return at + max(wait, answer.wait or timedelta(0))


def _advice(text: str | None) -> timedelta | None:
    """Retry-After in seconds (RFC 9110 section 10.2.3); a date is not understood, more than a day not heeded."""
    if text is None or not text.strip().isdecimal():
        return None
    return min(timedelta(seconds=int(text.strip()[:9])), _LONGEST_ADVICE)
