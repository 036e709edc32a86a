"""What a moment is in its sentence: the day of a promise, a time to call, a day gone by, a day that will not do."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from voicebot.understanding.meaning import Context, Expecting
from voicebot.understanding.slots.moments import CLAUSE, Moment, clause_around, clause_of
from voicebot.understanding.slots.span import AmountSpan, DaySpan

_HANDS_OVER = r"(?<![个百千万])[把将](?!.{0,4}电话).{0,12}(?:[打转存划汇缴付清结还]|交(?![代接班]))"
"""把钱打过来, 把它清了; not 过个把小时, and not 把电话打过来."""
PAYING = re.compile(
    r"还(?!是|有|没|在|得再缓|要不要)|付|交钱|交上|转(?!人工|接|告)|打(?:给你们?)?钱|打款|打过去|"
    rf"转过去|{_HANDS_OVER}|[划扣](?:走|掉|过去|给|了)|凑|发工资|到账|存进|存上|缴|结清|结账|一次性|处理掉|弄好|"
    r"(?:[十百千万块元]|块钱)给(?:你|您)|给你们?(?:钱|补|[打转汇存])|"
    r"[打转汇存交](?=[\d一二两三四五六七八九十百千万])|补上|"
    r"扣款|划扣"
)
_CALLING = re.compile(
    r"打(?:电话|过来|给我|来|吧)|再打|联[系络是]|再说|再聊|再谈|聊|回电|回拨|来电|有空|有时间|方便|下班|找我|"
    r"打(?:$|(?=[,，。])|行|好|可以|我)|call|回你们?|给我(?:来|回|个)|通话|接电话|忙完",
    re.I,
)
_SUM_AFTER_PAYING = re.compile(
    r"还(?:(?<![谈说聊量论商]还)款(?!的?(?:事|计划|方案|安排|问题))|钱|你|上|清|\d|[一二两三四五六七八九十]|$)|[去再就来能才]还(?!是|有|没|在)|打钱|打款|"
    rf"{_HANDS_OVER}"
)
_PAYS = re.compile(r"还(?!是|有|没|在|不)|付|清|给|转(?!人工|接|告)|打|交|存|凑|汇|缴|结|补")
_MOVE = (
    r"(?:(?:[还转打付存汇缴扣划]|交(?![代接班]))|结(?=清|掉|完|了(?:$|[呀啊吧])))(?!到?给?我|了?[^，,。]{0,4}(?:房租|学费|[电水话药]费|"
    r"押金|保险|社保|物业|罚款|定金|首付|彩礼|住院|别家|别人))"
)
_FOR_ME = r"(?:我?[^，,。\d]{1,3}[替帮](?:我|忙)?|在[^，,。]{1,6}?|用[^，,。]{1,6}?|从[^，,。]{1,6}?|[^，,。马]{1,4}上)"
_ALREADY = r"(?:我|就|也|都|不是|刚|才|那天|当天|当日|的时候|那会儿|把|他|钱|当时|自动|给?你们?)*"
_TO_YOU = r"(?:给?你们?|您|过去|进去|出去|走|脱|掉|款|钱|清|完|上)*"
_DONE = re.compile(
    rf"^{_ALREADY}(?:(?:已经|早就|早都|早).{{0,6}}(?:{_MOVE}|给)|(?:刚刚?|才刚){_FOR_ME}?(?:自动|给?你们?)?{_MOVE}(?!好|才)|"
    rf"(?:{_MOVE}|给)(?:给?你们?|您|款|钱|清|完)*过(?!去|来|年|几天|一(?:会|阵|段)))|"
    rf"^(?:我)?(?:不是.{{0,8}}(?:{_MOVE}|弄|处理).{{0,10}}|早.{{0,8}})(?:了|的|过)(?:吗|嘛|么|啊)?$"
)
_DONE_OF_A_NAME_GONE_BY = re.compile(
    rf"^{_ALREADY}{_FOR_ME}?(?:我|就|给?你们?|自动)*{_MOVE}{_TO_YOU}"
    r"(?:(?:过去|进去|上去)?[\d一二两三四五六七八九十百千万]*[块元]?了(?!吧|行|可以|就|再|的话)|的(?!话|时候|那天|日子|可能|吧))"
)
_WAS_DONE = re.compile(
    rf"^{_ALREADY}{_FOR_ME}?(?:我|就|给?你们?|自动)*{_MOVE}{_TO_YOU}的(?=$|[啊呀呢哦嘛哎，,。！!？?那\d一二两三四五六七八九])"
)
_DONE_TODAY = re.compile(
    rf"^(?:我|在[^，,。]{{1,6}}?|[^，,。马]{{1,4}}上)?{_MOVE}{_TO_YOU}(?:了(?=[\d一二两三四五六七八九十百千万])|的(?!话|时候|可能|吧))"
)
_AGREED = re.compile(r"(?:[说讲约谈]好?|答应|应承|本来|原本|原定|原来|原先|应该|该|以为)(?:你们?|是|在|的|了|我|就)*$")
_NOTHING_YET = re.compile(r"^(?:的时候|那天|当天|当日|那会儿|呢|啊|呀|嘛|吧)*$")
_SURELY = (
    r"(?:我|那|肯定|真的?|实在|恐怕|可能|怕是|估计|之前|以前|的话|那天|就|都|也|又|是|根本|还|可|却|确实|绝对|铁定|"
    r"一分钱?|钱|这边|有点|怕)*"
)
_CANNOT = re.compile(
    rf"^{_SURELY}(?:还不(?:[了起]|上(?!限))(?!这么|那么|全|完|多少)|不行(?!的话|吗|么)|(?<!可)不可以(?!吗|么)|没法|"
    r"没办法|够呛|悬|"
    r"来不及|没钱|没空|没时间|拿不出|凑不[齐够出到]|弄不[到来]|不够|不方便|太[早赶急晚紧快]|做不到|办不到|不成|"
    r"有困难|没戏|"
    r"不能(?!不|再)|打不了|给不了|转不了|不在|等不了)"
)
_UNWANTED = re.compile(
    r"(?:(?<!是)不是|(?:不要|别|甭)(?:再)?(?:写|记|说|定|约|安排|给我写|给我记)?(?:成|在|到)?|等不[到了]|没说|"
    r"不能是|不想等?到|过不了|用不着等?到?)(?:说)?$"
)
_DUE = re.compile(
    r"^(?:就|才|是|要)*(?:到期|截止|最后期限|是?(?:最后)?还款日|出账|账单日|逾期|的账单|的那期|那期)(?!前|之前|"
    r"以前|那天|当天)"
)
_DUE_BEFORE = re.compile(
    r"(?:账单日|还款日|到期日|期限|截止日?期?|出账日|扣款日|逾期|欠到)(?:是|到|在|从|为)*(?:每个?月)?$"
)
_LONG_AGO = re.compile(
    r"^(?:才|就|都|的时候|那会儿|我|刚|跟你们|在你们那儿?)*(?:借[的了过款]|贷[的了]|办[的了]|申请的|失业|下岗|被裁|"
    r"出的?事|做的?手术)"
)
_CIRCUMSTANCE = re.compile(
    r"^(?:我|才|就|会|能|应该|要|会有|有|这边|公司|单位|厂里|老板|客户|这个)*"
    r"(?:[发领收出](?:了|完)?(?:[^，,。还给]{0,3}(?:工资|钱|薪|饷|费|贴|奖|奖金|提成|粮|低保|金|款|租|账))|"
    r"开(?:工资|支|工)|到账|回款|结(?:工程|货|工)?[款账钱钿资]|"
    r"下班|上班|休息|放假|出门|有事|有课|回来|回家|出差|到家|开会|开学|出院|手术|吃饭)"
)
_MOVED_TO = re.compile(
    r"(?:(?:推|拖|挪|延|改|换|缓|宽限)(?:迟|后|期)?(?:到|成|为)?|(?:错|调|搞|移|顺|放|弄|拉|约|往后)(?:一下|一哈)?(?:到|成|至|去))$"
)
_REST = re.compile(r"剩|其余|余下|另一半|尾款|第二笔")
_DECIDED = re.compile(r"(?:那就|那还是|还是|干脆|要不|不如|说定|定在|那我就|那我|那)(?:定在|定|在|是|说)*$")
_MOVED_ON = re.compile(r"上次|之前(?:说|定|约|讲|答应)|原来|起初|本来|说好|约好|上回|原定|原先|先前")
_TODAY_IS = re.compile(r"^(?:是|都|才|已经|又是|就是|也)*$")
_OR = re.compile(r"^(?:[，,、]?(?:还是|或者?|要么|要不)|、)+$")
_CALL_NOW = re.compile(
    r"^(?:钟|整|的时候|那会儿|以后|之后|过后|你们?|您|再|可以|就|给我|吧|来)*(?:打|联系|找我|来电|回电|call|通话|"
    r"聊|说)",
    re.I,
)
_BEST = re.compile(r"(?:最好|顶好|最合适|最方便)(?:是|就|在)*$")
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
_ASKS_TO_CALL = re.compile(r"打(?!工|架|麻将|扫)|联系|回电|来电|再说|再聊|聊|方便|有空|call", re.I)
_ANY_TIME = re.compile(r"闲|在家|休息|可以|行吗|随便|都行|啥时候|什么时候|几点|都成|任何时")
_PAYS_THEN = re.compile(
    rf"{_HANDS_OVER}|"
    r"还(?:款|钱|给?你|给?您|上|掉|清|完|了|$|[\d一二两三四五六七八九十])|转(?!人工|接|告|机|达)|付|存|缴|汇|"
    r"交(?=[钱\d一二两三四五六七八九十百千万])|"
    r"打(?:给你们?|过去|钱|款)"
)
_THAT_DAY = re.compile(r"(?:当天|当日|那天|那日)$")
_NOTHING_TO_PAY = re.compile(r"没|哪|不|怎么|上班")
_AT_ONCE = (
    r"(?:等?我?(?:到家|回家|回去|回来|下班|忙完|吃完饭|下课|收工|交班)(?:了|以后|之后|后)?|就|只|最多|可以|能|先|去|给你们|给你|给|"
    r"马上|想|手头|把钱|把它|都|全部|全|肯定|一定|再)*"
)
_RIGHT_AWAY = re.compile(
    rf"^(?:我)?{_AT_ONCE}(?:[去到][^，,。哪啥怎没不]{{1,12}}?{_AT_ONCE})?"
    r"(?:还|付|转|打钱|打款|打过去|打给你|交|缴|存|汇)(?!不|没|多少|能)"
)


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


def is_refused(moment: Moment) -> bool:
    """周五还不了, 不要写周三, 明天没空: named in order to be ruled out."""
    return bool(_CANNOT.match(moment.tail) or _UNWANTED.search(moment.head))


def is_no_offer(text: str, moment: Moment, context: Context) -> bool:
    """九点以后别打, 早上八点就打过来烦不烦, 六点起床: a time at which nobody asks to be called."""
    if moment.clock is None and not _NOT_THEN.match(moment.tail):
        return False
    if _NOT_THEN.match(moment.tail) or _CALLED.match(moment.tail) or _JUST_NOW.search(moment.head):
        return True
    if _CALLED_TOO_EARLY.match(moment.tail) and _COMPLAINS.search(text):
        return True
    life = _NO_TIME_FOR_US.match(moment.tail) and not _ASKS_TO_CALL.search(text) and not PAYING.search(text)
    return bool(life) and context.expecting is not Expecting.TIME


def is_due(moment: Moment) -> bool:
    """账单十二号到期, 三月份借的: the day the debt falls due or began, not one that is promised."""
    return bool(_DUE.match(moment.tail) or _DUE_BEFORE.search(moment.head) or _LONG_AGO.match(moment.tail))


def is_paying(text: str, sums: Sequence[AmountSpan]) -> bool:
    """Whether the turn speaks of paying."""
    return bool(PAYING.search(text)) or any(span.sent for span in sums)


def gone_by(text: str, moment: Moment, now: datetime) -> Moment | None:
    """The moment as a day on which something was done, where it is one: 上周五, 三号就还过了, 今早已经转了."""
    day, today = moment.day, now.date()
    words = _said_of(text, moment)
    done = bool(_DONE.match(words))
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


def _earlier(moment: Moment, now: datetime) -> Moment | None:
    """今早八点刚转的 without a day: today, or yesterday where that time is still to come."""
    clock = moment.clock
    if clock is None or clock.after_minutes is not None:
        return None
    at = (clock.early or clock.clock or clock.earliest or time(0)) <= now.time()
    day = now.date() if at else now.date() - timedelta(days=1)
    return replace(moment, day=DaySpan(moment.start, moment.end, day))


def is_call(text: str, moment: Moment, sums: Sequence[AmountSpan], context: Context) -> bool:
    """Whether the moment is a time to call rather than a day to pay."""
    start, end = clause_around(text, moment.start, moment.end)
    clause = text[start:end]
    sent = any(span.sent and start <= span.start < end for span in sums)
    leaving = _NO_TIME_FOR_US.match(moment.tail) and PAYING.search(text)
    if _CALLING.search(clause) and not _SUM_AFTER_PAYING.search(clause) and not leaving and not sent:
        return True
    if leaving or sent or PAYING.search(clause):
        return False
    if context.expecting is Expecting.TIME:
        return True
    if context.expecting in (Expecting.DATE, Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT):
        return False
    if _CALLING.search(text) and not is_paying(text, sums):
        return True
    return moment.clock is not None and not is_paying(text, sums)


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


def best_day(text: str, moments: Sequence[Moment], context: Context) -> Moment | None:
    """The day of the promise among those that a turn names; None where none is one."""
    usable = [moment for found in moments if (moment := _with_day(text, moments, found, context)) is not None]
    usable = [m for m in usable if (m.day is not None and not m.day.now) or _pays_now(text, m, context)]
    pool = [m for m in usable if m.day is not None and not m.day.payday] or usable
    if not pool:
        return None
    pool = _without_todays_date(text, pool, context.now.date())
    undecided = _either(text, pool)
    if undecided is not None:
        return undecided
    exact = [m for m in pool if m.exact and m.day is not None and not m.day.now]
    if len(exact) > 1:
        moved = next((m for m in reversed(exact) if _MOVED_TO.search(m.head) or _DECIDED.search(m.head)), None)
        if moved is not None or _MOVED_ON.search(text):
            return moved or exact[-1]
        exact = [m for m in exact if not _CIRCUMSTANCE.match(m.tail)] or exact
        exact = [m for m in exact if not (_REST.search(m.head) or _REST.search(m.tail))] or exact
    paid = [m for m in exact if _PAYS.search(m.tail)] or [
        m for m in exact if _PAYS.search(clause_of(text, m.start, m.end))
    ]
    return (paid or exact or pool)[0]


def _with_day(text: str, moments: Sequence[Moment], moment: Moment, context: Context) -> Moment | None:
    """The moment with a day: 晚上八点还 is today, or tomorrow once that is past. None where nothing is paid then."""
    clock = moment.clock
    if moment.day is not None:
        return moment
    if _THAT_DAY.search(moment.head):
        named = next(
            (other for other in reversed(moments) if other.end <= moment.start and other.day is not None), None
        )
        if named is not None:
            return replace(moment, day=named.day)
    words = moment.tail if len(moments) > 1 or _NOTHING_TO_PAY.search(text) else text[moment.end :]
    if clock is None or clock.after_minutes is not None or not _PAYS_THEN.search(words):
        return None
    until = clock.clock or clock.latest or time(23, 59)
    today = context.now.date()
    day = today if until > context.now.time() else today + timedelta(days=1)
    return replace(moment, day=DaySpan(moment.start, moment.end, day))


def _without_todays_date(text: str, pool: list[Moment], today: date) -> list[Moment]:
    """今天星期天，我星期五给: that today is Sunday is no promise."""
    for first, second in itertools.pairwise(pool):
        if first.day is None or second.day is None or first.day.day != today or text[first.start] != "今":
            continue
        same = today in (second.day.day, second.day.before)
        if same and _TODAY_IS.match(text[first.end : second.start]):
            return [m for m in pool if m not in (first, second)] or [first]
    return pool


def _either(text: str, pool: Sequence[Moment]) -> Moment | None:
    """周四或者周五, 周四周五: one of two days, to be asked back."""
    for first, second in itertools.pairwise(pool):
        if first.day is None or second.day is None:
            continue
        between = text[first.end : second.start]
        side_by_side = not between and first.exact and second.exact and first.day.day != second.day.day
        if not (_OR.match(between) or side_by_side):
            continue
        ends = [end for span in (first.day, second.day) for end in (span.day, span.earliest, span.latest) if end]
        if ends:
            both = DaySpan(first.start, second.end, None, min(ends), max(ends), approximate=True, vague=True)
            return Moment(first.start, second.end, both, None)
    return None


def _pays_now(text: str, moment: Moment, context: Context) -> bool:
    """现在只能先还三百 pays today; 我现在没钱 does not."""
    if context.expecting in (Expecting.DATE, Expecting.DATE_AND_AMOUNT) and len(text) <= moment.end - moment.start + 2:
        return True
    return bool(_RIGHT_AWAY.match(CLAUSE.split(text[moment.end :])[0]))
