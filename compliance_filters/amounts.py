"""Amounts of money named in a sentence, and whether they are true on this call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from compliance_filters.english_amounts import sums_in
from compliance_filters.verdict import CallState, Finding

if TYPE_CHECKING:
    from compliance_filters.guard import PhraseGuard
    from compliance_filters.normalise import Unit
    from compliance_filters.patterns import Scan

_DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "壹": 1,
    "幺": 1,
    "二": 2,
    "贰": 2,
    "两": 2,
    "俩": 2,
    "三": 3,
    "叁": 3,
    "四": 4,
    "肆": 4,
    "五": 5,
    "伍": 5,
    "六": 6,
    "陆": 6,
    "七": 7,
    "柒": 7,
    "八": 8,
    "捌": 8,
    "九": 9,
    "玖": 9,
}
_POWERS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_NUMERAL = "零〇一壹二贰两俩三叁四肆五伍六陆七柒八捌九玖十拾百佰千仟万萬亿点"
_SMALL = "零〇一壹二贰两三叁四肆五伍六陆七柒八捌九玖0-9"
# After 一百块 a lone figure is tenths (一百块五), unless it begins the next words: 一百块五天内, 一百元一共.
_NO_LONE = rf"(?![{_NUMERAL}\d.,个天日月号期次年周星笔位件人小分倍份块元成起直定共样般种])"
# 分 is money only where it is no minute, fraction, instalment or kind.
_FEN = r"分钱|分(?![钟之期类别批开])"
_TAIL = (
    rf"(?:(?P<zero>[零〇0])?(?:(?P<jiao>[{_SMALL}])[角毛](?:[零〇]?(?P<fen>[{_SMALL}])(?:{_FEN}|{_NO_LONE}))?"
    rf"|(?P<only_fen>[{_SMALL}])(?:{_FEN})|(?P<lone>[{_SMALL}]){_NO_LONE}))?"
)
_AMOUNT = re.compile(
    rf"(?:人民币)?(?P<figure>\d+(?:,\d{{3}})*(?:\.\d+)?(?:万|千|百)?(?:\d+)?|[{_NUMERAL}]+)(?P<more>多|来|几)?"
    rf"(?P<unit>元|块钱|块|万元|万块|大洋|蚊|文|rmb|港元|港币|美元|美金|台币){_TAIL}"
)
# Less than one yuan. Times of day end in 分 too, and 一分 alone is a way to say "nothing at all".
_SMALL_AMOUNT = re.compile(
    rf"(?<![{_NUMERAL}\d点时:.])(?:(?P<jiao>[{_SMALL}])[角毛](?![{_SMALL}]元)"
    rf"(?:[零〇]?(?P<fen>[{_SMALL}])(?:{_FEN}|{_NO_LONE}))?|(?P<only_fen>[{_SMALL}])(?:{_FEN}))"
)
_NOTHING = re.compile(r"[一1][分角毛]钱?[都也]|(?<=[每多少收花])[一1][分角毛]|[一1][分角毛](?=[不没])")
_BARE = re.compile(r"(?P<figure>\d+(?:,\d{3})*(?:\.\d+)?)(?![\d月号日期天笔年个点时分位次折%万倍])")
_DUE = re.compile(
    r"(?:应还|欠款|欠|逾期|待还|未还|账单|总额|总共|一共|合计|总计|金额|还清|结清|需要还|要还|须还|需还|该还|本息|余额|应付|尚欠|连本带息|"
    r"最后要还|拖到|涨到|变成|滚到|补足|补齐|拿出|交|付|还)[^，。,]{0,8}$"
)
_OWED = re.compile(
    r"(?:(?:这一?期|本期|当期|上期|这个月|本月|这一?笔)(?:账单|一共|总共|账)?(?:需要|应该|还得|得|要|该)还|应还|欠款|欠|逾期|待还|未还|账单|总额|总共|一共|合计|总计|金额|还清|结清|需还|要还的是|得还的是|该还|本息|余额|应付|尚欠)[^，。,]{0,8}$"
)
_PART = re.compile(
    r"(?:最低还款|最低|每期|每月|首期|首付|先还|先付|部分|其中|本金|利息|罚息|违约金|减免|免|优惠|每个月|还了|已还|已付|已经还|收到|到账|剩下|"
    r"分\w{1,3}期|答应|约定|承诺|登记|记录|记下|能还|可以还|愿意还|打算还|您说|工资|收入|物业|电费|话费|清运费)[^，。,]{0,10}$"
)
# A sum may be asked for afterwards: 一千二百块，一次付清即可.
_DUE_AFTER = re.compile(r"(?:一次|一次性|一并|今天)?(?:付清|结清|还清|缴清)(?:即可|就行|就可以|就好|就算|就了)")
_BORDER = "\ufffe"
# What the listener was told by others is no demand of ours.
_HEARSAY = re.compile(r"(?:对方|别人|有人|骗子|陌生人)(?:让|叫|要|催|跟)[您你][^。！？]{0,10}$")
# No amount is without one of these: most sentences need not be read further.
_ANY_FIGURE = re.compile(rf"[{_NUMERAL}\d]")
_ROUGH = re.compile(r"大约|大概|(?<![预违合签履])约(?![定好])|左右|差不多")


@dataclass(frozen=True)
class Amount:
    """Money in a sentence."""

    value: Decimal
    start: int
    """First unit."""
    end: int
    """Last unit, excluded."""
    rough: bool
    """True for "about a thousand"."""


def chinese_number(text: str) -> Decimal | None:
    """Value of a spoken number: 一千两百八十六, 三千五, 一万二, 两百三, 十五点五, or figures read one by one.
    None when it is none."""
    if not text:
        return None
    whole, _, fraction = text.partition("点")
    if fraction and all(c in _DIGITS for c in fraction):
        head = chinese_number(whole)
        return None if head is None else head + Decimal("0." + "".join(str(_DIGITS[c]) for c in fraction))
    if all(c in _DIGITS for c in text):
        return Decimal("".join(str(_DIGITS[c]) for c in text))
    high = total = section = digit = 0
    last_power = 1
    zero = False
    for character in text:
        if character in _DIGITS:
            digit = _DIGITS[character]
            zero = zero or digit == 0
        elif character in _POWERS:
            section += (digit or 1) * _POWERS[character]
            last_power, digit, zero = _POWERS[character], 0, False
        elif character in "万萬":
            total = (total + section + digit) * 10_000
            section, digit, last_power, zero = 0, 0, 10_000, False
        elif character == "亿":
            high += (total + section + digit) * 100_000_000
            total, section, digit, last_power, zero = 0, 0, 0, 100_000_000, False
        else:
            return None
    if digit and last_power >= 100 and not zero:
        digit *= last_power // 10
    return Decimal(high + total + section + digit)


def _figure(text: str) -> Decimal | None:
    plain = text.replace(",", "")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(万|千|百)?(\d+)?", plain)
    if match:
        try:
            value = Decimal(match.group(1))
        except InvalidOperation:
            return None
        power = {"万": 10_000, "千": 1000, "百": 100, None: 1}[match.group(2)]
        return value * power + Decimal(match.group(3) or 0)
    return chinese_number(plain)


def _digit(character: str | None) -> int:
    if not character:
        return 0
    return _DIGITS[character] if character in _DIGITS else int(character)


def _cents(match: re.Match[str]) -> Decimal:
    """Jiao and fen after a whole amount: 五角二分, 五毛二, 零五分, 五分, 五 (tenths), 零五 (hundredths)."""
    parts = match.groupdict()
    tenths, hundredths = _digit(parts["jiao"]), _digit(parts["fen"]) + _digit(parts["only_fen"])
    if parts.get("lone"):
        if parts["zero"]:
            hundredths = _digit(parts["lone"])
        else:
            tenths = _digit(parts["lone"])
    return Decimal(10 * tenths + hundredths) / 100


def amounts_in(text: str) -> list[Amount]:
    """Every amount of money in a text of one character a unit."""
    found: list[Amount] = []
    if not _ANY_FIGURE.search(text):
        return found
    for match in _AMOUNT.finditer(text):
        value = _figure(match.group("figure"))
        if value is None:
            continue
        if match.group("unit").startswith("万"):
            value *= 10_000
        value += _cents(match)
        around = text[max(0, match.start() - 4) : match.end() + 3]
        rough = bool(match.group("more")) or bool(_ROUGH.search(around))
        found.append(Amount(value, match.start(), match.end(), rough))
    for match in _SMALL_AMOUNT.finditer(text):
        if not _taken(match, found) and not _NOTHING.match(text, match.start()):
            found.append(Amount(_cents(match), match.start(), match.end(), False))
    for match in _BARE.finditer(text):
        if _taken(match, found):
            continue
        if _OWED.search(text[: match.start()]):
            value = _figure(match.group("figure"))
            if value is not None:
                found.append(Amount(value, match.start(), match.end(), False))
    return found


def _taken(match: re.Match[str], found: list[Amount]) -> bool:
    return any(a.start < match.end() and match.start() < a.end for a in found)


def _true(amount: Amount, allowed: tuple[Decimal, ...]) -> bool:
    for true in allowed:
        if amount.value == true:
            return True
        # A figure read without its cents is the same amount; a rounded one says that it is rounded.
        if amount.value == true.to_integral_value(rounding="ROUND_FLOOR") and amount.rough:
            return True
        if amount.rough and true and abs(amount.value - true) / true <= Decimal("0.1"):
            return True
    return False


def _amounts_of(units: Sequence[Unit]) -> list[Amount]:
    """The amounts of these units; a figure does not run on over a comma: 一千块四，一次 is no 41."""
    text: list[str] = []
    owner: list[int] = []
    for index, unit in enumerate(units):
        if index and unit.clause != units[index - 1].clause and not unit.text.isascii():
            text.append(_BORDER)
            owner.append(index)
        text.append(unit.text if len(unit.text) == 1 else "\ufffd")
        owner.append(index)
    found = amounts_in("".join(text))
    return [replace(amount, start=owner[amount.start], end=owner[amount.end - 1] + 1) for amount in found]


def _one_character_a_unit(units: Sequence[Unit]) -> str:
    return "".join([unit.text if len(unit.text) == 1 else "\ufffd" for unit in units])


def names_true_amounts(scan: Scan, first: int, end: int, state: CallState) -> bool:
    """True when units `first` to `end` name sums of money and each of them is true on this call."""
    allowed = (*((state.ledger_amount,) if state.ledger_amount is not None else ()), *state.stated_amounts)
    units = scan.normal.units[first:end]
    said = scan.normal.original[units[0].start : units[-1].end] if units else ""
    named = [
        *_amounts_of(units),
        *(Amount(found.value, found.start, found.end, found.rough) for found in sums_in(said)),
    ]
    return bool(named) and all(_true(amount, allowed) for amount in named)


def amount_findings(scan: Scan, guard: PhraseGuard, state: CallState) -> list[Finding]:
    """Findings against amounts named as due that the ledger does not bear out, and against demands beyond it."""
    text = _one_character_a_unit(scan.normal.units)
    allowed = (*((state.ledger_amount,) if state.ledger_amount is not None else ()), *state.stated_amounts)
    found: list[Finding] = []
    for amount in _amounts_of(scan.normal.units):
        before = text[max(0, amount.start - 16) : amount.start]
        settles = _DUE_AFTER.match(text, amount.end)
        if not (_DUE.search(before) or settles) or _true(amount, allowed) or _HEARSAY.search(before):
            continue
        part = _PART.search(before)
        owed = (_OWED.search(before) or settles) and not part
        within = bool(allowed) and amount.value <= max(allowed)
        if owed or (not within and not (part and not allowed)):
            found.append(
                guard.finding("debt_inflation", scan, amount.start, amount.end, _untrue(amount.value, allowed))
            )
    for named in sums_in(scan.normal.original):
        if _true(Amount(named.value, named.start, named.end, named.rough), allowed):
            continue
        within = bool(allowed) and named.value <= max(allowed)
        if named.owed or (named.demanded and not within):
            first, end = scan.normal.units_at(named.start, named.end)
            found.append(guard.finding("debt_inflation", scan, first, end, _untrue(named.value, allowed)))
    return found


def _untrue(value: Decimal, allowed: tuple[Decimal, ...]) -> str:
    known = ", ".join(str(a) for a in allowed) or "none"
    return f"amount {value} is named as due; amounts that are true on this call: {known}"
