"""Annotated calls are read in the shapes people write; what cannot be used is named by file, line and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from voicebot.call.turns.annotation import AnnotatedCall, PauseKind, SpeechKind
from voicebot.call.turns.reading import AnnotationError, read_calls
from voicebot.speech.wav import Recording, write_wav
from voicebot.understanding.meaning import Expecting

LEFT = Recording(b"\1\0" * 8000, 8000)
RIGHT = Recording(b"\2\0" * 8000, 8000)


def written(folder: Path, content: Any, name: str = "a") -> None:
    write_wav(folder / f"{name}.wav", LEFT, RIGHT)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def read(folder: Path, content: Any) -> AnnotatedCall:
    written(folder, content)
    (call,) = read_calls(folder)
    return call


def kinds(call: AnnotatedCall) -> list[tuple[float, float, str]]:
    return [(round(pause.begins, 3), round(pause.ends, 3), pause.kind.value) for pause in call.pauses]


def test_the_shape_of_the_documentation(tmp_path: Path) -> None:
    call = read(
        tmp_path,
        {
            "channels": {"caller": 1, "bot": 0},
            "language": "zh-CN",
            "segments": [
                {"speaker": "bot", "start": 0.0, "end": 2.0, "text": "后四位？", "expecting": "digits", "digits": 4},
                {"speaker": "caller", "start": 2.5, "end": 3.0, "text": "三八"},
                {"speaker": "caller", "start": 3.8, "end": 4.2, "text": "六六"},
                {"speaker": "bot", "start": 5.0, "end": 9.0, "text": "谢谢。", "interruptible": False},
                {"speaker": "caller", "start": 6.0, "end": 6.3, "kind": "backchannel", "text": "嗯"},
            ],
            "pauses": [
                {"start": 3.0, "end": 3.8, "kind": "within_turn"},
                {"start": 4.2, "end": 5.0, "kind": "end_of_turn"},
            ],
        },
    )
    assert call.caller == RIGHT
    assert kinds(call) == [(3.0, 3.8, "within_turn"), (4.2, 5.0, "end_of_turn")]
    assert [(line.expecting, line.digits, line.interruptible) for line in call.lines] == [
        (Expecting.DIGITS, 4, True),
        (Expecting.NOTHING, 0, False),
    ]
    assert [one.kind for one in call.speech] == [SpeechKind.TURN, SpeechKind.TURN, SpeechKind.BACKCHANNEL]


@pytest.mark.parametrize(
    "content",
    [
        {"caller": [[2.5, 3.0], [3.8, 4.2]], "bot": [[0, 2.0], [5.0, 9.0]]},
        [
            {"role": "agent", "begin": 0, "end": 2.0},
            {"role": "user", "begin": 2.5, "end": 3.0, "pause_after": "hesitation"},
            {"role": "user", "begin": 3.8, "duration": 0.4, "pause_after": {"kind": "end_of_turn", "duration": 0.8}},
        ],
        {
            "events": [
                {"who": "customer", "start_ms": 2500, "end_ms": 3000, "type": "speech"},
                {"type": "mid-turn", "start_ms": 3000, "end_ms": 3800},
                {"who": "customer", "start_ms": 3800, "end_ms": 4200, "type": "speech"},
                {"type": "turn end", "start_ms": 4200, "end_ms": 5000},
            ]
        },
        {
            "turns": {"caller": [{"from": 2.5, "to": 3.0}, {"from": 3.8, "to": 4.2}], "bot": [{"from": 5, "to": 9}]},
            "pauses": [{"from": 3.0, "to": 3.8, "label": "within"}, {"from": 4.2, "to": 5.0, "label": "end"}],
        },
    ],
    ids=["pairs by speaker, pauses derived", "a bare list, pauses told after speech", "events in ms", "by speaker"],
)
def test_other_shapes_say_the_same(tmp_path: Path, content: Any) -> None:
    call = read(tmp_path, content)
    assert [(round(one.begins, 3), round(one.ends, 3)) for one in call.speech] == [(2.5, 3.0), (3.8, 4.2)]
    assert [(round(pause.begins, 3), pause.kind) for pause in call.pauses] == [
        (3.0, PauseKind.WITHIN_TURN),
        (4.2, PauseKind.END_OF_TURN),
    ]
    assert call.pauses[0].ends == pytest.approx(3.8)
    assert call.caller == LEFT


def test_speech_over_the_bot_is_judged_by_its_words_where_nothing_is_said_of_it(tmp_path: Path) -> None:
    over = [
        {"speaker": "caller", "start": 1.0, "end": 1.3, "text": "嗯，好的"},
        {"speaker": "caller", "start": 3.0, "end": 4.0, "text": "我没欠钱"},
        {"speaker": "caller", "start": 5.9, "end": 6.4, "text": "可以"},
    ]
    call = read(tmp_path, {"segments": [{"speaker": "bot", "start": 0, "end": 6, "text": "可以吗？"}, *over]})
    assert [one.kind for one in call.speech] == [SpeechKind.BACKCHANNEL, SpeechKind.BARGE_IN, SpeechKind.TURN]
    assert call.lines[0].expecting is Expecting.OPEN


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('{"segments": [\n{"speaker": "caller", "start": 1}]}', 2, '"start" and "end"'),
        ('{"segments": [\n\n{"speaker": "caller", "start": 2, "end": 1}]}', 3, "not after its start"),
        ('{"segments": [{"start": 0, "end": 1}]}', 1, '"speaker": "caller"'),
        ('{"segments": [{"speaker": "neighbour", "start": 0, "end": 1}]}', 1, "neighbour"),
        ('{"segments": [{"speaker": "caller", "start": "soon", "end": 1}]}', 1, "'soon'"),
        ('{"segments": [{"speaker": "caller", "start": 0, "end": 1, "kind": "song"}]}', 1, "turn, barge_in"),
        ('{"pauses": [\n{"start": 0, "end": 1, "kind": "odd"}],"segments": []}', 2, "within_turn, end_of_turn"),
        ('{"segments": [{"speaker": "bot", "start": 0, "end": 1, "expecting": "gold"}]}', 1, "date_and_amount"),
        ('{"segments": [],\n"segments": [],}', 2, "not JSON"),
        ('{"segments": []}', 1, "nobody speaks"),
        ('{"channels": {"caller": 5}, "caller": [[0, 1]]}', 1, "2 channels"),
        ('{"audio": "gone.wav", "caller": [[0, 1]]}', 1, "gone.wav"),
    ],
)
def test_what_cannot_be_used_is_named_with_file_line_and_remedy(
    tmp_path: Path, content: str, line: int, words: str
) -> None:
    written(tmp_path, content)
    with pytest.raises(AnnotationError) as told:
        read_calls(tmp_path)
    assert f"a.json:{line}: " in str(told.value)
    assert words in str(told.value)


def test_all_faults_of_a_folder_are_told_at_once(tmp_path: Path) -> None:
    written(tmp_path, "{", "a")
    written(tmp_path, {"caller": [[0, 1]]}, "b")
    write_wav(tmp_path / "c.wav", LEFT, RIGHT)
    with pytest.raises(AnnotationError) as told:
        read_calls(tmp_path)
    first, second = str(told.value).splitlines()
    assert "a.json:1" in first
    assert "c.wav:1: no c.json" in second


def test_an_empty_folder_and_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no calls"):
        read_calls(tmp_path)
    with pytest.raises(AnnotationError, match="not a folder"):
        read_calls(tmp_path / "gone")


def test_json_that_is_about_something_else_is_passed_over(tmp_path: Path) -> None:
    written(tmp_path, {"caller": [[0, 0.5]]})
    (tmp_path / "readme.json").write_text('{"made": "by hand"}', encoding="utf-8")
    assert [call.name for call in read_calls(tmp_path)] == ["a"]
