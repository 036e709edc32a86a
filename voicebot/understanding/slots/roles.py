"""What a day is in its sentence: the one of a promise, one that will not do, one on which something is due."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta

from voicebot.understanding.meaning import Context, Expecting
from voicebot.understanding.slots.callbacks import HANDS_OVER
from voicebot.understanding.slots.moments import CLAUSE, Moment, clause_of
from voicebot.understanding.slots.span import DaySpan

_PAYS = re.compile(r"还(?!是|有|没|在|不)|付|清|给|转(?!人工|接|告)|打|交|存|凑|汇|缴|结|补")
_SURELY = (
    r"(?:我|那个?|肯定|真的?|实在|恐怕|可能|怕是|估计|之前|以前|的话|那天|就|都|也|又|是|根本|还|可|却|确实|绝对|铁定|"
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
_UP_TO = re.compile(r"^(?:那|我|俺|就|最[晚迟多])*截[止至](?:到|在)?$")
_PAID_BY_ME = re.compile(
    r"(?:截止|之?前|以前|那天|当天)*[，,]?(?:剩下|[\d一二两三四五六七八九十百千万块元的钱])*(?:[我俺咱]|肯定|一定|保证|全部)[^，,。你周礼星号月天日]{0,12}?"
    r"(?:还|付|结|交|清|给|转|缴|存|汇)(?![不没])"
)
"""截止十号我还清: a limit that the caller sets, not one that is set to them."""
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
    r"(?:(?:推|拖|挪|延|改|换|缓|宽限)(?:迟|后|期)?(?:到|成|为|去|返)?|(?:错|调|搞|移|顺|放|弄|拉|约|往后)(?:一下|一哈)?(?:到|成|至|去))$"
)
_MUST_WAIT = re.compile(r"(?:得|要|只能|只好|必须)(?:等|拖|熬)到$")
_REST = re.compile(r"剩|其余|余下|另一半|尾款|第二笔")
_DECIDED = re.compile(
    r"(?:那就|最[后终]|这[回次]就?|就(?=定)|那还是|还是|干脆|要不|不如|说定|定在|那我就|那我|那)(?:定在|定|在|是|说)*$"
)
_MOVED_ON = re.compile(
    r"[换改]一?个?(?:日子|日期|时间|天)|头[一几][回次]|上次|之前(?:说|定|约|讲|答应)|原来|起初|本来|[说讲约谈]好|应承|上回|原定|原先|先前"
)
_TODAY_IS = re.compile(r"^(?:是|都|才|已经|又是|就是|也)*$")
_OR = re.compile(r"^(?:[，,、]?(?:还是|或者?|要么|要不)|、)+$")
_PAYS_THEN = re.compile(
    rf"{HANDS_OVER}|"
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


def is_refused(moment: Moment) -> bool:
    """周五还不了, 不要写周三, 明天没空: named in order to be ruled out."""
    return bool(_CANNOT.match(moment.tail) or _UNWANTED.search(moment.head))


def is_due(text: str, moment: Moment) -> bool:
    """账单十二号到期, 三月份借的: the day the debt falls due or began, not one that is promised."""
    if (_UP_TO.search(moment.head) or moment.tail.startswith("截止")) and _PAID_BY_ME.match(text, moment.end):
        return False
    return bool(_DUE.match(moment.tail) or _DUE_BEFORE.search(moment.head) or _LONG_AGO.match(moment.tail))


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
    pool = [m for m in pool if not _REST.search(m.head)] or pool
    exact = [m for m in pool if m.exact and m.day is not None and not m.day.now]
    if len(exact) > 1:
        moved = next((m for m in reversed(exact) if _is_settled_on(text, m)), None)
        if moved is not None or _MOVED_ON.search(text):
            return moved or exact[-1]
        exact = [m for m in exact if not _CIRCUMSTANCE.match(m.tail)] or exact
        exact = [m for m in exact if not (_REST.search(m.head) or _REST.search(m.tail))] or exact
    paid = [m for m in exact if _PAYS.search(m.tail)] or [
        m for m in exact if _PAYS.search(clause_of(text, m.start, m.end))
    ]
    if not exact and _MOVED_ON.search(text):
        return pool[-1]
    return (paid or exact or pool)[0]


def _is_settled_on(text: str, moment: Moment) -> bool:
    """推到后天, 那就二十号, 得等到月底: the day that takes the place of another."""
    if _MOVED_TO.search(moment.head) or _DECIDED.search(moment.head):
        return True
    return bool(_MUST_WAIT.search(moment.head)) and not _CIRCUMSTANCE.match(text[moment.end :])


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
    if clock is None or clock.ago or not _PAYS_THEN.search(words):
        return None
    if clock.after_minutes is not None:
        then = context.now + timedelta(minutes=clock.after_minutes)
        return replace(moment, day=DaySpan(moment.start, moment.end, then.date()))
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
