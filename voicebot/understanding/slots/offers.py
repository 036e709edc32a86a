"""Which of the sums in a turn is offered, and which are only spoken of: owed, earned, asked off, out of reach."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from voicebot.understanding.slots.moments import CLAUSE
from voicebot.understanding.slots.span import AmountSpan

FORWARD = r"(?:还|付|结|交|清|给|补|弄|处理|打|转|缴)"
_MONTHLY = re.compile(
    r"(?:每个?月|每月|一个月|按月|月供|每期|一期)(?:我|就|先|最多|只能|能|可以|大概|顶多|差不多|给|还|付|交|打|"
    r"你们?|您|个|它|想|再)*$"
)
_ROUGH_BEFORE = re.compile(
    r"(?:大概|大约|差不多|约莫?|将近|接近|也就|估计|可能|最多|顶多|最少|至少|起码|不到|上下|小|快|近)(?:能|可以|"
    r"先|还|付|给|个|有|是|凑|拿|出)*$"
)
_ROUGH_AFTER = re.compile(r"^(?:块钱?|元)?(?:左右|上下|的样子|吧?差不多|出头)")
_OTHERS = (
    r"(?:押金|学费|房租|房贷|车贷|[医住]药?院?费|住院|看病|手术费?|药费|水电费?|[水电话]费|生活费|饭钱|彩礼|首付|保险|车险|物业费?|"
    r"保证金|定金|罚款|份子钱?|随礼|菜钱|奶粉钱?|补课费?|社保)"
)
"""What others are paid for."""
_MENTIONED = re.compile(
    r"(?:(?<!把)(?:欠|借|该|透支|逾期|挣|赚|工资|收入|低保|退休金|养老金|花|亏|被扣|房租|房贷|车贷|违约金|滞纳金|逾期费|手续费|服务费|管理费|"
    r"本来|原来|总共|一共|总数|总额|总金额|总账|总成|拢总|全部(?=[要是有得差])|"
    r"(?<![还付交给清])(?:本金|利息|罚息|月供)|(?:要|让|叫|逼|催)我(?:还|给|付|交))"
    r"(?:你们?|了|的|是|得|着|才|就|只有|都|要|他们?|我|差不多|大概|有|到手|每个?月)*|"
    r"(?:变成?|成了|涨[到成]|滚[到成]|算[成出]|多[收扣算要记])(?:了|我|们)*|"
    r"(?:留|(?:转|打|汇|发|寄|借|给)(?:了|过|来)?(?:给|到)?我|(?:支|退|赔|赏|结|补)(?:了|给|过)+我|"
    r"(?:给|帮|替)我[转打汇发寄借支退赔结补])(?:了|个|点|过来|来)*|"
    rf"{_OTHERS}(?:我|那边|上|里|就|都|也|得|刚|才|已经|又|先|一下子?)*(?:交|付|花|给|缴|垫|扣|要|用)(?:了|掉|走|进去|出去|去)*|"
    r"(?<![还付给交清弄])最低(?:还款)?额?度?(?:就?是|才|只要|只有)|到手(?:才|就|只有|是)*|"
    r"(?:当初|当时|的时候|那时|合同上?|原先|最早)(?:你们?|他们|我)?(?:说|讲|写|谈|算|定)(?:好|的|是)*|"
    r"(?:免|减|便宜|优惠|(?<![最至])少[还收]|抹|省|打折|降)(?:我|掉|个|点|了|去|他|它|一下|到)*|"
    r"(?:哪来的?|哪有|哪里?(?:来|有)|(?:拿什么|怎么|咋|凭什么|哪有钱|没钱|没法|没办法|拿啥)(?:能|可能)?(?:还|给|"
    r"付)(?:得?起|上)?|多出来的?|(?:一天|每天|日结|一个?月才|一年才)(?:才|就|只|挣|赚|有)*|没有|没得|(?<![要还给])不(?:还|要|给|付)|你们?说|你们?(?:张口|开口|张嘴)(?:就|要)*|(?:别|甭|不要)说|再加|拿不出|"
    r"凑不[出齐到够]|"
    r"弄不到|还不[了上起]|给不[了起]|付不起|不可能还?|不能还|不止|不是)(?:你们?|您|那|这|个)*)$"
)
"""A sum that is owed, earned, asked off or out of reach, not one that is offered."""
_OWED_ITSELF = re.compile(
    r"(?:本金|利息|罚息|违约金|滞纳金|月供|[欠借差]的|一共|总共|总数|总额|总金额|拢总|账单)(?:的|就|是|有|只有|那|这)*$"
)
_PAID_LATER = re.compile(
    r"(?:块钱?|元|整)?(?:我|就|都|也|先|□|\s|的|一次性?|全部|全|一起|可以|能|会|肯定|一定|给?你们?|给?您|去)*"
    r"(?:还|付|打|转|交|存|清|结|缴|划)(?!不|没|有|是|要|得|了|过|在|嫌|多|给?我|[\d一二两三四五六七八九])"
)
"""本金八百我周四还: what is owed, and paid in the same breath, is offered."""
_BY = re.compile(r"(?:按照?|照)(?:着|了|我|你们?)*$")
_RECKONED = re.compile(r"(?:块钱?|元|来|的)*(?:算|计)")
"""怎么按一万算: a sum that is reckoned with, not paid."""
_TOTAL = re.compile(
    r"(?:总共|一共|统共|拢共|合计|加起来|加一起|加一块儿?|总数|总额|总金额|总账|总成|拢总)(?:就?是|就|有)?$"
)
_OUT_OF_REACH = re.compile(
    r"^(?:块钱?|元)?(?:我|一下子?|一次|一时|真的?|实在|肯定|是|都|也|那|可|就)*(?:还不[了上起]|拿不出|凑不[出齐到够]|给不[了起]|没有(?!问题|难度|压力|意见)|"
    r"(?:一分钱?|一毛钱?|半分)?(?:都|也|是)*(?:不会|不想|不愿意?|不打算|绝不|休想|别想|甭想)(?:再|给|我|你们?)*[还给付出要拿]?|"
    r"哪来|哪里来|从哪|怎么来|"
    r"不可能|太[多高少大贵狠重难吓夸离]|吓人|少了点|多了点|有点多|"
    r"的?(?:利息|罚息|违约金|手续费|滞纳金|工资|房租|房贷|收入|低保|退休金|养老金|生活费|保底|底薪)|"
    rf"的{_OTHERS})"
)
_SENT_BEFORE = re.compile(
    r"(?:还|付|转|打|划|扣|汇|存|交|缴|给|补|清|结)(?:给?你们?|您|过来|过去|进去|回来|上|个|了|的|掉|大概|差不多|最多|先)*$"
)
SENT_AFTER = re.compile(
    r"(?:\s|块|元|整|钱|左右|的|我|就|都|也|先|直接|一次性?|一并|一起|马上|一定|肯定|准时|全部|全|给?你们?|给?您)*"
    r"(?:打(?=过[来去]|给[你您]|进|到|去|来|上|款|你)|到账|"
    r"[划汇转存交缴付还结](?!不|没|有|是|在|给?我|[\d一二两三四五六七八九十]|账单))"
)
_PAYING_IT = re.compile(
    r"(?:(?:还|付|给|交|转|打|凑|拿|掏|负担|存|缴|划|补)(?:你们?|您|恁|侬|上|出|个|掉|得(?:起|出来?|到|了|动|上|齐|够))*|[分匀拨]给?(?:你们?|您|恁|侬))(?:大概|差不多|最多)?$"
)
_IN_REACH = re.compile(
    r"(?:还|付|给|交|转|拿|凑|掏|负担|承担|存|缴)得(?:起|出来?|到|动|上|齐)(?:大概|差不多|最多|个)?$"
)
_PAID_FIRST = re.compile(
    r"先(?:把|给|帮|替)?(?:你们?|您)?(?:还|付|给|交|转|打|凑|拿|存|缴|划|补|弄|来|搞|顶|整|匀|分|扣|清|垫)(?:你们?|您|上|出|个|掉)*"
    r"(?:(?:凑|攒)(?:到|出|够|齐)*的?|手[上里头]的?|这|那)?(?:大概|差不多|最多)?$"
)
_AT_HAND = re.compile(
    r"(?:卡[里上]|微信|支付宝|零钱|余额|手[里头上]|兜里|身上|家里|账上|存款|积蓄|奖金|提成|补贴|补助|押金|定金|卖了|差|缺|短)"
    r"(?:里|上|头|还|就|只|才|有|剩|着|个|了|发|退|是|得)*$"
)
"""What there is or what is missing: the sum that is meant only where no other is named."""
_TO_SPLIT = re.compile(
    r"(?:欠|借|本金|总共|一共|统共|拢共|合计|加起来|账单|贷款?|总额|总数|总成|拢总|金额|剩|连本带利|全部(?:是|有))(?:你们?|了|的|是|着|下|还|就|有|余额?|差不多|大概)*$"
)
_WAS_TAKEN = re.compile(r"(?<!工资)(?:被|自动)[扣划](?:掉|走|了|去|款)*$")
_LEAST = re.compile(r"最低(?:还款)?额?度?(?:就?是|才|只要|只有)$")
_SECOND_THOUGHT = re.compile(
    r"(?:块钱?|元)?(?:吧|呗|嘛|好了)[，,。]?(?:呃|嗯|额|哎|唉|那就|还是)?[，,]?|(?:块钱?|元)?[，,](?:呃|嗯|额)[，,]?"
)
_DEBT = re.compile(r"欠|借|账单|本金|利息|罚息|违约金|你们?(?:说|要|让|叫)")


def shade(text: str, span: AmountSpan) -> AmountSpan:
    """Marks by the words around it whether a sum is offered, by the month, about so much, or all there is together."""
    before, after = text[: span.start], text[span.end :]
    rough = bool(_ROUGH_BEFORE.search(before) or _ROUGH_AFTER.search(after))
    monthly = bool(_MONTHLY.search(before))
    reckoned = _BY.search(before) and _RECKONED.match(after)
    reachable = not (reckoned or _OUT_OF_REACH.match(after))
    paid = _OWED_ITSELF.search(before) and _PAID_LATER.match(after)
    offered = reachable and bool(paid or not _MENTIONED.search(before))
    total = reachable and bool(_TOTAL.search(before))
    rough = span.approximate or rough
    return replace(span, approximate=rough, monthly=monthly, offered=offered, reachable=reachable, total=total)


def beside_paying(text: str, span: AmountSpan) -> AmountSpan:
    """Marks a sum that a verb of paying stands right beside: 把三千打过来, 给一半."""
    before, words, after = text[: span.start], text[span.start : span.end], text[span.end :]
    inside = span.of_debt is not None and re.match(FORWARD, words)
    return replace(span, sent=bool(inside or _SENT_BEFORE.search(before) or SENT_AFTER.match(after)))


def main_amount(
    text: str, spans: Sequence[AmountSpan], *, answering: bool, taken: bool = False, in_parts: bool = False
) -> AmountSpan | None:
    """The sum the caller offers, before one they only mention (欠五千，先还一千).

    `taken`: the turn tells of a day gone by, so that 被扣了八百 was paid. `in_parts`: it asks for instalments, so that
    the debt is meant where no other sum is named.
    """
    spans = _restated(text, spans)
    offered = [s for s in spans if s.offered]
    if not offered and answering and not _DEBT.search(text):
        offered = [s for s in spans if s.total]
    if not offered and taken:
        offered = [s for s in spans if s.reachable and _WAS_TAKEN.search(text[: s.start])]
    if not offered and in_parts:
        return next((s for s in reversed(spans) if s.reachable and _TO_SPLIT.search(text[: s.start])), None)
    paid = [s for s in offered if _PAYING_IT.search(text[: s.start])]
    first = [s for s in offered if _PAID_FIRST.search(text[: s.start])]
    within = [s for s in offered if _IN_REACH.search(text[: s.start])]
    spare = [s for s in offered if not _AT_HAND.search(text[: s.start])]
    return next(iter(first or within or paid or [s for s in spare if s.sent] or spare or offered), None)


def least(text: str, spans: Sequence[AmountSpan]) -> AmountSpan | None:
    """最低还款是九百，我还最低: the sum that was called the least."""
    return next((s for s in spans if _LEAST.search(text[: s.start])), None)


def _restated(text: str, spans: Sequence[AmountSpan]) -> list[AmountSpan]:
    """三千吧，三千二: of two sums that stand alone one after the other, the second is the one that is meant."""
    kept = list(spans)
    for first, second in itertools.pairwise(spans):
        between = text[first.end : second.start]
        alone = not text[: first.start] or CLAUSE.fullmatch(text[first.start - 1])
        ends = second.end == len(text) or CLAUSE.match(text, second.end) or text[second.end] in "吧呗嘛"
        if alone and ends and _SECOND_THOUGHT.fullmatch(between):
            kept.remove(first)
    return kept
