"""Where a stream that counts its own time lies on the local clock.

Audio is counted, not timed: each piece follows the one before it. What a count lacks is its place on the clock that the
other side of the call is measured by, and that place moves: the first piece may have come late, the far end's crystal
runs fast or slow, packets are lost. A delay can only be added on the way, never taken off, so the piece that came with
the least delay is the best witness, and one witness within a while is enough.
"""

from __future__ import annotations

import math
from collections import deque


class Alignment:
    """Follows one stream. Pure: the caller brings both times, in seconds.

    After each `witness`, `offset` added to a time counted by the stream gives its place on the local clock.
    """

    def __init__(self, *, slack: float = 0.005, patience: float = 1.0, pause: float = math.inf) -> None:
        """`slack`: a lesser disagreement is left alone. `patience`: how long everything must have come late before the
        stream is moved later, for a delay that lasts is a loss. `pause`: a delay from which on this is done at once.
        All in seconds.
        """
        self._slack = slack
        self._patience = patience
        self._pause = pause
        self._offset: float | None = None
        self._delays: deque[tuple[float, float]] = deque()
        """When, and by how much less than any later one the stream was late: increasing, so the first is the least."""
        self._since = 0.0

    @property
    def offset(self) -> float:
        """Seconds to add to the stream's own count; 0.0 before the first witness."""
        return self._offset or 0.0

    def witness(self, counted: float, now: float) -> float:
        """At `now` by the local clock the stream has come to `counted` by its own. Returns how far that moved it."""
        if self._offset is None:
            self._offset = now - counted
            self._begin(now)
            return self._offset
        delay = now - counted - self._offset
        if delay < -self._slack or delay >= self._pause:
            return self._move(delay, now)
        while self._delays and self._delays[-1][1] >= delay:
            self._delays.pop()
        self._delays.append((now, delay))
        if now - self._since < self._patience:
            return 0.0
        while self._delays[0][0] < now - self._patience:
            self._delays.popleft()
        least = self._delays[0][1]
        return self._move(least, now) if least > self._slack else 0.0

    def _move(self, by: float, now: float) -> float:
        self._offset = self.offset + by
        self._begin(now)
        return by

    def _begin(self, now: float) -> None:
        self._delays.clear()
        self._since = now
