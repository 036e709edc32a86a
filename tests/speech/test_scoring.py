"""Manifests are read whole or refused with file, line and remedy; error rates are counted as the contract says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.speech.scoring import (
    Heard,
    ManifestError,
    Utterance,
    distance,
    plain,
    read_manifest,
    score,
    sounds,
    units,
)
from voicebot.speech.wav import Recording, write_wav

ONE_SECOND = Recording(b"\0\0" * 8000, 8000)


def heard(wanted: str, got: str, condition: str = "clean", latency: float = 0.2) -> Heard:
    return Heard(Utterance(ONE_SECOND, wanted, "zh-CN", condition, "a"), got, 0.9, 0.1, latency)


def test_a_manifest_is_read_with_its_sound(tmp_path: Path) -> None:
    write_wav(tmp_path / "1.wav", ONE_SECOND)
    manifest = tmp_path / "m.jsonl"
    manifest.write_text(
        '{"audio": "1.wav", "text": "对", "condition": "clean"}\n\n'
        '{"audio": "1.wav", "text": "yes", "language": "en-US"}\n'
    )
    first, second = read_manifest(manifest)
    assert (first.text, first.language, first.condition) == ("对", "zh-CN", "clean")
    assert (second.language, second.recording) == ("en-US", ONE_SECOND)


def test_all_faults_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    manifest = tmp_path / "m.jsonl"
    rows = ["[1]", "{", '{"text": "x"}', '{"audio": "gone.wav", "text": "x"}', '{"audio": "bad.wav", "text": "x"}']
    manifest.write_text("\n".join(rows))
    with pytest.raises(ManifestError) as caught:
        read_manifest(manifest)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "2", "3", "4", "5"]
    assert "folder" in lines[3]
    assert "sox" in lines[4]


def test_an_empty_manifest_is_refused_with_an_example(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text("\n")
    with pytest.raises(ManifestError, match='"audio"'):
        read_manifest(tmp_path / "m.jsonl")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_json_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, row: object) -> None:
    manifest = tmp_path_factory.mktemp("m") / "m.jsonl"
    manifest.write_text(json.dumps(row))
    with pytest.raises(ManifestError):
        read_manifest(manifest)


def test_writing_does_not_count_as_an_error() -> None:
    assert plain("您好，請問３０００元嗎？") == plain("您好请问三千元吗")
    assert units(plain("我要 VIP 服务")) == ["我", "要", "vip", "服", "务"]


def test_the_same_sounds_are_the_same_syllables() -> None:
    assert sounds("元") == sounds("圆")
    assert sounds("分期") == ["fen", "qi"]


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_distance_is_a_metric(left: list[str], right: list[str]) -> None:
    assert distance(left, right) == distance(right, left)
    assert (distance(left, right) == 0) == (left == right)
    assert abs(len(left) - len(right)) <= distance(left, right) <= max(len(left), len(right))


def test_rates_are_counted_over_characters_and_by_condition() -> None:
    facts = score([heard("我要分期", "我要分期"), heard("还款", "环款", "noise"), heard("对", "", "noise", 0.4)])
    assert facts["n"] == 3
    assert facts["cer"] == pytest.approx(2 / 7, abs=1e-4)
    assert facts["sentence_exact"] == pytest.approx(1 / 3, abs=1e-4)
    assert facts["short_answer"] == {"n": 2, "right": 1}  # 环款 sounds like 还款
    assert facts["latency_ms"]["p50"] == pytest.approx(200)
    assert facts["rtf"] == pytest.approx(0.1)
    assert facts["by_condition"]["clean"]["cer"] == 0
    assert facts["by_condition"]["noise"]["n"] == 2
