"""`voicebot asr` and `voicebot models`: what they print, and exit codes a script can go by."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voicebot.cli.asr import app as asr
from voicebot.cli.models import app as models
from voicebot.speech.wav import Recording, read_wav, write_wav

Say = Callable[..., Awaitable[bytes]]
run = CliRunner()
SPOKEN = [("我要分期还款", "clean"), ("请帮我转人工", "noise"), ("好的", "clean")]


@pytest.fixture
async def manifest(say: Say, tmp_path: Path) -> Path:
    rows = []
    for number, (text, condition) in enumerate(
        [("我要分期还款", "clean"), ("请帮我转人工", "noise"), ("好的", "clean")]
    ):
        pcm = await say(text, noise_db=20 if condition == "noise" else None)
        write_wav(tmp_path / f"{number}.wav", Recording(pcm, 8000))
        rows.append({"audio": f"{number}.wav", "text": text, "language": "zh-CN", "condition": condition})
    path = tmp_path / "m.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.mark.models
def test_eval_prints_the_keys_of_the_contract(manifest: Path) -> None:
    result = run.invoke(asr, ["eval", str(manifest), "--json", "--engine", "whisper-base"])
    assert result.exit_code == 0, result.output
    (engine,) = json.loads(result.stdout)["engines"]
    assert engine["name"] == "whisper-base"
    assert engine["n"] == 3
    assert engine["short_answer"]["n"] == 1
    assert set(engine["by_condition"]) == {"clean", "noise"}
    for key in ("cer", "pinyin_er", "sentence_exact"):
        assert 0 <= engine[key] <= 1
    assert engine["pinyin_er"] < 0.5
    assert engine["latency_ms"]["p50"] > 0
    assert engine["rtf"] > 0


@pytest.mark.models
def test_eval_without_json_is_a_table(manifest: Path) -> None:
    result = run.invoke(asr, ["eval", str(manifest)])
    assert result.exit_code == 0
    assert "CER" in result.stdout


def test_an_unusable_manifest_is_exit_2_with_file_line_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"audio": "gone.wav", "text": "对"}\n')
    result = run.invoke(asr, ["eval", str(tmp_path / "m.jsonl"), "--json"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "m.jsonl:1: gone.wav" in result.stderr


def test_an_unknown_engine_is_exit_2(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", Recording(b"\0\0" * 8000, 8000))
    (tmp_path / "m.jsonl").write_text('{"audio": "a.wav", "text": "对"}\n')
    result = run.invoke(asr, ["eval", str(tmp_path / "m.jsonl"), "--engine", "wisper"])
    assert result.exit_code == 2
    assert "whisper-base" in result.stderr


@pytest.mark.models
def test_what_is_said_into_a_file_is_heard_from_it(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    assert run.invoke(asr, ["say", "请帮我转人工客服", "-o", str(file), "--telephone"]).exit_code == 0
    assert read_wav(file).sample_rate == 8000
    result = run.invoke(asr, ["hear", str(file)])
    assert result.exit_code == 0
    assert "人工" in result.stdout


def test_models_list_names_every_model(tmp_path: Path) -> None:
    result = run.invoke(models, ["list", "--json", "-d", str(tmp_path)])
    assert result.exit_code == 0
    listed = {model["name"]: model for model in json.loads(result.stdout)["models"]}
    assert listed["whisper-base"]["default"]
    assert not listed["whisper-base"]["installed"]


def test_doctor_says_what_is_missing_how_to_mend_it_and_whose_licence_binds(tmp_path: Path) -> None:
    result = run.invoke(models, ["doctor", "-d", str(tmp_path)])
    assert result.exit_code == 1
    assert "voicebot models pull whisper-base" in result.stdout
    assert "non-commercial" in result.stdout


def test_pull_and_verify_of_a_model(tmp_path: Path) -> None:
    assert run.invoke(models, ["pull", "silero-vad", "-d", str(tmp_path)]).exit_code == 0
    assert run.invoke(models, ["verify", "-d", str(tmp_path)]).exit_code == 0
    (tmp_path / "silero-vad" / "silero_vad.onnx").write_bytes(b"x")
    result = run.invoke(models, ["verify", "-d", str(tmp_path)])
    assert result.exit_code == 1
    assert "changed" in result.stdout


def test_pull_without_a_name_is_exit_2() -> None:
    assert run.invoke(models, ["pull"]).exit_code == 2


def test_pull_of_an_unknown_model_is_exit_1(tmp_path: Path) -> None:
    result = run.invoke(models, ["pull", "wisper", "-d", str(tmp_path)])
    assert result.exit_code == 1
    assert "whisper-base" in result.stderr
