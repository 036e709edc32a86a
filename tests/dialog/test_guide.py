"""The authors' guides are true: the flow and the test in each, typed out as they stand, check and pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voicebot.dialog.author_tests import read_tests
from voicebot.dialog.checking import check_loaded, rules
from voicebot.dialog.disposition import DISPOSITIONS
from voicebot.dialog.facts import FACTS
from voicebot.dialog.library import CONTENT, load_library
from voicebot.dialog.loader import FLOWS, language_of, load
from voicebot.dialog.places import read_yaml
from voicebot.dialog.schema import FlowFile
from voicebot.dialog.trying import Bench
from voicebot.dialog.vocabulary import rows, table
from voicebot.dialog.wording import COMPUTED, SLOTS
from voicebot.understanding.intents.catalogue import INTENTS

DOCS = Path(__file__).resolve().parents[2] / "docs"
INTENT_FILES = CONTENT / "scripts_library" / "zh-CN" / "intents"


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_guide_lists_every_fact_slot_and_computed_value(locale: str) -> None:
    guide = (DOCS / f"authors.{locale}.md").read_text(encoding="utf-8")
    told = guide.partition("<!-- facts -->\n")[2].partition("\n<!-- /facts -->")[0]
    assert told == table(locale), (
        f"put the output of `voicebot flow facts --markdown --locale {locale}` between the marks"
    )
    names = [row[0] for row in rows(locale)]
    assert set(names) == {*FACTS, *COMPUTED, *(f"slot.{name}" for name in SLOTS)}
    assert all(cell for row in rows(locale) for cell in row[:3])


def _listed(locale: str, begin: str, end: str) -> list[tuple[str, str]]:
    """Names of a list of the guide, each with the words behind it up to the next."""
    guide = (DOCS / f"authors.{locale}.md").read_text(encoding="utf-8")
    told = guide.partition(begin)[2].partition(end)[0].partition("\n\n")[2]
    words = " ".join(told.split()) if locale == "en" else told.replace("\n", "")
    found = re.findall(r"`([a-z_]+)` ?(.*?)(?=[、,]? ?`|[。.]\s*$)", words)
    return [(name, meaning.strip()) for name, meaning in found]


LISTS = {
    "zh": ("意图，写在", "结果，写在", "可以 `call` 的子流程", "### 一句话里有几个意思"),
    "en": ("Intents, for", "Outcomes, for", "Parts to `call`", "### Several meanings"),
}


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_guide_lists_every_intent(locale: str) -> None:
    told = _listed(locale, *LISTS[locale][:2])
    assert [name for name, _ in told] == sorted(INTENTS)
    if locale == "zh":
        for name, meaning in told:
            content = read_yaml(INTENT_FILES / f"{name}.yaml").content
            assert isinstance(content, dict)
            assert meaning == content["name"].partition("(")[0]


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_guide_lists_every_outcome(locale: str) -> None:
    told = _listed(locale, *LISTS[locale][1:3])
    assert told == [(item.id, getattr(item, locale)) for item in DISPOSITIONS.values()]


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_guide_lists_every_shared_part_with_its_outcomes(locale: str) -> None:
    guide = (DOCS / f"authors.{locale}.md").read_text(encoding="utf-8")
    told = guide.partition(LISTS[locale][2])[2].partition(LISTS[locale][3])[0]
    calls, brought, includes = (told.split("\n\n")[index] for index in (1, 3, 4))
    parts = {path.stem: FlowFile.model_validate(read_yaml(path).content) for path in (FLOWS / "parts").glob("*.yaml")}
    outcomes = {name for part in parts.values() for name in part.returns}
    called = re.findall(r"`([a-z_]+)`", calls + brought)
    assert sorted(called) == sorted(
        word for name, part in parts.items() if part.start for word in (name, *part.returns)
    )
    for name, listed in re.findall(r"`([a-z_]+)`[^`(（]*[(（]((?:`[a-z_]+`[、, ]*)+)", " ".join((calls, brought))):
        assert re.findall(r"`([a-z_]+)`", listed) == parts[name].returns
        outcomes -= set(parts[name].returns)
    assert outcomes == set()
    assert set(re.findall(r"`([a-z_]+)`", includes)) == {"include", *(n for n, part in parts.items() if not part.start)}
    if locale == "zh":
        for name, part in parts.items():
            assert f"`{name}` {part.title}" in told


@pytest.mark.parametrize("guide", ["authors.zh.md", "authors.en.md"])
def test_what_the_guide_shows_works(guide: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / guide).read_text(encoding="utf-8"), re.DOTALL)
    flow = tmp_path / "due_tomorrow.yaml"
    flow.write_text(next(block for block in blocks if "\nflow: due_tomorrow" in block), encoding="utf-8")
    tests = tmp_path / "due_tomorrow.test.yaml"
    tests.write_text(next(block for block in blocks if block.startswith("flow: due_tomorrow")), encoding="utf-8")
    library = load_library(language_of(flow))
    loaded = load(flow, library)
    assert [item.text("en") for item in loaded.findings] == []
    only = tuple(rule for rule, _ in rules() if rule != "guard")
    assert [item.text("en") for item in check_loaded(loaded, library, only=only)] == []
    result = Bench().run(read_tests(tests))
    assert [failure.text() for failure in result.failures] == []
    assert result.passed == 2
