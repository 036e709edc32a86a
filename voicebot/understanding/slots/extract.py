"""Puts the finders together: which day is a promise and which a call back, what a correction replaces, what must be
asked back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from voicebot.understanding.meaning import Context, Expecting, Slot
from voicebot.understanding.slots import amounts, dates, digits, mentions, times
from voicebot.understanding.slots.span import AmountSpan, ClockSpan, DaySpan

_CLAUSE = re.compile(r"[，,。！!？?；;\s]+")
_PAYING = re.compile(
    r"还(?!是|有|没|在|得再缓|要不要)|付|交钱|交上|转(?!人工|接|告)|打(?:给你们?)?钱|打款|打过去|"
    r"转过去|把.{0,8}(?:打|转|存)|凑|发工资|到账|存进|存上|缴|结清|结账|一次性|处理掉|弄好|"
    r"给你们?(?:钱|补|[打转汇存])|[打转汇存](?=[\d一二两三四五六七八九十])|补上|扣款|划扣"
)
_CALLING = re.compile(
    r"打(?:电话|过来|给我|来|吧)|再打|联系|再说|再聊|再谈|聊|回电|回拨|来电|有空|有时间|方便|下班|找我|"
    r"打(?:$|行|好|可以|我)|call|回你们?|给我(?:来|回|个)|通话|接电话|忙完",
    re.I,
)
_FIX = re.compile(
    r"不是(?P<old1>[^，,。是]{1,12})[，,。]?(?:而|应该|我说的)?是(?P<new1>.+)|(?:不对|说错了?|错了|"
    r"口误|记错了?|不不不?|更正一下|改一下)[，,。]?(?:应该|我是说|我说的|还)?是?(?P<new2>.+)|"
    r"(?P<old3>.+?)[，,。]?(?:哦|啊)?(?:不不?|不对|不是)[，,。](?:是)?(?P<new3>.+)|(?:改成|改到|改为|"
    r"换成|还是改)(?P<new4>.+)"
)
_LAST_FOUR = re.compile(r"(?:最后|后|末)四位(?:数字?)?(?:就?是|为|：|:)?")
_NAMES_DIGITS = re.compile(r"尾号|身份证")
_IN_WORDS = re.compile(r"[^\d零〇一二三四五六七八九十\s]")
"""A day by its name (周五, 三号) rather than digits that could be one."""
_OR = re.compile(r"^(?:还是|或者?|要么|、|，要么)+$")


@dataclass(frozen=True)
class Values:
    """What one turn names."""

    slots: dict[str, Slot] = field(default_factory=dict)
    correction: bool = False


@dataclass(frozen=True)
class _Moment:
    """A day with its time of day, as one stretch of text."""

    start: int
    end: int
    day: DaySpan | None
    clock: ClockSpan | None


def extract(text: str, context: Context) -> Values:
    """Every value in the text. Where a turn corrects itself, only what stands after the correction."""
    fixed = _correction(text, context)
    if fixed is not None:
        return fixed
    return Values(_extract(text, context))


def _correction(text: str, context: Context) -> Values | None:
    match = _FIX.search(text)
    if match is None:
        return None
    new = next(value for name, value in match.groupdict().items() if name.startswith("new") and value)
    slots = extract(new, context).slots
    if not slots:
        return None
    old = (
        _extract(text[: match.start("old1")] if match["old1"] else text[: match.start()], context)
        if match.start()
        else {}
    )
    return Values({**old, **slots}, correction=True)


def _extract(text: str, context: Context) -> dict[str, Slot]:
    found: dict[str, Slot] = {}
    now = context.now
    spelled = _spelled(text, context)
    if spelled:
        found["digits"] = Slot("digits", spelled, text)
        if context.expecting is Expecting.DIGITS:
            return found
    phone = next(
        (span for span in digits.find_digits(text, 11) if len(span.digits) == 11 and span.digits[0] == "1"), None
    )
    if phone is not None:
        found["callback_number"] = Slot("callback_number", phone.digits, text[phone.start : phone.end])
    days = dates.find_days(text, now.date(), context.payday)
    clocks = times.find_times(text, now.hour)
    moved = dates.postponed(text, days)
    if moved is not None:
        days = [*(span for span in days if span.start >= moved.end), moved]
    taken = (*((day.start, day.end) for day in days), *((clock.start, clock.end) for clock in clocks))
    if phone is not None:
        taken += ((phone.start, phone.end),)
    _place_moments(text, context, _moments(text, days, clocks), found)
    asked = context.expecting in (Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT)
    sums = amounts.find_amounts(text, context.amount_due, bare=asked, taken=taken)
    _place_amounts(text, context, sums, found)
    _place_mentions(text, context, found)
    return found


def _spelled(text: str, context: Context) -> str:
    """The digits somebody tells, where they were asked for or are called by their name; empty where there are none."""
    asked = context.expecting is Expecting.DIGITS
    introduced = _LAST_FOUR.search(text)
    if introduced is None and not _NAMES_DIGITS.search(text) and (not asked or _PAYING.search(text)):
        return ""
    found = dates.find_days(text, context.now.date(), context.payday)
    days = [day for day in found if _IN_WORDS.search(text[day.start : day.end])]
    spans = [
        span
        for span in digits.find_digits(text, 1 if asked else 3)
        if not any(day.start < span.end and span.start < day.end for day in days)
    ]
    best = max(spans, key=lambda span: len(span.digits), default=None)
    if introduced is not None:
        named = (span for span in spans if span.start >= introduced.end() and len(span.digits) == 4)
        best = next(named, best)
    if best is None or len(best.digits) < 4:
        best = digits.digits_of_number(text) or best
    if best is None:
        return ""
    if asked and len(spans) > 1 and len(best.digits) < 4:
        return "".join(span.digits for span in spans)
    return best.digits


def _moments(text: str, days: Sequence[DaySpan], clocks: Sequence[ClockSpan]) -> list[_Moment]:
    """Joins 明天 with 下午三点; a part of day (下午) with the clock that follows it in the same breath."""
    merged = _join_clocks(text, list(clocks))
    moments: list[_Moment] = []
    for day in days:
        follower = next(
            (
                clock
                for clock in merged
                if 0 <= clock.start - day.end <= 2 and not _CLAUSE.search(text[day.end : clock.start])
            ),
            None,
        )
        if follower is None:
            follower = next(
                (clock for clock in merged if 0 <= day.start - clock.end <= 1 and clock.after_minutes is None), None
            )
        if follower is not None:
            merged.remove(follower)
            moments.append(_Moment(min(day.start, follower.start), max(day.end, follower.end), day, follower))
        else:
            moments.append(_Moment(day.start, day.end, day, None))
    moments += [_Moment(clock.start, clock.end, None, clock) for clock in merged]
    return sorted(moments, key=lambda moment: moment.start)


def _join_clocks(text: str, clocks: list[ClockSpan]) -> list[ClockSpan]:
    kept: list[ClockSpan] = []
    for clock in clocks:
        before = kept[-1] if kept else None
        if (
            before is not None
            and before.clock is None
            and before.after_minutes is None
            and clock.clock is not None
            and clock.start - before.end <= 4
        ):
            again = times.find_times(f"{before.part}{text[clock.start : clock.end]}", 0)
            if again and again[0].clock is not None:
                kept[-1] = replace(again[0], start=before.start, end=clock.end)
                continue
        kept.append(clock)
    return kept


def _clause_of(text: str, start: int, end: int) -> str:
    left = max((match.end() for match in _CLAUSE.finditer(text, 0, start)), default=0)
    right = next((match.start() for match in _CLAUSE.finditer(text, end)), len(text))
    return text[left:right]


def _place_moments(text: str, context: Context, moments: Sequence[_Moment], found: dict[str, Slot]) -> None:
    pays: list[_Moment] = []
    calls: list[_Moment] = []
    for moment in moments:
        if _is_idle(text, moment, context):
            continue
        if _is_past(moment, context.now.date()):
            _add(found, _day_slot("past_date", text, moment))
        elif _is_call(text, moment, context):
            calls.append(moment)
        else:
            pays.append(moment)
    if calls:
        _add(found, _callback_slot(text, _best_call(text, calls), context))
    chosen = _best_day(text, pays, context)
    if chosen is not None:
        _add(found, _day_slot("date", text, chosen))


def _is_idle(text: str, moment: _Moment, context: Context) -> bool:
    """今天晚上吃火锅吗: a part of day beside other business, when nothing was asked, names no time for us."""
    clock = moment.clock
    if clock is None or clock.clock is not None or clock.after_minutes is not None:
        return False
    clause = _clause_of(text, moment.start, moment.end)
    if context.expecting is not Expecting.NOTHING or len(clause) - (moment.end - moment.start) <= 2:
        return False
    return not (_CALLING.search(text) or _PAYING.search(text) or re.search(r"闲|在家|休息|可以|行吗", clause))


def _is_past(moment: _Moment, today: date) -> bool:
    day = moment.day
    if day is None:
        return False
    last = day.day or day.latest
    return last is not None and last < today and not day.vague


def _is_call(text: str, moment: _Moment, context: Context) -> bool:
    clause = _clause_of(text, moment.start, moment.end)
    if _CALLING.search(clause) and not re.search(r"还(?:款|钱|你|上|清|\d|[一二两三四五六七八九十])|打钱|打款", clause):
        return True
    if _PAYING.search(clause):
        return False
    has_clock = moment.clock is not None
    if context.expecting is Expecting.TIME:
        return True
    if context.expecting in (Expecting.DATE, Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT):
        return False
    if _CALLING.search(text) and not _PAYING.search(text):
        return True
    return has_clock and not _PAYING.search(text)


def _best_call(text: str, calls: Sequence[_Moment]) -> _Moment:
    return max(
        calls,
        key=lambda moment: (
            moment.clock is not None and (moment.clock.clock is not None or moment.clock.after_minutes is not None),
            moment.clock is not None,
            moment.day is not None,
            -moment.start,
        ),
    )


def _best_day(text: str, moments: Sequence[_Moment], context: Context) -> _Moment | None:
    usable = [moment for moment in moments if moment.day is not None]
    if not usable:
        return None
    paying = [m for m in usable if (m.day is not None and m.day.now is False) or _pays_now(text, m, context)]
    if not paying:
        return None
    pool = [m for m in paying if m.day is not None and not m.day.payday] or paying
    for first, second in itertools.pairwise(pool):
        between = text[first.end : second.start]
        if first.day and second.day and (_OR.match(between) or (not between and first.day.day != second.day.day)):
            ends = [end for span in (first.day, second.day) for end in (span.day, span.earliest, span.latest) if end]
            if not ends:
                continue
            low, high = min(ends), max(ends)
            both = DaySpan(first.start, second.end, None, low, high, approximate=True, vague=True)
            return _Moment(first.start, second.end, both, None)
    exact = [m for m in pool if m.day is not None and m.day.day is not None and not m.day.vague and not m.day.now]
    with_verb = [m for m in exact if re.search(r"还|付|清|给", _clause_of(text, m.start, m.end))]
    chosen = with_verb or exact or pool
    moved_on = len(exact) > 1 and re.search(r"上次|之前说|原来|本来|说好|约好|上回|原定", text)
    return exact[-1] if moved_on else chosen[0]


def _pays_now(text: str, moment: _Moment, context: Context) -> bool:
    """现在只能先还三百 pays today; 我现在没钱 does not."""
    after = text[moment.end :]
    if context.expecting in (Expecting.DATE, Expecting.DATE_AND_AMOUNT) and len(text) <= moment.end - moment.start + 2:
        return True
    clause = _CLAUSE.split(after)[0]
    return bool(
        re.match(
            r"(?:我)?(?:就|只能|最多|可以|能|先|去|给你|给你们|就能|只|马上|就去|就给|想|手头能)*(?:还|"
            r"付|转|打钱|打款|交|缴|存)(?!不|没|多少|能)",
            clause,
        )
    )


def _words(text: str, moment: _Moment) -> str:
    return text[moment.start : moment.end]


def _day_slot(name: str, text: str, moment: _Moment) -> Slot:
    day = moment.day
    if day is None:
        return Slot(name, None, _words(text, moment), needs_clarification=True)
    return Slot(
        name, day.day, _words(text, moment), day.approximate, day.vague or day.day is None, day.earliest, day.latest
    )


def _callback_slot(text: str, moment: _Moment, context: Context) -> Slot:
    words, now = _words(text, moment), context.now
    clock, day = moment.clock, moment.day
    if clock is not None and clock.after_minutes is not None:
        at = (now + timedelta(minutes=clock.after_minutes)).replace(second=0, microsecond=0)
        return Slot("callback_at", at, words, clock.approximate)
    on = day.day if day is not None else None
    if day is not None and on is None:
        earliest = None if day.earliest is None else datetime.combine(day.earliest, time(8), now.tzinfo)
        latest = None if day.latest is None else datetime.combine(day.latest, time(22), now.tzinfo)
        return Slot("callback_at", None, words, True, True, earliest, latest)
    if clock is None or (clock.clock is None and clock.earliest is None):
        base = on or now.date()
        return Slot(
            "callback_at",
            None,
            words,
            True,
            True,
            datetime.combine(base, time(8), now.tzinfo),
            datetime.combine(base, time(22), now.tzinfo),
        )
    if clock.clock is None:
        base = on or _roll(now, clock.latest or time(23, 59))
        low, high = clock.earliest or time(8), clock.latest or time(22)
        return Slot(
            "callback_at",
            None,
            words,
            True,
            True,
            datetime.combine(base, low, now.tzinfo),
            datetime.combine(base, high, now.tzinfo),
        )
    base = on or _roll(now, clock.clock)
    if clock.next_day:
        base += timedelta(days=1)
    said = clock.early if clock.early is not None and base > now.date() else clock.clock
    at = datetime.combine(base, said, now.tzinfo)
    low_at = None if clock.earliest is None else datetime.combine(base, clock.earliest, now.tzinfo)
    high_at = None if clock.latest is None else datetime.combine(base, clock.latest, now.tzinfo)
    return Slot("callback_at", at, words, clock.approximate, at <= now, low_at, high_at)


def _roll(now: datetime, clock: time) -> date:
    """Today while the time is still to come, else tomorrow."""
    return now.date() if clock > now.time() else now.date() + timedelta(days=1)


def _place_amounts(text: str, context: Context, sums: Sequence[AmountSpan], found: dict[str, Slot]) -> None:
    named = [span for span in sums if span.of_debt is None]
    parts = [span for span in sums if span.of_debt is not None]
    main = _main_amount(text, named) or next((span for span in parts if span.of_debt != "rest"), None)
    rest = next((span for span in parts if span.of_debt == "rest"), None)
    if main is None and rest is not None:
        main, rest = rest, None
    if main is None:
        return
    words = text[main.start : main.end]
    slot = Slot("amount", main.value, words, main.approximate, main.vague, main.earliest, main.latest)
    _add(found, slot)
    if main.of_debt is not None:
        _add(found, Slot("amount_share", main.of_debt, words))
    if main.monthly:
        _add(found, replace(slot, name="monthly_amount"))
    if rest is not None:
        left = None
        if context.amount_due is not None and main.value is not None and main.value < context.amount_due:
            left = context.amount_due - main.value
        _add(found, Slot("remaining_amount", left, text[rest.start : rest.end], needs_clarification=left is None))


def _main_amount(text: str, spans: Sequence[AmountSpan]) -> AmountSpan | None:
    """The sum the caller offers, before one they only mention (欠五千，先还一千)."""
    offered = [
        s
        for s in spans
        if re.search(
            r"(?:还|付|给|交|转|打|凑|拿|存|缴)(?:你们?|您|上|出|个|掉|得起)*(?:大概|差不多|最多)?$", text[: s.start]
        )
        and not re.search(r"(?:欠|借|该)[^，,]{0,4}$", text[: s.start])
    ]
    pool = offered or list(spans)
    return pool[0] if pool else None


def _place_mentions(text: str, context: Context, found: dict[str, Slot]) -> None:
    for name, mention in (
        ("preferred_channel", mentions.preferred_channel(text)),
        ("instalments", mentions.instalments(text, bare=context.expecting is Expecting.COUNT)),
        ("name", mentions.person_name(text)),
        ("relation", mentions.relation(text)),
    ):
        if mention is not None:
            value, words = mention
            _add(found, Slot(name, value, words))


def _add(found: dict[str, Slot], slot: Slot) -> None:
    found.setdefault(slot.name, slot)
