"""Shipped models belong to the shipped wording, and starting up trains nothing."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from compliance_filters import pack as pack_module
from compliance_filters import trained_models
from compliance_filters.guard import PhraseGuard
from compliance_filters.meaning import MeaningModel, train
from compliance_filters.pack import RulePack, load_pack

PACKS = ("cn", "hk", "tw", "uk_eu", "us")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return trained_models.cache()


@pytest.fixture
def changed(tmp_path: Path) -> RulePack:
    """A pack of few words, so that it learns in no time."""
    folder = tmp_path / "packs"
    shutil.copytree(pack_module.PACKS, folder)
    for file in (folder / "en").glob("*.yaml"):
        if file.name != "insult.yaml":
            file.unlink()
    (folder / "en" / "vocabulary.yaml").write_text("lawful: [Take your time]\n", encoding="utf-8")
    return load_pack(folder / "us.yaml")


@pytest.mark.parametrize("name", PACKS)
def test_each_shipped_pack_finds_its_model_in_the_package(
    name: str, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(pack: RulePack, guard: PhraseGuard) -> MeaningModel:
        raise AssertionError(f"{pack.pack} trains at start: run `voicebot guard train`")

    monkeypatch.setattr(trained_models, "train", never)
    assert PhraseGuard(load_pack(name)).model.columns
    assert not own_cache.exists()


def test_no_shipped_model_is_of_a_wording_that_is_gone() -> None:
    wanted = {trained_models.file_name(load_pack(name)) for name in PACKS}
    assert {file.name for file in trained_models.SHIPPED.iterdir()} == wanted, "run `voicebot guard train`"


def test_the_shipped_model_is_what_training_makes() -> None:
    pack = load_pack("us")
    fresh = train(pack, PhraseGuard(pack, MeaningModel.untaught())).packed()
    shipped = trained_models.read(trained_models.SHIPPED / trained_models.file_name(pack)).packed()
    assert fresh["columns"].tolist() == shipped["columns"].tolist(), "run `voicebot guard train --again`"
    assert np.array_equal(fresh["gaps"], shipped["gaps"]), "run `voicebot guard train --again`"
    assert np.array_equal(fresh["steps"], shipped["steps"]), "run `voicebot guard train --again`"


def test_a_changed_wording_is_trained_once_and_kept(
    changed: RulePack, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = PhraseGuard(changed).model.packed()
    assert [file.name for file in own_cache.iterdir()] == [trained_models.file_name(changed)]
    monkeypatch.setattr(trained_models, "train", None)
    again = PhraseGuard(changed).model.packed()
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_an_unreadable_cache_is_reported_and_trained_again(
    changed: RulePack, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_cache.mkdir(parents=True)
    path = own_cache / trained_models.file_name(changed)
    path.write_bytes(b"no model")
    with caplog.at_level(logging.WARNING):
        assert PhraseGuard(changed).model.columns
    assert "unreadable" in caplog.text
    assert trained_models.read(path).columns


def test_a_home_that_cannot_be_written_does_not_stop_the_start(
    changed: RulePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    with caplog.at_level(logging.WARNING):
        assert PhraseGuard(changed).model.columns
    assert "not cached" in caplog.text
