"""Days that are so far away: 三天后, 再给我半个月, 五个工作日内; and those that stay open, 过两天, 三五天."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from voicebot.understanding.slots import almanac
from voicebot.understanding.slots.reading import COUNT, Reader, Today, named, number, undecided
from voicebot.understanding.slots.span import DaySpan

_UNIT = r"(?:天|日|周|星期|礼拜|月)(?!报|刊|薪|供)"
_YEARS = r"年(?=之后|以后|过后|后|之内|以内|内)"
_BUT_PARTICLES = re.compile(
    r"[那就要得再给我等大概最多顶差不左右上下时间的话行可以吗吧嘛啊呢呀了嗯呃哦好，,。.？?！!\s]*"
)
DEALT = re.compile(r"[还付转打交存汇缴结扣划清]")
_POSTPONE = re.compile(
    rf"(?:推|推迟|延期|[推延拖挪错]后|延|缓|宽限|晚|拖|挪|往后(?:移|错|退|顺)?)(?:个|上|一下|多)?(?P<n>{COUNT}|半)个?(?P<unit>天|日|周|星期|礼拜|月)(?!了)"
)


def postponed(text: str, days: Sequence[DaySpan]) -> DaySpan | None:
    """上次说十号还，往后推一周: the day named before, moved by the stretch asked for."""
    match = _POSTPONE.search(text)
    base = next((span.day for span in days if span.day is not None and match and span.start < match.start()), None)
    if match is None or base is None:
        return None
    day = _after(base, match["n"], match["unit"])
    return None if day is None else DaySpan(match.start(), match.end(), day)


def _after(day: date, count: str, unit: str, half: str | None = None) -> date | None:
    """The day that is so many units after another."""
    if count == "半":
        days = {"月": 15, "年": 182, "天": 0}.get(unit[-1])
        return None if days is None else day + timedelta(days=days)
    value = number(count)
    if value is None:
        return None
    if unit == "工作日":
        return almanac.add_workdays(day, value)
    if unit == "年":
        return _after(day, str(12 * value), "月")
    if unit == "月":
        later = almanac.in_month(day.year, day.month + value, day.day) or almanac.month_end(day.year, day.month + value)
        return later + timedelta(days=15) if half else later
    return day + (timedelta(days=value) if unit in ("天", "日") else timedelta(weeks=value))


def _ahead(match: re.Match[str], today: Today) -> DaySpan | None:
    """三天后, 一周之内, 再过十天, 再给我半个月, 一个月以后, 五个工作日内."""
    prefix, suffix, unit = match["prefix"], match["suffix"], match["unit"]
    if not prefix and not suffix and unit != "工作日" and not _is_alone(match, today.asked):
        return None
    if prefix and not suffix and "拖" in prefix and match.string[match.end() :].startswith("了"):
        return None
    if match["n"] == "两" and unit == "天" and prefix and not suffix:
        return undecided(match)
    day = _after(today.date, match["n"], unit, match["half"])
    if day is None:
        return None
    return named(match, day, latest=day) if suffix and "内" in suffix else named(match, day)


def _ago(match: re.Match[str], today: Today) -> DaySpan | None:
    """三天前, 一个礼拜之前: so far back; 三天之前 only where something was done then."""
    count = 1 if match["n"] == "半" else number(match["n"])
    if count is None or not DEALT.search(match.string, match.end()):
        return None
    if match["n"] == "半":
        day = today.date - timedelta(days={"月": 15, "年": 182}.get(match["unit"][-1], 0))
    elif match["unit"] in ("月", "年"):
        months = count * (12 if match["unit"] == "年" else 1)
        there = today.date.year, today.date.month - months
        day = almanac.in_month(*there, today.date.day) or almanac.month_end(*there)
    else:
        day = today.date - timedelta(days=count * (1 if match["unit"] in ("天", "日") else 7))
    if match["open"]:
        return DaySpan(match.start(), match.end(), None, vague=True, before=day)
    return named(match, day)


def _is_alone(match: re.Match[str], asked: bool) -> bool:
    """The stretch is all that is said: 半个月吧, or 半个月 where it was asked for. 上了半个月班 is not."""
    around = match.string[: match.start()], match.string[match.end() :]
    return (asked or any(around)) and all(_BUT_PARTICLES.fullmatch(words) for words in around)


def _between(match: re.Match[str], today: Today) -> DaySpan | None:
    """三五天, 一两个星期: from the lower to the higher."""
    low, high = number(match["low"]), number(match["high"])
    if low is None or high is None or (high - low != 1 and (low, high) != (3, 5)):
        return None
    unit = match["unit"]
    return undecided(match, _after(today.date, match["low"], unit), _after(today.date, match["high"], unit))


def _open(match: re.Match[str], today: Today) -> DaySpan:
    return undecided(match)


OPEN_PAIRS: tuple[tuple[str, Reader], ...] = (
    (
        r"(?:再)?(?:过|等|给|缓)?(?:我|个)*(?:十天半个?月|三年五载|一年半载)|(?:明|今)后(?:两|几)?天|今明(?:两)?天|"
        r"后天大后天",
        _open,
    ),
)
"""Two days in one word, read before the days they hold."""
STRETCHES: tuple[tuple[str, Reader], ...] = (
    (
        rf"(?<![第提十])(?P<n>{COUNT}|半)个?(?P<unit>天|日|周|星期|礼拜|月|年)(?:(?P<open>之前|以前)|前(?!面|后|头))",
        _ago,
    ),
    (
        rf"(?<![第十了过着住])(?:再?过|等|再等|缓|宽限)?(?:上|个|"
        rf"我)?(?P<low>[一二两三四五六七八])(?P<high>[两二三四五六七八九])个?(?P<unit>{_UNIT})"
        r"(?!没|不)(?:内|之内|以内|后|以后|之后)?",
        _between,
    ),
    (
        rf"(?P<prefix>再过|过|再?等|隔|(?:再|先)?(?:给|宽限|缓|容|延|延期|延长|推迟|晚|拖|等)(?:我|上|个|一下|到)*)?"
        rf"(?P<n>{COUNT}|半|一百|100)个?(?P<half>半)?(?P<unit>工作日|{_YEARS}|{_UNIT})(?P<suffix>之后|以后|过后|"
        r"后(?!天)|"
        r"之内|以内|内)?",
        _ahead,
    ),
)
"""Read after the days of the week and the month, whose words they share."""

OPEN_DAYS: tuple[tuple[str, Reader], ...] = (
    (
        r"(?:再?过|等|再等|缓|再缓|宽限|晚)(?:上|个|我)?(?:几|两|些|这)个?(?:天|日|周|月|星期|礼拜)|"
        r"过(?:一?阵子?|一?段时间|段日子|些日子|一?段)|(?:这|近)(?:几|两|一两|两三)[天日]|几天(?:内|之内|以内|后|"
        r"以后)?|"
        r"(?<![了过着])(?:个把|小半个?|大半个?)(?:星期|礼拜|周|月)|(?<![了过着])(?:[二三]?十来|[二三]?十几|十多|"
        r"二十多)天|"
        r"三天两头(?!打)|改天|赶明儿?|改明儿?|回头|最近几天|尽快|尽早|早日|"
        r"(?:放|到)(?:寒|暑)假(?:之后|以后|后|的时候)?|开学(?:之后|以后|后|前|那天)?",
        _open,
    ),
)
