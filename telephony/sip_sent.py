"""How many RTP packets each call has really sent, as the SIP stack counts them.

The stack (baresip 4.10 as bound by baresip-python 0.5.2a3) takes audio from us at one thread's pace and sends it at
another's. Whenever the sender finds nothing it lets a turn pass, and from then on keeps a frame more between the two:
what left us is not what left the machine. Only the packet counter tells, and it is read through the stack's public
functions.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any


class CountsUnavailable(Exception):
    """The SIP stack in this process is not one whose counters can be read."""


class _Element(ctypes.Structure):
    """libre's `struct le`."""


_Element._fields_ = (
    ("prev", ctypes.POINTER(_Element)),
    ("next", ctypes.POINTER(_Element)),
    ("list", ctypes.c_void_p),
    ("data", ctypes.c_void_p),
)


class _List(ctypes.Structure):
    """libre's `struct list`, as far as it is read."""

    _fields_ = (("head", ctypes.POINTER(_Element)),)


class SentPackets:
    """Reads the counters of all calls at once."""

    def __init__(self) -> None:
        """Raises CountsUnavailable with another build of the stack."""
        from baresip import _native

        stack = ctypes.CDLL(_native.__file__)
        try:
            stack.uag_list.restype = ctypes.POINTER(_List)
            stack.ua_calls.restype = ctypes.POINTER(_List)
            stack.ua_calls.argtypes = (ctypes.c_void_p,)
            stack.bp_call_handle_find.restype = ctypes.c_uint32
            stack.bp_call_handle_find.argtypes = (ctypes.c_void_p,)
            for name in ("call_audio", "audio_strm"):
                function = getattr(stack, name)
                function.restype = ctypes.c_void_p
                function.argtypes = (ctypes.c_void_p,)
            stack.stream_metric_get_tx_n_packets.restype = ctypes.c_uint32
            stack.stream_metric_get_tx_n_packets.argtypes = (ctypes.c_void_p,)
            self._enter, self._leave = stack.re_thread_enter, stack.re_thread_leave
        except AttributeError as missing:
            raise CountsUnavailable(f"baresip-python is not the version that is pinned: {missing}") from None
        self._stack: Any = stack

    def __call__(self) -> Mapping[int, int]:
        """Packets sent, by the call's handle. The stack must be running."""
        counts: dict[int, int] = {}
        stack = self._stack
        # Calls come and go on the stack's own thread: it waits while we look.
        self._enter()
        try:
            for agent in _walk(stack.uag_list()):
                for call in _walk(stack.ua_calls(agent)):
                    stream = stack.audio_strm(stack.call_audio(call))
                    if stream:
                        counts[stack.bp_call_handle_find(call)] = stack.stream_metric_get_tx_n_packets(stream)
        finally:
            self._leave()
        return counts


def _walk(found: Any) -> list[int]:
    pointers = []
    element = found.contents.head if found else None
    while element:
        pointers.append(int(element.contents.data))
        element = element.contents.next
    return pointers
