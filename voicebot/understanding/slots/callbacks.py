"""Which moments are times to call: 七点打, 周日白天都行，两点吧; and at which nobody asks to be called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from voicebot.understanding.meaning import Context, Expecting
from voicebot.understanding.slots import times
from voicebot.understanding.slots.moments import Moment, clause_around, clause_of
from voicebot.understanding.slots.span import AmountSpan

HANDS_OVER = (
    r"(?<![个百千万])[把将](?!.{0,4}电话).{0,12}"
    r"(?:(?<![你您们]再)(?<![^给帮替][你您])打|[转存划汇缴付清结还]|交(?![代接班]))"
)
"""把钱打过来, 把它清了; not 过个把小时, not 把电话打过来, and not 把车停好你再打."""
_PLACE_TO_PAY = (
    r"(?:去|到|上|跑|在)[^，,。]{0,4}?(?:网点|银行|柜[台位面员]|信用社|农商行|[农工建中]行|邮局|邮政|便利店|营业厅|存款机)"
    r"[^，,。]{0,4}?(?:交(?!代)|[缴存汇寄付还]|打(?!听|电话)|转(?!人))"
)
PAYING = re.compile(
    r"还(?!是|有|没|在|得再缓|要不要)|付|交钱|交上|转(?!人工|接|告)|打(?:给你们?)?钱|打款|打过去|"
    rf"转过去|{HANDS_OVER}|{_PLACE_TO_PAY}|存钱(?!罐)|汇[票款]|(?:块钱?|元|[十百千万])寄|寄钱|[划扣](?:走|掉|过去|给|了)|凑|发工资|到账|存进|存上|缴|结清|结账|一次性|处理掉|弄好|"
    r"(?:[十百千万块元]|块钱)给(?:你|您)|给你们?(?:钱|补|[打转汇存])|"
    r"[打转汇存交](?=[\d一二两三四五六七八九十百千万])|补上|"
    r"扣款|划扣|打(?=这[些么点]|一部分|一半|全|剩|[到进](?:你|您|账|卡))"
)
_PICKS_UP = (
    r"(?<![不没可])[能可才]以?(?:接(?!孩子|人|娃|受|着|送|班)|听电话)|(?<!么)接得[了到着]|[说讲聊]得?(?:上|了)?[两几]句"
)
_FREE = re.compile(r"有空|有时间|方便|下班|忙完|得闲")
_CALLING = re.compile(
    r"打(?:一?个?电话|过来|给我|来|吧)|再打|联[系络是]|再说|再聊|再谈|聊|回电|回拨|来电|来一?[个通]?电话|找我|提醒(?:我|一|下)|提个醒|[喊叫]我一[声下]|"
    rf"打(?:$|(?=[,，。])|行|好|可以|我)|call|回你们?|给我(?:来|回|个)|通话|接电话|{_PICKS_UP}|{_FREE.pattern}",
    re.I,
)
_TRANSFERS = re.compile(r"(?:(?<![你您们再])|(?<=给[你您])|(?<=给你们))打(?:$|(?=[,，。])|行|好|可以|吧)")
"""打 without a word of calling: where the turn names a payment, money is sent."""
_YOU = re.compile(r"(?<![还给转付打交])(?:你们?|您)(?:就|再|可以|那)*$")
_REST_LATER = re.compile(r"(?:剩|其余|余下|其他的|别的|后面的|尾款)[^，,。]*?再(?:说|聊|谈|打)")
_REMINDS = re.compile(r"(?:你们?|您|再|就|来)*提醒(?:一[下声])?我")
_TALK_THEN = re.compile(r"(?:再|来|咱们?|我们|跟我|细)*[说谈聊](?![好了的过是不])")
_TAKEN_UP = re.compile(
    r"[^，,。]*[，,。]+(?:我|你|就|再|然后|咱)*(?:那[天日](?![^，,。]{0,3}以?后)|当[天日]|到时候?|那时候?|那会儿?|电话[里上]头?|电话一?通了?|"
    r"接[通了到]|当场|当面)[^，,。]{0,6}?"
    r"(?:还(?!是|有|没|在|得|不)|[转付存缴汇清](?!不|人工|告)|交(?=[钱给\d一二两三四五六七八九十])|打(?=给[你您]|钱|款|过去|[\d一二两三四五六七八九十])|"
    r"把[^，,。]{1,8}?[还付交转打存清结])"
)
"""周五有空，那天还你; 明天四点打来，电话里当场转: the clause after pays on the same day."""
_SUM_AFTER_PAYING = re.compile(
    r"还(?:(?<![谈说聊量论商]还)款(?!的?(?:事|计划|方案|安排|问题))|钱(?!的?(?:事|问题|计划))|你|上|清|\d|[一二两三四五六七八九十]|$)|[去再就来能才]还(?!是|有|没|在)|打钱|打款|"
    rf"{HANDS_OVER}"
)
_CALL_NOW = re.compile(
    r"^(?:钟|整|的时候|那会儿|以后|之后|过后|你们?|您|再|可以|就|给我|吧|来)*(?:打|联系|找我|来电|回电|call|通话|"
    r"聊|说)",
    re.I,
)
_BEST = re.compile(r"(?:最好|顶好|最合适|最方便)(?:是|就|在)*$")
_RATHER = re.compile(r"(?:最好|那就|干脆|还是|不如)(?:是|就|在|说)*$")
_NOT_LATER = re.compile(r"^(?:以前|之前|前(?!后))")
_NO_TIME_FOR_US = re.compile(
    r"^(?:钟|整|以后|之后|左右|多|才|就|我|要|还|得|准时|一般|都|在|去|的)*(?:下班|上班|开会|到家|起床|吃饭|接孩子|"
    r"睡觉|睡|下课|上课|有课|交班|接班|出门|开门|打烊|关门|火车|高铁|飞机|航班)"
)
_NOT_THEN = re.compile(
    r"^(?:以后|之后|以前|之前|前|后|都|就|你们?|请|的时候|千万)*(?:别|不要|不准|不许|甭|少)(?:再)?(?:给我|"
    r"跟我)?(?:打(?!招呼)|来电|联系|找)"
)
_CALLED = re.compile(
    r"^(?:就|还|又|也|都|你们?|给我|已经|不是|跟我|来|的时候)*打(?:过来|电话|来|给我|我)*(?:了(?!吧)|过(?![来去])|的|"
    r"烦|吵|骚扰)"
)
_CALLED_TOO_EARLY = re.compile(
    r"^(?:你们?|给我|跟我|来|的时候)*(?:就|还|又|都)(?:开始|给我|来)*[打拨](?:过来|电话|来|给我|我)*$"
)
_COMPLAINS = re.compile(r"烦|吵|骚扰|没完|有完|睡|受不了|缺德|要不要脸|什么意思|有病")
_JUST_NOW = re.compile(r"(?:刚才|刚刚|刚)(?:我|你们?)?$")
_ASKS_TO_CALL = re.compile(
    rf"打(?!工|架|麻将|扫)|联系|回电|来电|电话|再说|再聊|聊|方便|有空|提醒我|提个醒|call|{_PICKS_UP}", re.I
)
_ANY_TIME = re.compile(r"闲|在家|休息|可以|行吗|随便|都行|啥时候|什么时候|几点|都成|任何时")


def is_idle(text: str, moment: Moment, sums: Sequence[AmountSpan], context: Context) -> bool:
    """今天晚上吃火锅吗: a part of day beside other business, when nothing was asked, names no time for us."""
    clock = moment.clock
    if clock is None or clock.clock is not None or clock.after_minutes is not None:
        return False
    if moment.day is not None and moment.day.day is not None and moment.day.day < context.now.date():
        return False
    clause = clause_of(text, moment.start, moment.end)
    if context.expecting is not Expecting.NOTHING or len(clause) - (moment.end - moment.start) <= 2:
        return False
    return not (_CALLING.search(text) or is_paying(text, sums) or _ANY_TIME.search(clause))


def is_no_offer(text: str, moment: Moment, context: Context) -> bool:
    """九点以后别打, 早上八点就打过来烦不烦, 六点起床: a time at which nobody asks to be called."""
    if moment.clock is None and not _NOT_THEN.match(moment.tail):
        return False
    ago = moment.clock is not None and moment.clock.ago
    if (
        _NOT_THEN.match(moment.tail)
        or _CALLED.match(moment.tail)
        or (_JUST_NOW.search(moment.head) and not PAYING.match(moment.tail) and not ago)
    ):
        return True
    if _CALLED_TOO_EARLY.match(moment.tail) and _COMPLAINS.search(text):
        return True
    life = _NO_TIME_FOR_US.match(moment.tail) and not _ASKS_TO_CALL.search(text) and not PAYING.search(text)
    return bool(life) and context.expecting is not Expecting.TIME


def keeps_its_day(moment: Moment, *, refused: bool) -> bool:
    """Whether a time that will not do still says on which day the next one is: 明天上午别打，下午四点打."""
    if moment.day is None or moment.clock is None:
        return False
    return refused or _NOT_THEN.match(moment.tail) is not None


def is_paying(text: str, sums: Sequence[AmountSpan]) -> bool:
    """Whether the turn speaks of paying."""
    if PAYING.search(text) or any(span.sent for span in sums):
        return True
    return any(span.offered for span in sums) and _only_transfers(text)


def _only_transfers(text: str) -> bool:
    """Whether 打 is said, and no word of calling beside it."""
    return bool(_TRANSFERS.search(text)) and not _CALLING.search(_TRANSFERS.sub("", text))


def is_call(text: str, moment: Moment, sums: Sequence[AmountSpan], context: Context) -> bool:
    """Whether the moment is a time to call rather than a day to pay."""
    start, end = clause_around(text, moment.start, moment.end)
    clause = text[start:end]
    sent = any(span.sent and start <= span.start < end for span in sums)
    leaving = _NO_TIME_FOR_US.match(moment.tail) and PAYING.search(text)
    timed = moment.clock is not None and moment.clock.clock is not None
    if _REMINDS.match(moment.tail) or (timed and _TALK_THEN.match(moment.tail)):
        return True
    if _is_transfer(text, clause, moment, sums, context):
        return False
    calling = _CALLING.search(_REST_LATER.sub("", clause))
    if calling and not _SUM_AFTER_PAYING.search(clause) and not leaving and not sent:
        return not (_FREE.fullmatch(calling[0]) and pays_too(text, moment))
    if leaving or sent or PAYING.search(clause):
        return False
    if context.expecting is Expecting.TIME:
        return True
    if context.expecting in (Expecting.DATE, Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT):
        return False
    if _CALLING.search(text) and not is_paying(text, sums):
        return True
    return moment.clock is not None and not is_paying(text, sums)


def _is_transfer(text: str, clause: str, moment: Moment, sums: Sequence[AmountSpan], context: Context) -> bool:
    """Whether 打 in the clause of a moment, with no word of calling, sends the money that is meant."""
    timed = moment.clock is not None and moment.clock.clock is not None
    if timed or _YOU.search(moment.head) or not _only_transfers(clause):
        return False
    asked = context.expecting in (Expecting.DATE, Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT)
    return asked or bool(_SUM_AFTER_PAYING.search(text) or any(span.offered for span in sums))


def pays_too(text: str, moment: Moment) -> bool:
    """Whether the clause after a moment takes it up as the day of a payment: 明天四点打来，电话里当场转."""
    return _TAKEN_UP.match(text, moment.end) is not None


def best_call(calls: Sequence[Moment]) -> Moment:
    """The moment at which the caller wants to be called: not the one at which they leave work."""
    return max(
        calls,
        key=lambda moment: (
            moment.clock is not None and (moment.clock.clock is not None or moment.clock.after_minutes is not None),
            bool(_BEST.search(moment.head)) - bool(_NOT_LATER.match(moment.tail)),
            bool(_CALL_NOW.match(moment.tail)) - bool(_NO_TIME_FOR_US.match(moment.tail)),
            moment.clock is not None,
            moment.day is not None,
            -moment.start,
        ),
    )


def in_full(text: str, moment: Moment, others: Sequence[Moment]) -> Moment:
    """周日白天都行，两点吧: a clock alone belongs to the day, and the part of day, that was named before it.

    A better time (明早九点，最好九点半) also to a day that was named with a time of its own, and so does one after the
    hour at which something else is over (明天六点下课，七点打).
    """
    clock = moment.clock
    if moment.day is not None or clock is None or clock.clock is None:
        return moment
    for other in others:
        timed = other.clock is not None and other.clock.clock is not None
        rather = _RATHER.search(moment.head) or _NO_TIME_FOR_US.match(other.tail)
        settled = not timed or rather or not _CALLING.search(clause_of(text, other.start, other.end))
        if other.end > moment.start or other.day is None or not settled:
            continue
        if other.clock is not None and other.clock.part and clock.part is None:
            part = {"早": "早上", "晚": "晚上"}.get(other.clock.part, other.clock.part)
            again = times.find_times(f"{part}{text[clock.start : clock.end]}", 0)
            clock = replace(again[0], start=clock.start, end=clock.end) if again else clock
        over = other.clock.clock if other.clock is not None and _NO_TIME_FOR_US.match(other.tail) else None
        if over is not None and clock.early is not None and clock.early < over:
            clock = replace(clock, early=None)
        return replace(moment, day=other.day, clock=clock)
    return moment
