"""Days as people say them: 明天, 下周五, 这个月底, 十五号之前, 过两天, 发工资那天, 腊月二十八."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from voicebot.understanding.numerals import parse_number
from voicebot.understanding.slots import almanac
from voicebot.understanding.slots.span import DaySpan

_N = r"(?:\d{1,2}|[一二三四五六七八九]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|[一二两三四五六七八九])"
_WEEKDAY = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, **{str(n + 1): n for n in range(7)}}
_HOLIDAYS = "清明|五一|劳动节|端午|中秋|国庆|元旦|春节|元宵|除夕|大年三十|七夕|重阳|六一|双十一|腊八"
_RELATIVE = {
    "大前": -3,
    "前": -2,
    "昨": -1,
    "今": 0,
    "当": 0,
    "明": 1,
    "后": 2,
    "大后": 3,
}


@dataclass(frozen=True)
class _Clock:
    today: date
    payday: int | None


def find_days(text: str, today: date, payday: int | None = None) -> list[DaySpan]:
    """Every day named in the text, in order, longest reading first, none overlapping another."""
    clock = _Clock(today, payday)
    taken: list[DaySpan] = []
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(text):
            if any(match.start() < span.end and span.start < match.end() for span in taken):
                continue
            span = read(match, clock)
            if span is not None:
                taken.append(_with_suffix(text, span))
    return sorted(taken, key=lambda span: span.start)


def postponed(text: str, days: list[DaySpan]) -> DaySpan | None:
    """上次说十号还，往后推一周: the day named before, moved by the stretch asked for."""
    match = _POSTPONE.search(text)
    base = next((span.day for span in days if span.day is not None and match and span.start < match.start()), None)
    if match is None or base is None:
        return None
    shift = _stretch(match["n"], match["unit"])
    return None if shift is None else DaySpan(match.start(), match.end(), base + shift)


def _with_suffix(text: str, span: DaySpan) -> DaySpan:
    """Reads what follows the day: 之前 makes it a limit, 以后 leaves it open, 左右 makes it rough."""
    match = _SUFFIX.match(text, span.end)
    if match is None or span.now:
        return span
    word = match[0]
    if word in ("左右", "前后", "上下"):
        return replace(span, end=match.end(), approximate=True)
    if word in ("内", "之内", "以内") and span.day is None and span.latest is not None:
        return replace(span, end=match.end(), day=span.latest, approximate=False, vague=False)
    if word.startswith(("之前", "以前", "前", "内", "之内")):
        return replace(span, end=match.end(), latest=span.day or span.latest)
    later = span.day or span.latest
    return replace(span, end=match.end(), earliest=later, latest=None, approximate=True, vague=True)


def _span(match: re.Match[str], day: date | None, **more: object) -> DaySpan:
    if day is None and not more:
        return DaySpan(match.start(), match.end(), None, vague=True)
    return DaySpan(match.start(), match.end(), day, **more)  # type: ignore[arg-type]


def _number(text: str) -> int | None:
    value = parse_number(text)
    return None if value is None else int(value)


def _relative(match: re.Match[str], clock: _Clock) -> DaySpan:
    return _span(match, clock.today + timedelta(days=_RELATIVE[match["word"]]))


def _right_now(match: re.Match[str], clock: _Clock) -> DaySpan:
    return _span(match, clock.today, now=True)


def _weekday(match: re.Match[str], clock: _Clock) -> DaySpan:
    monday = clock.today - timedelta(days=clock.today.weekday())
    which = (match["which"] or "").replace("个", "")
    weeks = {"": 0, "这": 0, "本": 0, "下": 1, "下下": 2, "上": -1, "上上": -2}[which]
    monday += timedelta(weeks=weeks)
    if match["day"] == "末":
        saturday = monday + timedelta(days=5)
        sunday = saturday + timedelta(days=1)
        return _span(match, None, earliest=max(saturday, clock.today), latest=sunday, approximate=True, vague=True)
    day = monday + timedelta(days=_WEEKDAY[match["day"]])
    if not which and day < clock.today:
        day += timedelta(weeks=1)
    gone = bool(which) and weeks == 0 and day < clock.today
    return _span(match, day, vague=gone)


def _week(match: re.Match[str], clock: _Clock) -> DaySpan:
    monday = clock.today - timedelta(days=clock.today.weekday())
    weeks = {"这": 0, "本": 0, "下": 1, "下下": 2, "上": -1}[match["which"].replace("个", "")]
    monday += timedelta(weeks=weeks)
    sunday = monday + timedelta(days=6)
    earliest = max(monday, clock.today) if weeks == 0 else monday
    if match["part"] == "初":
        return _span(match, None, earliest=monday, latest=monday + timedelta(days=1), approximate=True, vague=True)
    return _span(match, None, earliest=earliest, latest=sunday, approximate=True, vague=True)


def _year_of(match: re.Match[str], clock: _Clock) -> tuple[int, bool]:
    word = match["year"]
    if not word:
        return clock.today.year, False
    if word[:2] in ("今年", "明年", "后年", "去年"):
        return clock.today.year + {"今": 0, "明": 1, "后": 2, "去": -1}[word[0]], True
    value = parse_number(word.rstrip("年-/."))
    year = int(value) if value is not None else clock.today.year
    return (year + 2000 if year < 100 else year), True


def _month_day(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    month, number = _number(match["month"]), _number(match["day"])
    if month is None or number is None or not 1 <= month <= 12 or not 1 <= number <= 31:
        return None
    year, fixed = _year_of(match, clock)
    day = almanac.in_month(year, month, number)
    if day is not None and not fixed and (clock.today - day).days > 60:
        day = almanac.in_month(year + 1, month, number)
    return _span(match, day)


def _month_of(match: re.Match[str], clock: _Clock) -> tuple[int, int] | None:
    """Year and month that the words name; the present one when they name none."""
    word = (match["month"] or "").replace("份", "").replace("的", "")
    ahead = {
        "": 0,
        "这个月": 0,
        "本月": 0,
        "当月": 0,
        "这月": 0,
        "下个月": 1,
        "下月": 1,
        "次月": 1,
        "下下个月": 2,
        "下下月": 2,
        "上个月": -1,
        "上月": -1,
    }.get(word)
    if ahead is not None:
        shifted = clock.today.month - 1 + ahead
        return clock.today.year + shifted // 12, shifted % 12 + 1
    number = _number(word.rstrip("月"))
    if number is None or not 1 <= number <= 12:
        return None
    return clock.today.year + (number < clock.today.month - 2), number


def _day_of_month(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    number, month = _number(match["day"]), _month_of(match, clock)
    if number is None or month is None or not 1 <= number <= 31:
        return None
    day = almanac.in_month(*month, number)
    if not match["month"] and (day is None or day < clock.today):
        day = almanac.in_month(month[0], month[1] + 1, number)
    return _span(match, day)


def _days_of_month(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    """十号到十五号, 十四五号: a range."""
    first, last, month = _number(match["first"]), _number(match["last"]), _month_of(match, clock)
    if first is None or last is None or month is None:
        return None
    if first >= 10 and last < 10:
        last += first // 10 * 10
    start, end = almanac.in_month(*month, first), almanac.in_month(*month, last)
    if start is None or end is None or end < start:
        return None
    if end < clock.today and not match["month"]:
        start, end = almanac.in_month(month[0], month[1] + 1, first), almanac.in_month(month[0], month[1] + 1, last)
    return _span(match, None, earliest=start, latest=end, approximate=True, vague=True)


def _last_day(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    month = _month_of(match, clock)
    return None if month is None else _span(match, almanac.month_end(*month))


def _part_of_month(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    month = _month_of(match, clock)
    if month is None:
        return None
    end, part = almanac.month_end(*month), match["part"]
    if part[-1] in "底末":
        return _span(match, end, latest=end)
    if part[-1] == "初" and not match["month"] and clock.today.day > 5:
        end = almanac.month_end(clock.today.year, clock.today.month + 1)
    if part[-1] == "初":
        return _span(match, None, earliest=end.replace(day=1), latest=end.replace(day=5), approximate=True, vague=True)
    if part in ("上旬", "中旬", "下旬"):
        first = {"上": 1, "中": 11, "下": 21}[part[0]]
        last = end if part[0] == "下" else end.replace(day=first + 9)
        return _span(match, None, earliest=end.replace(day=first), latest=last, approximate=True, vague=True)
    middle = end.replace(day=15)
    if not match["month"] and middle < clock.today:
        middle = almanac.month_end(end.year, end.month + 1).replace(day=15)
    low, high = middle.replace(day=11), middle.replace(day=20)
    return _span(match, middle, earliest=low, latest=high, approximate=True, vague=True)


def _whole_month(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    month = _month_of(match, clock)
    if month is None:
        return None
    end = almanac.month_end(*month)
    first = max(end.replace(day=1), clock.today) if end >= clock.today else end.replace(day=1)
    if match["within"]:
        return _span(match, end, latest=end)
    return _span(match, None, earliest=first, latest=end, approximate=True, vague=True)


def _stretch(number: str, unit: str) -> timedelta | None:
    if number == "半":
        return {"月": timedelta(days=15), "年": timedelta(days=182), "天": timedelta(0)}.get(unit[-1])
    value = _number(number)
    if value is None:
        return None
    if unit in ("天", "日"):
        return timedelta(days=value)
    if unit in ("周", "星期", "礼拜"):
        return timedelta(weeks=value)
    return None


def _ahead(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    """三天后, 一周之内, 再过十天, 一个月以后, 五个工作日内."""
    number, unit = match["n"], match["unit"]
    prefix, suffix = match["prefix"], match["suffix"]
    if not prefix and not suffix:
        return None
    if number == "两" and unit == "天" and prefix and not suffix:
        return _span(match, None, approximate=True, vague=True)
    value = 0 if number == "半" else _number(number)
    if value is None:
        return None
    if unit == "工作日":
        day: date | None = almanac.add_workdays(clock.today, value)
    elif unit == "月" and number != "半":
        month = clock.today.month + value
        day = almanac.in_month(clock.today.year, month, clock.today.day) or almanac.month_end(clock.today.year, month)
    else:
        shift = _stretch(number, unit)
        day = None if shift is None else clock.today + shift
    if day is None:
        return None
    if suffix and "内" in suffix:
        return _span(match, day, latest=day)
    return _span(match, day)


def _open_ended(match: re.Match[str], clock: _Clock) -> DaySpan:
    return _span(match, None, approximate=True, vague=True)


def _holiday(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    day = almanac.next_holiday(clock.today, match["name"])
    if day is None:
        return None
    suffix = match["suffix"] or ""
    if "后" in suffix:
        back = almanac.first_day_back(day)
        return _span(match, back, earliest=back, approximate=True, vague=True)
    if "前" in suffix:
        before = day - timedelta(days=1)
        return _span(match, before, latest=before)
    return _span(match, day)


def _spring_festival(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    day = almanac.next_holiday(clock.today, "春节")
    if day is None:
        return None
    if match[0] in ("年后", "过完年", "过了年"):
        return _span(match, None, earliest=almanac.first_day_back(day), approximate=True, vague=True)
    return _span(match, None, latest=day - timedelta(days=1), approximate=True, vague=True)


def _year_end(match: re.Match[str], clock: _Clock) -> DaySpan:
    end = date(clock.today.year, 12, 31)
    return _span(match, end, latest=end, approximate=True, vague=True)


def _lunar(match: re.Match[str], clock: _Clock) -> DaySpan | None:
    word = match["month"]
    month = {"正": 1, "冬": 11, "腊": 12}.get(word) or _number(word)
    number = _number(match["day"].lstrip("初"))
    if month is None or number is None or not 1 <= month <= 12:
        return None
    return _span(match, almanac.next_lunar(clock.today, month, number))


def _workday(match: re.Match[str], clock: _Clock) -> DaySpan:
    return _span(match, almanac.add_workdays(clock.today, 1))


def _payday(match: re.Match[str], clock: _Clock) -> DaySpan:
    if clock.payday is None:
        return _span(match, None, approximate=True, vague=True, payday=True)
    return _span(match, almanac.next_payday(clock.today, clock.payday), payday=True)


_Reader = Callable[[re.Match[str], _Clock], DaySpan | None]
_MONTH = rf"(?P<month>(?:这个月|本月|当月|这月|下下个月|下下月|下个月|下月|次月|上个月|上月|{_N}月)份?的?)"
_SUFFIX = re.compile(r"之前|以前|之内|以内|之后|以后|左右|前后|上下|前(?!天|面|几|两)|内|后(?!天|面|儿)")
_POSTPONE = re.compile(
    rf"(?:推|推迟|延|延期|延后|缓|宽限|晚)(?:个|上|一下)?(?P<n>{_N}|半)个?(?P<unit>天|日|周|星期|礼拜|月)"
)
_PATTERNS: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (rf"(?:农历|阴历|旧历)(?P<month>正|冬|腊|{_N})月(?P<day>初?{_N})号?", _lunar),
        (rf"(?P<month>正|冬|腊)月(?P<day>初?{_N})", _lunar),
        (rf"(?P<month>{_N})月(?P<day>初{_N})", _lunar),
        (
            rf"(?P<year>(?:今年|明年|后年|去年|20\d\d年|"
            rf"二零[二三][零一二三四五六七八九]年)的?)?(?P<month>{_N})月份?的?(?P<day>{_N})(?:号|日|"
            rf"(?![期个天千百万块元分]))",
            _month_day,
        ),
        (r"(?P<year>20\d\d[-/.])(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})", _month_day),
        (r"(?<![\d.])(?P<year>)(?P<month>1[0-2]|0?[1-9])/(?P<day>3[01]|[12]\d|0?[1-9])(?![\d/])", _month_day),
        (rf"{_MONTH}?(?P<first>{_N})(?:号|日)?(?:到|至|或者?|、|-|~)(?P<last>{_N})(?:号|日)", _days_of_month),
        (
            rf"{_MONTH}?(?P<first>{_N})(?P<last>[一二三四五六七八九])(?:号|"
            rf"日)(?<=[一二三四五六七八九][号日])(?<!十[一二三四五六七八九][号日])",
            _days_of_month,
        ),
        (rf"{_MONTH}?(?P<day>{_N})(?:号|日)(?!线|楼|码|店|门|院)", _day_of_month),
        (rf"{_MONTH}(?P<day>[二三]?十[一二三四五六七八九]?)(?![期个天千百万块元分点号日年月])", _day_of_month),
        (rf"{_MONTH}?最后(?:一天|那天|一日)", _last_day),
        (rf"{_MONTH}(?P<part>月底|月末|底|末|月初|初|月中|中旬|上旬|下旬|中)(?!间)", _part_of_month),
        (r"(?P<month>)(?P<part>月底|月末|月初|月中|中旬|上旬|下旬)", _part_of_month),
        (r"(?P<word>大后|大前|后|昨|今|明|(?<![之以目])前|当)(?:天|儿个?|日)", _relative),
        (r"(?P<word>今|明|昨|后)(?=早|晚|上午|下午|中午|夜)", _relative),
        (
            r"(?P<which>下下个?|下个?|上上个?|上个?|这个?|本)?(?:周|礼拜|"
            r"星期)(?P<day>[一二三四五六日天末1-7])(?![个次期年])",
            _weekday,
        ),
        (r"(?P<which>下下个?|下个?|这个?|本|上个?)(?:周|礼拜|星期)(?P<part>初)?", _week),
        (
            rf"(?P<prefix>再过|过|等|再等|隔)?(?P<n>{_N}|半)个?(?P<unit>天|日|周|星期|礼拜|月|"
            rf"工作日)(?P<suffix>之后|以后|后(?!天)|之内|以内|内)?",
            _ahead,
        ),
        (rf"(?P<name>{_HOLIDAYS})节?(?:放假|假期|长假|期间)?(?P<suffix>之前|以前|前|之后|以后|后|过后)?", _holiday),
        (r"(?:年前|过年前|过年之前|年后|过完年|过了年|过年后)", _spring_festival),
        (r"(?:年底|年末)(?:之前|前)?", _year_end),
        (r"(?:下一?个|明个)工作日", _workday),
        (
            r"发(?:了|完)?(?:工资|薪水?|饷)(?:那天|当天|之后|以后|后|的时候|的话|就|日|再)?|开(?:工资|"
            r"支|资)(?:那天|了|以后|后)?|"
            r"(?:等|到)?工资(?:一?到账?|一?下来|发下来|一?发了?|到手)(?:了|以后|后|就)?|领(?:了|"
            r"完)?工资(?:以后|后|那天)?",
            _payday,
        ),
        (rf"{_MONTH}(?P<within>之?内|以内|之前|前)?", _whole_month),
        (
            r"(?:再?过|等|再等|缓|再缓|宽限|晚)(?:上|个|我)?(?:几|两|两三|三五|些|这)(?:个)?(?:天|日|"
            r"周|月|星期|礼拜)|过(?:一?阵子?|一?段时间|段日子|些日子|一?段)|"
            r"(?:这|近)(?:几|两|一两|两三)天|(?:两三|三五|三四|一两|几)天(?:内|之内|以内|后|以后)?|"
            r"改天|最近几天|尽快|尽早",
            _open_ended,
        ),
        (r"现在|马上|立刻|立马|这就|当场|眼下|这会儿", _right_now),
    )
)
