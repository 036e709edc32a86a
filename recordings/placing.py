"""Puts pieces of audio where their media time says, and joins them into runs. Pure."""

from __future__ import annotations

import math

SNAP_SECONDS = 0.005
"""A piece that begins this near to the end of the one before is joined to it: clocks of carriers tremble by a sample or
two, and a click for each would be heard. Placement is never off by more than this."""
LONGEST_SECONDS = 24 * 3600.0
LONGEST_RUN_SECONDS = 2.0


class Placing:
    """One side of one recording."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._snap = round(SNAP_SECONDS * sample_rate)
        self._longest_run = round(LONGEST_RUN_SECONDS * sample_rate) * 2
        self._next = 0
        self._runs: list[tuple[int, bytearray]] = []

    def put(self, pcm: bytes, media_seconds: float) -> None:
        """Takes a piece in. What lies before the beginning of media is cut off.

        Raises ValueError for a time that no call has, or half a sample.
        """
        if not math.isfinite(media_seconds) or abs(media_seconds) > LONGEST_SECONDS:
            raise ValueError(f"media time {media_seconds} s is not one of a call (at most {LONGEST_SECONDS:.0f} s)")
        if len(pcm) % 2:
            raise ValueError(f"{len(pcm)} bytes are not whole 16-bit samples")
        frame = round(media_seconds * self._rate)
        if abs(frame - self._next) <= self._snap:
            frame = self._next
        if frame < 0:
            pcm, frame = pcm[-frame * 2 :], 0
        if not pcm:
            return
        end = frame + len(pcm) // 2
        if self._runs and frame == self._next and len(self._runs[-1][1]) < self._longest_run:
            self._runs[-1][1].extend(pcm)
        else:
            self._runs.append((frame, bytearray(pcm)))
        self._next = end

    def take(self) -> list[tuple[int, bytes]]:
        """Runs since the last time, each with its first frame, in the order in which they came."""
        runs, self._runs = self._runs, []
        return [(frame, bytes(pcm)) for frame, pcm in runs]
