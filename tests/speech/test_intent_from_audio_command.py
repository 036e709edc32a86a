"""`voicebot intent-from-audio eval`: from telephone audio to intent, counted by condition."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voicebot.cli.intent_from_audio import app
from voicebot.speech.wav import Recording, write_wav

Say = Callable[..., Awaitable[bytes]]
run = CliRunner()
SPOKEN = [
    ("请帮我转人工客服", "ask_human", "clean"),
    ("我要分期还款", "instalment_request", "clean"),
    ("你打错电话了，我不认识他", "deny_identity_wrong_number", "noise 25 dB"),
    ("对", "confirm_identity", "clean"),
]


@pytest.fixture
async def manifest(say: Say, tmp_path: Path) -> Path:
    rows = []
    for number, (text, intent, condition) in enumerate(SPOKEN):
        pcm = await say(text, noise_db=25 if "noise" in condition else None)
        write_wav(tmp_path / f"{number}.wav", Recording(pcm, 8000))
        row = {"audio": f"{number}.wav", "text": text, "condition": condition, "intent": intent}
        rows.append({**row, "expecting": "identity"} if intent == "confirm_identity" else row)
    path = tmp_path / "m.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.mark.models
def test_eval_counts_first_intents_over_all_and_by_condition(manifest: Path) -> None:
    result = run.invoke(app, ["eval", str(manifest), "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["n"] == 4
    assert facts["top1"] >= 0.75
    parts = facts["per_condition"]
    assert {name: part["n"] for name, part in parts.items()} == {"clean": 3, "noise 25 dB": 1}
    assert sum(part["n"] * part["top1"] for part in parts.values()) == pytest.approx(4 * facts["top1"], abs=0.01)
    assert len(facts["errors"]) == round(4 * (1 - facts["top1"]))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"intent": "gold"}, "m.jsonl:1: intent 'gold'"),
        ({}, "m.jsonl:1: intent None"),
        ({"intent": "ask_human", "expecting": "gold"}, "m.jsonl:1: expecting 'gold'"),
    ],
)
def test_a_line_that_cannot_be_counted_is_exit_2_with_file_line_and_remedy(
    tmp_path: Path, row: dict[str, str], words: str
) -> None:
    write_wav(tmp_path / "a.wav", Recording(b"\0\0" * 8000, 8000))
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps({"audio": "a.wav", "text": "转人工", **row}), encoding="utf-8")
    result = run.invoke(app, ["eval", str(path), "--json"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr
