"""The authors' guides are true: the flow and the test in each, typed out as they stand, check and pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voicebot.dialog.author_tests import read_tests
from voicebot.dialog.checking import check_loaded, rules
from voicebot.dialog.facts import FACTS
from voicebot.dialog.library import load_library
from voicebot.dialog.loader import language_of, load
from voicebot.dialog.trying import Bench
from voicebot.dialog.vocabulary import rows, table
from voicebot.dialog.wording import COMPUTED, SLOTS

DOCS = Path(__file__).resolve().parents[2] / "docs"


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
