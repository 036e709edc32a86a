"""The one thread of a process that writes evidence to disk, for all calls."""

from __future__ import annotations

import atexit
import logging
import threading
from typing import Protocol

FLUSH_SECONDS = 0.5
"""Longest time that what was recorded stays in memory only, while the disk keeps up."""

_log = logging.getLogger(__name__)


class Flushable(Protocol):
    """What the thread calls, and nobody else."""

    def flush(self) -> bool:
        """Writes what has come in. False when there will never be more."""
        ...


class WriterThread:
    """Calls `flush` of every live recording twice a second, and at once when woken."""

    def __init__(self, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._flush_seconds = flush_seconds
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._live: list[Flushable] = []
        self._thread: threading.Thread | None = None

    def add(self, recording: Flushable) -> None:
        """Begins to flush a recording. Starts the thread when it does not run."""
        with self._lock:
            if recording not in self._live:
                self._live.append(recording)
            if self._thread is None:
                self._stopping = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopping,), name="evidence-writer", daemon=True
                )
                self._thread.start()

    def wake(self) -> None:
        """Flushes now."""
        self._wake.set()

    def stop(self) -> None:
        """Writes what is there and ends the thread. A recording added later starts it again."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping.set()
        self._wake.set()
        if thread is not None:
            thread.join()

    def _run(self, stopping: threading.Event) -> None:
        while True:
            self._wake.wait(self._flush_seconds)
            self._wake.clear()
            last = stopping.is_set()
            with self._lock:
                live = list(self._live)
            finished = [recording for recording in live if not self._flush(recording)]
            if finished:
                with self._lock:
                    self._live = [recording for recording in self._live if recording not in finished]
            if last:
                return

    @staticmethod
    def _flush(recording: Flushable) -> bool:
        try:
            return recording.flush()
        except Exception:
            # One recording's defect must not end the recording of every other call.
            _log.exception("evidence could not be written")
            return True


_shared = WriterThread()
atexit.register(_shared.stop)


def shared_writer() -> WriterThread:
    """The writer of this process."""
    return _shared
