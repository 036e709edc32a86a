"""Which moments are days gone by, on which something was done: 上周五, 三号就还过了, 今早已经转了."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time, timedelta

from voicebot.understanding.slots.moments import CLAUSE, Moment
from voicebot.understanding.slots.span import ClockSpan, DaySpan

_MOVE = (
    r"(?:(?:[还转打付存汇缴扣划]|交(?![代接班]))|结(?=清|掉|完|了(?:$|[呀啊吧])))(?!到?给?我|了?[^，,。]{0,4}(?:房租|学费|[电水话药]费|"
    r"押金|保险|社保|物业|罚款|定金|首付|彩礼|住院|别家|别人))"
)
_MOVED = re.compile(
    rf"(?<![不没])(?!打(?:了?一?[个通]?电话|过?来))(?:{_MOVE}|过(?=了[一二两三四五六七八九\d]+[百千万]))"
)
_PLANNED = re.compile(r"(?:我|就|才|还|都|跟?你们?)*(?:[说讲谈商约]|答应|应承|打算|准备|想|借)")
_KIN = (
    r"(?:我|我们|咱)?(?:家|家里)?(?:媳妇儿?|老婆|老公|老头子?|老伴儿?|当家的|爱人|对象|男朋友|女朋友|爸|妈|父亲|母亲|爹|娘|老[爹娘爸妈]|哥哥?|弟弟?|姐姐?|妹妹?|儿子|"
    r"闺女|女儿|女婿|儿媳|孩子|家里人?|公司|单位|财务|老板|同事|朋友)"
)
_PLACE = r"(?:柜台|柜面|银行|网点|手机|超市|便利店|柜员机|网上|网银|微信|支付宝)(?:上|里|那边)?"
_FOR_ME = (
    rf"(?:{_KIN}|{_PLACE}|"
    r"我?[^，,。\d]{1,3}[替帮](?:我|忙)?|在[^，,。]{1,6}?|用[^，,。]{1,6}?|从[^，,。]{1,6}?|[^，,。马]{1,4}上)"
)
_ALREADY = r"(?:我|就|也|都|不是|刚|才|那天|当天|当日|的时候|那会儿|把|他|钱|当时|自动|给?你们?)*"
_TO_YOU = r"(?:给?你们?|您|过去|进去|出去|走|脱|掉|款|钱|清|完|上)*"
_DONE = re.compile(
    rf"^{_ALREADY}(?:(?:已经|早就|早都|早).{{0,6}}(?:{_MOVE}|给)|(?:刚刚?|才刚){_FOR_ME}?(?:自动|给?你们?)?{_MOVE}(?!好|才)|"
    rf"(?:{_MOVE}|给)(?:给?你们?|您|款|钱|清|完)*过(?!去|来|年|几天|一(?:会|阵|段)))|"
    rf"^(?:我)?(?:不是.{{0,8}}(?:{_MOVE}|弄|处理).{{0,10}}|早.{{0,8}})(?:了|的|过)(?:吗|嘛|么|啊)?$"
)
_DONE_OF_A_NAME_GONE_BY = re.compile(
    rf"^{_ALREADY}{_FOR_ME}?(?:我|就|去|来|跑去|给?你们?|自动)*{_MOVE}{_TO_YOU}"
    r"(?:(?:过去|进去|上去)?[\d一二两三四五六七八九十百千万]*[块元]?了(?!吧|行|可以|就|再|的话)|的(?!话|时候|那天|日子|可能|吧))"
)
_WAS_DONE = re.compile(
    rf"^{_ALREADY}{_FOR_ME}?(?:我|就|去|来|跑去|给?你们?|自动)*{_MOVE}{_TO_YOU}的(?=$|[啊呀呢哦嘛哎，,。！!？?那\d一二两三四五六七八九])"
)
_DONE_TODAY = re.compile(
    rf"^(?:我|[刚才])*(?:在[^，,。]{{1,6}}?|[^，,。马]{{1,4}}上)?{_MOVE}{_TO_YOU}(?:了(?=[\d一二两三四五六七八九十百千万])|的(?!话|时候|可能|吧))"
)
_AGREED = re.compile(r"(?:[说讲约谈]好?|答应|应承|本来|原本|原定|原来|原先|应该|该|以为)(?:你们?|是|在|的|了|我|就)*$")
_JUST_NOW = re.compile(r"(?:刚才|刚刚|刚)(?:我|在)*$")
_NOTHING_YET = re.compile(r"^(?:的时候|那天|当天|当日|那会儿|呢|啊|呀|嘛|吧)*$")


def gone_by(text: str, moment: Moment, now: datetime) -> Moment | None:
    """The moment as a day on which something was done, where it is one: 上周五, 三号就还过了, 今早已经转了."""
    day, today = moment.day, now.date()
    words = _said_of(text, moment)
    if moment.clock is not None and moment.clock.ago:
        return _just_ago(moment, moment.clock, now) if _MOVED.search(words) and not _PLANNED.match(words) else None
    just_now = _JUST_NOW.search(moment.head) and _DONE_TODAY.match(words)
    done = bool(just_now or _DONE.match(words))
    if day is None:
        return _earlier(moment, now) if done and moment.clock is not None else None
    last = day.day or day.latest
    if last is not None and last < today and (not day.vague or day.day is None or done):
        return replace(moment, day=replace(day, vague=False))
    agreed = _AGREED.search(moment.head)
    if day.day == today and not day.now and not agreed and (done or _DONE_TODAY.match(words)):
        return replace(moment, day=replace(day, vague=False))
    if day.before is None:
        return None
    rolled = day.day is None or (day.day - day.before).days > (today - day.before).days * 2
    told = _WAS_DONE.match(words) or (rolled and _DONE_OF_A_NAME_GONE_BY.match(words))
    if done or (told and not agreed):
        return replace(moment, day=replace(day, day=day.before, earliest=None, latest=None, vague=False))
    return None


def _said_of(text: str, moment: Moment) -> str:
    """What is said of a moment: its tail, or the clause after where the tail says nothing yet (妇女节那天，刚转的)."""
    if not _NOTHING_YET.match(moment.tail):
        return moment.tail
    after = CLAUSE.match(text, moment.end + len(moment.tail))
    return CLAUSE.split(text[after.end() :])[0] if after is not None else moment.tail


def _just_ago(moment: Moment, clock: ClockSpan, now: datetime) -> Moment:
    """一个钟头前转的: the day that it was then."""
    then = now + timedelta(minutes=clock.after_minutes or 0)
    return replace(moment, day=DaySpan(moment.start, moment.end, then.date()))


def _earlier(moment: Moment, now: datetime) -> Moment | None:
    """今早八点刚转的 without a day: today, or yesterday where that time is still to come."""
    clock = moment.clock
    if clock is None or clock.after_minutes is not None:
        return None
    at = (clock.early or clock.clock or clock.earliest or time(0)) <= now.time()
    day = now.date() if at else now.date() - timedelta(days=1)
    return replace(moment, day=DaySpan(moment.start, moment.end, day))
