"""`voicebot nlu train` on an author's own library: what came of it, and by intent what is different from before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voicebot.cli.nlu import app

EXAMPLES = {
    "ask_human": [
        "转人工",
        "找真人",
        "叫经理来",
        "人工客服",
        "换个人说",
        "我要真人",
        "请转客服",
        "找你们经理",
        "要人工",
        "真人在吗",
    ],
    "end_call": ["再见", "拜拜", "挂了", "先这样吧", "我挂了啊", "那再见了", "不说了", "回头见", "就这样", "挂电话了"],
    "suspect_scam": [
        "骗子",
        "你骗人",
        "诈骗吧",
        "我不信",
        "假的吧",
        "骗钱的",
        "别骗我",
        "谁信啊",
        "你是假的",
        "诈骗电话",
    ],
}


def write_library(folder: Path) -> None:
    """Three intents of ten examples."""
    intents = folder / "zh-CN" / "intents"
    intents.mkdir(parents=True, exist_ok=True)
    for intent, examples in EXAMPLES.items():
        (intents / f"{intent}.yaml").write_text(
            f"intent: {intent}\nexamples:\n" + "".join(f"  - {text}\n" for text in examples), encoding="utf-8"
        )


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No encoder and a cache of its own, so that training takes a moment."""
    monkeypatch.setenv("VOICEBOT_MODELS", str(tmp_path / "none"))
    monkeypatch.setenv("VOICEBOT_CACHE", str(tmp_path / "cache"))
    write_library(tmp_path / "library")
    return tmp_path


def train(folder: Path, *more: str) -> str:
    """One run of the command; gives what it printed."""
    told = ["train", "--library", str(folder / "library"), "--output", str(folder / "out"), *more]
    result = CliRunner().invoke(app, told)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_first_model_has_nothing_to_be_compared_with(alone: Path) -> None:
    report = json.loads(train(alone, "--json"))
    assert (report["examples"], report["intents"], report["encoder"]) == (30, 3, False)
    assert report["changed"] is None
    assert 0 < report["held_out"]["n"] < 30
    assert Path(report["path"]).exists()


def test_a_second_says_what_is_different(alone: Path) -> None:
    train(alone)
    with (alone / "library" / "zh-CN" / "intents" / "ask_human.yaml").open("a", encoding="utf-8") as file:
        file.write("  - 接线员在哪\n  - 派个活人来\n")
    changed = json.loads(train(alone, "--json"))["changed"]
    assert changed["examples"] == {"ask_human": {"before": 10, "after": 12}}
    assert set(changed) >= {"right", "recall", "read_otherwise", "read_otherwise_total"}


def test_it_is_said_in_words_too(alone: Path) -> None:
    assert "no model before" in train(alone)
    with (alone / "library" / "zh-CN" / "intents" / "end_call.yaml").open("a", encoding="utf-8") as file:
        file.write("  - 收线了\n")
    told = train(alone)
    assert "end_call: 10 → 11 examples" in told
    assert "calibration error" in told
