"""Days and stretches of the week: 周五, 下周三, 下礼拜的礼拜天, 周一到周五, 周末, 这周内."""

from __future__ import annotations

import re
from datetime import timedelta

from voicebot.understanding.slots.reading import Reader, Today, named, undecided
from voicebot.understanding.slots.span import DaySpan

WEEKDAY = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, **{str(n + 1): n for n in range(7)}}
"""What a day of the week is called, as `date.weekday` counts it."""
_WEEK = timedelta(weeks=1)


def _weekday(match: re.Match[str], today: Today) -> DaySpan:
    monday = today.date - timedelta(days=today.date.weekday())
    which = (match["which"] or "").replace("个", "")
    weeks = {"": 0, "这": 0, "本": 0, "下": 1, "下下": 2, "上": -1, "上上": -2}[which]
    monday += timedelta(weeks=weeks)
    if match["day"] in ("末", "六日", "六天"):
        saturday = monday + timedelta(days=5)
        return undecided(match, saturday if weeks < 0 else max(saturday, today.date), saturday + timedelta(days=1))
    day = monday + timedelta(days=WEEKDAY[match["day"]])
    gone = day < today.date and weeks == 0
    if gone and not which:
        return named(match, day + _WEEK, before=day)
    return named(match, day, vague=gone, before=day if gone else day - _WEEK if not which else None)


def _weekdays(match: re.Match[str], today: Today) -> DaySpan | None:
    """周一到周五, 周三四: any day from the first to the last."""
    first, last = WEEKDAY[match["first"]], WEEKDAY[match["last"]]
    if last <= first:
        return None
    monday = today.date - timedelta(days=today.date.weekday())
    ahead = 1 if (match["which"] or "").startswith("下") or monday + timedelta(days=last) < today.date else 0
    start = monday + timedelta(weeks=ahead)
    return undecided(match, max(start + timedelta(days=first), today.date), start + timedelta(days=last))


def _week(match: re.Match[str], today: Today) -> DaySpan:
    monday = today.date - timedelta(days=today.date.weekday())
    weeks = {"": 0, "这": 0, "本": 0, "下": 1, "下下": 2, "上": -1}[match["which"].replace("个", "")]
    monday += timedelta(weeks=weeks)
    if match["part"] == "初":
        return undecided(match, monday, monday + timedelta(days=1))
    return undecided(match, max(monday, today.date) if weeks == 0 else monday, monday + timedelta(days=6))


WEEKS: tuple[tuple[str, Reader], ...] = (
    (
        r"(?P<which>下个?|这个?|本)?(?:周|礼拜|星期)(?P<first>[一二三四五六])(?:到|至|-|~)"
        r"(?:周|礼拜|星期)?(?P<last>[二三四五六日天])(?![点号个])",
        _weekdays,
    ),
    (
        r"(?P<which>下个?|这个?|本)?(?:周|礼拜|星期)(?P<first>[一二三四五六])、?(?P<last>[二三四五六])"
        r"(?![点号个十百千万楼块])",
        _weekdays,
    ),
    (
        r"(?:(?P<which>下下个?|下个?|上上个?|上个?|这个?|本)(?:(?:周|礼拜|星期)的?(?=周|礼拜|星期))?)?(?:周|礼拜|星期)"
        r"(?P<day>六日|六天|[一二三四五六日天末1-7])(?![个次期年])",
        _weekday,
    ),
    (
        r"(?P<which>下下个?|下个?|这个?|本|上个?|(?<!\w)(?=(?:周|礼拜|星期)[之以]?内))(?:周|礼拜|"
        r"星期)(?P<part>初)?",
        _week,
    ),
)
