"""Days, sums, counts and times in the words of the regions, and as recognisers write them: without marks, and twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest

from voicebot.understanding import Context
from voicebot.understanding.slots import extract
from voicebot.understanding.slots.routine import part_of_day
from voicebot.understanding.slots.vernacular import in_plain_words

Asking = Callable[..., Context]
TUESDAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("text", "day", "amount"),
    [
        ("夜儿晌午在信用社还的七百五", date(2026, 3, 9), 750),
        ("夜里个我闺女替我交了一千三", date(2026, 3, 9), 1300),
        ("我夜来去镇上存了四百二", date(2026, 3, 9), 420),
        ("夜黑儿转给你的九百", date(2026, 3, 9), 900),
        ("琴晚先还咗一千六", date(2026, 3, 9), 1600),
        ("寻晚转的三百", date(2026, 3, 9), 300),
        ("前晚我转了五百六", date(2026, 3, 8), 560),
        ("昨暗还的八百八", date(2026, 3, 9), 880),
        ("昨晡日交了三千三", date(2026, 3, 9), 3300),
        ("昨夜头还了一千一", date(2026, 3, 9), 1100),
        ("前日仔付了四百五", date(2026, 3, 8), 450),
        ("昨天黑了打过去的两千二", date(2026, 3, 9), 2200),
        ("钱还过了今天早上才转的六百八", TUESDAY, 680),
        ("刚才一点钟转的1650", TUESDAY, 1650),
        ("昨天我家老头去还的两千零五十", date(2026, 3, 9), 2050),
        ("今天上午已经存进去2300", TUESDAY, 2300),
    ],
)
def test_what_was_paid_on_a_day_gone_by(text: str, day: date, amount: int, asking: Asking) -> None:
    slots = extract(text, asking(None)).slots
    assert slots["past_date"].value == day
    assert slots["amount"].value == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "day", "amount"),
    [
        ("后儿个头晌还八百", date(2026, 3, 12), 800),
        ("今朝我去存一千二", TUESDAY, 1200),
        ("后朝付九百", date(2026, 3, 12), 900),
        ("改天个下午给你转两千", date(2026, 3, 11), 2000),
        ("拜四还四百", date(2026, 3, 12), 400),
        ("下拜二还五千六", date(2026, 3, 17), 5600),
        ("下礼拜头一天还一千七", date(2026, 3, 16), 1700),
        ("月尾还三千二", date(2026, 3, 31), 3200),
        ("卅号发钱先还两千", date(2026, 3, 30), 2000),
        ("四月廿二还六千", date(2026, 4, 22), 6000),
        ("廿六号还千六", date(2026, 3, 26), 1600),
        ("后天还钱七", date(2026, 3, 12), 1700),
        ("周六还完三", date(2026, 3, 14), 13000),
        ("周日还千五百块", date(2026, 3, 15), 1500),
        ("后天还百七十块", date(2026, 3, 12), 170),
        ("下个月二号还万四千", date(2026, 4, 2), 14000),
        ("二十号隔日还七百", date(2026, 3, 21), 700),
        ("下周五下周五还九百九百", date(2026, 3, 20), 900),
        ("18号18号转两千六", date(2026, 3, 18), 2600),
        ("晚饭后还你一千四", TUESDAY, 1400),
        ("你哋话我争万七 我后天还千三", date(2026, 3, 12), 1300),
    ],
)
def test_what_is_promised(text: str, day: date, amount: int, asking: Asking) -> None:
    slots = extract(text, asking(None)).slots
    assert slots["date"].value == day
    assert slots["amount"].value == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("大后天吃罢晚饭八点打", "2026-03-13T20:00"),
        ("后天吃过早点九点半打给我", "2026-03-12T09:30"),
        ("周六食完晏昼饭，一点半打", "2026-03-14T13:30"),
        ("明天夜宵以后十点打", "2026-03-11T22:00"),
        ("周四喝罢汤八点半打", "2026-03-12T20:30"),
        ("后天午觉睡醒三点半联系我", "2026-03-12T15:30"),
        ("周五下了大夜班八点半打", "2026-03-13T08:30"),
        ("明天夜班交班后九点打", "2026-03-11T09:00"),
        ("周日下了中班十点半打", "2026-03-15T22:30"),
        ("送完闺女上学八点四十打", "2026-03-11T08:40"),
        ("送完女儿两点打", "2026-03-11T14:00"),
        ("周三接完孙子五点一刻打", "2026-03-11T17:15"),
        ("后天晚自习下课九点四十打", "2026-03-12T21:40"),
        ("明天跳完广场舞九点再打", "2026-03-11T21:00"),
        ("后天收工八点半打", "2026-03-12T20:30"),
        ("后天五点半下班，九点打", "2026-03-12T21:00"),
        ("明晚吃完饭九点打", "2026-03-11T21:00"),
        ("今黑九点打过来", "2026-03-10T21:00"),
        ("后天黑家九点打", "2026-03-12T21:00"),
        ("拜日上午九点打", "2026-03-15T09:00"),
        ("今天勿来三，周四上午十点打", "2026-03-12T10:00"),
        ("后天上午9点9点打", "2026-03-12T09:00"),
    ],
)
def test_when_to_call(text: str, at: str, asking: Asking) -> None:
    slot = extract(text, asking(None)).slots["callback_at"]
    assert isinstance(slot.value, datetime)
    assert slot.value.isoformat()[:16] == at
    assert not slot.needs_clarification


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("分廿四期", 24),
        ("办卅六期行吗", 36),
        ("想分卌八期", 48),
        ("给我分卅个月", 30),
        ("12期也有18期也有我选18期", 18),
        ("六期九期都可以最好九期", 9),
        ("不要六期就分九期", 9),
    ],
)
def test_how_many_instalments(text: str, count: int, asking: Asking) -> None:
    assert extract(text, asking(None)).slots["instalments"].value == count


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("下个礼拜头还", date(2026, 3, 16), date(2026, 3, 17)),
        ("礼拜尾还", date(2026, 3, 14), date(2026, 3, 15)),
        ("月头还", date(2026, 4, 1), date(2026, 4, 5)),
        ("下个月头还", date(2026, 4, 1), date(2026, 4, 5)),
        ("明年年头还", date(2027, 1, 1), date(2027, 1, 31)),
    ],
)
def test_beginnings_and_ends_stay_open(text: str, low: date, high: date, asking: Asking) -> None:
    slot = extract(text, asking(None)).slots["date"]
    assert slot.value is None
    assert (slot.earliest, slot.latest) == (low, high)


def test_a_weekend_gone_by_is_in_order(asking: Asking) -> None:
    slot = extract("上礼拜尾还的五百", asking(None)).slots["past_date"]
    assert (slot.earliest, slot.latest) == (date(2026, 3, 7), date(2026, 3, 8))


def test_the_beginning_of_this_month_where_it_was_paid_then(asking: Asking) -> None:
    slot = extract("月初就还了五百", asking(None)).slots["past_date"]
    assert (slot.earliest, slot.latest) == (date(2026, 3, 1), date(2026, 3, 5))


def test_an_open_sum_without_its_one(asking: Asking) -> None:
    slot = extract("千三四吧，周五还", asking(None)).slots["amount"]
    assert (slot.earliest, slot.latest) == (Decimal(1300), Decimal(1400))


@pytest.mark.parametrize("text", ["万一周五没钱呢", "万一我忘了你提醒我", "万一电话打不通"])
def test_in_case_is_no_sum(text: str, asking: Asking) -> None:
    assert "amount" not in extract(text, asking(None)).slots


@pytest.mark.parametrize(
    "text",
    [
        "半夜来个电话",
        "昨夜来过人",
        "这年头不好混",
        "拜年拜了一圈",
        "还钱三天内",
        "还完二十期",
        "恁个恼火",
        "提前晚点说",
        "三个月头上",
    ],
)
def test_words_that_only_look_alike_stay(text: str) -> None:
    assert in_plain_words(text) == text


@pytest.mark.parametrize("text", ["卅六期", "夜个儿还钱九", "今黑八点八点", "下个礼拜尾", "还千五百"])
def test_plain_words_stay_plain(text: str) -> None:
    plain = in_plain_words(text)
    assert plain != text
    assert in_plain_words(plain) == plain


def test_an_errand_that_tells_no_part_of_day() -> None:
    assert part_of_day("交完电费") is None
    assert part_of_day("吃完早饭") == "早上"
