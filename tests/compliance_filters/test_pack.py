"""A pack that cannot be read is refused, with file, line and column of every mistake; its hash covers every byte."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compliance_filters import pack as pack_module
from compliance_filters.guard import PhraseGuard
from compliance_filters.pack import CATEGORIES, PackError, load_pack


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The pack of mainland China in a folder that may be edited."""
    shutil.copytree(pack_module.PACKS, tmp_path / "packs")
    return tmp_path / "packs"


def broken(path: Path) -> str:
    with pytest.raises(PackError) as error:
        load_pack(path)
    return str(error.value)


@pytest.mark.parametrize("name", ["cn", "us", "uk_eu", "hk", "tw"])
def test_every_shipped_pack_has_a_rule_for_every_category(name: str) -> None:
    assert set(load_pack(name).categories) == set(CATEGORIES)


def test_an_unknown_name_lists_the_packs() -> None:
    with pytest.raises(PackError, match="the packs are cn, hk, tw, uk_eu, us"):
        load_pack("atlantis")


def test_broken_yaml_names_its_line(copied: Path) -> None:
    file = copied / "cn.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "\n  wrong: [\n", encoding="utf-8")
    assert f"{file}:" in broken(file)
    assert "this is not YAML" in broken(file)


def test_an_unknown_key_names_its_place(copied: Path) -> None:
    file = copied / "cn.yaml"
    text = file.read_text(encoding="utf-8").replace("    title: 辱骂侮辱\n", "    titel: 辱骂侮辱\n")
    file.write_text(text, encoding="utf-8")
    line = text.splitlines().index("    titel: 辱骂侮辱") + 1
    assert f"{file}:{line}:5: categories.insult.titel: this key is not known here" in broken(file)
    assert "categories.insult.title: this key is missing" in broken(file)


def test_a_category_left_out_is_refused(copied: Path) -> None:
    file = copied / "cn.yaml"
    text = file.read_text(encoding="utf-8")
    start, end = text.index("  threat:\n"), text.index("  insult:\n")
    file.write_text(text[:start] + text[end:], encoding="utf-8")
    assert "no rule for threat" in broken(file)


def test_a_category_cannot_be_allowed(copied: Path) -> None:
    file = copied / "cn.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("action: end", "action: allow"), encoding="utf-8")
    assert "a category cannot be allowed" in broken(file)


def test_the_same_key_twice_is_refused(copied: Path) -> None:
    file = copied / "cn.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "pack: cn\n", encoding="utf-8")
    assert "'pack' stands here twice" in broken(file)


def test_a_template_with_an_open_bracket_is_refused(copied: Path) -> None:
    file = copied / "zh" / "insult.yaml"
    text = file.read_text(encoding="utf-8").replace("\nexamples:\n", "\nexamples:\n  - (一|二\n", 1)
    file.write_text(text, encoding="utf-8")
    assert "')' is missing" in broken(copied / "cn.yaml")


def test_a_pattern_with_an_unknown_concept_is_refused(copied: Path) -> None:
    file = copied / "zh" / "insult.yaml"
    text = file.read_text(encoding="utf-8").replace("\npatterns:\n", "\npatterns:\n  - <nobody> .. 坏\n", 1)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PackError, match="there is no concept named 'nobody'"):
        PhraseGuard(load_pack(copied / "cn.yaml"))


def test_text_that_is_not_utf8_is_refused(copied: Path) -> None:
    (copied / "cn.yaml").write_bytes("pack: cn\ntitle: 中国\n".encode("gb18030"))
    assert "not UTF-8" in broken(copied / "cn.yaml")


def test_the_hash_changes_with_any_word_of_any_file(copied: Path) -> None:
    before = load_pack(copied / "cn.yaml").hash
    assert before == load_pack("cn").hash
    words = copied / "zh" / "threat.yaml"
    words.write_text(words.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert load_pack(copied / "cn.yaml").hash != before
