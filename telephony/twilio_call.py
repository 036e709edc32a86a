"""One Twilio call, inbound or outbound, as a `CallLeg`."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from enum import Enum

from aiohttp import WSCloseCode

from telephony.carrier import Cause, DialFailed, Direction, TransferFailed
from telephony.paced_port import PacedPort
from telephony.twilio_cause import FINAL_STATUSES, cause_of_status
from telephony.twilio_messages import ProtocolViolation
from telephony.twilio_rest import TwilioRefused, TwilioRest
from telephony.twilio_settings import TwilioSettings
from telephony.twilio_stream import StreamEnd, TwilioStream
from telephony.twilio_twiml import dial_twiml, hang_up_twiml, reject_twiml, stream_twiml

_log = logging.getLogger(__name__)

_TRANSFER_SLACK_SECONDS = 5.0  # Twilio rings a little longer than it was told, and then has to tell us
_TARGET = re.compile(r"\+[1-9]\d{6,14}|sips?:[^\s<>\"']+")


class _State(Enum):
    OFFERED = "offered"
    WAITING = "waiting for its media stream"
    TALKING = "talking"
    TRANSFERRING = "being transferred"
    ENDED = "ended"


class TwilioCall:
    """See `CallLeg`. The carrier tells it what Twilio says; it tells the carrier when it is over."""

    def __init__(
        self,
        key: str,
        *,
        direction: Direction,
        call_sid: str,
        from_number: str | None,
        to_number: str,
        headers: Mapping[str, str],
        settings: TwilioSettings,
        rest: TwilioRest,
        new_ticket: Callable[[TwilioCall], str],
        on_end: Callable[[TwilioCall], None],
    ) -> None:
        self.key = key
        """Our own name for the call, in the addresses that Twilio is given; nobody can guess it."""
        self.id = call_sid
        self.direction = direction
        self.from_number = from_number
        self.to_number = to_number
        self.headers = headers
        self.decision: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """TwiML that answers the webhook of an inbound call."""
        self._settings = settings
        self._rest = rest
        self._new_ticket = new_ticket
        self._on_end = on_end
        self._state = _State.OFFERED if direction is Direction.INBOUND else _State.WAITING
        self._port: PacedPort | None = None
        self._stream: TwilioStream | None = None
        self._rang = False
        self._picked_up = asyncio.Event()
        self._settled = asyncio.Event()
        self._over = asyncio.Event()
        self._cause = Cause.NORMAL
        self._failure: tuple[int | None, str] = (None, "")
        self._hanging_up = False
        self._transfer: asyncio.Future[tuple[bool, int | None, str]] | None = None
        self._closing: asyncio.Task[None] | None = None

    # What the engine asks.

    @property
    def media(self) -> PacedPort:
        """The audio, once answered; it stays readable after the end. Raises RuntimeError before."""
        if self._port is None:
            raise RuntimeError(f"the call is {self._state.value}: it has media only after it was answered")
        return self._port

    async def answer(self) -> None:
        """Accepts an inbound call and waits for its audio. Raises DialFailed: CANCELLED, or NETWORK_ERROR."""
        if self._state is _State.OFFERED:
            self._state = _State.WAITING
            self.decision.set_result(self._stream_instructions())
            self._picked_up.set()
        elif self._state is not _State.ENDED:
            raise RuntimeError(f"the call cannot be answered: it is {self._state.value}")
        await self.talking()

    async def reject(self, cause: Cause = Cause.BUSY) -> None:
        """Refuses an inbound call; any other state raises RuntimeError, an ended call does nothing."""
        if self._state is _State.ENDED:
            return
        if self._state is not _State.OFFERED:
            raise RuntimeError(f"the call cannot be rejected: it is {self._state.value}; hang up instead")
        self.decision.set_result(reject_twiml(cause))
        self.finish(cause)

    async def hang_up(self) -> None:
        """Ends the call whatever its state, by REST; where that fails, by closing its stream."""
        if self._state is _State.ENDED or self._hanging_up:
            return
        if self._state is _State.OFFERED:
            await self.reject(Cause.DECLINED)
            return
        self._hanging_up = True
        try:
            if self.id:
                await self._rest.end_call(self.id)
        except TwilioRefused as refusal:
            _log.warning(
                "Twilio did not end a call; its stream is closed instead", extra={"call": self.id, "why": str(refusal)}
            )
        finally:
            self.finish(Cause.NORMAL)

    async def transfer(self, target: str, timeout_seconds: float = 20.0) -> None:
        """Joins the caller to `target`, E.164 or a SIP URI, and leaves. After TransferFailed the caller is back."""
        if self._state is not _State.TALKING:
            raise TransferFailed(None, f"the call is {self._state.value}")
        if not _TARGET.fullmatch(target):
            raise TransferFailed(None, "the target is neither a number in E.164 nor a SIP URI")
        ring_seconds = min(600, max(5, round(timeout_seconds)))
        self._transfer = asyncio.get_running_loop().create_future()
        self._state = _State.TRANSFERRING
        try:
            await self._rest.redirect_call(self.id, self._dial_instructions(target, ring_seconds))
        except TwilioRefused as refusal:
            self._resume_after_refusal(refusal)
            raise TransferFailed(refusal.status, refusal.reason) from None
        try:
            async with asyncio.timeout(ring_seconds + _TRANSFER_SLACK_SECONDS):
                joined, status, reason = await self._transfer
        except TimeoutError:
            joined, status, reason = False, None, "Twilio did not say what became of it"
            await self._fetch_back()
        if joined:
            return
        await self._back_again()
        raise TransferFailed(status, reason)

    async def ended(self) -> Cause:
        """Waits for the end. A call that was transferred has ended for us."""
        await self._over.wait()
        return self._cause

    # What the carrier knows.

    @property
    def active(self) -> bool:
        """True until the end."""
        return self._state is not _State.ENDED

    async def picked_up(self) -> None:
        """Waits until somebody answered. Raises DialFailed when the call ends instead."""
        await self._picked_up.wait()
        self._raise_failure()

    async def talking(self) -> None:
        """Waits for the media stream. Raises DialFailed when the call ends instead, or when no stream comes."""
        try:
            async with asyncio.timeout(self._settings.stream_seconds):
                await self._settled.wait()
        except TimeoutError:
            reason = (
                f"answered, but no media stream arrived in {self._settings.stream_seconds:g} s: check that Twilio "
                f"reaches {self._settings.public_url}/stream with websockets through every proxy"
            )
            self.finish(Cause.NETWORK_ERROR, reason=reason)
            await self._end_by_rest()
        self._raise_failure()

    def identify(self, call_sid: str) -> None:
        """Takes the SID that Twilio gave an outbound call."""
        self.id = call_sid

    def status(self, status: str, sip_status: int | None) -> None:
        """A status callback: ringing, answered, or how it ended."""
        if status == "ringing":
            self._rang = True
        elif status == "in-progress":
            self._picked_up.set()
        elif status in FINAL_STATUSES:
            cause = cause_of_status(status, sip_status, rang=self._rang)
            if not self._picked_up.is_set() and cause is Cause.NORMAL:
                cause = Cause.CANCELLED
            self.finish(cause, sip_status, status)

    def transfer_answered(self) -> None:
        """The target of a transfer answered: the call is theirs now."""
        if self._transfer is not None and not self._transfer.done():
            self._transfer.set_result((True, None, ""))
            self.finish(Cause.NORMAL, reason="transferred")

    def transfer_done(self, dial_status: str, sip_status: int | None, call_status: str) -> str:
        """The transfer's dialling is over. Returns what Twilio shall do with the caller."""
        if call_status in FINAL_STATUSES:
            self.status(call_status, sip_status)
        if dial_status in ("completed", "answered"):
            self.transfer_answered()
        if self._state is not _State.TRANSFERRING:
            return hang_up_twiml()
        self._settled.clear()
        self._state = _State.WAITING
        if self._transfer is not None and not self._transfer.done():
            self._transfer.set_result((False, sip_status, dial_status))
        return self._stream_instructions()

    async def carry(self, stream: TwilioStream) -> None:
        """Runs the call over `stream` until the stream ends."""
        if self._state is not _State.WAITING:
            await stream.close(WSCloseCode.POLICY_VIOLATION)
            return
        if self._port is None:
            self._port = PacedPort(8000, ahead_seconds=self._settings.ahead_seconds)
        self._stream = stream
        self._state = _State.TALKING
        self._picked_up.set()
        self._settled.set()
        try:
            end = await stream.carry(self._port)
        except ProtocolViolation as violation:
            _log.warning(
                "A media stream broke the protocol; its call is ended", extra={"call": self.id, "why": str(violation)}
            )
            await stream.close(WSCloseCode.POLICY_VIOLATION)
            end = StreamEnd.LOST
        self._stream = None
        if self._state is _State.TRANSFERRING and end is not StreamEnd.LOST:
            self._port.detach()
        elif end is StreamEnd.LOST and not self._hanging_up:
            self.finish(Cause.NETWORK_ERROR, reason="the media stream broke off")
            await self._end_by_rest()
        else:
            self.finish(Cause.NORMAL)

    def finish(self, cause: Cause, status: int | None = None, reason: str = "") -> None:
        """The call is over for us. Again does nothing."""
        if self._state is _State.ENDED:
            return
        self._state = _State.ENDED
        self._cause, self._failure = cause, (status, reason)
        _log.info("A Twilio call ended", extra={"call": self.id, "cause": cause.value, "status": status, "why": reason})
        if not self.decision.done():
            self.decision.set_result(hang_up_twiml())
        if self._transfer is not None and not self._transfer.done():
            self._transfer.set_result((False, None, "the caller has gone"))
        if self._port is not None:
            self._port.end()
        if self._stream is not None:
            self._closing = asyncio.create_task(self._stream.close())
        for event in (self._picked_up, self._settled, self._over):
            event.set()
        self._on_end(self)

    # Its own steps.

    def _raise_failure(self) -> None:
        if self._state is _State.ENDED:
            status, reason = self._failure
            cause = Cause.CANCELLED if self._cause is Cause.NORMAL else self._cause
            raise DialFailed(cause, status, reason)

    def _stream_instructions(self) -> str:
        return stream_twiml(self._settings.stream_url, {"ticket": self._new_ticket(self)})

    def _dial_instructions(self, target: str, ring_seconds: int) -> str:
        ours = self.to_number if self.direction is Direction.INBOUND else self.from_number
        hooks = f"{self._settings.public_url.rstrip('/')}/transfer/{self.key}"
        return dial_twiml(
            target,
            caller_id=ours,
            ring_seconds=ring_seconds,
            answered_url=f"{hooks}/answered",
            done_url=f"{hooks}/done",
        )

    def _resume_after_refusal(self, refusal: TwilioRefused) -> None:
        if self._state is not _State.TRANSFERRING:
            return
        if refusal.call_is_over or self._stream is None:
            self.finish(Cause.NORMAL, reason="the caller has gone")
        else:
            self._state = _State.TALKING

    async def _fetch_back(self) -> None:
        """Takes the caller back from a transfer of which nothing is heard."""
        if self._state is not _State.TRANSFERRING:
            return
        self._settled.clear()
        self._state = _State.WAITING
        try:
            await self._rest.redirect_call(self.id, self._stream_instructions())
        except TwilioRefused:
            self.finish(Cause.NETWORK_ERROR, reason="lost in a transfer")

    async def _back_again(self) -> None:
        """Waits until the caller is heard again, or has ended."""
        try:
            await self.talking()
        except DialFailed as failure:
            _log.info("A caller did not come back from a transfer", extra={"call": self.id, "why": failure.cause.value})

    async def _end_by_rest(self) -> None:
        try:
            if self.id:
                await self._rest.end_call(self.id)
        except TwilioRefused as refusal:
            _log.warning("Twilio did not end a call", extra={"call": self.id, "why": str(refusal)})
