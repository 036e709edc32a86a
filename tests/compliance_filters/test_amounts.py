"""An amount of money is read to the fen, however it is spoken, and a time of day is no amount."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance_filters.amounts import amounts_in, chinese_number
from voicebot.dialog import reading_zh


def values(text: str) -> list[Decimal]:
    return [amount.value for amount in amounts_in(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("一百元零五分", "100.05"),
        ("一百元五分", "100.05"),
        ("一百元五角", "100.50"),
        ("一千二百八十六元零五分", "1286.05"),
        ("一千两百八十六元四角", "1286.40"),
        ("三十万五千零二十元零八分", "305020.08"),
        ("5分", "0.05"),
        ("五分钱", "0.05"),
        ("两角", "0.20"),
        ("三毛五", "0.35"),
        ("三毛五分", "0.35"),
        ("两块五", "2.50"),
        ("两块五毛", "2.50"),
        ("两块五毛三", "2.53"),
        ("两块零五", "2.05"),
        ("十块零五毛", "10.50"),
        ("一百块八毛二分钱", "100.82"),
        ("100元5角2分", "100.52"),
        ("100元05分", "100.05"),
        ("1,286.40元", "1286.40"),
        ("三千五块钱", "3500"),
        ("三百港元零四分", "300.04"),
        ("一百元五天内", "100"),
        ("一百元一共", "100"),
        ("一百元五分钟内", "100"),
        ("一百块一个月", "100"),
    ],
)
def test_spoken_money_is_read_to_the_fen(text: str, value: str) -> None:
    assert values(text) == [Decimal(value)]


@pytest.mark.parametrize(
    "text",
    [
        "下午三点十五分",
        "三点零五分",
        "8点15分",
        "十五分钟",
        "三分之一",
        "十二分期",
        "十分感谢",
        "一分钱都不用多付",
        "不多收一分",
    ],
)
def test_what_only_sounds_like_money_is_none(text: str) -> None:
    assert values(text) == []


@given(
    amount=st.decimals(min_value=0, max_value=Decimal("999999999999999.99"), places=2),
    currency=st.sampled_from(["CNY", "HKD", "TWD", "USD"]),
    frame=st.sampled_from(["{}", "应还{}。", "您的账单应还{}，到今天还没看到还款。", "一共是{}，对吗？"]),
)
def test_what_the_bot_reads_aloud_is_read_back_exactly(amount: Decimal, currency: str, frame: str) -> None:
    assert values(frame.format(reading_zh.money(amount, currency))) == [amount]


@given(st.integers(min_value=0, max_value=10**16 - 1))
def test_every_whole_number_is_read_back_exactly(number: int) -> None:
    assert chinese_number(reading_zh.integer(number)) == number


def test_an_amount_agreed_on_is_no_rough_amount() -> None:
    assert [a.rough for a in amounts_in("约定还一千元")] == [False]
    assert [a.rough for a in amounts_in("大约一千元")] == [True]
