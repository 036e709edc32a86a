"""The books of play-out: every mark is told once, and never claims more than was played."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.playout import ROUNDING_SECONDS, MarkReport, PlayoutLedger

FRAME = b"\1\0" * 160


def rounded(reports: list[MarkReport]) -> list[tuple[str, bool, float]]:
    return [(report.mark, report.played, round(report.played_seconds, 6)) for report in reports]


def say(ledger: PlayoutLedger, frames: int, *, interruptible: bool = True) -> None:
    for _ in range(frames):
        ledger.sent(FRAME, 0.02, interruptible=interruptible)


def test_a_line_that_is_heard_out() -> None:
    ledger = PlayoutLedger()
    assert ledger.begin("a") == []
    say(ledger, 5)
    assert ledger.mark("a", 0.1) == (True, [])
    assert rounded(ledger.reached("a", played=True)) == [("a", True, 0.1)]
    assert ledger.reached("a", played=True) == []


def test_a_cut_line_says_how_much_of_it_was_played() -> None:
    ledger = PlayoutLedger()
    ledger.begin("a")
    say(ledger, 10)
    ledger.mark("a", 0.2)
    ledger.begin("b")
    say(ledger, 10)
    assert rounded(ledger.cut(0.26)) == [
        ("a", True, 0.2),
        ("b", False, 0.06),
    ]
    assert ledger.mark("b", 0.2) == (False, []), "it was told at the cut"
    assert ledger.reached("a", played=False) == []


def test_a_line_cut_before_its_mark_and_never_begun_by_name_is_told_at_its_mark() -> None:
    ledger = PlayoutLedger()
    say(ledger, 10)
    assert ledger.cut(0.12) == []
    wanted, reports = ledger.mark("a", 0.2)
    assert not wanted
    assert rounded(reports) == [("a", False, 0.12)]


def test_a_line_cut_before_its_mark_that_never_comes_does_not_spoil_the_next() -> None:
    ledger = PlayoutLedger()
    say(ledger, 10)
    ledger.cut(0.12)
    say(ledger, 5)
    assert ledger.mark("next", 0.1) == (True, [])
    assert rounded(ledger.reached("next", played=True)) == [("next", True, 0.1)]


def test_audio_that_was_announced_and_never_came_was_not_played() -> None:
    ledger = PlayoutLedger()
    ledger.begin("a")
    say(ledger, 3)
    wanted, reports = ledger.mark("a", 1.0)
    assert not wanted
    assert rounded(reports) == [("a", False, 0.06)]


def test_padding_to_a_whole_frame_is_not_counted() -> None:
    ledger = PlayoutLedger()
    ledger.begin("a")
    say(ledger, 5)
    ledger.mark("a", 0.085)
    assert rounded(ledger.reached("a", played=True)) == [("a", True, 0.085)]


def test_a_line_that_is_left_unfinished_is_told_when_the_next_begins() -> None:
    ledger = PlayoutLedger()
    ledger.begin("a")
    say(ledger, 5)
    assert rounded(ledger.begin("b")) == [("a", False, 0.1)]
    assert ledger.mark("a") == (False, [])


def test_an_interruption_between_lines_harms_none() -> None:
    ledger = PlayoutLedger()
    assert ledger.cut(0.0) == []
    say(ledger, 5)
    assert ledger.mark("a") == (True, [])
    assert ledger.reached("a", played=True)[0].played


def test_uninterruptible_audio_is_known_until_it_was_played() -> None:
    ledger = PlayoutLedger()
    say(ledger, 2, interruptible=False)
    assert ledger.holds_uninterruptible
    ledger.played(0.04, media_seconds=10.0)
    assert not ledger.holds_uninterruptible


def test_played_audio_has_its_place_on_the_media_clock_without_seams() -> None:
    ledger = PlayoutLedger()
    say(ledger, 4)
    early = ledger.played(0.041, media_seconds=5.041)
    late = ledger.played(0.08, media_seconds=5.092)
    begins = [piece.media_seconds for piece in early + late]
    assert begins == pytest.approx([5.0, 5.02, 5.04, 5.06])
    say(ledger, 1)
    assert [piece.media_seconds for piece in ledger.played(0.1, media_seconds=9.0)] == pytest.approx([8.98])


steps = st.lists(
    st.one_of(
        st.tuples(st.just("line"), st.integers(0, 20), st.booleans()),
        st.tuples(st.just("cut"), st.floats(0.0, 1.0), st.booleans()),
        st.tuples(st.just("reached"), st.integers(0, 20), st.booleans()),
    ),
    max_size=40,
)


@given(steps)
def test_every_begun_line_is_told_exactly_once(steps: list[tuple[str, float, bool]]) -> None:
    ledger = PlayoutLedger()
    told: list[MarkReport] = []
    sent: dict[str, float] = {}
    waiting: list[str] = []
    for number, (kind, amount, flag) in enumerate(steps):
        if kind == "line":
            name = f"line-{number}"
            told += ledger.begin(name)
            say(ledger, int(amount))
            sent[name] = int(amount) * 0.02
            if flag:
                wanted, reports = ledger.mark(name, sent[name])
                told += reports
                waiting += [name] if wanted else []
        elif kind == "cut":
            told += ledger.cut(ledger.sent_seconds * amount)
            waiting.clear()
        elif waiting:
            told += ledger.reached(waiting.pop(0), flag)
    told += ledger.cut(ledger.sent_seconds)
    assert sorted(report.mark for report in told) == sorted(sent)
    for report in told:
        assert -1e-9 <= report.played_seconds <= sent[report.mark] + 1e-9
        if report.played:
            assert report.played_seconds == pytest.approx(sent[report.mark], abs=ROUNDING_SECONDS)


def test_what_was_cut_takes_no_place_on_the_ports_own_count() -> None:
    ledger = PlayoutLedger()
    ledger.begin("first")
    for _ in range(10):
        ledger.sent(bytes(320), 0.02)
    ledger.cut(0.14)
    ledger.begin("second")
    for _ in range(5):
        ledger.sent(bytes(320), 0.02)
    told = ledger.played(0.24, 1.0)
    assert len(told) == 5, "the port has played all of the second line"


def test_an_idle_ledger_takes_over_the_ports_count() -> None:
    ledger = PlayoutLedger()
    ledger.begin("first")
    ledger.sent(bytes(320), 0.02)
    ledger.cut(0.0)
    ledger.anchor(0.02)
    ledger.begin("second")
    ledger.sent(bytes(320), 0.02)
    assert not ledger.played(0.03, 1.0)
    assert len(ledger.played(0.04, 1.0)) == 1
