"""How many RTP packets each call has really sent, as the SIP stack counts them.

The stack (baresip 4.10 as bound by baresip-python 0.5.2a3) takes audio from us at one thread's pace and sends it at
another's. Whenever the sender finds nothing it lets a turn pass, and from then on keeps a frame more between the two:
what left us is not what left the machine. Only the packet counter tells, and it is read through the stack's public
functions, together with what had been taken from us at the same moment.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from baresip._native import ffi, lib


class CountsUnavailable(Exception):
    """The SIP stack in this process is not one whose counters can be read."""


@dataclass(frozen=True)
class LineCount:
    """One call's line at one moment. Counters are those of the streams named by `epoch`, but for the packets."""

    at: float
    """By the clock that was given, seconds."""
    packets: int
    """RTP packets sent since the call began."""
    epoch: int
    """Which streams: another number after each renegotiation."""
    buffered_bytes: int
    """Written to the stack and not yet taken by its sender."""
    flushed_bytes: int
    silence_frames: int
    starved_frames: int


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
    """Reads the counters of all calls at once, on the SIP thread: see `telephony.sip_thread`."""

    def __init__(self, clock: Callable[[], float]) -> None:
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
        except AttributeError as missing:
            raise CountsUnavailable(f"baresip-python is not the version that is pinned: {missing}") from None
        self._stack: Any = stack
        self._clock = clock

    def __call__(self) -> Mapping[int, LineCount]:
        """SIP thread. The counts of every call with audio, by the call's handle."""
        counts: dict[int, LineCount] = {}
        stack = self._stack
        stats = ffi.new("struct bp_audio_stats *")
        for agent in _walk(stack.uag_list()):
            for call in _walk(stack.ua_calls(agent)):
                stream = stack.audio_strm(stack.call_audio(call))
                handle = stack.bp_call_handle_find(call)
                if not stream or not handle or lib.bp_audio_stats_get(handle, stats):
                    continue
                counts[handle] = LineCount(
                    at=self._clock(),
                    packets=stack.stream_metric_get_tx_n_packets(stream),
                    epoch=stats.epoch,
                    buffered_bytes=stats.tx_fill,
                    flushed_bytes=stats.tx_flushed,
                    silence_frames=stats.tx_silence_frames,
                    starved_frames=stats.tx_starved_frames,
                )
        return counts


def _walk(found: Any) -> list[int]:
    pointers = []
    element = found.contents.head if found else None
    while element:
        pointers.append(int(element.contents.data))
        element = element.contents.next
    return pointers
