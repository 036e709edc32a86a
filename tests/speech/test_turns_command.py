"""`voicebot turns eval`: the engine's own ear over a recorded call, with the keys of the contract."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from voicebot.cli.turns import app
from voicebot.speech.wav import Recording, write_wav

Say = Callable[..., Awaitable[bytes]]
run = CliRunner()


@pytest.fixture
async def folder(say: Say, tmp_path: Path) -> Path:
    """The caller answers once."""
    answer = await say("我下个月十五号还两千块")
    loud = np.flatnonzero(np.abs(np.frombuffer(answer, "<i2")) > 500)
    begins, ends = 1.0 + loud[0] / 8000, 1.0 + loud[-1] / 8000
    caller = Recording(bytes(16000) + answer + bytes(32000), 8000)
    write_wav(tmp_path / "a.wav", caller, Recording(b"", 8000))
    told = {
        "segments": [
            {"speaker": "bot", "start": 0.1, "end": 0.9, "text": "什么时候还？", "expecting": "date_and_amount"},
            {"speaker": "caller", "start": begins, "end": ends, "text": "我下个月十五号还两千块"},
        ],
        "pauses": [{"start": ends, "end": ends + 2.0, "kind": "end_of_turn"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    return tmp_path


@pytest.mark.models
def test_eval_prints_the_keys_of_the_contract(folder: Path) -> None:
    result = run.invoke(app, ["eval", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert {key: facts[key] for key in ("n", "false_cut_in", "missed_turn", "false_stop")} == {
        "n": 1,
        "false_cut_in": 0,
        "missed_turn": 0,
        "false_stop": 0,
    }
    assert facts["response_ms"]["p50"] == facts["response_ms"]["p95"] > 0
    assert facts["barge_in_stop_ms"] == {"p50": None, "p95": None}


@pytest.mark.models
def test_eval_without_json_is_a_table(folder: Path) -> None:
    result = run.invoke(app, ["eval", str(folder)])
    assert result.exit_code == 0
    assert "end of a turn missed" in result.stdout


def test_an_unusable_folder_is_exit_2_with_file_line_and_remedy(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", Recording(bytes(16000), 8000), Recording(bytes(16000), 8000))
    (tmp_path / "a.json").write_text('{"segments": [\n{"speaker": "caller", "start": 0.1}]}', encoding="utf-8")
    result = run.invoke(app, ["eval", str(tmp_path), "--json"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "a.json:2: " in result.stderr
    assert '"end"' in result.stderr
