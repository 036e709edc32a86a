"""Times of day as people say them: 下午三点半, 晚上八点, 半小时后, 明早, 三点到五点."""

from __future__ import annotations

import re
from datetime import time

from voicebot.understanding.numerals import parse_number
from voicebot.understanding.slots.routine import AFTER_A_MEAL, ROUTINE, part_of_day
from voicebot.understanding.slots.span import ClockSpan

_PARTS: dict[str, tuple[time, time]] = {
    "凌晨": (time(0), time(6)),
    "早": (time(8), time(10)),
    "上午": (time(8), time(12)),
    "中午": (time(11, 30), time(14)),
    "下午": (time(13), time(18)),
    "傍晚": (time(17), time(19)),
    "晚": (time(18), time(21, 30)),
    "半夜": (time(22), time(23, 59)),
}
"""Part of day: from when to when a person would expect the call."""
_PART_WORDS = {
    "凌晨": "凌晨",
    "清早": "早",
    "清晨": "早",
    "一大早": "早",
    "大早上": "早",
    "早上": "早",
    "早晨": "早",
    "早间": "早",
    "早": "早",
    "上午": "上午",
    "中午": "中午",
    "晌午": "中午",
    "午休": "中午",
    "下午": "下午",
    "午后": "下午",
    "后晌": "下午",
    "后半晌": "下午",
    "下半天": "下午",
    "上半天": "上午",
    "前晌": "上午",
    "头晌": "上午",
    "大清早": "早",
    "早起": "早",
    "傍晚": "傍晚",
    "傍黑": "傍晚",
    "擦黑": "傍晚",
    "夜晚": "晚",
    "晚上": "晚",
    "晚间": "晚",
    "夜里": "晚",
    "晚": "晚",
    "半夜": "半夜",
    "深夜": "半夜",
    "下班": "傍晚",
}
_PART = (
    "(?P<part>凌晨|大清早|清早|清晨|一大早|大早上|早上|早晨|早间|早起(?!床)|上午|上半天|前晌|头晌(?!午)|中午|晌午|午休|"
    "下午|下半天|午后|后半晌|后晌|傍晚|傍黑|擦黑|晚上|夜晚|晚间|夜里|半夜|深夜|(?<=[今明后昨听天儿])[早晚]|"
    "(?:(?<=[周期拜][一二三四五六日天])|(?<=[号日]))[早晚](?!一?[点些]|[了两几会上就已都该晚]))"
)
_PART_OR_ROUTINE = f"(?:{_PART}的?|(?P<routine>{ROUTINE}))?"
_N = r"(?:\d{1,2}|二?十[一二三四五六七八九]?|[一二两三四五六七八九])"
_MIN = r"(?:\d{1,2}|[二三四五]?十[一二三四五六七八九]?|零[一二三四五六七八九]|[一二三四五六七八九])"
_CLOCK = re.compile(
    rf"{_PART_OR_ROUTINE}(?:差(?P<short>一刻|{_MIN}分钟?)(?:钟|到)?)?(?P<hour>{_N})(?:点(?!{_N}*[万亿])钟?|点来钟|来点钟?|:|：)(?P<minute>半|一刻|三刻|"
    rf"[搭踏]?(?P<fives>[一二两三四五六七八九]|十一?)(?:个字|(?<=[搭踏].)(?![分点]))|(?:过|零)?{_MIN}(?!\d)分?(?![个点天号百千万块元])|\d\d|差(?P<to>一刻|{_MIN}分)钟?)?(?P<many>多)?(?:左右|前后)?"
)
_RANGE = re.compile(
    rf"{_PART_OR_ROUTINE}(?:(?P<first>{_N})(?:点钟?)?(?P<half>半)?(?:到|至|或者?|、|-|~)(?P<last>{_N})点|"
    rf"(?P<low>[一二两三四五六七八九十])(?P<high>[一二三四五六七八九])点)"
)
_AGO = r"(?P<ago>多?(?:之前|以前|前(?![后面头])))"
_AFTER_SOME = re.compile(
    r"(?:再?过|等|再等|隔)?(?:(?P<some>个把|一两个|两三个|三四个|几个)(?:小时|钟头)|半个来(?:小时|钟头)|(?P<few>几|一二十|二三十|十来|十几)分钟)"
    rf"(?:之后|以后|后|{_AGO})?"
)
_AFTER = re.compile(
    rf"(?:再?过|等|再等|隔)?(?:(?P<hours>{_N}|[俩仨半]|个(?=半))个?(?:半|(?P<over>多|来))?(?:小时|钟头|点钟|(?<=[个半])钟(?!头))(?P<extra>半)?(?:[零又加外带]*(?P<more>{_MIN})分钟?)?|"
    rf"(?P<minutes>\d{{1,3}}|{_MIN}|一百二十|九十)分钟|(?P<quarter>[一两三]刻钟)|"
    r"(?P<fives>[一二两三四五六七八九]|十一?)个字(?:(?=[之以]?后)|(?<=[过等].个字)))"
    rf"(?:(?P<suffix>之后|以后|后|左右)|{_AGO})?"
)
_PART_ONLY = re.compile(rf"(?P<routine>{AFTER_A_MEAL})|{_PART}")
_SOME = {
    "个把": (60, 120),
    "一两个": (60, 120),
    "两三个": (120, 180),
    "三四个": (180, 240),
    "几个": (120, 300),
    "几": (5, 10),
    "一二十": (10, 20),
    "二三十": (20, 30),
    "十来": (10, 15),
    "十几": (10, 20),
}
"""From and to how many minutes."""
_EARLIEST = 5  # the hour from which something that is over in the morning tells of the morning
_ROUGH = re.compile(r"左右|前后|多")


def find_times(text: str, hour_now: int) -> list[ClockSpan]:
    """Every time of day in the text, in order. `hour_now` settles 八点 said in the afternoon without a part of day."""
    taken: list[ClockSpan] = []
    for pattern, read in (
        (_RANGE, _read_range),
        (_CLOCK, _read_clock),
        (_AFTER_SOME, _read_after_some),
        (_AFTER, _read_after),
        (_PART_ONLY, _read_part),
    ):
        for match in pattern.finditer(text):
            if any(match.start() < span.end and span.start < match.end() for span in taken):
                continue
            span = read(match, hour_now)
            if span is not None:
                taken.append(span)
    return sorted(taken, key=lambda span: span.start)


def _hour(number: int, part: str | None, hour_now: int) -> tuple[int, bool]:
    """The hour on a 24-hour clock, and whether it falls on the next day."""
    if part in ("下午", "傍晚", "晚", "半夜") or (part == "中午" and number < 11):
        if number == 12 and part in ("晚", "半夜"):
            return 0, True
        return (number + 12 if number < 12 else number), False
    if part is not None or number >= 12:
        return number % 24, False
    if number < 8 or (number <= hour_now and number + 12 <= 22):
        return number + 12, False
    return number, False


def _minute(word: str | None) -> int:
    if not word:
        return 0
    fixed = {"半": 30, "一刻": 15, "三刻": 45}.get(word)
    if fixed is not None:
        return fixed
    value = parse_number(word.strip("过零分") or "零")
    return int(value) if value is not None and value < 60 else 0


def _part(match: re.Match[str]) -> str | None:
    word = _part_word(match)
    return _PART_WORDS[word] if word else None


def _part_word(match: re.Match[str]) -> str | None:
    """The part of day in the words, or the one that an errand tells (吃完午饭一点半); 送完孩子两点 is no morning."""
    if not match["routine"]:
        return match["part"]
    told = part_of_day(match["routine"])
    hour = parse_number(match.groupdict().get("hour") or "九")
    return None if told == "早上" and hour is not None and hour < _EARLIEST else told


def _read_clock(match: re.Match[str], hour_now: int) -> ClockSpan | None:
    number = parse_number(match["hour"])
    if number is None or number > 24 or (match["hour"] == "一" and _is_a_little(match)):
        return None
    part = _part(match)
    hour, next_day = _hour(int(number), part, hour_now)
    fives = 5 * int(parse_number(match["fives"]) or 0) if match["fives"] else None
    clock = time(hour, fives or (0 if match["to"] else _minute(match["minute"])))
    if (short := match["short"] or match["to"]) is not None:
        minutes = hour * 60 - _minute(short.rstrip("钟"))
        clock = time(minutes // 60 % 24, minutes % 60)
    rough = bool(_ROUGH.search(match[0]))
    half_day = hour - int(number)
    early = clock.replace(hour=(clock.hour - half_day) % 24) if part is None and 8 <= number < hour else None
    word = _part_word(match)
    return ClockSpan(match.start(), match.end(), clock, next_day, approximate=rough, part=word, early=early)


def _is_a_little(match: re.Match[str]) -> bool:
    """早一点, 晚一点, 一点都不, 快一点: a little, not one o'clock."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    if match["part"] and match["part"] not in ("早", "晚"):
        return False
    if match["minute"] or match["routine"] or match[0].endswith("钟"):
        return False
    return (
        bool(re.search(r"[早晚快慢少多好大小有便]$", before))
        or not re.match(r"[再打给联到左前之以吧后，。]|$", after)
        or match["part"] is not None
    )


def _read_range(match: re.Match[str], hour_now: int) -> ClockSpan | None:
    low, high = match["first"] or match["low"], match["last"] or match["high"]
    first, last = parse_number(low), parse_number(high)
    if first is None or last is None or max(first, last) > 24 or (match["low"] and last != first + 1 and low != "十"):
        return None
    if match["low"] == "十":
        return None
    part = _part(match)
    begin, next_day = _hour(int(first), part, hour_now)
    finish, _ = _hour(int(last), part, hour_now)
    if finish < begin and finish + 12 < 24:
        finish += 12
    start = time(begin, 30 if match["half"] else 0)
    early = start.replace(hour=int(first)) if part is None and 8 <= first < begin else None
    word = _part_word(match)
    return ClockSpan(
        match.start(), match.end(), start, next_day, start, time(finish), approximate=True, part=word, early=early
    )


def _read_after(match: re.Match[str], hour_now: int) -> ClockSpan | None:
    if match["quarter"]:
        minutes = 15 * int(parse_number(match["quarter"][0]) or 1)
    elif match["fives"]:
        minutes = 5 * int(parse_number(match["fives"]) or 0)
    elif match["minutes"]:
        value = parse_number(match["minutes"])
        minutes = int(value) if value is not None else 0
    else:
        hours = match["hours"]
        value = parse_number({"个": "一"}.get(hours, hours)) if hours != "半" else None
        minutes = 30 if hours == "半" else int(value or 0) * 60
        if "个半" in match[0] or match["extra"]:
            minutes += 30
        minutes += int(parse_number(match["more"]) or 0) if match["more"] else 0
    if minutes <= 0:
        return None
    if match["ago"]:
        minutes = -minutes
    return ClockSpan(
        match.start(),
        match.end(),
        None,
        after_minutes=minutes,
        approximate=bool(match["over"]) or match["suffix"] == "左右",
    )


def _read_after_some(match: re.Match[str], hour_now: int) -> ClockSpan:
    low, high = _SOME.get(match["some"] or match["few"], (30, 45))
    if match["ago"]:
        low, high = -high, -low
    return ClockSpan(match.start(), match.end(), None, after_minutes=low, after_at_most=high, approximate=True)


def _read_part(match: re.Match[str], hour_now: int) -> ClockSpan | None:
    word = _part_word(match)
    if word is None:
        return None
    earliest, latest = _PARTS[_PART_WORDS[word]]
    return ClockSpan(match.start(), match.end(), None, earliest=earliest, latest=latest, part=word)
