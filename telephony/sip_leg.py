"""One SIP call from ringing to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from baresip import BaresipError, Call, Event, StackEvent, StaleHandleError
from baresip import TransferFailed as ReferFailed

from telephony.carrier import Cause, DialFailed, Direction, TransferFailed
from telephony.sip_causes import cause_of_end, cause_of_refusal, split_reason
from telephony.sip_port import BaresipLine, SipPort
from telephony.sip_sent import LineCount

logger = logging.getLogger(__name__)

ACK_SECONDS = 10.0
"""Wait for the caller's ACK after our answer."""


class SipLeg:
    """Implements `CallLeg`. Made by `SipCarrier` alone."""

    def __init__(
        self,
        call: Call,
        direction: Direction,
        *,
        from_number: str | None,
        to_number: str,
        headers: Mapping[str, str],
        trunk: str | None,
        source: str | None = None,
        transfer_uri: Callable[[str], str],
        on_closed: Callable[[SipLeg], None],
    ) -> None:
        self.id = call.call_id or f"call-{call.handle}"
        self.direction = direction
        self.from_number = from_number
        self.to_number = to_number
        self.headers = headers
        self.trunk = trunk
        """Name of the trunk it goes through; None when it came or went directly."""
        self.source = source
        """Address that an inbound call came from, as the socket told it."""
        self._call = call
        self._transfer_uri = transfer_uri
        self._on_closed = on_closed
        self._port: SipPort | None = None
        loop = asyncio.get_running_loop()
        self._established: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[Cause] = loop.create_future()
        self._closing: Cause | None = None
        self._rang = False
        self._status: int | None = None
        self._reason = ""
        call.on(self._hear)

    @property
    def media(self) -> SipPort:
        if self._port is None:
            raise RuntimeError("the call has no audio before it is answered")
        return self._port

    @property
    def rang(self) -> bool:
        """True once the far end's telephone rang, or its network sent audio before the answer."""
        return self._rang

    @property
    def is_over(self) -> bool:
        return self._ended.done()

    def tick(self) -> None:
        """Moves the audio on by what has come and gone since the last time."""
        if self._port is not None:
            self._port.tick()

    @property
    def handle(self) -> int:
        """The stack's own name of the call."""
        return int(self._call.handle)

    def counting(self) -> None:
        """The lines are about to be counted."""
        if self._port is not None:
            self._port.counting()

    def sent(self, count: LineCount) -> None:
        """What came of it."""
        if self._port is not None:
            self._port.sent(count)

    async def answer(self) -> None:
        try:
            await self._call.answer()
        except StaleHandleError:
            raise DialFailed(Cause.CANCELLED, reason="the caller has gone") from None
        except BaresipError as error:
            raise DialFailed(Cause.NETWORK_ERROR, reason=str(error)) from error
        await self.wait_established(ACK_SECONDS)

    async def wait_established(self, timeout_seconds: float | None) -> None:
        """Waits until the call stands. Raises DialFailed when it ends first, TimeoutError when it takes too long."""
        async with asyncio.timeout(timeout_seconds):
            await asyncio.wait((self._established, self._ended), return_when=asyncio.FIRST_COMPLETED)
        if not self._established.done():
            raise DialFailed(self._ended.result(), self._status, self._reason)

    async def reject(self, cause: Cause = Cause.BUSY) -> None:
        """Sends 486, the one refusal the stack has; `cause` is what `ended` then says."""
        self._closing = self._closing or cause
        await self._end(self._call.reject)

    async def hang_up(self) -> None:
        if not self._ended.done():
            await self._end(self._call.hangup)

    async def give_up(self, cause: Cause, reason: str) -> None:
        """Ends a call that was not answered, by CANCEL; `cause` is what `ended` then says."""
        if self._closing is None:
            self._closing, self._reason = cause, reason
        await self.hang_up()

    async def transfer(self, target: str, timeout_seconds: float = 20.0) -> None:
        try:
            await self._call.transfer(self._transfer_uri(target), timeout=timeout_seconds)
        except ReferFailed as error:
            raise TransferFailed(error.status, error.reason or str(error)) from None
        except StaleHandleError:
            raise TransferFailed(None, "the caller has gone") from None
        except (BaresipError, ValueError) as error:
            raise TransferFailed(None, str(error)) from error

    async def ended(self) -> Cause:
        return await asyncio.shield(self._ended)

    def lost(self) -> None:
        """The SIP stack is gone, and every call with it."""
        self._finish(Cause.NETWORK_ERROR)

    async def _end(self, command: Callable[[], Awaitable[None]]) -> None:
        try:
            await command()
        except StaleHandleError:
            return
        except BaresipError:
            logger.exception("call could not be ended properly", extra={"call": self.id})

    async def _press(self, digits: str) -> None:
        try:
            await self._call.send_dtmf(digits)
        except StaleHandleError:
            return
        except BaresipError:
            logger.exception("keys could not be sent", extra={"call": self.id})

    def _hear(self, event: StackEvent) -> None:
        match event.event:
            case Event.CALL_RINGING | Event.CALL_PROGRESS:
                self._rang = True
            case Event.CALL_ESTABLISHED:
                if self._port is None:
                    self._port = SipPort(
                        BaresipLine(self._call.audio), self._press, asyncio.get_running_loop().time, self.id
                    )
                if not self._established.done():
                    self._established.set_result(None)
            case Event.CALL_DTMF_START:
                if self._port is not None and event.text:
                    self._port.pressed(event.text.upper())
            case Event.CALL_CLOSED:
                self._close(event.text)

    def _close(self, text: str | None) -> None:
        if self._closing is not None:
            self._finish(self._closing)
            return
        self._status, self._reason = split_reason(text)
        if self._established.done():
            cause = cause_of_end(text)
        elif self.direction is Direction.INBOUND:
            cause = Cause.CANCELLED
        else:
            cause = cause_of_refusal(self._status, rang=self._rang)
        self._finish(cause)

    def _finish(self, cause: Cause) -> None:
        if self._ended.done():
            return
        if self._port is not None:
            self._port.end()
        self._ended.set_result(cause)
        self._on_closed(self)
