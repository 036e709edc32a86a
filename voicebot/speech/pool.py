"""The threads that a recogniser decodes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


class DecodingPool(ThreadPoolExecutor):
    """A thread pool that says how much work waits for it."""

    @property
    def waiting(self) -> int:
        """Pieces of work that no thread has taken yet."""
        return self._work_queue.qsize()
