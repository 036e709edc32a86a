"""Runs functions on the SIP stack's own thread, the only one on which the stack's objects may be touched.

The stack (baresip 4.10 as bound by baresip-python 0.5.2a3) frees calls and streams on that thread whenever it likes.
Its `re_thread_enter` keeps nobody out here: the binding gives its loop a context of that thread alone, and from any
other thread the lock that is taken is another one. What the loop answers on its own thread, with nothing half done
around it, is a ping.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from baresip._events import set_sink
from baresip._native import lib

T = TypeVar("T")
Sink = Callable[[int, int, bytes | None], None]


class Stack(Protocol):
    """What is needed of `baresip.runtime.Runtime`."""

    async def cmd(self, cmd_id: int, /) -> Any: ...


class _Job(Generic[T]):
    """One function on its way."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None

    def do(self) -> None:
        """SIP thread. Never raises: there is nobody to catch it."""
        try:
            self._result.append(self._work())
        except BaseException as error:
            self._error = error

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]


class SipThread:
    """Of a stack that is running; it hears the stack's events before the binding does."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._jobs: deque[_Job[Any]] = deque()
        self._binding: Sink | None = set_sink(self._hear)  # type: ignore[no-untyped-call]

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, done on the SIP thread; it must be quick.

        Raises BaresipError when there is no stack that would do it."""
        job = _Job(work)
        self._jobs.append(job)
        try:
            await self._stack.cmd(lib.BP_CMD_PING)
        except BaseException:
            with contextlib.suppress(ValueError):
                self._jobs.remove(job)
            raise
        return job.result()

    def _hear(self, event: int, handle: int, payload: bytes | None) -> None:
        """SIP thread."""
        if event == lib.BP_EV_PONG:
            while self._jobs:
                self._jobs.popleft().do()
        if self._binding is not None:
            self._binding(event, handle, payload)
