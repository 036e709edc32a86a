"""Dates, times and sums are exact against the clock of the call; what is vague says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from voicebot.understanding import Context, Expecting
from voicebot.understanding.numerals import parse_number, spoken_digits
from voicebot.understanding.slots import extract


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


Asking = Callable[..., Context]


@pytest.mark.parametrize(
    ("spoken", "value"),
    [
        ("一万二", 12000),
        ("两千", 2000),
        ("三千五", 3500),
        ("两千三百八", 2380),
        ("一千零五", 1005),
        ("一千零五十", 1050),
        ("二百五", 250),
        ("十五", 15),
        ("2千3", 2300),
        ("1.2万", 12000),
        ("十二万三千", 123000),
        ("二三八零", 2380),
        ("2,380", 2380),
    ],
)
def test_numbers(spoken: str, value: int) -> None:
    assert parse_number(spoken) == value


@pytest.mark.parametrize("text", ["百", "千", "", "你好", "一二千"])
def test_not_numbers(text: str) -> None:
    assert parse_number(text) is None


def test_spelled_digits_keep_zeros() -> None:
    assert spoken_digits("零幺二 3") == "0123"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("这周五我还五百", date(2026, 3, 13)),
        ("下周五还两千", date(2026, 3, 20)),
        ("明天还", date(2026, 3, 11)),
        ("大后天还", date(2026, 3, 13)),
        ("这个月底全部还清", date(2026, 3, 31)),
        ("十五号之前还", date(2026, 3, 15)),
        ("下个月十号还", date(2026, 4, 10)),
        ("五号还", date(2026, 4, 5)),
        ("农历三月初三还", date(2026, 4, 19)),
        ("三天之内还清", date(2026, 3, 13)),
        ("一周后还", date(2026, 3, 17)),
        ("一个月后还", date(2026, 4, 10)),
        ("清明节前还", date(2026, 4, 4)),
        ("五月一号还", date(2026, 5, 1)),
        ("3月20号还", date(2026, 3, 20)),
        ("礼拜天还", date(2026, 3, 15)),
        ("我现在就还", date(2026, 3, 10)),
        ("后天发工资，到时候还清", date(2026, 3, 12)),
        ("上次说十号还，能不能再往后推一周", date(2026, 3, 17)),
        ("五个工作日内还", date(2026, 3, 17)),
        ("下个月十五还一千", date(2026, 4, 15)),
        ("这周内还", date(2026, 3, 15)),
        ("本月最后一天还", date(2026, 3, 31)),
    ],
)
def test_days(asking: Asking, text: str, day: date) -> None:
    slot = extract(text, asking()).slots["date"]
    assert slot.value == day
    assert not slot.needs_clarification


@pytest.mark.parametrize(
    "text",
    [
        "过两天吧",
        "过几天还",
        "下个月还",
        "周末还",
        "下个月初还",
        "周四或者周五还",
        "周四周五吧",
        "这个周末或者下周一还",
        "过一阵子还",
    ],
)
def test_vague_days_are_asked_back(asking: Asking, text: str) -> None:
    slot = extract(text, asking()).slots["date"]
    assert slot.value is None
    assert slot.needs_clarification


def test_payday_falls_before_a_rest_day(asking: Asking) -> None:
    assert extract("发了工资就还", asking(payday=15)).slots["date"].value == date(2026, 3, 13)
    assert extract("发了工资就还", asking()).slots["date"].needs_clarification


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("还两千三百八", "2380"),
        ("先还三百", "300"),
        ("手头就一千", "1000"),
        ("一千八百六十二块五毛", "1862.5"),
        ("八十六块四", "86.4"),
        ("还一万二", "12000"),
        ("最多给你八百", "800"),
        ("3月20号还2380.5元", "2380.5"),
        ("每个月还五百", "500"),
        ("还1k", "1000"),
        ("九千块一笔清", "9000"),
        ("给你打一千五百八十", "1580"),
    ],
)
def test_sums(asking: Asking, text: str, value: str) -> None:
    assert extract(text, asking()).slots["amount"].value == Decimal(value)


def test_parts_of_the_debt(asking: Asking) -> None:
    assert extract("月底全部还清", asking(due="2380")).slots["amount"].value == Decimal("2380")
    slots = extract("先还一半，剩下的下个月还", asking(due="2380")).slots
    assert slots["amount"].value == Decimal("1190.00")
    assert slots["remaining_amount"].value == Decimal("1190.00")
    assert extract("一次性还清", asking()).slots["amount"].needs_clarification


@pytest.mark.parametrize(
    ("text", "low", "high"), [("还个两三千", 2000, 3000), ("还几百块", 200, 900), ("三五百吧", 300, 500)]
)
def test_vague_sums(asking: Asking, text: str, low: int, high: int) -> None:
    slot = extract(text, asking(Expecting.AMOUNT)).slots["amount"]
    assert slot.needs_clarification
    assert (slot.earliest, slot.latest) == (low, high)


def test_about_is_approximate(asking: Asking) -> None:
    slot = extract("大概还两千左右", asking()).slots["amount"]
    assert slot.approximate
    assert slot.value == 2000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("您明天下午三点以后再打", at(2026, 3, 11, 15)),
        ("今儿晚上八点吧", at(2026, 3, 10, 20)),
        ("半小时后再打", at(2026, 3, 10, 15, 30)),
        ("明早九点打过来", at(2026, 3, 11, 9)),
        ("后天上午十点半", at(2026, 3, 12, 10, 30)),
        ("下周三中午十二点给我打", at(2026, 3, 18, 12)),
        ("八点再打", at(2026, 3, 10, 20)),
        ("两点再打", at(2026, 3, 11, 14)),
        ("明天十点来钟打给我", at(2026, 3, 11, 10)),
        ("后天九点再打", at(2026, 3, 12, 9)),
    ],
)
def test_times_to_call_back(asking: Asking, text: str, moment: datetime) -> None:
    value = extract(text, asking()).slots["callback_at"].value
    assert value == moment


def test_a_bare_day_is_what_was_asked_for(asking: Asking) -> None:
    assert extract("周五", asking(Expecting.DATE)).slots["date"].value == date(2026, 3, 13)
    assert extract("周五", asking(Expecting.TIME)).slots["callback_at"].needs_clarification
    assert extract("两千", asking(Expecting.AMOUNT)).slots["amount"].value == 2000
    assert extract("十二", asking(Expecting.COUNT)).slots["instalments"].value == 12


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("一二三四", "1234"),
        ("幺 2 三 4", "1234"),
        ("四个八", "8888"),
        ("三个八一个六", "8886"),
        ("零零五六", "0056"),
        ("幺二三x", "123X"),
        ("五六七八九零嗯最后四位是七八九零", "7890"),
    ],
)
def test_last_four(asking: Asking, text: str, digits: str) -> None:
    assert extract(text, asking(Expecting.DIGITS)).slots["digits"].value == digits


@pytest.mark.parametrize("text", ["我下周五还两千", "我下周五先还一部分吧", "二十号发工资就还", "周五再说吧"])
def test_a_day_or_a_sum_is_no_digits_though_digits_were_asked_for(asking: Asking, text: str) -> None:
    assert "digits" not in extract(text, asking(Expecting.DIGITS)).slots


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("不是周五，是周四", "date", date(2026, 3, 12)),
        ("我说错了不是十六号是二十六号", "date", date(2026, 3, 26)),
        ("不是五百，是五千", "amount", Decimal(5000)),
        ("还一千，不对，还一千五", "amount", Decimal(1500)),
    ],
)
def test_corrections_replace(asking: Asking, text: str, name: str, value: object) -> None:
    values = extract(text, asking())
    assert values.correction
    assert values.slots[name].value == value


def test_mentions(asking: Asking) -> None:
    assert extract("请以后不要再给我打电话，有事发短信", asking()).slots["preferred_channel"].value == "sms"
    assert extract("别再打了，发邮件", asking()).slots["preferred_channel"].value == "email"
    assert extract("能不能分个十二期", asking()).slots["instalments"].value == 12
    assert extract("我是他老婆", asking()).slots["relation"].value == "spouse"
    assert extract("我叫王小样", asking()).slots["name"].value == "王小样"
