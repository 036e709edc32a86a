"""Counted audio on the local clock: late pieces, losses, crystals that run fast or slow."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.alignment import Alignment

FRAME = 0.02


def test_a_late_first_piece_is_put_right_by_the_second() -> None:
    alignment = Alignment()
    alignment.witness(0.02, 5.09)
    alignment.witness(0.04, 5.04)
    assert alignment.offset == pytest.approx(5.0)


def test_a_delay_that_passes_moves_nothing() -> None:
    alignment = Alignment()
    for number in range(1, 200):
        late = 0.08 if 50 <= number < 90 else 0.0
        assert not alignment.witness(number * FRAME, number * FRAME + late)
    assert alignment.offset == 0.0


def test_a_delay_that_lasts_is_a_loss() -> None:
    alignment = Alignment()
    moves = [alignment.witness(n * FRAME, n * FRAME + (0.06 if n > 100 else 0.0)) for n in range(1, 300)]
    assert [move for move in moves if move] == pytest.approx([0.06])


def test_a_pause_moves_at_once() -> None:
    alignment = Alignment(pause=0.1)
    alignment.witness(0.02, 0.02)
    assert alignment.witness(0.04, 3.0) == pytest.approx(2.96)


@given(
    skew=st.floats(-200e-6, 200e-6),
    jitter=st.floats(0.0, 0.05),
    seed=st.integers(0, 2**32),
)
def test_ten_minutes_with_another_crystal_and_jitter_stay_within_a_frame(skew: float, jitter: float, seed: int) -> None:
    """Only now and then a piece comes without delay; still no place is off by as much as 20 ms."""
    rng = random.Random(seed)
    alignment = Alignment(pause=0.1)
    for number in range(1, 30_001, 3):
        truth = number * FRAME * (1 + skew)
        late = 0.0 if rng.random() < 0.1 else rng.uniform(0.0, jitter)
        alignment.witness(number * FRAME, truth + late)
        if number > 200:
            assert abs(number * FRAME + alignment.offset - truth) < 0.02
