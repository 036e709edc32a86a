"""In how many parts a debt is paid: 分十二期, 掰成八回, 两年按月还, 一季度一次还一年."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from voicebot.understanding.numerals import parse_number

_COUNT = (
    r"(?:\d{1,3}|[一二两三四五六七八九]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|"
    r"[一二两俩三仨四五六七八九])"
)
_DAYS = {
    "年": Fraction(1461, 4),
    "季": Fraction(1461, 16),
    "月": Fraction(487, 16),
    "周": Fraction(7),
    "天": Fraction(1),
}
"""Days in each unit, on the average."""
_UNIT = r"(?:季度|季|月|周|礼拜|星期)"
_PART = r"(?:次|回|笔|趟|道|期|份|遍|下)"
_PAY = r"(?:还|付|交|给|扣|划|缴|转|打|供|清|结|存)"
_DIVIDE = r"(?:分|掰|切|拆|劈|匀|摊|办|做|申请|按|弄|隔)"
_INTO = r"(?:期|开)?(?:成|作|做|为|个|到|在|它|他|摊|开来?|[，,])*"
_NO_LENGTH = r"(?!底|初|级|纪|份|[之以]?前|[之以]?后)"
_LENGTH = (
    rf"(?:(?P<years>{_COUNT})年(?P<half>半)?{_NO_LENGTH}(?:零|又|加|外带)?(?:(?P<more>{_COUNT})个月)?|"
    rf"(?P<months>{_COUNT}(?=个)|[俩仨])个?(?P<half_month>半)?月{_NO_LENGTH}|"
    rf"(?P<quarters>{_COUNT})个?季度?|(?P<half_year>半年){_NO_LENGTH}|"
    rf"(?P<weeks>{_COUNT})个?(?:周|礼拜|星期)(?![一二三四五六日天]|[之以]?前|[之以]?后))"
)
_INTO_PARTS = re.compile(rf"{_DIVIDE}{_INTO}(?P<parts>{_COUNT})个?{_PART}(?!间|限|末|待)")
_PARTS = re.compile(
    rf"(?P<parts>{_COUNT})个?期(?!间|限|末|待)|(?P<times>{_COUNT})次(?:里头?|内|以内)?(?:还|付|给)(?:清|完|吧|行)?"
)
_INTO_LENGTH = re.compile(rf"{_DIVIDE}{_INTO}{_LENGTH}")
_STRETCH = re.compile(_LENGTH)
_PAID_OVER = re.compile(r"(?:连着|连续|一共|总共|前后|用|花|还|付|给我|宽限我?|分期)[，,]?$")
_BEGINS = re.compile(r"(?:^|[，,。□])(?:我|想|能不能|可以|那|就|要|给)*$")
_ENDS = re.compile(r"(?:的?时间|期|吧|行|慢慢|就|[，,。□]|$)")
_PAID_WITHIN = re.compile(rf"(?:之内|以内|里头?|内|时间|慢慢|就|能|来|分期|分|□)*{_PAY}(?!一)")
_PAID_OFF = re.compile(
    r"(?:的?时间|慢慢儿?|就|能|可以|来|把(?:它|钱|账)|给?你们?|全部|全|都)*"
    r"(?:(?:[还付交缴供]|结)(?:完|清|掉|齐|利索|干净|净)|搞[掂定]|了结|两清)(?!了|的(?!话)|过|不)"
)
"""八个月还完: so many payments. 八个月内还完 is a limit, 再给我两个月 a day."""
_NOT_OVER = re.compile(r"(?:[过等隔第近这那头上欠拖逾期借几来多限缓延]|再|给我|宽限我?|[没不]|[下上])个?$")
_RHYTHM = re.compile(
    rf"[按逐](?P<by>月|季|周|年)|月月(?={_PAY})|"
    rf"每(?:隔)?(?P<every>{_COUNT}|半)?个?(?P<every_unit>{_UNIT}|年)(?![底末初中])|"
    rf"(?P<each>{_COUNT}|半)个?(?P<each_unit>{_UNIT}|年)(?:(?:{_PAY}|来|就|你们?|您|恁)*一(?:{_PART}(?!性)|{_PAY})|"
    rf"{_PAY}(?:你们?|您|恁)?{_PART})|"
    rf"(?P<sum>一)个?(?P<sum_unit>{_UNIT})(?:我|就|先|最多|只能|能|可以)*{_PAY}(?:你们?|您|恁)?(?=[\d一二两三四五六七八九十]"
    rf"(?!年|个))"
)
_REFUSED = re.compile(
    r"(?:别|不要|甭|不想|不用|不是|(?<![能行好是要可])不(?!然|如))(?:给我|再|让我|说|选|要)?(?:分|做|办|拆)?(?:成|个)?$|"
    r"(?:(?:欠|逾期)(?:了|着|你们?)*|变成?)$"
)
_TOO_MUCH = re.compile(
    r"(?:的话)?(?:我|还是|也|实在|真的?|那|压力|每[期月]|一[期月]|的|是|都|就)*(?:太|不行|不成|扛不|吃不消|还不[起上了]|顶不|受不了|够呛|"
    r"没[还交付]|紧了?点|有点[紧多短长]|(?<=压力)大)"
)
_TOO_HIGH = re.compile(r"(?<![是果若])太[多高紧长短贵]|吃不消|扛不|顶不")
_CHANGED_TO = re.compile(r"(?:改|换|调|延|加|拉|放宽?)(?:成|到|为|作)?(?:个|分)?$")
_CHOSEN = re.compile(
    r"(?:最好|我?(?:还是)?(?:要|选|想[要选])|那就|就|还是|不如|干脆|宁可|定)(?:是|个|分|办|做|选|要|定)*$"
)
_YEARS = re.compile(r"(?P<n>[一二两三四五])年半?|半年")
_SHORTEST = 2  # parts; what is paid at once is no instalment


def instalments(text: str, *, bare: bool = False) -> tuple[int, str] | None:
    """Number of instalments and its words. 分一年 is 12, 半年一次还两年 is 4; `bare` takes a number alone, because the
    bot has just asked."""
    step, rest, rhythm = _rhythm(text)
    named = [
        (told, match)
        for pattern in (_INTO_PARTS, _INTO_LENGTH, _PARTS)
        for match in pattern.finditer(rest)
        if not _REFUSED.search(rest[: match.start()]) and not _TOO_MUCH.match(rest, match.end())
        if (told := _parts(match) if pattern is not _INTO_LENGTH else _steps(match, step)) is not None
        if told >= _SHORTEST
    ]
    starts = [match.start() for _, match in named]
    named = [found for found in named if not _taken_back(rest, found[1].end(), starts)] or named
    if named:
        told, match = next(
            (found for sign in (_CHANGED_TO, _CHOSEN) for found in named if sign.search(rest[: found[1].start()])),
            named[0],
        )
        return told, match[0]
    spread = bool(rhythm or "分期" in text)
    for match in _STRETCH.finditer(rest):
        told, before, after = _steps(match, step), rest[: match.start()], rest[match.end() :]
        over = (spread and _is_paid_over(before, after)) or (not match["weeks"] and _is_paid_off(before, after))
        if told is not None and told >= _SHORTEST and over:
            return told, match[0]
    return _alone(text) if bare else None


def _taken_back(text: str, end: int, starts: Sequence[int]) -> bool:
    """Whether a number is called too much before another is named: 分六期一期五百，太高，分九期."""
    later = min((start for start in starts if start >= end), default=None)
    return later is not None and _TOO_HIGH.search(text, end, later) is not None


def _rhythm(text: str) -> tuple[Fraction, str, str]:
    """How many days lie between two payments, the text with those words blotted out, and the words; a month where
    nothing is said."""
    match = _RHYTHM.search(text)
    if match is None:
        return _DAYS["月"], text, ""
    unit = match["by"] or match["every_unit"] or match["each_unit"] or match["sum_unit"] or "月"
    count = match["every"] or match["each"] or "一"
    how_many = Fraction(1, 2) if count == "半" else Fraction(parse_number(count) or 1)
    blot = "□" * (match.end() - match.start())
    return _days(unit, how_many), f"{text[: match.start()]}{blot}{text[match.end() :]}", match[0]


def _days(unit: str, count: Fraction) -> Fraction:
    return count * _DAYS["周" if unit in ("礼拜", "星期") else unit[0]]


def _parts(match: re.Match[str]) -> int | None:
    found = match.groupdict()
    value = parse_number(found.get("parts") or found.get("times") or "")
    return None if value is None else int(value)


def _is_paid_over(before: str, after: str) -> bool:
    """Whether a length of time is the one over which is paid, not one that has passed: 三个月没发工资了."""
    if after.startswith("了"):
        return False
    alone = _BEGINS.search(before) and _ENDS.match(after)
    return bool(alone or _PAID_OVER.search(before) or _PAID_WITHIN.match(after)) and not _REFUSED.search(before)


def _is_paid_off(before: str, after: str) -> bool:
    """Whether a length of time is the one in which all is paid: 八个月还完."""
    return bool(_PAID_OFF.match(after)) and not (_NOT_OVER.search(before) or _REFUSED.search(before))


def _steps(match: re.Match[str], step: Fraction) -> int | None:
    """How often a payment of every `step` days falls within the length that the words name."""
    days = sum(
        (
            _days(unit, Fraction(parse_number(match[name]) or 0))
            for name, unit in (("years", "年"), ("months", "月"), ("more", "月"), ("quarters", "季"), ("weeks", "周"))
            if match[name]
        ),
        Fraction(0),
    )
    if match["half"] or match["half_year"]:
        days += _DAYS["年"] / 2
    if match["half_month"]:
        days += _DAYS["月"] / 2
    return int(days / step) or None


def _alone(text: str) -> tuple[int, str] | None:
    """十二, 半年, 两年: the answer to how many."""
    years = _YEARS.search(text)
    if years is not None:
        number = parse_number(years["n"]) if years["n"] else None
        return int(number or 0) * 12 + (6 if "半" in years[0] else 0), years[0]
    alone = re.search(_COUNT, text)
    number = parse_number(alone[0]) if alone else None
    return (int(number), alone[0]) if alone and number is not None and number >= 1 else None
