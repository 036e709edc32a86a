"""An officer writes "do not" once; every way of shortening it is the same words to the guard."""

from __future__ import annotations

import pytest

from compliance_filters.contractions import written_out
from compliance_filters.normalise import Spelling, normalise

PLAIN = Spelling({}, {})


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("we're", ("we", "are")),
        ("won't", ("will", "not")),
        ("can’t", ("can", "not")),
        ("you'll", ("you", "will")),
        ("it's", ("it", "is")),
        ("creditor's", ("creditor",)),
        ("gonna", ("going", "to")),
        ("u", ("you",)),
        ("pay", ("pay",)),
    ],
)
def test_a_contraction_is_its_words(word: str, words: tuple[str, ...]) -> None:
    assert written_out(word) == words


def test_each_word_of_a_contraction_points_at_it() -> None:
    read = normalise("You're late, aren't you?", PLAIN)
    assert [u.text for u in read.units] == ["you", "are", "late", "are", "not", "you"]
    assert read.span(0, 2) == (0, 6)


def test_figures_and_spaces_hide_no_word() -> None:
    assert normalise("No point c0mplaining, i d i o t", PLAIN).text == "nopointcomplainingidiot"


def test_figures_that_are_figures_stay() -> None:
    assert normalise("It is $2,900 at 3pm", PLAIN).text == "itis2900at3pm"
