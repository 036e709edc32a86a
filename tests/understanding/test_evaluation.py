"""The measuring commands print the keys of their contract and refuse unusable files with file, line and remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voicebot.cli.nlu import app
from voicebot.understanding import Understander
from voicebot.understanding.evaluation import SentenceFileError, measure_intents, measure_slots, read_sentences

_FILE = """
reference_clock: '2026-03-10T15:00:00+08:00'
intents:
- id: ask_human
  examples:
  - {id: ask_human-01, text: 给我转人工}
- id: promise_to_pay
  examples:
  - {id: promise-01, text: 下周二我还三千, slots: {date: '2026-03-17', amount: 3000}}
hard_cases:
- {id: hard-01, text: 我要投诉，给我转人工, expected_intents: [complaint_regulator, ask_human]}
none_of_these: [今天天气真好]
"""


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    path = tmp_path / "sentences.yaml"
    path.write_text(_FILE, encoding="utf-8")
    return path


def test_intents_are_counted(engine: Understander, sentences: Path) -> None:
    found = measure_intents(engine, read_sentences(sentences))
    assert (found["n"], found["top1"], found["hard_n"], found["hard_all_labels"]) == (2, 1.0, 1, 1.0)
    assert found["none_of_these"] == {"n": 1, "rejected": 1}
    assert found["per_intent"]["ask_human"] == {"n": 1, "recall": 1.0, "precision": 1.0}
    assert set(found["latency_ms"]) == {"p50", "p95", "p99"}
    assert sum(row["count"] for row in found["calibration"]["reliability"]) == 2
    assert 0.0 <= found["calibration"]["expected_error"] <= 1.0


def test_slots_are_counted(engine: Understander, sentences: Path) -> None:
    found = measure_slots(engine, read_sentences(sentences))
    assert (found["n"], found["exact"]) == (1, 1.0)
    assert found["per_slot"] == {"amount": {"n": 1, "exact": 1.0}, "date": {"n": 1, "exact": 1.0}}


def test_a_sentence_may_have_a_clock_of_its_own(engine: Understander, tmp_path: Path) -> None:
    path = tmp_path / "clocks.yaml"
    path.write_text(
        "intents:\n- id: promise_to_pay\n  examples:\n"
        "  - {text: 下周二我还三千, reference_clock: '2026-12-31T16:00:00+08:00', slots: {date: '2027-01-05'}}\n"
        "  - {text: 周五还不了, slots: {date: null}}\n",
        encoding="utf-8",
    )
    assert measure_slots(engine, read_sentences(path))["exact"] == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("intents: [", r":1:|:2:"),
        ("nothing: here", "no list `intents:`"),
        ("intents:\n- id: no_such\n  examples: []\n", r":2: unknown intent 'no_such'"),
        ("reference_clock: later\nintents: []\n", r":1: reference_clock"),
        ("intents:\n- id: ask_human\n  examples:\n  - {id: a}\n", "no `text:`"),
    ],
)
def test_unusable_files_say_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SentenceFileError, match=said):
        read_sentences(path)


def test_the_command_exits_2_on_an_unusable_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("nothing: here", encoding="utf-8")
    result = CliRunner().invoke(app, ["eval", str(path), "--json"])
    assert result.exit_code == 2
    assert not result.stdout


def test_the_command_prints_one_object(sentences: Path) -> None:
    result = CliRunner().invoke(app, ["eval-slots", str(sentences), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["exact"] == 1.0


def test_why_names_layer_and_example() -> None:
    result = CliRunner().invoke(app, ["why", "给我转人工", "--json"])
    found = json.loads(result.stdout)
    assert found["intents"][0]["id"] == "ask_human"
    assert found["intents"][0]["why"]
    assert found["nearest"][0]["intent"] == "ask_human"
