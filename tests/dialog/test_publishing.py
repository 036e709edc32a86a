"""What may be served: a flow is known by the hash of its content, an edit is proven, and one that is broken is refused
with what the checker found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from voicebot.dialog.checking import check_loaded
from voicebot.dialog.library import content_of, load_library
from voicebot.dialog.loader import FLOWS, load
from voicebot.dialog.publishing import Published, Refused, Unchanged, Unproven, flow_files, judge, stamps

NAME = "voicemail_message"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The operator's own edition of one shipped flow."""
    path = tmp_path / "dialog_flows" / f"{NAME}.yaml"
    path.parent.mkdir()
    path.write_text((FLOWS / f"{NAME}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


@pytest.fixture
def served(own: Path) -> dict[str, str]:
    """Every flow as it is before the edit."""
    return {
        name: verdict.flow.hash
        for name, verdict in judge(own.parents[1], {}, Unproven()).items()
        if isinstance(verdict, Published)
    }


def test_an_own_flow_stands_in_for_the_shipped_one_of_its_name(own: Path) -> None:
    files = flow_files(own.parents[1])
    assert files[NAME] == own
    assert files["reminder_first"] == FLOWS / "reminder_first.yaml"
    assert not any(path.name.endswith(".test.yaml") for path in files.values())


def test_what_is_served_already_is_not_judged_again(own: Path, served: dict[str, str]) -> None:
    assert set(map(type, judge(own.parents[1], served).values())) == {Unchanged}


def test_a_sound_edit_is_published_under_another_hash(own: Path, served: dict[str, str]) -> None:
    before = stamps(own.parents[1])
    own.write_text(own.read_text(encoding="utf-8").replace("语音留言", "给您留言"), encoding="utf-8")
    assert stamps(own.parents[1]) != before
    verdict = judge(own.parents[1], served)[NAME]
    assert isinstance(verdict, Published)
    assert verdict.flow.title == "给您留言"
    assert verdict.flow.hash != served[NAME]


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda text: text + "\n  - [", "yaml"),
        (lambda text: text.replace("voicemail.message", "voicemail.mesage"), "unknown-line"),
        (lambda text: text.replace("voicemail.message", "common.goodbye"), "disclosures-first"),
    ],
    ids=["not YAML", "a misspelt line", "a broken proof"],
)
def test_a_broken_edit_is_refused_with_its_findings(
    spoil: Callable[[str], str], rule: str, own: Path, served: dict[str, str]
) -> None:
    own.write_text(spoil(own.read_text(encoding="utf-8")), encoding="utf-8")
    verdicts = judge(own.parents[1], served)
    refused = verdicts.pop(NAME)
    assert isinstance(refused, Refused)
    assert rule in {item.rule for item in refused.findings}
    assert all(item.place.file.endswith(f"{NAME}.yaml") for item in refused.findings)
    assert set(map(type, verdicts.values())) == {Unchanged}


def test_findings_name_the_file_that_was_judged_not_a_copy_of_it_elsewhere(tmp_path: Path) -> None:
    spoilt = (FLOWS / f"{NAME}.yaml").read_text(encoding="utf-8").replace("voicemail.message", "common.goodbye")
    for content in (tmp_path / "one", tmp_path / "other"):
        path = content / "dialog_flows" / f"{NAME}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(spoilt, encoding="utf-8")
        library = load_library("zh-CN", content)
        found = check_loaded(load(path, library), library, only=("disclosures-first",))
        assert {item.place.file for item in found} == {str(path)}


def test_words_that_the_guard_refuses_are_not_served(own: Path, served: dict[str, str]) -> None:
    shipped = FLOWS.parent / "scripts_library" / "zh-CN" / "lines"
    lines = own.parents[1] / "scripts_library" / "zh-CN" / "lines"
    lines.mkdir(parents=True)
    file = lines / "voicemail.yaml"
    text = (shipped / "voicemail.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("text: ", "text: 再不还钱就上门抓你。", 1), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != text
    (lines / "own.yaml").write_text("lines:\n  hello:\n    text: 您好。\n", encoding="utf-8")
    others = {name: "" for name in served if name != NAME}
    verdict = judge(own.parents[1], others | {NAME: served[NAME]}, Unproven())[NAME]
    assert isinstance(verdict, Published)  # It could be run ...
    assert verdict.flow.hash != served[NAME]
    assert {"own.hello", "common.goodbye"} <= set(verdict.library.lines)
    found = check_loaded(load(own, verdict.library), verdict.library, only=("guard",))
    assert any("voicemail.message" in item.message["en"] for item in found)  # ... and may not be.


def test_lines_beside_a_flow_come_besides_the_shipped_ones_in_every_tool(tmp_path: Path) -> None:
    """A flow in a folder, or in its dialog_flows; the library lies in the folder."""
    lines = tmp_path / "scripts_library" / "zh-CN" / "lines"
    lines.mkdir(parents=True)
    (lines / "card.yaml").write_text("lines:\n  expiring:\n    text: 您的还款卡快到期了。\n", encoding="utf-8")
    (tmp_path / "dialog_flows").mkdir()
    for path in (tmp_path / "card.yaml", tmp_path / "dialog_flows" / "card.yaml"):
        assert content_of(path) == tmp_path
        library = load_library("zh-CN", content_of(path))
        assert {"card.expiring", "common.goodbye"} <= set(library.lines)
    assert "card.expiring" not in load_library("zh-CN").lines
