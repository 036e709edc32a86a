"""Numbers, money, dates and times are read as people say them: a voice given digits reads them any way it likes."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.dialog import reading_en, reading_zh


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("2380", "两千三百八十元"),
        ("1286.40", "一千二百八十六元四角"),
        ("100.05", "一百元零五分"),
        ("0.5", "五角"),
        ("0.2", "两角"),
        ("2", "两元"),
        ("200", "两百元"),
        ("10", "十元"),
        ("111", "一百一十一元"),
        ("10010", "一万零一十元"),
        ("12000", "一万两千元"),
        ("20000", "两万元"),
        ("220000", "二十二万元"),
        ("305020.08", "三十万五千零二十元零八分"),
        ("100000005", "一亿零五元"),
        ("0", "零元"),
    ],
)
def test_money_in_mandarin(amount: str, words: str) -> None:
    assert reading_zh.money(Decimal(amount)) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("1286.40", "one thousand two hundred eighty-six dollars and forty cents"),
        ("1", "one dollar"),
        ("0.01", "one cent"),
        ("1000000", "one million dollars"),
    ],
)
def test_money_in_english(amount: str, words: str) -> None:
    assert reading_en.money(Decimal(amount)) == words


_VALUE = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}


def _parsed(words: str) -> int:
    total, section, digit = 0, 0, 0
    for character in words:
        if character in _VALUE:
            digit = _VALUE[character]
        elif character in "十百千":
            section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            digit = 0
        else:
            total = (
                (total + section + digit) * {"万": 10_000, "亿": 100_000_000}[character]
                if character == "亿"
                else (total + (section + digit) * 10_000)
            )
            section = digit = 0
    return total + section + digit


@given(st.integers(0, 99_999_999))
def test_a_number_read_aloud_can_be_understood_again(number: int) -> None:
    assert _parsed(reading_zh.integer(number)) == number


@given(st.integers(0, 999_999_999))
def test_no_digit_is_left_in_what_is_said(number: int) -> None:
    for words in (reading_zh.money(Decimal(number) / 100), reading_en.money(Decimal(number) / 100)):
        assert not any(character.isdigit() for character in words)


def test_dates_and_times() -> None:
    today = date(2026, 3, 10)
    assert reading_zh.day_with_weekday(date(2026, 3, 13), today) == "三月十三日，星期五"
    assert reading_zh.day(date(2027, 1, 2), today) == "二零二七年一月二日"
    assert reading_zh.moment(datetime(2026, 3, 11, 15, 0), today) == "明天下午三点"  # noqa: DTZ001
    assert reading_zh.moment(datetime(2026, 3, 20, 14, 30), today) == "三月二十日下午两点半"  # noqa: DTZ001
    assert reading_zh.clock(datetime(2026, 3, 20, 8, 5)) == "早上八点零五分"  # noqa: DTZ001
    assert reading_en.day_with_weekday(date(2026, 3, 13), today) == "Friday, March thirteenth"
    assert reading_en.moment(datetime(2026, 3, 11, 15, 5), today) == "tomorrow at three oh five in the afternoon"  # noqa: DTZ001


def test_numbers_of_hotlines_are_read_digit_by_digit_with_pauses() -> None:
    assert reading_zh.digits("4001230000") == "四零零，幺二三，零零零零"
    assert reading_zh.digits("12356") == "幺二三五六"
    assert reading_en.digits("555-0100") == "five five five, zero one zero zero"
