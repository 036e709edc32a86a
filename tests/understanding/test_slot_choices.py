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


@pytest.mark.parametrize(
    ("text", "day", "amount"),
    [
        ("半个钟头前转给你们七百", date(2026, 3, 10), 700),
        ("我两小时前在柜台交了一千二", date(2026, 3, 10), 1200),
        ("十来分钟前刚付的三百六", date(2026, 3, 10), 360),
        ("三刻钟以前我媳妇打过去八百", date(2026, 3, 10), 800),
        ("刚才，十五分钟前，我已经付了四百三", date(2026, 3, 10), 430),
        ("一个多钟头前还了五百五", date(2026, 3, 10), 550),
    ],
)
def test_paid_some_minutes_or_hours_ago(text: str, day: date, amount: int, asking: Asking) -> None:
    slots = extract(text, asking(None)).slots
    assert slots["past_date"].value == day
    assert slots["amount"].value == Decimal(amount)
    assert "callback_at" not in slots


def test_some_hours_ago_may_have_been_yesterday() -> None:
    early = Context(datetime(2026, 3, 10, 1, 30, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert extract("三个小时前转的六百", early).slots["past_date"].value == date(2026, 3, 9)


@pytest.mark.parametrize("text", ["两个小时前你们打过电话", "半小时前没付成", "一个小时前说要还的", "半个钟头前才到家"])
def test_hours_ago_without_a_payment_are_nothing(text: str, asking: Asking) -> None:
    assert not {"past_date", "date", "callback_at"} & extract(text, asking(None)).slots.keys()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("半小时后转五百过来", date(2026, 3, 10)),
        ("过两个小时我就还三百", date(2026, 3, 10)),
        ("截至二十四号我把九百还清", date(2026, 3, 24)),
        ("最晚截止周日，我肯定付一千一", date(2026, 3, 15)),
        ("后天下班去信用社存，七百", date(2026, 3, 12)),
        ("周四九点去邮局汇给你们四百", date(2026, 3, 12)),
        ("明天三点到柜台，汇款一千三", date(2026, 3, 11)),
        ("原先讲好周五，改去下周四", date(2026, 3, 19)),
        ("应承咗十二号，又要改返十九号", date(2026, 3, 19)),
        ("约好的十六号，往后挪五天", date(2026, 3, 21)),
        ("到二十三号截止我肯定结清", date(2026, 3, 23)),
        ("周四那笔推后一周", date(2026, 3, 19)),
        ("本来后天还，顺延期天", date(2026, 3, 19)),
        ("八日之后还六百", date(2026, 3, 18)),
    ],
)
def test_the_day_that_is_meant(text: str, day: date, asking: Asking) -> None:
    slots = extract(text, asking(None)).slots
    assert slots["date"].value == day
    assert "callback_at" not in slots


@pytest.mark.parametrize(
    "text", ["还款截止二十号", "账单十八号截止", "截止十五号不还你们要起诉", "你们说截止周五必须还清"]
)
def test_a_limit_set_by_others_is_no_promise(text: str, asking: Asking) -> None:
    assert "date" not in extract(text, asking(None)).slots


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("下周四晚七点三刻打给我", "2026-03-19T19:45"),
        ("十五号晚八点一刻联系", "2026-03-15T20:15"),
        ("礼拜天早九点三刻打", "2026-03-15T09:45"),
        ("半小时过后，等我把摊子收好您再打", "2026-03-10T15:30"),
        ("个半钟头之后你打过来", "2026-03-10T16:30"),
        ("明天十点我去银行办事，你打过来", "2026-03-11T10:00"),
    ],
)
def test_the_time_to_call(text: str, at: str, asking: Asking) -> None:
    slots = extract(text, asking(None)).slots
    assert slots["callback_at"].value == datetime.fromisoformat(f"{at}:00+08:00")
    assert "date" not in slots


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("四百一十八块七一次结清", "418.7"),
        ("六百零三块二全部还掉", "603.2"),
        ("两百五十块九都清了吧", "250.9"),
        ("一百七十块四今天转", "170.4"),
        ("三百块一次还清", "300"),
        ("总额九千，我只付得起七百", "700"),
        ("拢总两万，手头掏得出一千五", "1500"),
        ("总账要还八千，最多凑得齐两千一", "2100"),
        ("四月二号还1650没有问题", "1650"),
    ],
)
def test_the_sum_that_is_meant(text: str, amount: str, asking: Asking) -> None:
    assert extract(text, asking(None)).slots["amount"].value == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("七个月还完", 7),
        ("十四个月就能付清吧", 14),
        ("两年半还完行吗", 30),
        ("五个月内唔得，八个月搞掂啦", 8),
        ("半年付清", 6),
    ],
)
def test_paid_off_in_so_many_months(text: str, count: int, asking: Asking) -> None:
    assert extract(text, asking(None)).slots["instalments"].value == count


@pytest.mark.parametrize(
    "text", ["七个月内还完", "再给我两个月还清", "四个月还完了", "借了三个月还没还完", "下个月还清"]
)
def test_a_limit_or_a_time_that_has_passed_is_no_count(text: str, asking: Asking) -> None:
    assert "instalments" not in extract(text, asking(None)).slots
