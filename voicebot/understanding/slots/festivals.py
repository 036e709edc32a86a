"""Days that have a name: 清明节前, 国庆后, 过年前, 节后, 大年初六, 腊月二十八, 发工资那天."""

from __future__ import annotations

import re
from datetime import date, timedelta

from voicebot.understanding.slots import almanac
from voicebot.understanding.slots.reading import COUNT, Reader, Today, named, number, undecided
from voicebot.understanding.slots.span import DaySpan
from voicebot.understanding.slots.stretches import DEALT

_DAY = timedelta(days=1)
_SOON = 60  # days within which 年前 is a limit rather than a manner of speaking
_SEASON = 45  # days before Spring Festival from which 初六 is the sixth of the first lunar month
_BEFORE_NATIONAL_DAY = 75  # days before 1 October within which 十一前 is National Day rather than an eleventh


def _festival(match: re.Match[str], today: Today) -> DaySpan | None:
    name = match["name"]
    known = "国庆" if name == "十一" else name
    if match["of_year"] is not None:
        year = today.date.year + {"今": 0, "明": 1, "去": -1}[match["of_year"]]
        day = almanac.next_holiday(date(year, 1, 1), known)
        if day is None or (day < today.date and not DEALT.search(match.string, match.end())):
            return None
        return _around(match, day, None)
    day = almanac.next_holiday(today.date, known)
    if day is None or (name == "十一" and not match["rest"] and (day - today.date).days > _BEFORE_NATIONAL_DAY):
        return None
    return _around(match, day, almanac.last_holiday(today.date, known))


def _around(match: re.Match[str], day: date, last: date | None) -> DaySpan:
    """The day itself, the day before it where the words say before, and the days after it, which are open.

    `last` is when the festival was before.
    """
    suffix = (match["suffix"] or "").replace("最后", "末")
    if match["over"] or "后" in suffix or "完" in suffix or "过" in suffix or "收" in suffix:
        back = almanac.first_day_back(day)
        return named(match, back, earliest=back, approximate=True, vague=True)
    if "前" in suffix:
        ahead = _DAY * (number(match["days"] or "一") or 1)
        if "班" in suffix or "工作" in suffix:
            ahead = day - almanac.last_workday(day - ahead)
        return named(match, day - ahead, latest=day - ahead, before=None if last is None else last - ahead)
    return named(match, day, before=last)


def _next_festival(match: re.Match[str], today: Today) -> DaySpan | None:
    """节前, 节后: around whichever public holiday comes next, or is on."""
    if "后" in match[0].replace("最后", "末") or "完" in match[0]:
        return undecided(match, almanac.first_day_back(almanac.holiday_around(today.date)))
    before = almanac.public_holiday(today.date + _DAY) - _DAY
    if "班" in match[0] or "工作" in match[0]:
        before = almanac.last_workday(before)
    return named(match, before, latest=before)


def _around_new_year(match: re.Match[str], today: Today) -> DaySpan | None:
    day = almanac.next_holiday(today.date, "春节")
    if day is None:
        return None
    if "后" in match[0] or "完" in match[0] or "了" in match[0]:
        return undecided(match, almanac.first_day_back(day))
    if "前" not in match[0]:
        return undecided(match, day - _DAY, almanac.first_day_back(day))
    eve = day - _DAY
    if (eve - today.date).days > _SOON:
        return undecided(match, None, eve)
    return named(match, eve, latest=eve)


def _lunar(match: re.Match[str], today: Today) -> DaySpan | None:
    word = match["month"]
    month = {"正": 1, "冬": 11, "腊": 12}.get(word) or number(word)
    day = number(match["day"].lstrip("初"))
    if month is None or day is None or not 1 <= month <= 12:
        return None
    return named(match, almanac.next_lunar(today.date, month, day), before=almanac.last_lunar(today.date, month, day))


def _first_days(match: re.Match[str], today: Today) -> DaySpan | None:
    """大年初六; a bare 初六 is of the first lunar month near Spring Festival, else of the next that comes."""
    day = number(match["day"])
    found = None if day is None else almanac.next_lunar(today.date, 1, day)
    if day is None or found is None:
        return None
    if not match["year"] and (found - today.date).days > _SEASON:
        others = (almanac.next_lunar(today.date, month, day) for month in range(1, 13))
        found = min(other for other in others if other is not None)
    return named(match, found, before=almanac.last_lunar(today.date, 1, day))


def _payday(match: re.Match[str], today: Today) -> DaySpan:
    if today.payday is None:
        return named(match, None, approximate=True, vague=True, payday=True)
    ahead = (match["month"] or "").count("下")
    start = almanac.month_end(today.date.year, today.date.month + ahead).replace(day=1) if ahead else today.date
    return named(match, almanac.next_payday(start, today.payday), payday=True)


_OF_A_SUM = "[零一二三四五六七八九十百千万块元毛]"
"""Before 六一 it makes a sum: 两千九百六一次结清."""
_OVER = r"(?P<over>等?过完|等?过了|忙完)?"
_OF_YEAR = r"(?:(?P<of_year>[今明去])年的?)?"
_REST = r"(?P<rest>(?:小?长假|放假|假期|黄金周|期间|假))?"
_SUFFIX = (
    r"(?P<suffix>(?:的)?(?:之前|以前|(?:之|的)?前头?(?P<days>[一两二三四五])[天日]|前头|前(?!天|面)|之后|以后|后(?!天|面)|过后|过了|过完年?|放?完假?|完了|"
    r"收假)(?:之后|以后|后)?)?"
)
_WAGES = r"(?:工资|薪水?|饷|工钱)"

_HOLIDAY = rf"(?:(?<!{_OF_A_SUM})|(?![一二三五六七八十]))(?P<name>{almanac.HOLIDAY_NAMES})节?(?:假日)?{_REST}"
_LAST_BEFORE = r"[之以]?前头?的?最后一?(?:个?(?:工作日|上班日)|天(?:工作|上班)?)"

FESTIVALS: tuple[tuple[str, Reader], ...] = (
    (rf"(?:农历|阴历|旧历|老历)(?P<month>正|冬|腊|{COUNT})月(?P<day>初?{COUNT})号?", _lunar),
    (rf"(?P<month>正|冬|腊)月(?P<day>初?{COUNT})", _lunar),
    (rf"(?P<month>{COUNT})月(?P<day>初{COUNT})", _lunar),
    (rf"(?P<over>){_OF_YEAR}{_HOLIDAY}(?P<days>)(?P<suffix>{_LAST_BEFORE})", _festival),
    (rf"(?:过节|放假|(?<![年季时环情细调关章春秋庆午夕阳宵旦人师童女军党])节){_LAST_BEFORE}", _next_festival),
    (
        rf"{_OF_YEAR}(?<![\d十百千])(?P<over>)(?P<name>二月二)(?:龙抬头|(?![号日\d十一二三四五六七八九到至百千万]))节?{_SUFFIX}",
        _festival,
    ),
    (r"(?P<year>大年|年|过年)?初(?P<day>十|[一二三四五六七八九])(?!中|次|步|期|审|衷|心|号)", _first_days),
    (
        rf"{_OVER}{_OF_YEAR}(?<!{_OF_A_SUM})(?P<name>十一)(?=(?:小?长假|放假|假期|黄金周|期间|之前|以前|前|之后|以后|"
        rf"后))节?{_REST}{_SUFFIX}",
        _festival,
    ),
)
"""Read before the days of the month, whose numbers they hold."""

NAMED_DAYS: tuple[tuple[str, Reader], ...] = (
    (rf"{_OVER}{_OF_YEAR}{_HOLIDAY}{_SUFFIX}", _festival),
    (
        r"(?:过年|年关)(?:之前|以前|前)|(?<![一二两三四五六七八九十百几半多数\d])年[前后]|等?过完?了?年(?:之后|"
        r"以后|后|的时候|那会儿?)?(?!轻|纪|底|初|级)",
        _around_new_year,
    ),
    (
        r"(?:过节|放假|收假)(?:之前|以前|前|之后|以后|后)|(?<![年季时环情细调关章春秋庆午夕阳宵旦人师童女军党])节(?:前|后)|(?:放|休|"
        r"过)完(?:这个)?(?:假|节)(?:之后|以后|后)?",
        _next_festival,
    ),
    (
        rf"(?:(?P<month>下下个?月|下个?月|这个?月|本月)(?:等|到|我)*)?(?<![没不])(?:发(?:了|完)?{_WAGES}(?:那天|"
        r"当天|之后|以后|后|的时候|的话|就|日|再)?|开(?:了|完)?(?:工资|支(?!付)|资)(?:那天|了|以后|后)?|"
        rf"(?:等|到)?{_WAGES}(?:一?到账?|一?下来|发下来|一?发了?|到手)(?:了|以后|后|就)?|领(?:了|"
        rf"完)?{_WAGES}(?:以后|后|那天)?)",
        _payday,
    ),
)
