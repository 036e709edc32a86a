"""Keys become entries by length, by #, or by a gap; nothing pressed is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voicebot.call.keypad import Keypad


def test_a_single_key_is_an_entry_when_no_length_was_asked_for() -> None:
    assert Keypad(2.0).press("0", 0) == "0"


def test_an_entry_is_complete_at_its_length() -> None:
    keypad = Keypad(2.0)
    assert [keypad.press(digit, 4) for digit in "3866"] == [None, None, None, "3866"]


def test_hash_ends_an_entry_early_and_star_clears_it() -> None:
    keypad = Keypad(2.0)
    assert [keypad.press(digit, 4) for digit in "39*38#"] == [None, None, None, None, None, "38"]


def test_hash_before_any_key_is_no_entry() -> None:
    assert Keypad(2.0).press("#", 4) is None


def test_a_gap_gives_what_was_pressed() -> None:
    keypad = Keypad(2.0)
    keypad.press("6", 4)
    keypad.press("6", 4)
    assert keypad.flush() == "66"
    assert keypad.flush() == ""


@given(st.text("0123456789", max_size=40), st.integers(0, 8))
def test_digits_are_kept_in_order_and_none_is_lost(keys: str, wanted: int) -> None:
    keypad = Keypad(2.0)
    entries = [entry for key in keys if (entry := keypad.press(key, wanted)) is not None]
    assert "".join(entries) + keypad.flush() == keys
