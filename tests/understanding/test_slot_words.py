"""Festivals, stretches and numbers in the words people use for them, around the ends of months and before holidays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from voicebot.understanding import Context, Expecting
from voicebot.understanding.numerals import latin_numbers
from voicebot.understanding.slots import almanac, extract

Asking = Callable[..., Context]


def on(year: int, month: int, day: int, payday: int | None = 15) -> Context:
    return Context(datetime(year, month, day, 11, tzinfo=ZoneInfo("Asia/Shanghai")), payday=payday)


@pytest.mark.parametrize(
    ("text", "today", "day"),
    [
        ("十一放假前还", (2026, 9, 27), date(2026, 9, 30)),
        ("十一之前还", (2026, 9, 27), date(2026, 9, 30)),
        ("节前一定还", (2026, 9, 27), date(2026, 9, 30)),
        ("过年前还", (2026, 2, 12), date(2026, 2, 16)),
        ("年三十还", (2026, 2, 12), date(2026, 2, 16)),
        ("大年初六还", (2026, 2, 12), date(2026, 2, 22)),
        ("初八开工就还", (2026, 2, 12), date(2026, 2, 24)),
        ("下周一元旦放完假我就去存", (2026, 12, 31), date(2027, 1, 4)),
        ("一个月后还", (2026, 1, 31), date(2026, 2, 28)),
        ("下周一还", (2026, 9, 27), date(2026, 9, 28)),
        ("五个工作日还", (2026, 9, 27), date(2026, 10, 9)),
        ("发工资第二天还", (2026, 3, 10), date(2026, 3, 14)),
        ("下个月发工资了还", (2026, 3, 10), date(2026, 4, 15)),
        ("明年一月八号还", (2026, 12, 31), date(2027, 1, 8)),
        ("再给我半个月时间", (2026, 3, 10), date(2026, 3, 25)),
        ("再宽限我一个星期", (2026, 3, 10), date(2026, 3, 17)),
        ("过一个半月还", (2026, 3, 10), date(2026, 4, 25)),
        ("月十五之前还", (2026, 7, 5), date(2026, 7, 15)),
        ("还一千一月底之前", (2026, 8, 12), date(2026, 8, 31)),
        ("一千九百六一次结清，月底", (2026, 8, 12), date(2026, 8, 31)),
        ("工资到账当天就扣", (2026, 3, 10), date(2026, 3, 13)),
        ("等开了工资就还", (2026, 3, 10), date(2026, 3, 13)),
        ("今天十八，二十还", (2026, 11, 18), date(2026, 11, 20)),
        ("初一还", (2026, 11, 18), date(2026, 12, 9)),
        ("下个月第一个星期一还", (2026, 11, 18), date(2026, 12, 7)),
        ("星期内还", (2026, 11, 18), date(2026, 11, 22)),
        ("一年之内还", (2026, 11, 18), date(2027, 11, 18)),
        ("周三吧周五下午还", (2026, 10, 16), date(2026, 10, 23)),
    ],
)
def test_days_by_their_names(text: str, today: tuple[int, int, int], day: date) -> None:
    slot = extract(text, on(*today)).slots["date"]
    assert slot.value == day
    assert not slot.needs_clarification


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("过个三五天我就还", date(2026, 3, 13), date(2026, 3, 15)),
        ("一两周吧", date(2026, 3, 17), date(2026, 3, 24)),
        ("二十几号吧", date(2026, 3, 20), date(2026, 3, 29)),
        ("周六日还", date(2026, 3, 14), date(2026, 3, 15)),
        ("大概下周三四吧", date(2026, 3, 18), date(2026, 3, 19)),
        ("三月二十几号", date(2026, 3, 20), date(2026, 3, 29)),
        ("过了二十号就还", date(2026, 3, 20), None),
    ],
)
def test_the_bounds_of_a_vague_day(asking: Asking, text: str, low: date, high: date | None) -> None:
    slot = extract(text, asking()).slots["date"]
    assert slot.needs_clarification
    assert (slot.earliest, slot.latest) == (low, high)


@pytest.mark.parametrize(
    "text", ["个把星期吧", "十来天吧", "节后还", "过完年再还", "再等我十天半个月", "明后天吧", "等放暑假打工了还"]
)
def test_open_days_are_asked_back(asking: Asking, text: str) -> None:
    assert extract(text, asking()).slots["date"].needs_clarification


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("十六", date(2026, 3, 16)),
        ("就定二十七吧", date(2026, 3, 27)),
        ("五", date(2026, 4, 5)),
        ("三天", date(2026, 3, 13)),
    ],
)
def test_a_number_alone_is_a_day_where_one_was_asked_for(asking: Asking, text: str, day: date) -> None:
    assert extract(text, asking(Expecting.DATE)).slots["date"].value == day
    assert "date" not in extract(text, asking(Expecting.COUNT)).slots


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("周四两千", "2000"),
        ("下礼拜一八百", "800"),
        ("我后天把那个千二还了", "1200"),
        ("百五", "150"),
        ("五百六十七块三毛五", "567.35"),
        ("还3w", "30000"),
        ("还1w5", "15000"),
        ("还2k5", "2500"),
        ("还你two thousand five hundred", "2500"),
        ("还四百分十二期", "400"),
    ],
)
def test_sums_in_other_words(asking: Asking, text: str, value: str) -> None:
    assert extract(text, asking(Expecting.DATE_AND_AMOUNT)).slots["amount"].value == Decimal(value)


@pytest.mark.parametrize(
    ("text", "low", "high"), [("还你一两千吧", 1000, 2000), ("还一千五六", 1500, 1600), ("多则一千少则五百", 500, 1000)]
)
def test_sums_between_two_bounds(asking: Asking, text: str, low: int, high: int) -> None:
    slot = extract(text, asking()).slots["amount"]
    assert slot.needs_clarification
    assert (slot.earliest, slot.latest) == (low, high)


def test_a_sum_by_the_month(asking: Asking) -> None:
    for text in ("每个月给你还一百", "一个月还你们一百分十二期", "我每月还一百"):
        assert extract(text, asking()).slots["monthly_amount"].value == 100


@pytest.mark.parametrize(
    ("text", "count"),
    [("能不能给我分一年半还", 18), ("分期十二个月行不行", 12), ("半年吧", 6), ("两年", 24), ("十期", 10)],
)
def test_instalments(asking: Asking, text: str, count: int) -> None:
    assert extract(text, asking(Expecting.COUNT)).slots["instalments"].value == count


def test_once_is_no_instalment(asking: Asking) -> None:
    assert "instalments" not in extract("再给我半个月时间我一次还清", asking()).slots


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("pay 你 two thousand", "pay 你 2000"),
        ("twenty five hundred", "2500"),
        ("a hundred", "100"),
        ("seven two zero five", "7 2 0 5"),
        ("one more time", "one more time"),
        ("someone", "someone"),
        ("wechat 3w", "wechat 3万"),
    ],
)
def test_numbers_in_latin_letters(text: str, written: str) -> None:
    assert latin_numbers(text) == written


def test_a_quarter_to_eight(asking: Asking) -> None:
    value = extract("差一刻八点打", asking()).slots["callback_at"].value
    assert isinstance(value, datetime)
    assert (value.hour, value.minute) == (19, 45)


def test_a_day_and_a_sum_in_one_run_of_numbers(asking: Asking) -> None:
    slots = extract("可以二十二两千一", asking(Expecting.DATE_AND_AMOUNT)).slots
    assert (slots["date"].value, slots["amount"].value) == (date(2026, 3, 22), Decimal(2100))


def test_lunar_days_of_every_month() -> None:
    assert almanac.lunar_to_solar(2026, 1, 1) == date(2026, 2, 17)
    assert almanac.lunar_to_solar(2025, 12, 30) == date(2026, 2, 16)
    assert almanac.lunar_to_solar(2025, 6, 1) == date(2025, 6, 25)
    assert almanac.lunar_to_solar(2026, 1, 31) is None


def test_a_holiday_that_is_on_is_the_one_meant() -> None:
    assert almanac.holiday_around(date(2026, 10, 4)) == date(2026, 10, 1)
    assert almanac.holiday_around(date(2026, 10, 9)) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("拆成七份慢慢还", 7),
        ("分作三回还侬", 3),
        ("劈开五次给", 5),
        ("分廿六期", 26),
        ("三年按月还可以吗", 36),
        ("两年半，每个月扣一次", 30),
        ("半年还一回，还三年", 6),
        ("一个季度一付，两年付清", 8),
        ("每三个月还一笔，一年半还清", 6),
        ("每个月还六百，还八个月", 8),
        ("分一年零六个月", 18),
        ("半个月一次，三个月还完", 6),
        ("摊俩月还", 2),
        ("不要三期，要九期", 9),
        ("能不能办一年期的分期", 12),
    ],
)
def test_instalments_in_other_words(asking: Asking, text: str, count: int) -> None:
    assert extract(text, asking()).slots["instalments"].value == count


@pytest.mark.parametrize(
    "text",
    [
        "我四个月没开工资了，一个月还三百",
        "失业两年了，每个月低保六百",
        "每月还五百都还了一年了",
        "我打了两年工，每个月三千",
        "半年前借的，每个月都还",
    ],
)
def test_a_time_that_has_passed_is_no_instalments(asking: Asking, text: str) -> None:
    assert "instalments" not in extract(text, asking()).slots


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("还三百二十块四毛一回", "320.4"),
        ("八百六一趟给你", "860"),
        ("两千三百四十一并转过去", "2340"),
        ("一千五一下子还了", "1500"),
        ("周五还七百一起交", "700"),
        ("五百两次还你", "500"),
        ("六块五一次", "6.5"),
        ("一共是1,860元", "1860"),
    ],
)
def test_the_numeral_of_an_event_is_no_part_of_the_sum(asking: Asking, text: str, value: str) -> None:
    assert extract(text, asking(Expecting.AMOUNT)).slots["amount"].value == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "我要拨12321举报",
        "小心我打一二三七八",
        "给12345打过电话了，",
        "打95511问了，说没有这笔",
        "要出人命了打120吧",
        "我找12356的人聊过",
        "你们400-820-8820那个客服说的",
        "我都快六十了",
        "今年五十三，没工作",
        "2019年欠的我不认",
        "还打了四十多个电话",
    ],
)
def test_hot_lines_ages_and_years_are_no_sums(asking: Asking, text: str) -> None:
    assert "amount" not in extract(text, asking()).slots


@pytest.mark.parametrize(
    ("text", "value"), [("先还12300", 12300), ("转95000给你", 95000), ("给你10000", 10000), ("就还110", 110)]
)
def test_a_sum_may_look_like_a_hot_line(asking: Asking, text: str, value: int) -> None:
    assert extract(text, asking()).slots["amount"].value == value


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("廿六号还", date(2026, 3, 26)),
        ("下个号头五号还", date(2026, 4, 5)),
        ("下礼拜的礼拜二还", date(2026, 3, 17)),
        ("四月最后一个周三还", date(2026, 4, 29)),
        ("下个月头一个星期二还", date(2026, 4, 7)),
        ("下个月的今天还", date(2026, 4, 10)),
        ("愚人节还", date(2026, 4, 1)),
        ("明儿后晌还", date(2026, 3, 11)),
    ],
)
def test_days_in_other_words(asking: Asking, text: str, day: date) -> None:
    slot = extract(text, asking()).slots["date"]
    assert slot.value == day
    assert not slot.needs_clarification


def test_the_last_time_of_a_festival() -> None:
    assert almanac.last_holiday(date(2026, 3, 10), "妇女节") == date(2026, 3, 8)
    assert almanac.last_holiday(date(2026, 3, 8), "妇女节") == date(2025, 3, 8)
    assert almanac.last_holiday(date(2026, 3, 10), "除夕") == date(2026, 2, 16)
    assert almanac.last_lunar(date(2026, 3, 10), 1, 15) == date(2026, 3, 3)
