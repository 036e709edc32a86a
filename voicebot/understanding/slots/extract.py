"""Puts the finders together: which day is a promise and which a call back, what a correction replaces, what must be
asked back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from voicebot.understanding.meaning import Context, Expecting, Slot
from voicebot.understanding.numerals import latin_numbers
from voicebot.understanding.slots import (
    amounts,
    callbacks,
    corrections,
    dates,
    digits,
    gone,
    mentions,
    roles,
    stretches,
    times,
)
from voicebot.understanding.slots.instalments import instalments
from voicebot.understanding.slots.moments import Moment, find_moments
from voicebot.understanding.slots.offers import least, main_amount
from voicebot.understanding.slots.span import AmountSpan
from voicebot.understanding.slots.spelled import told_digits
from voicebot.understanding.slots.vernacular import in_plain_words


@dataclass(frozen=True)
class Values:
    """What one turn names."""

    slots: dict[str, Slot] = field(default_factory=dict)
    correction: bool = False


def extract(text: str, context: Context) -> Values:
    """Every value in the text. Where a turn corrects itself, only what stands after the correction."""
    text = in_plain_words(latin_numbers(text))
    fix = corrections.replaced(text)
    if fix is not None:
        before, new = fix
        slots = extract(corrections.with_its_day(before, new, context), context).slots
        if slots:
            return Values({**(_extract(before, context) if before else {}), **slots}, correction=True)
    return Values(_extract(text, context))


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
    _place_mentions(text, context, found)
    _place_amounts(text, context, sums, found)
    return found


def _place_moments(
    text: str, context: Context, moments: Sequence[Moment], sums: Sequence[AmountSpan], found: dict[str, Slot]
) -> None:
    pays: list[Moment] = []
    idle: list[Moment] = []
    calls: list[Moment] = []
    for moment in moments:
        if callbacks.is_no_offer(text, moment, context):
            if callbacks.keeps_its_day(moment, refused=False):
                idle.append(moment)
            continue
        if callbacks.is_idle(text, moment, sums, context):
            idle.append(moment)
            continue
        past = gone.gone_by(text, moment, context.now)
        if past is not None:
            _add(found, _day_slot("past_date", text, past))
        elif moment.clock is not None and moment.clock.ago:
            continue
        elif (refused := roles.is_refused(moment)) or roles.is_due(text, moment):
            if callbacks.keeps_its_day(moment, refused=refused):
                idle.append(moment)
        elif callbacks.is_call(text, moment, sums, context):
            calls.append(moment)
            if moment.exact and callbacks.pays_too(text, moment):
                pays.append(moment)
        else:
            pays.append(moment)
    asked_when = context.expecting in (Expecting.DATE, Expecting.AMOUNT, Expecting.DATE_AND_AMOUNT)
    if calls and not asked_when and not callbacks.is_paying(text, sums):
        calls, pays = sorted((*calls, *pays), key=lambda moment: moment.start), []
    if calls:
        _add(found, _callback_slot(text, callbacks.in_full(text, callbacks.best_call(calls), (*calls, *idle)), context))
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
    answering = asked or "date" in found or "past_date" in found
    main = main_amount(text, named, answering=answering, taken="past_date" in found) or next(
        (span for span in parts if span.of_debt != "rest"), None
    )
    if main is None and "instalments" in found:
        main = main_amount(text, named, answering=answering, in_parts=True)
    if main is not None and main.of_debt == "minimum" and main.value is None:
        main = least(text, named) or main
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
