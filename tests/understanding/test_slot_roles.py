"""What a day, a time or a sum is in its sentence: offered, refused, done, due, or only mentioned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from voicebot.understanding import Context, Expecting
from voicebot.understanding.slots import extract

Asking = Callable[..., Context]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("账单是十二号到期我二十号才能还", date(2026, 3, 20)),
        ("还款日是十二号，我十八号还", date(2026, 3, 18)),
        ("周五还不了下周二可以", date(2026, 3, 17)),
        ("明天肯定来不及，周五我给你转", date(2026, 3, 13)),
        ("不要写周三啊是这周日", date(2026, 3, 15)),
        ("今天星期二我星期五给你一千", date(2026, 3, 13)),
        ("我十五号工资到账十六号还", date(2026, 3, 16)),
        ("原来定的十六号，能不能挪到二十四号", date(2026, 3, 24)),
        ("最快也得四月二十号，二十号付", date(2026, 4, 20)),
        ("下周三我发工资，周四还给你两千", date(2026, 3, 19)),
        ("六月十五号发工资，十六号还", date(2026, 6, 16)),
        ("周五可能还不上那么多", date(2026, 3, 13)),
        ("下午就还", date(2026, 3, 10)),
        ("晚上到家还五百", date(2026, 3, 10)),
        ("早上就还", date(2026, 3, 11)),
        ("我六点半下班，下了班就还", date(2026, 3, 10)),
        ("下午我去趟银行，还你一千零一十", date(2026, 3, 10)),
        ("我晚上下班去便利店给你交四百", date(2026, 3, 10)),
        ("晚上十点前我转三百过去", date(2026, 3, 10)),
        ("待会儿就还五百二", date(2026, 3, 10)),
        ("二十九号吧周日我上午去还五百块", date(2026, 3, 29)),
        ("后天十二号我要出门那就十一号", date(2026, 3, 11)),
        ("刚才讲十七号讲快了应该是二十七号", date(2026, 3, 27)),
        ("今天几号，十号？那二十号", date(2026, 3, 20)),
        ("下个月底还剩下的，这个月底先还一千", date(2026, 3, 31)),
        ("周四下午我有空去还", date(2026, 3, 12)),
        ("明天可不可以", date(2026, 3, 11)),
    ],
)
def test_the_day_that_is_promised(asking: Asking, text: str, day: date) -> None:
    assert extract(text, asking()).slots["date"].value == day


@pytest.mark.parametrize(
    "text",
    [
        "周五还不了",
        "月底没钱",
        "账单十二号到期我没钱",
        "我三月份借的",
        "三个月没发工资了",
        "我上了十二天班",
    ],
)
def test_no_day_is_promised(asking: Asking, text: str) -> None:
    assert "date" not in extract(text, asking(payday=15)).slots


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("我三号就还过了五百", date(2026, 3, 3)),
        ("周一不是刚还过一千吗", date(2026, 3, 9)),
        ("我五号还了的", date(2026, 3, 5)),
        ("上周五已经转给你们了", date(2026, 3, 6)),
    ],
)
def test_a_day_on_which_something_was_paid_is_past(asking: Asking, text: str, day: date) -> None:
    slots = extract(text, asking()).slots
    assert slots["past_date"].value == day
    assert "date" not in slots


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("老子借了八千你们要我还一万二，行，月底还八千多", 8000),
        ("我没有两千只有八百", 800),
        ("不要五百，三百行不行", 300),
        ("还五百可以，还一千不行", 500),
        ("每个月两千五太多了，一千五", 1500),
        ("一个月挣三千，还你一千", 1000),
        ("先还利息三百", 300),
        ("最少还五百", 500),
        ("你们说三千，我只认两千", 2000),
        ("五百吧哎算了六百凑个整", 600),
        ("每天低保一百，先还五十块", 50),
    ],
)
def test_the_sum_that_is_offered(asking: Asking, text: str, value: int) -> None:
    assert extract(text, asking()).slots["amount"].value == value


@pytest.mark.parametrize(
    "text",
    [
        "我哪来的三千六啊",
        "当初只借了四千",
        "我一个月工资才三千",
        "能不能给我减五百",
        "两千我拿不出来",
        "一次性我肯定还不了",
        "我打12378投诉",
        "打了八百遍了",
        "我打工一天才一百八，拿什么还你五千",
        "当初借三千怎么变成四千八了",
        "别说两千了二百我都没有",
        "六千四我一下子真拿不出来",
    ],
)
def test_no_sum_is_offered(asking: Asking, text: str) -> None:
    assert "amount" not in extract(text, asking(due="3600")).slots


@pytest.mark.parametrize(
    ("text", "hour", "minute", "day"),
    [
        ("我六点半下班你七点打", 19, 0, 10),
        ("明天中午吃饭的时候打，十二点一刻", 12, 15, 11),
        ("礼拜天白天都行，两点吧", 14, 0, 15),
        ("明天晚上都行，八点吧", 20, 0, 11),
        ("上午别打，下午四点打", 16, 0, 10),
        ("今天不方便，明天上午九点打", 9, 0, 11),
        ("明天上午我有课，下午三点半没课你打那会儿", 15, 30, 11),
        ("我值夜班的早上别打晚上七点以后行", 19, 0, 10),
        ("三刻钟以后打给我", 15, 45, 10),
    ],
)
def test_the_time_at_which_to_call(asking: Asking, text: str, hour: int, minute: int, day: int) -> None:
    value = extract(text, asking()).slots["callback_at"].value
    assert value == datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    "text", ["你们早上八点就打过来烦不烦", "我每天早上六点起床晚上十点下班", "刚才三点打的", "晚上九点之后不要打"]
)
def test_nobody_asks_to_be_called(asking: Asking, text: str) -> None:
    assert "callback_at" not in extract(text, asking()).slots


@pytest.mark.parametrize(
    "text", ["过个把小时再打", "过十来分钟再打", "周一到周五晚上七点以后都行", "明天下午随便啥时候"]
)
def test_a_vague_time_is_asked_back(asking: Asking, text: str) -> None:
    slot = extract(text, asking()).slots["callback_at"]
    assert slot.value is None
    assert slot.needs_clarification
    assert slot.earliest is not None


def test_a_correction_may_be_a_second_thought(asking: Asking) -> None:
    values = extract("我还两千，等等，算一下，一千八吧", asking())
    assert values.correction
    assert values.slots["amount"].value == Decimal(1800)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("三八，三八二五", "3825"),
        ("三八二，三八二五", "3825"),
        ("三八三八二五", "3825"),
        ("三八二五三八二五", "3825"),
        ("三八，呃，二五", "3825"),
        ("八八，八八", "8888"),
        ("双八零七", "8807"),
        ("二十四六十八", "2468"),
        ("三二一，最后是个X", "321X"),
        ("三八二埃克斯", "382X"),
        ("三二一零五二一九八八零一零一三八二五", "3825"),
    ],
)
def test_digits_that_are_begun_again_or_told_in_pairs(asking: Asking, text: str, digits: str) -> None:
    assert extract(text, asking(Expecting.DIGITS)).slots["digits"].value == digits


@pytest.mark.parametrize("text", ["我都六十多了哪记得住", "等两分钟", "我就记得前面三个", "我有两个问题"])
def test_what_counts_something_is_no_digits(asking: Asking, text: str) -> None:
    assert "digits" not in extract(text, asking(Expecting.DIGITS)).slots


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("后天我把两千二给你们划过来", date(2026, 3, 12)),
        ("礼拜五，四千整，给你们打进来", date(2026, 3, 13)),
        ("周日卖了货给你三分之一，其余的下回再聊", date(2026, 3, 15)),
        ("我二十号发奖金，当日下午就给你还三千", date(2026, 3, 20)),
        ("周六收了租金，我周日转给你", date(2026, 3, 15)),
        ("等会我去超市门口那个柜员机存五百", date(2026, 3, 10)),
        ("大后天叫我姐把六百五打过来给你们", date(2026, 3, 13)),
    ],
)
def test_a_sum_that_is_sent_makes_a_day_of_payment(asking: Asking, text: str, day: date) -> None:
    slots = extract(text, asking(due="3600")).slots
    assert slots["date"].value == day
    assert "callback_at" not in slots


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("那三千的事，明天下午四点给我打电话说", 11),
        ("后天上午九点打过来谈还款方案", 12),
        ("下午四点我交完班你打", 10),
    ],
)
def test_a_call_about_a_sum_is_a_call(asking: Asking, text: str, day: int) -> None:
    slots = extract(text, asking()).slots
    value = slots["callback_at"].value
    assert isinstance(value, datetime)
    assert value.day == day
    assert "date" not in slots


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("三八节那天刚划进去五百", date(2026, 3, 8)),
        ("元宵节我就还了一千", date(2026, 3, 3)),
        ("春节前两天已经转给你们了", date(2026, 2, 15)),
        ("腊月二十八我就付过了", date(2026, 2, 15)),
        ("大年初五那天，刚在手机上还的", date(2026, 2, 21)),
        ("今天中午不是自动扣掉三百了吗", date(2026, 3, 10)),
        ("今早刚给你们转的八百", date(2026, 3, 10)),
        ("早上九点已经还了", date(2026, 3, 10)),
        ("昨个我爸替我交了六百", date(2026, 3, 9)),
        ("前儿个存进去的", date(2026, 3, 8)),
        ("上个号头十八号就还脱了", date(2026, 2, 18)),
        ("四天前我付了一千二", date(2026, 3, 6)),
        ("两个礼拜之前就转过去了", date(2026, 2, 24)),
        ("星期四在柜台交的", date(2026, 3, 5)),
        ("九号我老公帮我还了两千", date(2026, 3, 9)),
    ],
)
def test_days_gone_by_in_many_words(asking: Asking, text: str, day: date) -> None:
    slots = extract(text, asking()).slots
    assert slots["past_date"].value == day
    assert "date" not in slots
    assert "callback_at" not in slots


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("说好今天还的，可是钱没到", date(2026, 3, 10)),
        ("今天刚结了工钱，马上还三百", date(2026, 3, 10)),
        ("今天还了就没事了吧", date(2026, 3, 10)),
        ("周四还的话可以吗", date(2026, 3, 12)),
        ("教师节那天还两千", date(2026, 9, 10)),
        ("国庆前两天还一千", date(2026, 9, 29)),
    ],
)
def test_what_is_not_yet_done_is_no_day_gone_by(asking: Asking, text: str, day: date) -> None:
    slots = extract(text, asking()).slots
    assert slots["date"].value == day
    assert "past_date" not in slots


@pytest.mark.parametrize("text", ["我奶奶两个月前走的", "半年前他就没了", "三年前的事我记不得"])
def test_a_day_long_ago_on_which_nothing_was_paid_is_no_value(asking: Asking, text: str) -> None:
    slots = extract(text, asking()).slots
    assert "past_date" not in slots
    assert "date" not in slots


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("我哥明天打给我一万，我把八千还上", 8000),
        ("手里有六百五，留一百吃饭，先划五百", 500),
        ("明天还清，拢共两千一百五", 2150),
        ("两千五吧，呃，两千六，月底还", 2600),
        ("到手才四千，能还一千二", 1200),
        ("先还九百算个心意", 900),
    ],
)
def test_the_sum_that_is_meant_among_others(asking: Asking, text: str, value: int) -> None:
    assert extract(text, asking()).slots["amount"].value == Decimal(value)


@pytest.mark.parametrize(
    "text", ["九千我一分钱也不会给", "当初说的是六千，现在按八千算", "合同上写的四千", "实际到手两千八"]
)
def test_a_sum_that_is_only_spoken_of(asking: Asking, text: str) -> None:
    assert "amount" not in extract(text, asking()).slots


@pytest.mark.parametrize(
    ("text", "hour", "minute", "day"),
    [
        ("明天晚上七点打，不，八点", 20, 0, 11),
        ("后天上午十点打，最好十点半", 10, 30, 12),
        ("晚上九点以前打都行，最好八点", 20, 0, 10),
        ("明天九点差一刻打给我", 8, 45, 11),
        ("俩钟头后再打", 17, 0, 10),
        ("下周二后晌三点来电", 15, 0, 17),
    ],
)
def test_the_time_that_is_settled_on(asking: Asking, text: str, hour: int, minute: int, day: int) -> None:
    value = extract(text, asking()).slots["callback_at"].value
    assert value == datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


def test_a_day_stays_where_only_the_sum_is_corrected(asking: Asking) -> None:
    values = extract("大后天还八百，哦不，九百", asking())
    assert values.correction
    assert values.slots["date"].value == date(2026, 3, 13)
    assert values.slots["amount"].value == Decimal(900)


def test_a_call_that_came_too_early_is_no_time_to_call(asking: Asking) -> None:
    assert "callback_at" not in extract("一大早七点就打过来，还让不让人睡了", asking()).slots


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("跟上个人说的是周三，现在得往后错，错到下礼拜四", date(2026, 3, 19)),
        ("答应的后天作废，搞到下下周二行不", date(2026, 3, 24)),
        ("我讲过礼拜五还，调到下个礼拜天", date(2026, 3, 22)),
        ("三个礼拜后的今天还九百", date(2026, 3, 31)),
        ("改到十六号成吗，本来说今天的", date(2026, 3, 16)),
    ],
)
def test_a_day_that_is_moved_is_the_later_one(asking: Asking, text: str, day: date) -> None:
    assert extract(text, asking()).slots["date"].value == day


def test_a_night_gone_by_is_no_idle_talk(asking: Asking) -> None:
    assert extract("昨儿晚上打给你们的，六千整", asking()).slots["past_date"].value == date(2026, 3, 9)


@pytest.mark.parametrize(("text", "value"), [("月底打过去一点五万", 15000), ("周五还三点二万", 32000)])
def test_a_sum_with_a_spoken_point_is_no_time(asking: Asking, text: str, value: int) -> None:
    slots = extract(text, asking()).slots
    assert slots["amount"].value == value
    assert "callback_at" not in slots


def test_a_sum_reckoned_too_high_is_no_second_thought(asking: Asking) -> None:
    meaning = extract("利息多算了三百多，我只认一千八，周日就还这些", asking())
    assert meaning.slots["amount"].value == 1800
    assert not meaning.correction
