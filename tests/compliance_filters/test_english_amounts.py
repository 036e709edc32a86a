"""Sums in English are read in figures and in words, and it is told what is said of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from compliance_filters.english_amounts import spoken_number, sums_in


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Your balance is $1,286.40.", "1286.40"),
        ("one thousand two hundred eighty-six dollars and forty cents", "1286.40"),
        ("She owes us twelve hundred bucks", "1200"),
        ("It is four grand with penalties", "4000"),
        ("a hundred and five pounds", "105"),
        ("fifty cents", "0.50"),
        ("$2.5k", "2500.0"),
    ],
)
def test_a_sum_is_read_exactly(text: str, value: str) -> None:
    assert [s.value for s in sums_in(text)] == [Decimal(value)]


@pytest.mark.parametrize("text", ["You owe us five thousand dollars now", "It's $2,900 with everything added"])
def test_what_is_named_as_due_is_marked(text: str) -> None:
    assert [s.owed for s in sums_in(text)] == [True]


@pytest.mark.parametrize(
    "text", ["You can pay fifty dollars a month", "The minimum is $128.64", "You paid $500 last week"]
)
def test_a_part_of_the_debt_is_not_the_debt(text: str) -> None:
    assert [s.owed or s.demanded for s in sums_in(text)] == [False]


@pytest.mark.parametrize("text", ["press one for yes", "two or three days", "call at nine thirty"])
def test_a_number_without_money_is_no_sum(text: str) -> None:
    assert sums_in(text) == []


def test_words_that_are_no_number_are_none() -> None:
    assert spoken_number("several") is None
