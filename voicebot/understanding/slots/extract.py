"""Puts the finders together: which day is a promise and which a call back, what a correction replaces, what must be
asked back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from voicebot.understanding.meaning import Context, Expecting, Slot
from voicebot.understanding.numerals import latin_numbers
from voicebot.understanding.slots import amounts, dates, digits, mentions, roles, stretches, times
from voicebot.understanding.slots.instalments import instalments
from voicebot.understanding.slots.moments import CLAUSE, Moment, find_moments, in_full
from voicebot.understanding.slots.span import AmountSpan
from voicebot.understanding.slots.spelled import told_digits

_PAYING_IT = re.compile(r"(?:还|付|给|交|转|打|凑|拿|存|缴|划|补)(?:你们?|您|上|出|个|掉|得起)*(?:大概|差不多|最多)?$")
_FIX = re.compile(
    r"不是(?P<old1>[^，,。是]{1,12})[，,。]?(?:而|应该|我说的|我讲的)?是(?P<new1>.+)|"
    r"(?:不对|[说讲记看写念报](?:错|快|岔|混|反|漏|偏|串)了?|错了|(?<=[，,])等(?:等|一?下)(?=[，,])|口误|不不不?|更正一下|"
    r"改一下|"
    r"(?<![多少])算了(?=[，,]?(?:还|还是)?[\d一二两三四五六七八九十周下明后]))"
    r"[，,。]?(?:应该|我是说|我说的|我讲的|还)?是?(?P<new2>.+)|"
    r"(?P<old3>.+?)[，,。]?(?:哦|啊)?(?:不不?|不对|不是)[，,。](?:是)?(?P<new3>.+)|"
    r"(?:改成|改到|改为|换成|还是改)(?P<new4>.+?(?=[，,](?:原来|本来|原先|原定|之前)|$))"
)
_SECOND_THOUGHT = re.compile(
    r"(?:块钱?|元)?(?:吧|呗|嘛|好了)[，,。]?(?:呃|嗯|额|哎|唉|那就|还是)?[，,]?|(?:块钱?|元)?[，,](?:呃|嗯|额)[，,]?"
)
_DEBT = re.compile(r"欠|借|账单|本金|利息|罚息|违约金|你们?(?:说|要|让|叫)")


@dataclass(frozen=True)
class Values:
    """What one turn names."""

    slots: dict[str, Slot] = field(default_factory=dict)
    correction: bool = False


def extract(text: str, context: Context) -> Values:
    """Every value in the text. Where a turn corrects itself, only what stands after the correction."""
    text = latin_numbers(text)
    fixed = _correction(text, context)
    if fixed is not None:
        return fixed
    return Values(_extract(text, context))


def _correction(text: str, context: Context) -> Values | None:
    match = _FIX.search(text)
    if match is None:
        return None
    new = next(value for name, value in match.groupdict().items() if name.startswith("new") and value)
    before = match["old3"] or text[: match.start("old1") if match["old1"] else match.start()]
    slots = extract(_with_its_day(before, new, context), context).slots
    if not slots:
        return None
    return Values({**(_extract(before, context) if before else {}), **slots}, correction=True)


def _with_its_day(before: str, new: str, context: Context) -> str:
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


def _extract(text: str, context: Context) -> dict[str, Slot]:
    found: dict[str, Slot] = {}
    now = context.now
    spelled = told_digits(text, context)
    if spelled:
        found["digits"] = Slot("digits", spelled, text)
        if context.expecting is Expecting.DIGITS:
            return found
    phone = next(
        (span for span in digits.find_digits(text, 11) if len(span.digits) == 11 and span.digits[0] == "1"), None
    )
    if phone is not None:
        found["callback_number"] = Slot("callback_number", phone.digits, text[phone.start : phone.end])
    asked_when = context.expecting in (Expecting.DATE, Expecting.DATE_AND_AMOUNT)
    days = dates.find_days(text, now.date(), context.payday, asked=asked_when)
    clocks = times.find_times(text, now.hour)
    moved = stretches.postponed(text, days)
    if moved is not None:
        days = [*(span for span in days if span.start >= moved.end), moved]
    taken = (*((day.start, day.end) for day in days), *((clock.start, clock.end) for clock in clocks))
    if phone is not None:
        taken += ((phone.start, phone.end),)
    asked = context.expecting in (Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT)
    sums = amounts.find_amounts(text, context.amount_due, bare=asked, taken=taken)
    _place_moments(text, context, find_moments(text, days, clocks), sums, found)
    _place_amounts(text, context, sums, found)
    _place_mentions(text, context, found)
    return found


def _place_moments(
    text: str, context: Context, moments: Sequence[Moment], sums: Sequence[AmountSpan], found: dict[str, Slot]
) -> None:
    pays: list[Moment] = []
    idle: list[Moment] = []
    calls: list[Moment] = []
    for moment in moments:
        if roles.is_no_offer(text, moment, context):
            continue
        if roles.is_idle(text, moment, sums, context):
            idle.append(moment)
            continue
        past = roles.gone_by(text, moment, context.now)
        if past is not None:
            _add(found, _day_slot("past_date", text, past))
        elif roles.is_refused(moment) or roles.is_due(moment):
            continue
        elif roles.is_call(text, moment, sums, context):
            calls.append(moment)
        else:
            pays.append(moment)
    asked_when = context.expecting in (Expecting.DATE, Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT)
    if calls and not asked_when and not roles.is_paying(text, sums):
        calls, pays = sorted((*calls, *pays), key=lambda moment: moment.start), []
    if calls:
        _add(found, _callback_slot(text, in_full(text, roles.best_call(calls), (*calls, *idle)), context))
    chosen = roles.best_day(text, pays, context)
    if chosen is not None:
        _add(found, _day_slot("date", text, chosen))


def _words(text: str, moment: Moment) -> str:
    return text[moment.start : moment.end]


def _day_slot(name: str, text: str, moment: Moment) -> Slot:
    day = moment.day
    if day is None:
        return Slot(name, None, _words(text, moment), needs_clarification=True)
    return Slot(
        name, day.day, _words(text, moment), day.approximate, day.vague or day.day is None, day.earliest, day.latest
    )


def _callback_slot(text: str, moment: Moment, context: Context) -> Slot:
    words, now = _words(text, moment), context.now
    clock, day = moment.clock, moment.day
    if clock is not None and clock.after_minutes is not None:
        at = (now + timedelta(minutes=clock.after_minutes)).replace(second=0, microsecond=0)
        if clock.after_at_most is not None:
            last = at + timedelta(minutes=clock.after_at_most - clock.after_minutes)
            return Slot("callback_at", None, words, True, True, at, last)
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
    sooner = datetime.combine(base, clock.clock, now.tzinfo) - at
    low_at = None if clock.earliest is None else datetime.combine(base, clock.earliest, now.tzinfo) - sooner
    high_at = None if clock.latest is None else datetime.combine(base, clock.latest, now.tzinfo) - sooner
    return Slot("callback_at", at, words, clock.approximate, at <= now, low_at, high_at)


def _roll(now: datetime, clock: time) -> date:
    """Today while the time is still to come, else tomorrow."""
    return now.date() if clock > now.time() else now.date() + timedelta(days=1)


def _place_amounts(text: str, context: Context, sums: Sequence[AmountSpan], found: dict[str, Slot]) -> None:
    named = [span for span in sums if span.of_debt is None]
    parts = [span for span in sums if span.of_debt is not None]
    asked = context.expecting in (Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT)
    main = _main_amount(text, named, answering=asked or "date" in found) or next(
        (span for span in parts if span.of_debt != "rest"), None
    )
    rest = next((span for span in parts if span.of_debt == "rest"), None)
    if main is None and rest is not None:
        main, rest = rest, None
    if main is None:
        return
    words = text[main.start : main.end]
    _add(found, _amount_slot(text, main))
    if main.of_debt is not None:
        _add(found, Slot("amount_share", main.of_debt, words))
    monthly = next((span for span in named if span.monthly and span.offered), None)
    if monthly is not None:
        _add(found, replace(_amount_slot(text, monthly), name="monthly_amount"))
    if rest is not None:
        left = None
        if context.amount_due is not None and main.value is not None and main.value < context.amount_due:
            left = context.amount_due - main.value
        _add(found, Slot("remaining_amount", left, text[rest.start : rest.end], needs_clarification=left is None))


def _amount_slot(text: str, span: AmountSpan) -> Slot:
    words = text[span.start : span.end]
    return Slot("amount", span.value, words, span.approximate, span.vague, span.earliest, span.latest)


def _main_amount(text: str, spans: Sequence[AmountSpan], *, answering: bool) -> AmountSpan | None:
    """The sum the caller offers, before one they only mention (欠五千，先还一千)."""
    spans = _restated(text, spans)
    offered = [s for s in spans if s.offered]
    if not offered and answering and not _DEBT.search(text):
        offered = [s for s in spans if s.total]
    paid = [s for s in offered if _PAYING_IT.search(text[: s.start])]
    return next(iter(paid or [s for s in offered if s.sent] or offered), None)


def _restated(text: str, spans: Sequence[AmountSpan]) -> list[AmountSpan]:
    """三千吧，三千二: of two sums that stand alone one after the other, the second is the one that is meant."""
    kept = list(spans)
    for first, second in itertools.pairwise(spans):
        between = text[first.end : second.start]
        alone = not text[: first.start] or CLAUSE.fullmatch(text[first.start - 1])
        ends = second.end == len(text) or CLAUSE.match(text, second.end) or text[second.end] in "吧呗嘛"
        if alone and ends and _SECOND_THOUGHT.fullmatch(between):
            kept.remove(first)
    return kept


def _place_mentions(text: str, context: Context, found: dict[str, Slot]) -> None:
    for name, mention in (
        ("preferred_channel", mentions.preferred_channel(text)),
        ("instalments", instalments(text, bare=context.expecting is Expecting.COUNT)),
        ("name", mentions.person_name(text)),
        ("relation", mentions.relation(text)),
    ):
        if mention is not None:
            value, words = mention
            _add(found, Slot(name, value, words))


def _add(found: dict[str, Slot], slot: Slot) -> None:
    found.setdefault(slot.name, slot)
