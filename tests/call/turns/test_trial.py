"""The ear over an annotated call: where it takes a turn, waits, stops the bot, and how that is counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from voicebot.call.settings import TurnTaking
from voicebot.call.turns.annotation import AnnotatedCall, BotLine, CallerSpeech, Pause, PauseKind, SpeechKind
from voicebot.call.turns.scoring import score
from voicebot.call.turns.trial import BotStopped, Trial, TurnTaken, hear
from voicebot.speech.protocols import RecognitionStream, Transcript
from voicebot.speech.wav import Recording
from voicebot.understanding.meaning import Expecting

COMPUTE = 0.2
Words = Sequence[tuple[float, float, str]]
"""Start, end and text of what the caller says; the level of its sound is its number, so that it can be known again."""


class LevelVoiceActivity:
    frame_samples = 256

    async def speech_probability(self, pcm: bytes) -> float:
        return 0.95 if np.abs(np.frombuffer(pcm, "<i2")).max(initial=0) > 500 else 0.02


class WordsByLevel:
    """Hears of each stretch of sound the words that belong to its level."""

    name = "words by level"
    languages: Sequence[str] = ("zh-CN",)
    ask_again_below = 0.5
    waiting = 0

    def __init__(self, words: Words) -> None:
        self.words = words

    def stream(self, *, sample_rate: int, language: str, phrases: Sequence[str] = ()) -> RecognitionStream:
        return WordsStream(self.words)

    async def close(self) -> None: ...


class WordsStream:
    def __init__(self, words: Words) -> None:
        self.words, self.pcm = words, bytearray()

    def accept(self, pcm: bytes) -> None:
        self.pcm += pcm

    async def partial(self) -> Transcript | None:
        return None

    async def finish(self) -> Transcript:
        levels = set(np.frombuffer(bytes(self.pcm), "<i2").tolist())
        text = "".join(text for number, (_, _, text) in enumerate(self.words, 1) if 1000 * number in levels)
        return Transcript(text, 0.9, True, len(self.pcm) / 16000, COMPUTE, "words by level")


def sound(words: Words, seconds: float) -> Recording:
    line = np.zeros(int(seconds * 8000), "<i2")
    for number, (begins, ends, _) in enumerate(words, 1):
        line[int(begins * 8000) : int(ends * 8000)] = 1000 * number
    return Recording(line.tobytes(), 8000)


async def heard(words: Words, *, lines: tuple[BotLine, ...] = (), seconds: float = 8.0) -> Trial:
    call = AnnotatedCall("a", sound(words, seconds), "zh-CN", lines, (), ())
    return await hear(call, recogniser=WordsByLevel(words), voice_activity=LevelVoiceActivity(), settings=TurnTaking())


async def test_a_turn_is_taken_after_its_silence_in_media_time() -> None:
    trial = await heard([(1.0, 2.0, "我明天还")])
    (turn,) = trial.turns
    assert turn.text == "我明天还"
    assert turn.ended == pytest.approx(2.0, abs=0.05)
    assert turn.at == pytest.approx(2.0 + TurnTaking().end_seconds, abs=0.08)


async def test_an_unfinished_sentence_and_an_unfinished_number_are_waited_for() -> None:
    trial = await heard([(1.0, 1.6, "因为我"), (2.6, 3.4, "上个月丢了工作")])
    assert [turn.text for turn in trial.turns] == ["因为我上个月丢了工作"]
    asked = (BotLine(0.0, 0.8, "后四位？", Expecting.DIGITS, 4),)
    trial = await heard([(1.0, 1.6, "三八"), (2.6, 3.2, "六六")], lines=asked)
    assert [turn.text for turn in trial.turns] == ["三八六六"]


async def test_a_line_is_stopped_by_words_and_not_by_listening() -> None:
    lines = (BotLine(0.5, 7.0, "您的账单已经逾期。"),)
    trial = await heard([(2.0, 3.5, "我没欠钱")], lines=lines)
    (stop,) = trial.stops
    assert 2.3 < stop.at < 3.0
    assert stop.speech_began == pytest.approx(2.0, abs=0.05)
    trial = await heard([(2.0, 2.6, "嗯嗯")], lines=lines)
    assert trial.stops == ()
    assert [turn.listening for turn in trial.turns] == [True]


async def test_the_same_call_gives_the_same_trial() -> None:
    words = [(1.0, 2.0, "我明天还"), (4.0, 4.5, "对")]
    assert await heard(words) == await heard(words)


def annotated(*pauses: Pause, speech: tuple[CallerSpeech, ...] = (), lines: tuple[BotLine, ...] = ()) -> AnnotatedCall:
    return AnnotatedCall("a", Recording(b"", 8000), "zh-CN", lines, speech, pauses)


def taken(ended: float, at: float, *, listening: bool = False) -> TurnTaken:
    return TurnTaken(at, ended, "好", listening)


WITHIN = Pause(2.0, 2.9, PauseKind.WITHIN_TURN)
END = Pause(4.0, 6.0, PauseKind.END_OF_TURN)
LINE = BotLine(10.0, 16.0)


def test_waiting_and_answering_is_right() -> None:
    result = score([(annotated(WITHIN, END), Trial((taken(4.03, 4.7),), ()))])
    assert (result["n"], result["false_cut_in"], result["missed_turn"]) == (2, 0, 0)
    assert result["response_ms"] == {"p50": 700.0, "p95": 700.0}
    assert result["barge_in_stop_ms"] == {"p50": None, "p95": None}


def test_a_turn_taken_in_a_pause_within_it_is_a_false_cut_in_and_the_rest_still_counts() -> None:
    result = score([(annotated(WITHIN, END), Trial((taken(2.05, 2.7), taken(4.0, 4.65)), ()))])
    assert (result["false_cut_in"], result["missed_turn"]) == (1, 0)
    assert result["errors"] == [{"call": "a", "kind": "false_cut_in", "at": 2.0, "text": "好"}]


def test_an_annotation_may_take_the_quiet_end_of_a_word_for_speech() -> None:
    said = (CallerSpeech(2.5, 4.0, SpeechKind.TURN),)
    result = score([(annotated(END, speech=said), Trial((taken(3.4, 4.05),), ()))])
    assert result["missed_turn"] == 0
    assert result["response_ms"]["p50"] == pytest.approx(50.0)
    before = (CallerSpeech(1.0, 1.9, SpeechKind.TURN), CallerSpeech(2.2, 4.0, SpeechKind.TURN))
    call = annotated(Pause(2.3, 5.0, PauseKind.END_OF_TURN), speech=before)
    assert score([(call, Trial((taken(1.9, 2.1),), ()))])["missed_turn"] == 1, "a turn of the speech before"


def test_a_turn_never_taken_or_only_with_the_next_is_missed() -> None:
    more = (CallerSpeech(3.0, 4.0, SpeechKind.TURN), CallerSpeech(6.0, 7.0, SpeechKind.TURN))
    assert score([(annotated(END, speech=more), Trial((), ()))])["missed_turn"] == 1
    assert score([(annotated(END, speech=more), Trial((taken(7.0, 7.6),), ()))])["missed_turn"] == 1
    assert score([(annotated(END, speech=more), Trial((taken(4.1, 4.8, listening=True),), ()))])["missed_turn"] == 1


def test_stops_are_right_for_a_barge_in_and_wrong_for_a_sign_of_listening() -> None:
    for kind, wrong, times in ((SpeechKind.BARGE_IN, 0, 600.0), (SpeechKind.BACKCHANNEL, 1, None)):
        call = annotated(speech=(CallerSpeech(12.0, 13.0, kind, "嗯"),), lines=(LINE,))
        result = score([(call, Trial((), (BotStopped(12.6, 12.0),)))])
        assert result["false_stop"] == wrong
        assert result["barge_in_stop_ms"]["p50"] == times
        assert result["missed_stop"] == 0
    call = annotated(speech=(CallerSpeech(12.0, 13.0, SpeechKind.BARGE_IN),), lines=(LINE,))
    assert score([(call, Trial((), ()))])["missed_stop"] == 1
