"""Audio lies where its media time says: exactly, or within the snap of 5 ms where a clock trembles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.placing import SNAP_SECONDS, Placing

RATE = 8000


def laid_out(runs: list[tuple[int, bytes]]) -> dict[int, int]:
    placed: dict[int, int] = {}
    for first, pcm in runs:
        for offset, value in enumerate(np.frombuffer(pcm, dtype="<i2").tolist()):
            placed[first + offset] = value
    return placed


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 200), st.integers(1, 30_000)), min_size=1, max_size=20))
def test_every_piece_is_within_the_snap_of_its_time(pieces: list[tuple[int, int, int]]) -> None:
    for frame, length, value in pieces:
        placing = Placing(RATE)
        for earlier in pieces[:3]:
            placing.put(np.full(earlier[1], earlier[2], dtype="<i2").tobytes(), earlier[0] / RATE)
        placing.take()
        placing.put(np.full(length, value, dtype="<i2").tobytes(), frame / RATE)
        ((first, pcm),) = placing.take()
        assert len(pcm) == 2 * length
        assert abs(first - frame) <= SNAP_SECONDS * RATE


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40, unique=True).flatmap(st.permutations))
def test_pieces_in_any_order_make_the_same_audio(order: list[int]) -> None:
    """Pieces of 20 ms, any of them missing, in any order: each is heard at its own place."""
    placing = Placing(RATE)
    for piece in order:
        placing.put(np.full(160, piece + 1, dtype="<i2").tobytes(), piece * 0.02)
    placed = laid_out(placing.take())
    assert placed == {piece * 160 + offset: piece + 1 for piece in order for offset in range(160)}


def test_pieces_that_follow_one_another_make_one_run() -> None:
    placing = Placing(RATE)
    for piece in range(50):
        placing.put(b"\1\0" * 160, piece * 0.02 + (0.001 if piece % 2 else -0.001))
    assert [(first, len(pcm)) for first, pcm in placing.take()] == [(0, 50 * 320)]


def test_a_clock_that_runs_away_is_set_right_before_it_is_heard() -> None:
    """The sender's clock is 1 % fast: its pieces are 20 ms long but begin 20.2 ms apart."""
    placing = Placing(RATE)
    for piece in range(1000):
        placing.put(bytes(320), piece * 0.0202)
        first, pcm = placing.take()[-1]
        assert abs(first / RATE - piece * 0.0202) <= SNAP_SECONDS + 1 / RATE
        assert len(pcm) == 320


def test_what_lies_before_the_beginning_is_cut_off() -> None:
    placing = Placing(RATE)
    placing.put(np.arange(160, dtype="<i2").tobytes(), -0.01)
    placing.put(bytes(320), -5.0)
    ((first, pcm),) = placing.take()
    assert (first, np.frombuffer(pcm, dtype="<i2").tolist()) == (0, list(range(80, 160)))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e9, -1e9])
def test_a_time_that_no_call_has_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="not one of a call"):
        Placing(RATE).put(b"\0\0", seconds)
