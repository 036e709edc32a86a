"""What a correction replaces: 不是周五，是周四; 还一千，不对，还一千五; 周五下午两点，说错了，三点."""

from __future__ import annotations

import re

from voicebot.understanding.meaning import Context
from voicebot.understanding.slots import dates, times
from voicebot.understanding.slots.moments import find_moments

_FIX = re.compile(
    r"不是(?P<old1>[^，,。是]{1,12})[，,。]?(?:而|应该|我说的|我讲的)?是(?P<new1>.+)|"
    r"(?:不对|[说讲记看写念报](?:错|快|岔|混|反|漏|偏|串)了?|错了|(?<=[，,])等(?:等|一?下)(?=[，,])|口误|不不不?|更正一下|"
    r"改一下|"
    r"(?<![多少])算了(?=[，,]?(?:还|还是)?[\d一二两三四五六七八九十周下明后]))"
    r"[，,。]?(?:应该|我是说|我说的|我讲的|还)?是?(?P<new2>.+)|"
    r"(?P<old3>.+?)(?:[，,。]?(?:哦|啊)?(?:不不?|不对|不是)|[，,。](?:哎|呃|嗯|啊)?不[行成妥])[，,。](?:是)?(?P<new3>.+)|"
    r"(?P<old5>.+?)(?:哦|噢|喔|呃|哎|啊|诶)(?:不不?|不对|不是)(?:是|还|改)?(?P<new5>(?:大?后天|明[天儿早晚]|今[天儿晚]|[上中下]午|晚上|早上|周|礼拜|星期|"
    r"下个?[月周礼星]|[\d一二两三四五六七八九十]+[\d一二两三四五六七八九十百千万点块号:个]).*)|"
    r"(?:改成|改到|改为|换成|还是改)(?P<new4>.+?(?=[，,](?:原来|本来|原先|原定|之前)|$))"
)


def replaced(text: str) -> tuple[str, str] | None:
    """What stands before a correction, and what it puts in the place of the old; None where nothing is corrected."""
    match = _FIX.search(text)
    if match is None:
        return None
    new = next(value for name, value in match.groupdict().items() if name.startswith("new") and value)
    return match["old3"] or match["old5"] or text[: match.start("old1") if match["old1"] else match.start()], new


def with_its_day(before: str, new: str, context: Context) -> str:
    """周五下午两点，说错了，三点: a time alone, said in the place of another, stays on the day of that one."""
    today, hour = context.now.date(), context.now.hour
    if dates.find_days(new, today) or not any(clock.clock for clock in times.find_times(new, hour)):
        return new
    timed = [
        moment
        for moment in find_moments(before, dates.find_days(before, today), times.find_times(before, hour))
        if moment.day is not None and moment.clock is not None
    ]
    if not timed or timed[-1].day is None or timed[-1].clock is None:
        return new
    day, part = timed[-1].day, timed[-1].clock.part or ""
    return f"{before[day.start : day.end]}{part}{new}"
