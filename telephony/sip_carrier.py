"""The engine's own SIP end: baresip under the `Carrier` protocol. One a process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from baresip import BaresipError, Call, DrainingError, Event, Runtime, StackEvent, UserAgent

from telephony.carrier import (
    CarrierUnavailable,
    Cause,
    DialFailed,
    DialRequest,
    Direction,
    IncomingHandler,
)
from telephony.sip_address import (
    caller_number,
    dialled_number,
    header_text,
    host_of,
    is_number,
    port_of,
    text_of_header,
    user_of,
)
from telephony.sip_gate import GateUnavailable, Judge, SipGate
from telephony.sip_leg import SipLeg
from telephony.sip_sent import CountsUnavailable, SentPackets
from telephony.sip_stack import account, addresses, check_address, gate_rules, stack_config, start_advice
from telephony.sip_thread import SipThread
from telephony.sip_trunk import SipSettings, SipTrunk

logger = logging.getLogger(__name__)

COUNT_SECONDS = 0.057
"""Between two counts of what the lines have sent."""
TICK_SECONDS = 0.019
"""A little less than a packet's 20 ms: so the ticks wander through every phase of the packets, and once in 0.4 s a
packet is seen at the very moment it comes."""
REGISTER_AGAIN_SECONDS = 30.0
MOST_IDENTITIES = 200
"""Caller numbers for which the stack keeps an identity of its own; further ones show the trunk's number in From."""
CLOSE_SECONDS = 2.0


@dataclass(frozen=True)
class TrunkState:
    """How a trunk that asks for registration stands."""

    registered: bool | None
    """None when the trunk needs no registration."""
    error: str | None = None
    """What the registrar or the network said last, None when all is well."""


class SipCarrier:
    """Implements `Carrier` for every trunk of one process."""

    def __init__(
        self, settings: SipSettings, *, name: str = "sip", on_tick: Callable[[float], None] = lambda late: None
    ) -> None:
        """`on_tick` is told of every tick (one each 19 ms) how many seconds late it came, while calls are up."""
        self.name = name
        self._on_tick = on_tick
        self.settings = settings
        self._trunks = {trunk.name: trunk for trunk in settings.trunks}
        self._runtime: Runtime | None = None
        self._handler: IncomingHandler | None = None
        self._legs: dict[int, SipLeg] = {}
        self._identities: dict[tuple[str | None, str | None], UserAgent] = {}
        self._states = {trunk.name: TrunkState(False if trunk.register else None) for trunk in settings.trunks}
        self._registered = asyncio.Condition()
        self._hosts_of_trunk: dict[str, frozenset[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate: SipGate | None = None
        self._early: deque[StackEvent] = deque(maxlen=500)
        self._closing = False
        self.lateness: deque[float] = deque(maxlen=3000)
        """Seconds by which each of the last ticks came late: one minute of them."""

    # Life

    async def start(self) -> None:
        settings = self.settings
        if self._runtime is not None:
            raise CarrierUnavailable("The SIP carrier has been started already.")
        check_address(settings)
        self._hosts_of_trunk.clear()
        for trunk in settings.trunks:
            self._hosts_of_trunk[trunk.name] = frozenset(await addresses(trunk.host, trunk.outbound_proxy))
        runtime = Runtime()
        try:
            await runtime.start(stack_config(settings))
        except BaresipError as error:
            raise CarrierUnavailable(start_advice(settings, error)) from error
        runtime.on_dead = self._died
        runtime.subscribe(self._note_early)
        self._runtime = runtime
        self._gate = SipGate(Judge(gate_rules(settings, self._hosts_of_trunk)), asyncio.get_running_loop().time)
        try:
            thread = SipThread(runtime)
            await thread.run(self._gate.install)
            sent = SentPackets(asyncio.get_running_loop().time)
            await self._identity(None, None)
            for trunk in settings.trunks:
                await self._identity(trunk, None)
        except GateUnavailable as error:
            await self.close()
            raise CarrierUnavailable(f"SIP cannot be guarded against malformed requests: {error}.") from error
        except CountsUnavailable as error:
            await self.close()
            raise CarrierUnavailable(f"What a call has sent cannot be counted: {error}.") from error
        except (BaresipError, ValueError) as error:
            await self.close()
            raise CarrierUnavailable(f"A SIP trunk's settings cannot be used: {error}. Mend the trunk.") from error
        self._spawn(self._tick())
        self._spawn(self._count(thread, sent))
        for trunk in settings.trunks:
            if trunk.register:
                self._spawn(self._keep_registered(trunk))
        logger.info("sip listening", extra={"address": f"{settings.host}:{settings.port}"})

    async def close(self) -> None:
        runtime, self._closing = self._runtime, True
        if runtime is None:
            return
        legs = list(self._legs.values())
        for leg in legs:
            await leg.hang_up()
        if legs:
            await asyncio.wait([asyncio.ensure_future(leg.ended()) for leg in legs], timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Closing, the stack takes its registrations back by itself. Asked to do so before, while a registrar that fell
        # silent owes it an answer, it damages its memory.
        self._runtime = None
        with contextlib.suppress(BaresipError):
            await runtime.close()
        for leg in legs:
            leg.lost()
        self._identities.clear()

    @property
    def healthy(self) -> bool:
        """Whether calls can come and go: the stack lives. False for good once it died; the process must be replaced."""
        return self._runtime is not None and not self._closing

    def trunk_states(self) -> Mapping[str, TrunkState]:
        """Each trunk's registration, for the console and for readiness."""
        return dict(self._states)

    async def wait_registered(self, trunk: str, timeout_seconds: float) -> None:
        """Waits for a trunk's registration. Raises CarrierUnavailable with the registrar's answer."""
        try:
            async with asyncio.timeout(timeout_seconds), self._registered:
                await self._registered.wait_for(lambda: self._states[trunk].registered is not False)
        except TimeoutError:
            error = self._states[trunk].error or "no answer from the registrar"
            raise CarrierUnavailable(f"SIP trunk {trunk} is not registered: {error}") from None

    # Calls

    def on_incoming(self, handler: IncomingHandler) -> None:
        self._handler = handler

    def active_calls(self) -> int:
        return len(self._legs)

    async def dial(self, request: DialRequest, trunk: str | None = None) -> SipLeg:
        """As `Carrier.dial`. `trunk` names the one to use; without it a URI goes to its host, a number to the first."""
        if self._runtime is None or self._closing:
            raise DialFailed(Cause.NETWORK_ERROR, reason="the SIP carrier is not running")
        if len(self._legs) >= self.settings.max_calls:
            raise DialFailed(Cause.OVERLOADED, reason=f"{self.settings.max_calls} calls are up, the set limit")
        chosen, uri = self._route(request.to, trunk)
        leg = await self._invite(request, chosen, uri)
        ringing = self._spawn(self._watch_for_a_sign(leg))
        try:
            await leg.wait_established(request.ring_seconds)
        except TimeoutError:
            cause = Cause.NO_ANSWER if leg.rang else Cause.NETWORK_ERROR
            reason = f"no answer within {request.ring_seconds:g} s"
            await leg.give_up(cause, reason)
            raise DialFailed(cause, reason=reason) from None
        except asyncio.CancelledError:
            await asyncio.shield(self._spawn(leg.give_up(Cause.CANCELLED, "given up")))
            raise
        finally:
            ringing.cancel()
        return leg

    def _route(self, to: str, trunk: str | None) -> tuple[SipTrunk | None, str]:
        if trunk is not None and trunk not in self._trunks:
            raise DialFailed(Cause.NETWORK_ERROR, reason=f"there is no SIP trunk named {trunk}")
        if re.match(r"sips?:", to, re.IGNORECASE):
            if host_of(to) is None or re.search(r"\s", to):
                raise DialFailed(Cause.NOT_FOUND, reason="not a SIP URI")
            through = self._trunk_at(host_of(to), port_of(to)) if trunk is None else self._trunks[trunk]
            return through, to
        if not is_number(to):
            raise DialFailed(Cause.NOT_FOUND, reason="not a telephone number")
        if not self._trunks:
            raise DialFailed(Cause.NETWORK_ERROR, reason="no SIP trunk is configured, so no number can be dialled")
        chosen = self._trunks[trunk] if trunk is not None else next(iter(self._trunks.values()))
        return chosen, chosen.uri(to)

    def _trunk_at(self, host: str | None, port: int) -> SipTrunk | None:
        for trunk in self._trunks.values():
            if trunk.port == port and host in self._hosts_of_trunk[trunk.name]:
                return trunk
        return None

    async def _invite(self, request: DialRequest, trunk: SipTrunk | None, uri: str) -> SipLeg:
        caller_id = request.caller_id or (trunk.caller_id if trunk else None)
        headers = {name: header_text(value) for name, value in request.headers.items()}
        try:
            if caller_id is not None:
                if not is_number(caller_id):
                    raise DialFailed(Cause.REFUSED_BY_TRUNK, reason="the caller id is not a telephone number")
                domain = trunk.host if trunk else self.settings.host
                headers.setdefault("P-Asserted-Identity", f"<sip:{caller_id}@{domain}>")
            identity = await self._identity(trunk, caller_id)
            call = await identity.dial(uri, headers=headers)
        except DrainingError:
            raise DialFailed(Cause.OVERLOADED, reason="the carrier is draining") from None
        except ValueError as error:
            raise DialFailed(Cause.NOT_FOUND, reason=str(error)) from error
        except BaresipError as error:
            raise DialFailed(Cause.NETWORK_ERROR, reason=str(error)) from error
        leg = SipLeg(
            call,
            Direction.OUTBOUND,
            from_number=caller_id or (trunk.user if trunk else None) or self.settings.user,
            to_number=user_of(uri) or uri,
            headers={},
            trunk=trunk.name if trunk else None,
            transfer_uri=lambda target: self._transfer_uri(target, trunk),
            on_closed=self._forget,
        )
        return self._keep(call, leg)

    async def _watch_for_a_sign(self, leg: SipLeg) -> None:
        await asyncio.sleep(self.settings.answer_timeout_seconds)
        if not leg.rang:
            waited = self.settings.answer_timeout_seconds
            await leg.give_up(Cause.NETWORK_ERROR, f"no sign from the far end within {waited:g} s")

    def _come_in(self, call: Call) -> None:
        headers = {name.lower(): text_of_header(value) for name, value in call.headers.items()}
        assert self._gate is not None
        source = self._gate.source_of(call.call_id or "")
        trunk = next((name for name, hosts in self._hosts_of_trunk.items() if source in hosts), None)
        leg = SipLeg(
            call,
            Direction.INBOUND,
            from_number=caller_number(headers) or user_of(call.peer),
            to_number=dialled_number(headers),
            headers=headers,
            trunk=trunk,
            source=source,
            transfer_uri=lambda target: self._transfer_uri(target, self._trunks.get(trunk or "")),
            on_closed=self._forget,
        )
        self._keep(call, leg)
        if self._handler is None or self._closing:
            self._spawn(leg.reject(Cause.BUSY))
        else:
            self._spawn(self._handle(self._handler, leg))

    async def _handle(self, handler: IncomingHandler, leg: SipLeg) -> None:
        try:
            await handler(leg)
        except Exception:
            logger.exception("incoming call was not handled", extra={"call": leg.id})
            await leg.hang_up()

    def _note_early(self, event: StackEvent) -> None:
        """Keeps what the stack says of a call before the binding has told us of it: a refusal can be that quick."""
        if event.call and event.call not in self._legs and event.event is not Event.CALL_INCOMING:
            self._early.append(event)

    def _keep(self, call: Call, leg: SipLeg) -> SipLeg:
        self._legs[call.handle] = leg
        missed = [event for event in self._early if event.call == call.handle]
        for event in missed:
            self._early.remove(event)
            call._on_stack_event(event)
        return leg

    def _forget(self, leg: SipLeg) -> None:
        for handle, known in list(self._legs.items()):
            if known is leg:
                del self._legs[handle]

    def _transfer_uri(self, target: str, trunk: SipTrunk | None) -> str:
        if re.match(r"sips?:", target, re.IGNORECASE):
            return target
        if not is_number(target):
            raise ValueError("the target is neither a SIP URI nor a number")
        through = trunk or next(iter(self._trunks.values()), None)
        return through.uri(target) if through else f"sip:{target}@{self.settings.host}:{self.settings.port}"

    # Identities and registration

    async def _identity(self, trunk: SipTrunk | None, caller_id: str | None) -> UserAgent:
        key = (trunk.name if trunk else None, caller_id)
        if key not in self._identities:
            assert self._runtime is not None
            if caller_id is not None and (
                caller_id == (trunk.user if trunk else None) or len(self._identities) >= MOST_IDENTITIES
            ):
                return await self._identity(trunk, None)
            mine = account(self.settings, trunk, caller_id)
            # A caller's REFER would have us dial whatever the caller likes.
            identity = await UserAgent.create(self._runtime, mine, transfer_policy="reject")
            identity.on_incoming(self._come_in)
            self._identities[key] = identity
        return self._identities[key]

    async def _keep_registered(self, trunk: SipTrunk) -> None:
        """Registers and, when that fails, tries again; once it has succeeded the stack refreshes it by itself."""
        identity = await self._identity(trunk, None)
        identity.on(lambda event: self._refreshed(trunk, event))
        while True:
            try:
                await identity.register()
            except BaresipError as error:
                logger.error(
                    "registration failed; it will be tried again",
                    extra={"trunk": trunk.name, "error": str(error), "again_in_seconds": REGISTER_AGAIN_SECONDS},
                )
                await self._set_state(trunk, TrunkState(False, str(error)))
                await asyncio.sleep(REGISTER_AGAIN_SECONDS)
            else:
                await self._set_state(trunk, TrunkState(True))
                return

    def _refreshed(self, trunk: SipTrunk, event: StackEvent) -> None:
        """The stack tells of a refresh that failed, or succeeded again. Until then the trunk may not find us."""
        if self._closing:
            return
        if event.event is Event.REGISTER_FAIL and self._states[trunk.name].registered:
            logger.error("registration was lost", extra={"trunk": trunk.name, "error": event.text})
            self._spawn(self._set_state(trunk, TrunkState(False, event.text or "no answer from the registrar")))
        elif event.event is Event.REGISTER_OK and not self._states[trunk.name].registered:
            self._spawn(self._set_state(trunk, TrunkState(True)))

    async def _set_state(self, trunk: SipTrunk, state: TrunkState) -> None:
        async with self._registered:
            self._states[trunk.name] = state
            self._registered.notify_all()

    # Time

    async def _tick(self) -> None:
        """Moves the audio of every call on, each 19 ms, in one task."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + TICK_SECONDS, loop.time() - TICK_SECONDS)
            await asyncio.sleep(max(0.0, due - loop.time()))
            late = max(0.0, loop.time() - due)
            self.lateness.append(late)
            if self._legs:
                self._on_tick(late)
            for leg in tuple(self._legs.values()):
                try:
                    leg.tick()
                except Exception:
                    # One call's trouble is not the others'.
                    logger.exception("audio failed", extra={"call": leg.id})
                    self._spawn(leg.hang_up())

    async def _count(self, thread: SipThread, sent: SentPackets) -> None:
        """Tells every call what has really left on its line."""
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            if not self._legs:
                continue
            for leg in self._legs.values():
                leg.counting()
            try:
                counts = await thread.run(sent)
            except BaresipError as error:
                # The stack is slow, or gone, which is told elsewhere: for placing audio the last count stands.
                logger.debug("the lines could not be counted", extra={"reason": str(error)})
                continue
            for leg in tuple(self._legs.values()):
                if leg.handle in counts:
                    leg.sent(counts[leg.handle])

    def _died(self) -> None:
        logger.critical("sip stack died; this process can place and take no more calls and must be replaced")
        self._runtime = None
        for leg in tuple(self._legs.values()):
            leg.lost()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
