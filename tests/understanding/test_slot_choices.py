"""Turns that name several days, sums, times or counts: which is paid, which is a call, and which only stands beside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from voicebot.understanding import Context, Expecting
from voicebot.understanding.slots import almanac, extract

Asking = Callable[..., Context]


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("七百，我礼拜天打", date(2026, 3, 15)),
        ("先凑了两千四，大后天打", date(2026, 3, 13)),
        ("罚息别算了，本金一千九我十七号打", date(2026, 3, 17)),
        ("今晚就打，三百五", date(2026, 3, 10)),
        ("就剩二百八了，明天先打这点", date(2026, 3, 11)),
        ("周四下班才有时间，当天给你转九百", date(2026, 3, 12)),
        ("十九号方便，到时候存五百进去", date(2026, 3, 19)),
        ("周六有空，那天我把四千结了", date(2026, 3, 14)),
        ("这周五先打一半，别的再说", date(2026, 3, 13)),
        ("攒够一千八了，周六给您打", date(2026, 3, 14)),
        ("五百，明晚七点前打到卡上", date(2026, 3, 11)),
    ],
)
def test_to_send_beside_a_sum_is_no_call(asking: Asking, text: str, day: date) -> None:
    slots = extract(text, asking(due="3600")).slots
    assert slots["date"].value == day
    assert "callback_at" not in slots


@pytest.mark.parametrize("text", ["周四打吧", "两千的事你后天打", "礼拜天再打", "后天上午打，我听着"])
def test_to_ring_stays_a_call(asking: Asking, text: str) -> None:
    slots = extract(text, asking()).slots
    assert "callback_at" in slots
    assert "date" not in slots


def test_to_send_is_what_was_asked_for(asking: Asking) -> None:
    slots = extract("周五打吧", asking(Expecting.DATE)).slots
    assert slots["date"].value == date(2026, 3, 13)
    assert "callback_at" not in slots


@pytest.mark.parametrize(
    ("text", "day", "call"),
    [
        ("月底还三千，二十八号上午九点提醒一下我", date(2026, 3, 31), at(3, 28, 9)),
        ("后天还四百，明天晚上六点打个电话跟我说一声", date(2026, 3, 12), at(3, 11, 18)),
        ("下周五中午十二点你联系我，电话里我当场付", date(2026, 3, 20), at(3, 20, 12)),
        ("十三号下午两点打来，到时候还你五百", date(2026, 3, 13), at(3, 13, 14)),
        ("周日早上九点喊我一声，周日还两百", date(2026, 3, 15), at(3, 15, 9)),
        ("减免的事后天上午十点谈，下周一我还六百", date(2026, 3, 16), at(3, 12, 10)),
    ],
)
def test_a_day_to_pay_and_a_time_to_call(asking: Asking, text: str, day: date, call: datetime) -> None:
    slots = extract(text, asking()).slots
    assert slots["date"].value == day
    assert slots["callback_at"].value == call


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("老家修房花三万，先还你九百", 900),
        ("单位退了我四百块，分你三百", 300),
        ("卡里六百，兜里八十，还你六百五", 650),
        ("还缺一千五，先把攒的两千给你", 2000),
        ("一共七千八太吓人，我先弄一千", 1000),
        ("看病用了四千，剩下还你一千一", 1100),
        ("交了三千的学费，这回还六百", 600),
        ("两张一百的先还上", 200),
        ("七张五十的，够了吧，今天交", 350),
        ("最低额是430，那就还最低吧", 430),
        ("就还这一笔，2180，后天存", 2180),
        ("借的九百我十五号还", 900),
        ("定金我交了两千，还你一千三", 1300),
        ("房贷每月四千，给你们最多七百", 700),
        ("服务费八百不认，只还两千九", 2900),
    ],
)
def test_the_sum_that_is_paid_among_others(asking: Asking, text: str, value: int) -> None:
    assert extract(text, asking()).slots["amount"].value == Decimal(value)


@pytest.mark.parametrize(
    "text", ["加一块我也还不起", "我们几个一块儿住", "尾号是6035，4471，我要还款", "本金两千我还不上"]
)
def test_what_is_not_paid_is_no_sum(asking: Asking, text: str) -> None:
    assert "amount" not in extract(text, asking()).slots


@pytest.mark.parametrize(
    ("text", "day", "value"),
    [
        ("二月二十八号划走1420，你看看", date(2026, 2, 28), "1420"),
        ("记录上三月4号金额是730.6", date(2026, 3, 4), "730.6"),
        ("昨天就还清了，合计两千六", date(2026, 3, 9), "2600"),
        ("今年除夕那天我媳妇转的，一千", date(2026, 2, 16), "1000"),
        ("去年教师节还的八百", date(2025, 9, 10), "800"),
        ("上周三扣了我560", date(2026, 3, 4), "560"),
        ("上个月二十号自动扣了七百六", date(2026, 2, 20), "760"),
        ("五号那天网点交的，一千四", date(2026, 3, 5), "1400"),
    ],
)
def test_what_was_paid_has_its_day_and_its_sum(asking: Asking, text: str, day: date, value: str) -> None:
    slots = extract(text, asking()).slots
    assert slots["past_date"].value == day
    assert slots["amount"].value == Decimal(value)
    assert "date" not in slots


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("换一天吧，十四号搬家，十八号还", date(2026, 3, 18)),
        ("头两回都说五号，这次就定二十号", date(2026, 3, 20)),
        ("今天那个不行，得等到周四", date(2026, 3, 12)),
        ("答应你周五的，只能拖到下周一了", date(2026, 3, 16)),
        ("说的是十二号，再拖四天", date(2026, 3, 16)),
        ("得等到周五结账，周日还你", date(2026, 3, 15)),
        ("周四吧哦不周六还", date(2026, 3, 14)),
        ("周六吧，不成，下周一", date(2026, 3, 16)),
        ("讲过周三，又讲周四，最后定周五", date(2026, 3, 13)),
        ("剩下的下个月再说，后天先还三百", date(2026, 3, 12)),
    ],
)
def test_the_last_choice_of_a_day_wins(asking: Asking, text: str, day: date) -> None:
    assert extract(text, asking()).slots["date"].value == day


def test_how_long_it_has_been_put_off_is_no_day(asking: Asking) -> None:
    assert "date" not in extract("都拖两个月了还不上", asking()).slots


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("我不办六期，我办二十期", 20),
        ("九期还是吃不消，改成十五期", 15),
        ("三期压力太大，给我换到八期", 8),
        ("不选二十四期了，选十期", 10),
        ("十八期太长了，六期就行", 6),
        ("分五期每期一千二，太紧，分十期", 10),
    ],
)
def test_the_last_choice_of_instalments_wins(asking: Asking, text: str, count: int) -> None:
    assert extract(text, asking()).slots["instalments"].value == count


def test_instalments_that_are_overdue_are_not_asked_for(asking: Asking) -> None:
    assert "instalments" not in extract("我才欠两期，怎么变成四期了", asking()).slots


@pytest.mark.parametrize(
    ("text", "value", "count"),
    [
        ("拢共两万二，分二十期行吧", 22000, 20),
        ("欠你们九千六，利息六百，能不能分八期", 9600, 8),
        ("本金四万，我要六十期", 40000, 60),
        ("一共五千，先还八百，余下的分六期", 800, 6),
    ],
)
def test_the_sum_that_is_to_be_split(asking: Asking, text: str, value: int, count: int) -> None:
    slots = extract(text, asking()).slots
    assert slots["amount"].value == Decimal(value)
    assert slots["instalments"].value == count


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("明早8点10我上班前能接", at(3, 11, 8, 10)),
        ("七点半到家才能接", at(3, 10, 19, 30)),
        ("后天中午12点20可以说几句", at(3, 12, 12, 20)),
        ("两个小时四十分钟后打", at(3, 10, 17, 40)),
        ("一个钟十分钟之后call我", at(3, 10, 16, 10)),
        ("等四个字再打", at(3, 10, 15, 20)),
        ("明天下午五点六个字打给我", at(3, 11, 17, 30)),
        ("今晚九点搭四打给我", at(3, 10, 21, 20)),
        ("后天下午两点开会，那就两点五十打", at(3, 12, 14, 50)),
        ("周五上午你打来，那就十点二十", at(3, 13, 10, 20)),
        ("明天下班六点，那就六点四十打", at(3, 11, 18, 40)),
        ("明天早上九点啊不九点三刻打", at(3, 11, 9, 45)),
        ("后天早上九点不行，那就九点五十", at(3, 12, 9, 50)),
        ("周五上午别打，下午三点打", at(3, 13, 15)),
        ("明天八点坐车，八点半可以聊", at(3, 11, 8, 30)),
        ("今晚九点之前都行，最好七点半", at(3, 10, 19, 30)),
    ],
)
def test_the_clock_of_a_call(asking: Asking, text: str, call: datetime) -> None:
    assert extract(text, asking()).slots["callback_at"].value == call


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("国庆前头一天还", date(2026, 9, 30)),
        ("端午前头两天还", date(2026, 6, 17)),
        ("二月二还", date(2026, 3, 20)),
        ("二月二龙抬头还", date(2026, 3, 20)),
        ("八一建军节前还", date(2026, 7, 31)),
        ("五四那天还", date(2026, 5, 4)),
        ("七一还你", date(2026, 7, 1)),
        ("三八节还", date(2027, 3, 8)),
        ("六一儿童节还", date(2026, 6, 1)),
        ("双11那天还", date(2026, 11, 11)),
        ("618之前还", date(2026, 6, 17)),
        ("八月十五中秋节还", date(2026, 9, 25)),
        ("九月九重阳节还", date(2026, 10, 18)),
        ("国庆前最后一个工作日还", date(2026, 9, 30)),
        ("节前最后一天还", date(2026, 4, 4)),
        ("四月三号，清明放假前最后一天上班，那天还", date(2026, 4, 3)),
        ("明年元宵节还", date(2027, 2, 20)),
    ],
)
def test_festivals_by_number_and_name(asking: Asking, text: str, day: date) -> None:
    slot = extract(text, asking()).slots["date"]
    assert slot.value == day
    assert not slot.needs_clarification


def test_a_festival_gone_by_on_which_nothing_was_paid_is_no_value(asking: Asking) -> None:
    slots = extract("他今年元宵节走的", asking()).slots
    assert "past_date" not in slots
    assert "date" not in slots


def test_the_number_of_a_festival_is_a_sum_after_a_verb_of_paying(asking: Asking) -> None:
    slots = extract("五月二十号还520", asking()).slots
    assert (slots["date"].value, slots["amount"].value) == (date(2026, 5, 20), 520)


def test_a_festival_called_twice_is_one() -> None:
    assert almanac.next_holiday(date(2026, 3, 10), "八一建军") == date(2026, 8, 1)
    assert almanac.last_workday(date(2026, 4, 6)) == date(2026, 4, 3)
