"""Audio is handed over whole, in order, in time, and never far ahead; each mark is closed exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from telephony.pacing import DueAudio, DueMark, Pacing

RATE = 8000
AHEAD = 0.06


def seconds(pcm: bytes) -> float:
    return len(pcm) / (2 * RATE)


def test_a_fresh_queue_hands_over_sixty_milliseconds_then_one_frame_a_frame() -> None:
    pacing = Pacing(RATE)
    pacing.send(bytes(1600))
    assert [len(due.pcm) for due in pacing.due(10.0) if isinstance(due, DueAudio)] == [320, 320, 320]
    assert pacing.wakes_at(10.0) == pytest.approx(10.02)
    assert pacing.due(10.019) == []
    assert len(pacing.due(10.02)) == 1
    assert len(pacing.due(10.04)) == 1
    assert pacing.due(99.0) == []
    assert pacing.wakes_at(99.0) is None


def test_a_mark_is_due_with_the_audio_before_it_and_reached_when_that_is_played() -> None:
    pacing = Pacing(RATE)
    pacing.send(bytes(640))
    pacing.mark("end")
    assert pacing.due(1.0) == [DueAudio(bytes(320)), DueAudio(bytes(320)), DueMark(1, "end")]
    assert pacing.mark_plays_at() == 1.04
    assert pacing.reached(1.03) == []
    assert pacing.reached(1.04) == ["end"]
    assert pacing.reached(9.0) == []


def test_a_late_wake_does_not_make_up_for_the_pause() -> None:
    pacing = Pacing(RATE)
    pacing.send(bytes(16000))
    pacing.due(1.0)
    assert len(pacing.due(5.0)) == 3, "what was not sent in time is played later, not faster"


def test_clear_names_the_marks_that_were_not_played() -> None:
    pacing = Pacing(RATE)
    pacing.mark("played")
    pacing.send(bytes(640))
    pacing.mark("handed over")
    pacing.send(bytes(6400))
    pacing.mark("queued")
    pacing.due(1.0)
    assert pacing.reached(1.0) == ["played"]
    assert pacing.clear(1.02) == ["handed over", "queued"]
    assert pacing.due(1.02) == []
    assert pacing.clear(1.02) == []
    assert abs(pacing.played_seconds(5.0) - 0.02) < 1e-9
    pacing.send(bytes(320))
    assert len(pacing.due(1.02)) == 1, "the next line begins at once"


def test_an_answer_closes_its_own_mark_and_no_namesake() -> None:
    pacing = Pacing(RATE)
    pacing.mark("line")
    pacing.due(1.0)
    pacing.clear(1.0)
    pacing.mark("line")
    pacing.due(1.0)
    assert pacing.answer(1) is None
    assert pacing.answer(2) == "line"
    assert pacing.answer(2) is None


class AnyUse(RuleBasedStateMachine):
    """Whatever is sent, marked, cleared and waited for, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.pacing = Pacing(RATE, ahead_seconds=AHEAD)
        self.now = 100.0
        self.sent = bytearray()
        self.handed = bytearray()
        self.dropped = 0
        self.lead = 0.0
        self.open: list[str] = []
        self.marks = 0

    @rule(samples=st.integers(0, 2000), fill=st.integers(0, 255))
    def send(self, samples: int, fill: int) -> None:
        pcm = bytes([fill]) * (2 * samples)
        self.pacing.send(pcm)
        self.sent += pcm

    @rule()
    def mark(self) -> None:
        self.marks += 1
        self.open.append(str(self.marks))
        self.pacing.mark(str(self.marks))

    @rule(wait=st.floats(0.0, 0.3))
    def wait(self, wait: float) -> None:
        self.now += wait
        self.lead = max(0.0, self.lead - wait)

    @rule()
    def hand_over(self) -> None:
        for due in self.pacing.due(self.now):
            if isinstance(due, DueAudio):
                assert len(due.pcm) <= 320
                self.handed += due.pcm
                self.lead += seconds(due.pcm)
        assert self.lead <= AHEAD + 1e-4
        wakes = self.pacing.wakes_at(self.now)
        assert wakes is None or wakes > self.now - 1e-9

    @rule()
    def reach(self) -> None:
        for name in self.pacing.reached(self.now):
            assert name == self.open.pop(0), "marks close in order, once"

    @rule()
    def clear(self) -> None:
        assert self.pacing.clear(self.now) == self.open
        self.open.clear()
        self.sent = bytearray(self.handed)
        self.dropped = len(self.handed)
        self.lead = 0.0

    @invariant()
    def nothing_is_lost_or_reordered(self) -> None:
        assert self.sent.startswith(self.handed)

    @invariant()
    def never_claims_more_than_was_handed_over(self) -> None:
        assert -1e-6 <= self.pacing.played_seconds(self.now) <= seconds(bytes(self.handed)) + 1e-6


TestAnyUse = AnyUse.TestCase


@given(pieces=st.lists(st.integers(0, 900), max_size=20))
def test_following_the_wake_ups_plays_without_a_hole(pieces: list[int]) -> None:
    pacing = Pacing(RATE)
    for samples in pieces:
        pacing.send(bytes(2 * samples))
    pacing.mark("end")
    now, plays_until, handed = 50.0, 50.0, 0
    while True:
        for due in pacing.due(now):
            if isinstance(due, DueAudio):
                assert now <= plays_until + 1e-6, "the listener ran dry"
                plays_until += seconds(due.pcm)
                handed += len(due.pcm)
        wakes = pacing.wakes_at(now)
        if wakes is None:
            break
        now = wakes
    assert handed == 2 * sum(pieces)
    assert pacing.reached(plays_until + 1e-9) == ["end"]
