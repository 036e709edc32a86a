"""Days as people say them: 明天, 下周五, 这个月底, 十五号之前. Festivals and stretches have files of their own."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import date, timedelta

from voicebot.understanding.numerals import parse_number
from voicebot.understanding.slots import almanac
from voicebot.understanding.slots.festivals import FESTIVALS, NAMED_DAYS
from voicebot.understanding.slots.reading import COUNT, Reader, Today, named, number, undecided
from voicebot.understanding.slots.span import DaySpan
from voicebot.understanding.slots.stretches import OPEN_DAYS, OPEN_PAIRS, STRETCHES
from voicebot.understanding.slots.weeks import WEEKDAY, WEEKS

_RELATIVE = {"大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "听": 1, "后": 2, "大后": 3, "外后": 3, "大大后": 4}
_BESIDE_IT = 2  # characters between a date and the weekday said with it: 八月二十九号吧周六


def find_days(text: str, today: date, payday: int | None = None, *, asked: bool = False) -> list[DaySpan]:
    """Every day named in the text, in order, longest reading first, none overlapping another.

    `asked`: the bot has just asked when, so that a bare 十六 or 半个月 is a day.
    """
    from_here = Today(today, payday, asked)
    taken: list[DaySpan] = []
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(text):
            if any(match.start() < span.end and span.start < match.end() for span in taken):
                continue
            span = read(match, from_here)
            if span is not None:
                taken.append(_with_suffix(text, span))
    return _same_again(text, _named_once(text, sorted(taken, key=lambda span: span.start)), today)


def _named_once(text: str, days: list[DaySpan]) -> list[DaySpan]:
    """八月十五中秋节: a number of the lunar calendar right before the festival that it is says nothing more."""
    twice = {
        number.start
        for number, festival in itertools.pairwise(days)
        if festival.start - number.end <= 1
        and _LUNAR_NUMBER.fullmatch(text[number.start : number.end])
        and _LUNAR_FESTIVAL.match(text, festival.start)
    }
    return [span for span in days if span.start not in twice]


def _same_again(text: str, days: list[DaySpan], today: date) -> list[DaySpan]:
    """六月十五号，十五号付; 下周三发钱，周四还: a name without month or week goes on in the one that was just said."""
    for place, span in enumerate(days):
        if span.before is None or not _NO_MONTH.match(text, span.start):
            continue
        meant = next((day for said in days[:place] if (day := _taken_up(text, span, said, today)) is not None), None)
        if meant is not None:
            days[place] = replace(span, day=meant, before=None)
    return days


def _taken_up(text: str, span: DaySpan, said: DaySpan, today: date) -> date | None:
    """The day that a name without month or week means after another day; None where it does not go on from that."""
    if said.day is None or said.vague or span.day is None:
        return None
    if text[span.start] not in "周礼星":
        meant = almanac.in_month(said.day.year, said.day.month, span.day.day)
        in_that_month = said.before is None and "月" in text[said.start : said.end]
        return meant if in_that_month and meant is not None and meant >= said.day > span.day else None
    if span.start - said.end <= _BESIDE_IT and said.day.weekday() == span.day.weekday():
        return said.day
    if not _OF_A_WEEK.search(text[said.start : said.end]) or said.day <= span.day:
        return None
    meant = said.day + timedelta(days=(span.day.weekday() - said.day.weekday()) % 7)
    same_week = meant.isocalendar().week == said.day.isocalendar().week
    return meant if same_week and (said.before is None or span.day == today) else None


def _with_suffix(text: str, span: DaySpan) -> DaySpan:
    """Reads what follows the day: 之前 makes it a limit, 以后 leaves it open, 左右 makes it rough, 第二天 is one on."""
    match = _SUFFIX.match(text, span.end)
    if _OVER.search(text[: span.start]) and (over := span.day or span.latest) is not None:
        return replace(span, day=None, earliest=over, latest=None, approximate=True, vague=True)
    if match is None or span.now:
        return span
    word, end = match[0], match.end()
    if word in ("左右", "前后", "上下"):
        return replace(span, end=end, approximate=True)
    if word in ("内", "之内", "以内") and span.day is None and span.latest is not None:
        return replace(span, end=end, day=span.latest, approximate=False, vague=False)
    if (beside := _BESIDE.fullmatch(word)) is not None:
        if span.day is None or span.vague:
            return replace(span, end=end)
        day = span.day + timedelta(days=-1 if beside["before"] else 1)
        return replace(span, end=end, day=day, latest=None)
    if word.startswith(("之前", "以前", "前", "内", "之内")):
        return replace(span, end=end, latest=span.day or span.latest)
    later = span.day or span.latest
    return replace(span, end=end, earliest=later, latest=None, approximate=True, vague=True)


def _relative(match: re.Match[str], today: Today) -> DaySpan:
    return named(match, today.date + timedelta(days=_RELATIVE[match["word"]]))


def _right_now(match: re.Match[str], today: Today) -> DaySpan:
    return named(match, today.date, now=True)


def _year_of(match: re.Match[str], today: Today) -> tuple[int, bool]:
    word = match["year"]
    if not word:
        return today.date.year, False
    if word[:2] in ("今年", "明年", "后年", "去年"):
        return today.date.year + {"今": 0, "明": 1, "后": 2, "去": -1}[word[0]], True
    value = parse_number(word.rstrip("年-/."))
    year = int(value) if value is not None else today.date.year
    return (year + 2000 if year < 100 else year), True


def _month_day(match: re.Match[str], today: Today) -> DaySpan | None:
    month, told = number(match["month"]), number(match["day"])
    if month is None or told is None or not 1 <= month <= 12 or not 1 <= told <= 31:
        return None
    year, fixed = _year_of(match, today)
    day = almanac.in_month(year, month, told)
    if day is not None and not fixed and (today.date - day).days > 60:
        day = almanac.in_month(year + 1, month, told)
    return named(match, day)


def _month_of(match: re.Match[str], today: Today) -> tuple[int, int] | None:
    """Year and month that the words name; the present one when they name none."""
    word = (match["month"] or "").replace("份", "").replace("的", "").replace("号头", "月")
    ahead = _MONTHS_AHEAD.get(word)
    if ahead is not None:
        shifted = today.date.month - 1 + ahead
        return today.date.year + shifted // 12, shifted % 12 + 1
    told = number(word.removeprefix("明年").removeprefix("去年").rstrip("月"))
    if told is None or not 1 <= told <= 12:
        return None
    if word.startswith("去年"):
        return today.date.year - 1, told
    return today.date.year + (word.startswith("明年") or told < today.date.month - 2), told


def _day_of_month(match: re.Match[str], today: Today) -> DaySpan | None:
    told, month = number(match["day"]), _month_of(match, today)
    if told is None or month is None or not 1 <= told <= 31:
        return None
    if not match["month"] and _SO_MANY_DAYS.match(match.string, match.end() - 1):
        return None
    day = almanac.in_month(*month, told)
    if match["month"]:
        return named(match, day)
    last = almanac.in_month(month[0], month[1] - 1, told)
    if day is None or day < today.date:
        day, last = almanac.in_month(month[0], month[1] + 1, told), day or last
    return DaySpan(match.start(), match.end(), day, vague=day is None, before=last)


def _days_of_month(match: re.Match[str], today: Today) -> DaySpan | None:
    """十号到十五号, 十四五号: a range."""
    first, last, month = number(match["first"]), number(match["last"]), _month_of(match, today)
    if first is None or last is None or month is None:
        return None
    if first >= 10 and last < 10:
        last += first // 10 * 10
    start, end = almanac.in_month(*month, first), almanac.in_month(*month, last)
    if start is None or end is None or end < start:
        return None
    if end < today.date and not match["month"]:
        start, end = almanac.in_month(month[0], month[1] + 1, first), almanac.in_month(month[0], month[1] + 1, last)
    return undecided(match, start, end)


def _tens_of_month(match: re.Match[str], today: Today) -> DaySpan | None:
    """二十几号: some day of the twenties."""
    month, tens = _month_of(match, today), number(match["tens"])
    if month is None or tens is None:
        return None
    end = almanac.month_end(*month)
    if end.replace(day=min(tens + 9, end.day)) < today.date and not match["month"]:
        end = almanac.month_end(end.year, end.month + 1)
    return undecided(match, end.replace(day=tens), end.replace(day=min(tens + 9, end.day)))


def _bare_number(match: re.Match[str], today: Today) -> DaySpan | None:
    """十六, 那就二十七吧: a day of the month where a day was asked for and nothing else is said."""
    told = number(match["day"])
    if not today.asked or told is None or not 1 <= told <= 31:
        return None
    here = almanac.in_month(today.date.year, today.date.month, told)
    day = here if here and here >= today.date else almanac.in_month(today.date.year, today.date.month + 1, told)
    return DaySpan(match.start("day"), match.end("day"), day, vague=day is None)


def _number_paid_on(match: re.Match[str], today: Today) -> DaySpan | None:
    """二十还一千: a number before 还 is the day."""
    return _bare_number(match, replace(today, asked=True))


def _nth_weekday(match: re.Match[str], today: Today) -> DaySpan | None:
    """下个月第一个星期一."""
    month = _month_of(match, today)
    if month is None:
        return None
    if "后一" in match[0] or "末一" in match[0]:
        last = almanac.month_end(*month)
        return named(match, last - timedelta(days=(last.weekday() - WEEKDAY[match["day"]]) % 7))
    nth = number(match["nth"] or "一") or 1
    first = almanac.month_end(*month).replace(day=1)
    ahead = (WEEKDAY[match["day"]] - first.weekday()) % 7
    return named(match, first + timedelta(days=ahead, weeks=nth - 1))


def _same_day(match: re.Match[str], today: Today) -> DaySpan | None:
    """下个月的今天, 下周的今天, 明年今天."""
    here = today.date
    if match["unit"] in ("周", "礼拜", "星期"):
        return named(match, here + timedelta(weeks=1))
    ahead = 12 if "年" in match[0] else 1
    return named(match, almanac.in_month(here.year, here.month + ahead, here.day))


def _last_day(match: re.Match[str], today: Today) -> DaySpan | None:
    month = _month_of(match, today)
    return None if month is None else named(match, almanac.month_end(*month))


def _part_of_month(match: re.Match[str], today: Today) -> DaySpan | None:
    month = _month_of(match, today)
    if month is None:
        return None
    end, part = almanac.month_end(*month), match["part"]
    if part[-1] in "底末":
        return named(match, end, latest=end)
    if part[-1] == "初":
        unnamed = match["month"] in (None, "", "月") and not _DONE_THEN.match(match.string, match.end())
        if unnamed and today.date.day > 5:
            end = almanac.month_end(today.date.year, today.date.month + 1)
        return undecided(match, end.replace(day=1), end.replace(day=5))
    if part in ("上旬", "中旬", "下旬"):
        first = {"上": 1, "中": 11, "下": 21}[part[0]]
        return undecided(match, end.replace(day=first), end if part[0] == "下" else end.replace(day=first + 9))
    middle = end.replace(day=15)
    if not match["month"] and middle < today.date:
        middle = almanac.month_end(end.year, end.month + 1).replace(day=15)
    low, high = middle.replace(day=11), middle.replace(day=20)
    return named(match, middle, earliest=low, latest=high, approximate=True, vague=True)


def _whole_month(match: re.Match[str], today: Today) -> DaySpan | None:
    month = _month_of(match, today)
    if month is None:
        return None
    end = almanac.month_end(*month)
    if match["within"]:
        return named(match, end, latest=end)
    return undecided(match, max(end.replace(day=1), today.date) if end >= today.date else end.replace(day=1), end)


def _year_end(match: re.Match[str], today: Today) -> DaySpan:
    end = date(today.date.year, 12, 31)
    return named(match, end, latest=end, approximate=True, vague=True)


def _year_start(match: re.Match[str], today: Today) -> DaySpan:
    first = date(today.date.year + 1, 1, 1)
    return undecided(match, first, first.replace(day=31))


def _workday(match: re.Match[str], today: Today) -> DaySpan:
    return named(match, almanac.add_workdays(today.date, 1))


_MONTHS_AHEAD = {
    "": 0,
    "月": 0,  # 这个月, whose 这个 was taken for a filler
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
}
_MONTH = (
    rf"(?P<month>(?:(?<!\w)月(?![供薪份息收租结经亮饼费])|(?:下下个?|下个?|上个?|这个?)(?:月|号头)|本月|当月|次月|"
    rf"(?<![百千万])(?:[明去]年的?)?{COUNT}月)份?的?)"
)
_FROM_TEN = r"(?:[二三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|卅一?|[12]\d|3[01])"
_SUFFIX = re.compile(
    r"之前|以前|之内|以内|之后|以后|左右|前后|上下|(?:的)?(?:第二天|次日|隔[天日]|转天|后一天|前一天|头一天)|前(?!天|"
    r"面|几|两)|内|后(?!天|面|儿|晌|半)"
)
_SO_MANY_DAYS = re.compile(r"日(?:[之以过]后|后(?![天日])|[之以]?内)")
"""五日之后 is five days on, where 五号之后 is after the fifth."""
_DONE_THEN = re.compile(r"[^，,。]{0,20}?[还付转打交存汇扣](?:给?你们?|过去|清|掉|上)*[了的过]")
_LUNAR_NUMBER = re.compile(rf"{COUNT}月{COUNT}")
_LUNAR_FESTIVAL = re.compile("端午|中秋|七夕|重阳|中元|腊八|元宵")
_NO_MONTH = re.compile(rf"周|礼拜|星期|{COUNT}(?:号|日)?(?!月)")
_OF_A_WEEK = re.compile(r"周|礼拜|星期")
_OVER = re.compile(r"(?<![不还付转打交存])过(?:了|完)(?:这个?|那个?)?$")
_BESIDE = re.compile(r"(?:的)?(?:第二天|次日|隔[天日]|转天|后一天|(?P<before>前一天|头一天))")
_PATTERNS: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        *FESTIVALS,
        *OPEN_PAIRS,
        (
            rf"(?P<year>(?:今年|明年|后年|去年|20\d\d年|"
            rf"二零[二三][零一二三四五六七八九]年)的?)?(?P<month>{COUNT})月份?的?"
            rf"(?P<day>{COUNT})(?:号|日|(?![几来多十期个天千百万块元分]))",
            _month_day,
        ),
        (r"(?P<year>20\d\d[-/.])(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})", _month_day),
        (r"(?<![\d.])(?P<year>)(?P<month>1[0-2]|0?[1-9])/(?P<day>3[01]|[12]\d|0?[1-9])(?![\d/])", _month_day),
        (rf"{_MONTH}?(?P<first>{COUNT})(?:号|日)?(?:到|至|或者?|、|-|~)(?P<last>{COUNT})(?:号|日)", _days_of_month),
        (
            rf"{_MONTH}?(?P<first>{COUNT})(?P<last>[一二三四五六七八九])(?:号|日)"
            r"(?<=[一二三四五六七八九][号日])(?<![十廿卅][一二三四五六七八九][号日])",
            _days_of_month,
        ),
        (rf"{_MONTH}?(?P<tens>[二三]?十|[123]0)(?:几|来|多)号", _tens_of_month),
        (rf"(?<![周拜期]){_MONTH}?(?P<day>{COUNT})(?:号|日)(?!线|楼|码|店|门|院)", _day_of_month),
        (rf"{_MONTH}(?P<day>{_FROM_TEN})(?![期个天千百万块元分点号日年月\d])", _day_of_month),
        (
            rf"{_MONTH}(?:第(?P<nth>[一二三四])|最后一|末一|头一|首)个(?:周|礼拜|星期)(?P<day>[一二三四五六日天])",
            _nth_weekday,
        ),
        (
            r"(?:下个?(?P<unit>月|周|礼拜|星期)|明年)的?(?:今天|这一?天|今日|同一天)",
            _same_day,
        ),
        (rf"{_MONTH}?最后(?:一天|那天|一日)", _last_day),
        (rf"{_MONTH}(?P<part>月底|月末|底|末|月初|初|月中|中旬|上旬|下旬|中)(?!间)", _part_of_month),
        (r"(?P<month>)(?P<part>月底|月末|月初|月中|中旬|上旬|下旬)", _part_of_month),
        (r"(?<!后的)(?P<word>大大后|大后|外后|大前|后(?!个)|昨|今|明|(?<![之以目])前)(?:天|儿个?|个儿?|日)", _relative),
        (r"(?P<word>今|明|昨|后|听)(?=早|晚|上午|下午|中午|夜)", _relative),
        *WEEKS,
        *STRETCHES,
        *NAMED_DAYS,
        (
            r"(?:今年)?(?:年底|年末)(?:之前|前)?|今年(?:之内|以内|内)|"
            r"(?<![\d一二两三四五六七八九十几半])年内",
            _year_end,
        ),
        (r"[明来]年的?年?[初头](?![一二三四五六七八九十])", _year_start),
        (r"(?:下一?个|明个)工作日", _workday),
        (rf"{_MONTH}(?P<within>之?内|以内|之前|前)?", _whole_month),
        *OPEN_DAYS,
        (r"现在|马上|立刻|立马|这就|当场|眼下|这会儿|[待等一过]会儿?|等一?下(?![个月周])", _right_now),
        (
            rf"^(?:最[晚迟早多]|顶多|大概|差不多|应该|可能|等到|"
            rf"[那就定是在要得到嗯呃哦好行我，,])*(?P<day>{_FROM_TEN}|[一二三四五六七八九]|[1-9])"
            r"[吧呗嘛啊呢了可以行吗好哈。.！!？?]*$",
            _bare_number,
        ),
        (
            rf"(?<![\d零一二三四五六七八九十百千万还])(?P<day>{_FROM_TEN})(?=(?:之前|以前|就|再|才|能)*还(?:$|"
            r"[,，。吧呢嘛钱款上清你\d一二两三四五六七八九十]))",
            _number_paid_on,
        ),
        (rf"^[那就定在好行可以,，]*(?P<day>{_FROM_TEN})(?=[,，]?[一二两三四五六七八九][百千万])", _bare_number),
    )
)
