"""Sums of money as people say them: 两千三百八, 一万二, 八十六块四, 差不多两千, 两三千, 一半, 剩下的."""

from __future__ import annotations

import re
from decimal import Decimal

from voicebot.understanding.numerals import NUMBER, parse_number
from voicebot.understanding.slots.offers import FORWARD, SENT_AFTER, beside_paying, shade
from voicebot.understanding.slots.span import AmountSpan
from voicebot.understanding.slots.strays import strays

_CN = "[零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟]"
_RANGE = re.compile(
    r"(?<![十百千万])(?P<low>[一二两三四五六七八九])、?(?P<high>[一二两三四五六七八九])(?P<unit>十|百|千|"
    r"万)(?P<more>多|"
    r"来)?(?:块钱?|元|圆)?"
)
_LAST_OPEN = re.compile(
    r"(?P<whole>[一二两三四五六七八九](?P<unit>[百千万]))(?P<low>[一二三四五六七八])(?P<high>[二三四五六七八九])(?:块钱?|元|圆)?"
    r"(?![十百千万零点一二三四五六七八九])"
)
"""一千五六: from 1,500 to 1,600."""
_HEADLESS = re.compile(
    r"(?<![零〇一二两三四五六七八九十百千万亿几好多\d])(?:(?<=[还付转交打存])|(?!万一(?![块元蚊])))(?P<unit>[百千万])(?P<more>[一二三四五六七八九])(?:块钱?|元|"
    r"圆|蚊)?"
    r"(?![零一二两三四五六七八九十百千万]|分(?![你您恁侬]))"
)
"""千二, as the south says it, is 1,200."""
_BETWEEN = re.compile(
    rf"(?P<low>{NUMBER})(?:块钱?|元)?(?:到|至|或者?|-|~)(?P<high>{NUMBER})(?P<money>块钱?|"
    rf"元)?(?![号日月点天期个次岁年])"
)
_UP_TO = re.compile(
    rf"(?:少则|少的话|最少|至少|起码)(?:还|能|给|有)*(?P<low>{NUMBER})(?:块钱?|元)?[，,]?(?:多则|多的话|最多|"
    rf"顶多)(?:还|能|给|有)*(?P<high>{NUMBER})|"
    rf"(?:多则|多的话|最多|顶多)(?:还|能|给|有)*(?P<most>{NUMBER})(?:块钱?|元)?[，,]?(?:少则|少的话|最少|至少|"
    rf"起码)(?:还|能|给|有)*(?P<least>{NUMBER})"
)
_ODD = re.compile(
    r"(?<![一二两三四五六七八九])(?P<unit>百十|百把|千把|万把|千儿八百|百八十|十来万|几十万|几十|几百|几千|几万|"
    r"好几百|好几千|"
    r"好几万)(?:来)?(?:块钱?|元)?"
)
_COLLOQUIAL = re.compile(
    rf"(?P<whole>{NUMBER})(?:块|元|圆)(?P<tenths>[一二两三四五六七八九\d])(?P<jiao>毛|"
    rf"角)?(?:(?P<fen>[一二三四五六七八九\d])分?)?(?=$|[\s,，。.!！?？;；、吧啊呢嘛呀哦的左上还付给行了□结清交缴存转打我俺就先这]|[全都](?!是)|一次|一把|一起还|[今明后昨][天晚早日]|后日|听日)"
)
_JIAO = re.compile(
    rf"(?P<whole>{NUMBER})(?:块|元|圆)(?:零)?(?P<tenths>[一二两三四五六七八九\d])(?:毛|"
    rf"角)(?:(?P<fen>[一二三四五六七八九\d])(?:分|(?![一二三四五六七八九十百千万个天号点次期\d])))?"
)
_MONEY = re.compile(
    rf"(?P<n>{NUMBER})(?P<more>多|来|几)?(?P<unit>个?(?:块钱?|元|圆|大洋|人民币|rmb|美元|美金|刀|蚊|纹|钱))"
)
_BIG = re.compile(
    rf"(?P<n>(?:{_CN}+点{_CN}+[万亿](?!{_CN})|(?:\d[\d,]*(?:\.\d+)?|{_CN})*[百千万亿](?:\d|{_CN})*))(?P<more>多|来|"
    rf"几)?(?![号日月点天期次遍岁年周个人名小]|回(?![执单来去家头复])|分(?!期|成|[一二三四五六七八九十两\d]))"
)
_BARE = re.compile(
    rf"(?P<n>{NUMBER})(?!{_CN}|\d)(?P<more>多)?(?![号日月点天期次岁年周楼层个分%家位人遍回下般起直样定些会度半时成折多]|来[个次通遍])"
)
_PAY_VERB = re.compile(
    r"(?:还|付|给|交|转|打|凑|拿|存|缴|出|扣|划|汇|弄|欠|借|凑个|要|来|就|有|只|剩|差|收|免|减|多)(?:你们?|您|"
    r"他们?|上|了|出|个|款|得起|得出|个?整|到|过去|过来|进去|进来|起|走|掉|\s){0,5}$|"
    r"[扣划收][掉走了去]+我$|[还转付存交汇扣缴](?:过去|给你们?)?的$|(?:金额|最低(?:还款)?额?)(?:就?是|为|[:：])?$"
)
_NAMES_NUMBERS = re.compile(r"尾号|后四位|身份证|验证码|电话|号码|工号|编号|短信")
_NOTES = re.compile(rf"(?P<count>{_CN}+|\d+)张(?P<n>一百|五十|二十|十|100|50|20|10)(?:块钱?|元)?的?")
"""六张一百的 is 600."""
_CLAUSE_ENDS = r"[，,。!！?？;；\s]"
_ALONE = re.compile(rf"(?:(?<=^)|(?<={_CLAUSE_ENDS}))\d{{3,6}}(?:\.\d+)?(?={_CLAUSE_ENDS}|$)")
_PAYS = re.compile(r"还(?!是|有|没|在)|[付交转存缴汇清]|[扣划](?!号)|打(?!电话|过来|工|扰)")
_NOT_MONEY_BEFORE = re.compile(r"(?:尾号|后四位|身份证|验证码|电话|号码|工号|第|周|礼拜|星期|百分之|分之)(?:是|就是)?$")
_NOT_OF_THE_DEBT_BEFORE = re.compile(
    r"(?:已经|早就|早都|刚刚?|昨天|没法|没办法|不能|不可能|做不到|办不到|怎么可能|哪能|拿不出|一分|利息|罚息|"
    r"违约金|免|别人?|不会|没有?)(?:一下子|一下|都|全|全部|把|给|我|也|能)*$"
)
_NOT_OF_THE_DEBT = re.compile(
    r"^(?:我|肯定|真的?|实在|也|都|是|给我)*(?:班|接|作业|(?:还|付|给|拿)?不(?:了|起|清|上|出|完|现实|可能|行)|过|(?:房|车|"
    r"网)贷|花呗|别|其他|另|免|减|取消|抹)"
)
_PARTS_OF_DEBT: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("rest", re.compile(r"剩下的?|剩余的?|余下的?|其余的?|余款|尾款|其他的(?=下|以后|慢)")),
    ("half", re.compile(rf"(?:先)?{FORWARD}?(?:个|上)?(?:一半|半数|一多半|一大半)")),
    ("minimum", re.compile(r"最低(?:还款)?额?(?:度)?|最低还款")),
    (
        "all",
        re.compile(
            rf"全部|全额|全款|一次性|一把(?:头)?(?={FORWARD})|{FORWARD}清|结清|清账|"
            rf"全(?:都)?{FORWARD}|{FORWARD}完|{FORWARD}齐|一分不少|"
            rf"所有(?:的)?(?:欠款|钱|账)?|都{FORWARD}(?:了|上|给)|一起{FORWARD}"
        ),
    ),
)
_SHARE = re.compile(r"(?P<den>[二三四五六七八九十])分之(?P<num>[一二三四五六七八九])")
_PERCENT = re.compile(
    rf"(?:百分之(?P<cn>{_CN}+)|(?P<ar>\d+(?:\.\d+)?)%|(?P<cheng>[一二三四五六七八九])成(?!功|立|年|本))"
)
_UNIT = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_ODD_RANGES = {
    "百十": (100, 200),
    "百把": (100, 200),
    "百八十": (80, 200),
    "千把": (1000, 1500),
    "千儿八百": (800, 1000),
    "万把": (10000, 15000),
    "十来万": (100000, 150000),
    "几十": (20, 90),
    "几百": (200, 900),
    "好几百": (300, 900),
    "几千": (2000, 9000),
    "好几千": (3000, 9000),
    "几万": (20000, 90000),
    "好几万": (30000, 90000),
    "几十万": (200000, 900000),
}
_BLOT = "□"
_CENT = Decimal("0.01")


def find_amounts(
    text: str, amount_due: Decimal | None = None, *, bare: bool = False, taken: tuple[tuple[int, int], ...] = ()
) -> list[AmountSpan]:
    """Every sum named in the text, in order. `taken` are stretches that are dates or times and cannot be money.

    A number without 块 or a large unit counts after a verb of paying, or anywhere when `bare`: the bot has just
    asked how much.
    """
    said = text
    undated = _without(text, taken)
    text = _without(undated, tuple(strays(text)))
    blocked: list[tuple[int, int]] = []
    found: list[AmountSpan] = []

    def free(match: re.Match[str]) -> bool:
        return not any(match.start() < end and start < match.end() for start, end in blocked)

    def keep(span: AmountSpan | None) -> None:
        if span is not None:
            found.append(beside_paying(said, shade(undated, span)))
            blocked.append((span.start, span.end))

    for pattern, read in _READERS:
        for match in pattern.finditer(text):
            if free(match) and not _NOT_MONEY_BEFORE.search(text[: match.start()]):
                keep(read(match))
    for match in _BARE.finditer(text):
        if free(match) and _counts_as_money(text, match, bare):
            keep(_plain(match))
    for span in _shares(text, amount_due):
        if not any(span.start < end and start < span.end for start, end in blocked):
            found.append(beside_paying(said, span))
    return sorted(found, key=lambda span: span.start)


def _without(text: str, taken: tuple[tuple[int, int], ...]) -> str:
    """The text with what is taken blotted out, as long as before: in 周四两千 the sum is 两千, not 四两千."""
    for start, end in taken:
        text = f"{text[:start]}{_BLOT * (end - start)}{text[end:]}"
    return text


def _counts_as_money(text: str, match: re.Match[str], bare: bool) -> bool:
    before = text[: match.start()]
    if _NOT_MONEY_BEFORE.search(before) or len(match["n"]) > 8:
        return False
    value = parse_number(match["n"])
    if value is None or value <= 0:
        return False
    if bare:
        return value >= 10 or match["n"].isdigit()
    if value >= 100 and SENT_AFTER.match(text, match.end()):
        return True
    if _ALONE.match(text, match.start()) and _PAYS.search(text) and not _NAMES_NUMBERS.search(text):
        return True
    return value >= 10 and bool(_PAY_VERB.search(before))


def _plain(match: re.Match[str]) -> AmountSpan | None:
    text = match["n"]
    value = parse_number(text)
    groups = match.groupdict()
    more = bool(groups.get("more"))
    if value is None or value <= 0:
        return None
    return AmountSpan(match.start(), match.end(), value, approximate=more)


def _range(match: re.Match[str]) -> AmountSpan | None:
    low, high = parse_number(match["low"]), parse_number(match["high"])
    if low is None or high is None or high - low not in (1, 2) or (high - low == 2 and low != 3):
        return None
    unit = _UNIT[match["unit"]]
    return AmountSpan(match.start(), match.end(), None, low * unit, high * unit, approximate=True, vague=True)


def _last_open(match: re.Match[str]) -> AmountSpan | None:
    whole, low, high = parse_number(match["whole"]), parse_number(match["low"]), parse_number(match["high"])
    if whole is None or low is None or high is None or high - low != 1:
        return None
    step = _UNIT[match["unit"]] // 10
    return AmountSpan(
        match.start(), match.end(), None, whole + low * step, whole + high * step, approximate=True, vague=True
    )


def _headless(match: re.Match[str]) -> AmountSpan | None:
    unit = _UNIT[match["unit"]]
    more = parse_number(match["more"])
    return None if more is None else AmountSpan(match.start(), match.end(), unit + more * unit / 10)


def _between(match: re.Match[str]) -> AmountSpan | None:
    low, high = parse_number(match["low"]), parse_number(match["high"])
    if low is None or high is None:
        return None
    last = match["high"].rstrip("0123456789")[-1:]
    if low < 10 and last in _UNIT:
        low *= _UNIT[last]
    if not match["money"] and high < 100:
        return None
    if high <= low:
        return None
    return AmountSpan(match.start(), match.end(), None, low, high, approximate=True, vague=True)


def _up_to(match: re.Match[str]) -> AmountSpan | None:
    """多则一千少则五百: between the two."""
    low, high = parse_number(match["low"] or match["least"]), parse_number(match["high"] or match["most"])
    if low is None or high is None or high <= low:
        return None
    return AmountSpan(match.start(), match.end(), None, low, high, approximate=True, vague=True)


def _odd(match: re.Match[str]) -> AmountSpan:
    low, high = _ODD_RANGES[match["unit"]]
    return AmountSpan(match.start(), match.end(), None, Decimal(low), Decimal(high), approximate=True, vague=True)


def _with_jiao(match: re.Match[str]) -> AmountSpan | None:
    whole, tenths = parse_number(match["whole"]), parse_number(match["tenths"])
    if whole is None or tenths is None or (match["tenths"].isdigit() and match.re is _COLLOQUIAL and not match["jiao"]):
        return None
    cents = parse_number(match["fen"]) if match["fen"] else None
    return AmountSpan(match.start(), match.end(), whole + tenths / 10 + (cents or Decimal(0)) / 100)


def _notes(match: re.Match[str]) -> AmountSpan | None:
    count, worth = parse_number(match["count"]), parse_number(match["n"])
    return None if count is None or worth is None else AmountSpan(match.start(), match.end(), count * worth)


_READERS = (
    (_NOTES, _notes),
    (_UP_TO, _up_to),
    (_BETWEEN, _between),
    (_RANGE, _range),
    (_ODD, _odd),
    (_LAST_OPEN, _last_open),
    (_JIAO, _with_jiao),
    (_COLLOQUIAL, _with_jiao),
    (_MONEY, _plain),
    (_HEADLESS, _headless),
    (_BIG, _plain),
)


def _shares(text: str, due: Decimal | None) -> list[AmountSpan]:
    """一半, 全部, 三分之一, 三成: parts of what is owed, with a value where that is known."""
    spans: list[AmountSpan] = []
    for match in _SHARE.finditer(text):
        share = (parse_number(match["num"]) or Decimal(0)) / (parse_number(match["den"]) or Decimal(1))
        spans.append(AmountSpan(match.start(), match.end(), _of(due, share), of_debt="share", vague=due is None))
    for match in _PERCENT.finditer(text):
        number = parse_number(match["cn"] or match["ar"] or match["cheng"])
        if number is not None:
            share = number / (10 if match["cheng"] else 100)
            spans.append(AmountSpan(match.start(), match.end(), _of(due, share), of_debt="share", vague=due is None))
    for kind, pattern in _PARTS_OF_DEBT:
        for match in pattern.finditer(text):
            if _NOT_OF_THE_DEBT_BEFORE.search(text[: match.start()]) or _NOT_OF_THE_DEBT.match(text[match.end() :]):
                continue
            value = {"all": due, "half": _of(due, Decimal("0.5"))}.get(kind)
            rough = "多半" in match[0] or "大半" in match[0]
            spans.append(
                AmountSpan(
                    match.start(), match.end(), value, of_debt=kind, approximate=rough, vague=value is None or rough
                )
            )
    return spans


def _of(due: Decimal | None, share: Decimal) -> Decimal | None:
    return None if due is None else (due * share).quantize(_CENT)
