"""An utterance begins with sustained speech, survives pauses, and ends after a silence that fits the question."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voicebot.call.endpointing import (
    Endpointer,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    patience,
)
from voicebot.call.settings import TurnTaking
from voicebot.understanding.meaning import Expecting

FRAME = 0.032
SETTINGS = TurnTaking()


def play(endpointer: Endpointer, *stretches: tuple[float, float], at: float = 0.0) -> list[SpeechEvent]:
    """Feeds stretches of (seconds, probability) from media second `at` on, and gives back what happened."""
    events: list[SpeechEvent] = []
    for seconds, probability in stretches:
        for _ in range(round(seconds / FRAME)):
            events += endpointer.advance(at, probability, FRAME)
            at += FRAME
    return events


def kinds(events: list[SpeechEvent]) -> list[type]:
    return [type(event) for event in events]


def test_a_word_between_silences_is_one_utterance() -> None:
    events = play(Endpointer(SETTINGS), (0.5, 0.0), (0.4, 0.9), (1.0, 0.0))
    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechEnded]
    ended = events[-1]
    assert isinstance(ended, SpeechEnded)
    assert abs(ended.began - 0.5) < 2 * FRAME
    assert abs(ended.ended - 0.9) < 2 * FRAME
    assert abs(ended.voiced_seconds - 0.4) < 2 * FRAME


def test_a_click_is_not_an_utterance() -> None:
    assert play(Endpointer(SETTINGS), (0.5, 0.0), (FRAME, 0.99), (1.0, 0.0)) == []


def test_clicks_far_apart_never_add_up_to_speech() -> None:
    assert play(Endpointer(SETTINGS), *[(FRAME, 0.99), (0.3, 0.0)] * 20) == []


def test_a_pause_for_breath_does_not_end_the_turn() -> None:
    events = play(Endpointer(SETTINGS), (0.5, 0.9), (0.4, 0.0), (0.5, 0.9), (1.0, 0.0))
    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechResumed, SpeechPaused, SpeechEnded]


def test_soft_speech_goes_on_below_the_threshold_it_began_at() -> None:
    soft = SETTINGS.speech_probability * 0.8
    assert kinds(play(Endpointer(SETTINGS), (0.2, 0.9), (2.0, soft))) == [SpeechStarted]
    assert play(Endpointer(SETTINGS), (2.0, soft)) == []


def test_patience_can_be_changed_while_the_caller_pauses() -> None:
    endpointer = Endpointer(SETTINGS)
    play(endpointer, (0.32, 0.9), (0.32, 0.0))
    endpointer.end_seconds = 1.3
    assert play(endpointer, (0.64, 0.0), at=0.64) == []
    assert kinds(play(endpointer, (0.64, 0.0), at=1.28)) == [SpeechEnded]


def test_a_turn_without_end_is_taken_as_it_is() -> None:
    events = play(Endpointer(SETTINGS), (SETTINGS.longest_turn_seconds + 1, 0.9))
    assert kinds(events)[:3] == [SpeechStarted, SpeechPaused, SpeechEnded]


def test_patience_waits_for_digits_and_takes_a_complete_answer_soon() -> None:
    assert patience("三八", Expecting.DIGITS, 4, SETTINGS) == SETTINGS.end_seconds_long
    assert patience("三八六六", Expecting.DIGITS, 4, SETTINGS) == SETTINGS.end_seconds
    assert patience("对", Expecting.YES_NO, 0, SETTINGS) == SETTINGS.end_seconds_short
    assert patience("对，我是", Expecting.IDENTITY, 0, SETTINGS) < SETTINGS.end_seconds_long
    assert patience("我是", Expecting.OPEN, 0, SETTINGS) == SETTINGS.end_seconds_long
    assert patience("我就是想说那个", Expecting.OPEN, 0, SETTINGS) == SETTINGS.end_seconds_long
    assert patience("", Expecting.OPEN, 0, SETTINGS) == SETTINGS.end_seconds


@given(st.lists(st.floats(0, 1), max_size=400))
def test_events_always_come_in_an_order_that_makes_sense(probabilities: list[float]) -> None:
    endpointer = Endpointer(SETTINGS)
    may_follow: dict[type | None, set[type]] = {
        None: {SpeechStarted},
        SpeechStarted: {SpeechPaused},
        SpeechPaused: {SpeechResumed, SpeechEnded},
        SpeechResumed: {SpeechPaused},
        SpeechEnded: {SpeechStarted},
    }
    last: type | None = None
    for number, probability in enumerate(probabilities):
        for event in endpointer.advance(number * FRAME, probability, FRAME):
            assert type(event) in may_follow[last]
            last = type(event)
            if isinstance(event, SpeechEnded):
                assert 0 <= event.began < event.ended <= (number + 1) * FRAME + 1e-9
                assert event.voiced_seconds <= event.ended - event.began + 1e-6
    assert endpointer.speaking is (last not in (None, SpeechEnded))
