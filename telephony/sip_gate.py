"""A gate before the SIP stack: sees every request before the stack acts on it, and may refuse it.

The stack (baresip 4.10 as bound by baresip-python 0.5.2a3) knows no access list and tells no source address, falls over
when too many calls come at once, and, worst, keeps a half-built call for good when it cannot answer a malformed INVITE:
each one costs a place among the calls allowed, and the heap is found damaged when the stack closes. So what RFC 3261
section 8.1.1 demands of a request is checked here first. The gate hooks the stack's own list of request listeners,
through the public functions of libre, and is the first on it. Judging is apart from hooking and pure.
"""

from __future__ import annotations

import ctypes
import ipaddress
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

_FROM, _TO, _CONTACT, _CALL_ID, _CSEQ, _RECORD_ROUTE = 1963, 1449, 229, 3095, 746, 278
"""Header ids of libre: the hash of the name, fixed since its first release."""
_HEADER_VALUE_AT = 80
"""Offset of the value in libre's `struct sip_hdr`: two list elements of four pointers, then the name."""
_ADDRESS_BYTES = 512
"""Room for libre's `struct sip_addr`, which is less than half of it."""
_KNOWN_SOURCES = 1000

_WORD = r"[A-Za-z0-9.!%*_+`'~-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PARAMETERS = rf'(?P<params>(?:\s*;\s*[^\s<>,;"]*(?:{_QUOTED})?)*)'
_NAME_ADDR = re.compile(rf'(?:{_QUOTED}\s*|[^"<>:,;]*)<(?:sips?|tel):[^<>"\s]+>{_PARAMETERS}', re.IGNORECASE)
_ADDR_SPEC = re.compile(rf'(?:sips?|tel):[^<>"\s,;?]+{_PARAMETERS}', re.IGNORECASE)
_TAG = re.compile(rf";\s*tag={_WORD}(?=\s*(?:;|$))", re.IGNORECASE)
_LONGEST_ADDRESS = 1024
_CSEQ_VALUE = re.compile(rf"\d{{1,10}}\s+(?P<method>{_WORD})")


@dataclass(frozen=True)
class SipRequest:
    """What the gate looks at."""

    source: str
    """Address it came from, as the socket says; no port."""
    cseq: str
    sender: str
    """From."""
    to: str
    contact: str
    call_id: str
    readable: bool = True
    """False when the stack's own parser cannot read an address in it."""

    @property
    def method(self) -> str:
        found = _CSEQ_VALUE.fullmatch(self.cseq.strip())
        return found["method"].upper() if found else ""

    @property
    def in_dialog(self) -> bool:
        """Whether it belongs to a call that stands (To has a tag)."""
        return _has_tag(self.to)


@dataclass(frozen=True)
class Refusal:
    """The answer to a request that is not let through."""

    status: int
    reason: str


@dataclass(frozen=True)
class GateRules:
    """Who may call, and how fast."""

    networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] | None = None
    """Where requests that begin something may come from; None lets everybody."""
    calls_per_second: float = 25.0
    """Calls a second that are let in; the stack was seen to carry 30 and to collapse at 60."""


class Judge:
    """Says of each request whether it is let through. Pure: the caller brings the time in seconds."""

    def __init__(self, rules: GateRules) -> None:
        self._rules = rules
        self._allowance = rules.calls_per_second
        self._asked_at: float | None = None

    def judge(self, request: SipRequest, now: float) -> Refusal | None:
        """None lets it through."""
        if not _is_well_formed(request):
            return Refusal(400, "Bad Request")
        if request.in_dialog or request.method in {"ACK", "CANCEL"}:
            return None
        if not self._may(request.source):
            return Refusal(403, "Forbidden")
        if request.method == "INVITE" and not self._has_room(now):
            return Refusal(503, "Too Many Calls A Second")
        return None

    def _may(self, source: str) -> bool:
        if self._rules.networks is None:
            return True
        try:
            address = ipaddress.ip_address(source)
        except ValueError:
            return False
        return any(address in network for network in self._rules.networks)

    def _has_room(self, now: float) -> bool:
        rate = self._rules.calls_per_second
        passed = 0.0 if self._asked_at is None else max(0.0, now - self._asked_at)
        self._asked_at = now
        self._allowance = min(rate, self._allowance + passed * rate)
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        return True


def _is_well_formed(request: SipRequest) -> bool:
    return (
        request.readable
        and bool(request.method)
        and bool(request.call_id.strip())
        and is_address(request.to)
        and _has_tag(request.sender)
        and (request.method != "INVITE" or is_address(request.contact))
    )


def is_address(value: str) -> bool:
    """Whether a From, To or Contact value is one well-formed address (RFC 3261 section 25.1, without comments)."""
    return _parameters(value) is not None


def _has_tag(value: str) -> bool:
    params = _parameters(value)
    return params is not None and _TAG.search(params) is not None


def _parameters(value: str) -> str | None:
    value = value.strip()
    if len(value) > _LONGEST_ADDRESS or any(ord(character) < 0x20 for character in value):
        return None
    found = _NAME_ADDR.fullmatch(value) or _ADDR_SPEC.fullmatch(value)
    return found["params"] if found else None


class GateUnavailable(Exception):
    """The SIP stack in this process is not one that the gate knows how to stand before."""


_Listener = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)
_HeaderVisitor = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


class _Text(ctypes.Structure):
    """libre's `struct pl`: a stretch of the packet."""

    _fields_ = (("start", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _ListElement(ctypes.Structure):
    """libre's `struct le`, the first member of a listener."""

    _fields_ = (
        ("prev", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("list", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
    )


class SipGate:
    """Stands before the one SIP stack of the process, from `install` until the stack closes."""

    def __init__(self, judge: Judge, clock: Callable[[], float]) -> None:
        self._judge = judge
        self._clock = clock
        self._sources: OrderedDict[str, str] = OrderedDict()
        self._listener = _Listener(self._hear)
        self._is_unreadable = _HeaderVisitor(self._find_unreadable)
        self._element = ctypes.c_void_p()
        self._libre: Any = None
        self.refused: dict[int, int] = {}
        """Requests refused, by status."""

    def install(self) -> None:
        """SIP thread, see `telephony.sip_thread`. Takes its place. Raises GateUnavailable with another build of the
        stack."""
        from baresip import _native

        libre = ctypes.CDLL(_native.__file__)
        try:
            libre.uag_sip.restype = ctypes.c_void_p
            libre.sip_msg_hdr.restype = ctypes.c_void_p
            libre.sip_msg_hdr.argtypes = (ctypes.c_void_p, ctypes.c_int)
            libre.sip_msg_hdr_apply.restype = ctypes.c_void_p
            libre.sip_msg_hdr_apply.argtypes = (
                *(ctypes.c_void_p, ctypes.c_bool, ctypes.c_int, _HeaderVisitor, ctypes.c_void_p),
            )
            libre.sip_addr_decode.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
            libre.sa_ntop.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
            libre.sip_listen.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_bool, _Listener, ctypes.c_void_p)
            libre.sip_treply.argtypes = (*[ctypes.c_void_p] * 3, ctypes.c_uint16, ctypes.c_char_p)
            libre.list_unlink.argtypes = (ctypes.c_void_p,)
            libre.list_prepend.argtypes = (ctypes.c_void_p,) * 3
        except AttributeError as missing:
            raise GateUnavailable(f"baresip-python is not the version that is pinned: {missing}") from None
        stack = libre.uag_sip()
        if not stack:
            raise GateUnavailable("the SIP stack is not running")
        self._libre = libre
        if libre.sip_listen(ctypes.byref(self._element), stack, True, self._listener, None):
            raise GateUnavailable("the SIP stack takes no listener")
        listeners = ctypes.cast(self._element, ctypes.POINTER(_ListElement)).contents.list
        libre.list_unlink(self._element)
        libre.list_prepend(listeners, self._element, self._element)
        # The stack calls it as long as it lives, whatever becomes of the carrier.
        _standing.append(self)

    def source_of(self, call_id: str) -> str | None:
        """The address that a call came from, once, by its Call-ID."""
        return self._sources.pop(call_id, None)

    def _hear(self, message: int, _argument: int) -> bool:
        """SIP thread. True when the request has been answered here. Never raises: there is nobody to catch it."""
        try:
            request = self._read(message)
            refusal = self._judge.judge(request, self._clock())
            if refusal is None:
                if request.method == "INVITE" and not request.in_dialog:
                    self._remember(request)
                return False
            self.refused[refusal.status] = self.refused.get(refusal.status, 0) + 1
            if request.method != "ACK":
                self._libre.sip_treply(None, self._libre.uag_sip(), message, refusal.status, refusal.reason.encode())
        except Exception:
            logger.exception("request could not be judged and was dropped")
        return True

    def _remember(self, request: SipRequest) -> None:
        self._sources[request.call_id] = request.source
        while len(self._sources) > _KNOWN_SOURCES:
            self._sources.popitem(last=False)

    def _read(self, message: int) -> SipRequest:
        address = ctypes.create_string_buffer(64)
        # The source is the first member of the message.
        self._libre.sa_ntop(message, address, len(address))
        unreadable = (
            self._libre.sip_msg_hdr_apply(message, True, header, self._is_unreadable, None)
            for header in (_FROM, _TO, _CONTACT, _RECORD_ROUTE)
        )
        return SipRequest(
            source=address.value.decode("ascii", "replace"),
            cseq=self._header(message, _CSEQ),
            sender=self._header(message, _FROM),
            to=self._header(message, _TO),
            contact=self._header(message, _CONTACT),
            call_id=self._header(message, _CALL_ID),
            readable=not any(unreadable),
        )

    def _header(self, message: int, header: int) -> str:
        found = self._libre.sip_msg_hdr(message, header)
        if not found:
            return ""
        text = _Text.from_address(found + _HEADER_VALUE_AT)
        return ctypes.string_at(text.start, text.length).decode("utf-8", "replace") if text.start else ""

    def _find_unreadable(self, header: int, _message: int, _argument: int) -> bool:
        room = ctypes.create_string_buffer(_ADDRESS_BYTES)
        return bool(self._libre.sip_addr_decode(room, header + _HEADER_VALUE_AT) != 0)


_standing: list[SipGate] = []
