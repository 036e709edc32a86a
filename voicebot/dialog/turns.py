"""What one turn of the caller sets going: the route that leads, what is answered on the way, what is only noted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from voicebot.dialog.events import Heard
from voicebot.dialog.facts import FactKind
from voicebot.dialog.flow import Flow, Route, State
from voicebot.dialog.priority import ANY_CONFIDENCE, GRAVE, WORSENING, acts_from, in_order, tells
from voicebot.dialog.reasons import SLOTS_UNCLEAR, Reason, named
from voicebot.dialog.state import DialogState, Kept
from voicebot.dialog.wording import SLOTS
from voicebot.understanding.meaning import Answer, Meaning, Mood, SlotValue

DISTRESSED_FROM = 0.6
"""Distress of a turn from which it counts as crying_distress, whatever its words."""

MOOD_FROM = 0.5
"""Intensity from which a mood can take a route."""

_WEIGHT = {Mood.CALM: 0, Mood.CONFUSED: 1, Mood.ANNOYED: 2, Mood.AFRAID: 2, Mood.ANGRY: 3, Mood.DISTRESSED: 3}

_ANSWERS = {Answer.YES: "affirms", Answer.NO: "denies", Answer.UNSURE: "unsure"}
_NOISE = frozenset({"asr_noise", "dtmf_choice", "silence"})


def worsens(moods: tuple[str, ...]) -> bool:
    """Whether the last two turns (oldest first) were annoyed, afraid, angry or distressed, and the later no better."""
    weights = [_WEIGHT[Mood(mood)] for mood in moods[-2:]]
    return len(weights) == 2 and 2 <= weights[0] <= weights[1]


@dataclass(frozen=True)
class Placement:
    """A route, and the sheet it belongs to."""

    sheet: str
    route: Route
    own: bool
    """True when the state itself has it, False when an `always` has it."""


@dataclass(frozen=True)
class SlotAnswer:
    """The turn told what the state wants to know, or tried to."""

    values: Mapping[str, Kept]
    """New values; empty when the words name no usable one."""


@dataclass(frozen=True)
class Reading:
    """A turn, as the flow takes it."""

    lead: Placement | SlotAnswer | None
    """None when nothing here answers it: `else`."""
    why: Reason
    asides: tuple[Placement, ...] = ()
    notes: tuple[str, ...] = ()


def usable_slots(meaning: Meaning) -> dict[str, Kept]:
    """Slots whose value can be booked, each in the type its kind has."""
    found: dict[str, Kept] = {}
    for name, slot in meaning.slots.items():
        kind = SLOTS.get(name)
        if kind is None or slot.value is None or slot.needs_clarification:
            continue
        value = _typed(kind, slot.value)
        if value is not None:
            found[name] = Kept(value, slot.text or meaning.raw, slot.approximate)
    return found


_BARE_WEEKDAY = re.compile(r"(?<![下这本上个])(?:星期|周|礼拜)[一二三四五六日天]", re.IGNORECASE)
_ENGLISH_WEEKDAY = re.compile(r"^(?!.*(?:next|this)).*(?:mon|tues|wednes|thurs|fri|satur|sun)day", re.IGNORECASE)


def corrected(before: Kept | None, after: Kept) -> Kept:
    """A weekday that corrects a date stays in its week: 不是周五，是周四, said of next Friday, is next Thursday."""
    if before is None or isinstance(before.value, datetime) or isinstance(after.value, datetime):
        return after
    if not isinstance(before.value, date) or not isinstance(after.value, date):
        return after
    if not (_BARE_WEEKDAY.search(after.words) or _ENGLISH_WEEKDAY.search(after.words)):
        return after
    shift = after.value.weekday() - before.value.weekday()
    return Kept(before.value + timedelta(days=shift), after.words, after.approximate)


def _typed(kind: FactKind, value: SlotValue) -> SlotValue | None:
    match kind:
        case FactKind.DATE:
            if isinstance(value, datetime):
                return value.date()
            return value if isinstance(value, date) else None
        case FactKind.MONEY:
            return value if isinstance(value, Decimal) else Decimal(value) if isinstance(value, int) else None
        case FactKind.TIME:
            return value if isinstance(value, datetime) else None
        case FactKind.COUNT:
            return value if isinstance(value, int) else int(value) if isinstance(value, Decimal) else None
        case FactKind.DIGITS:
            return "".join(character for character in str(value) if character.isdigit()) or None
        case _:
            return str(value)


def intents_of(heard: Heard, priority: tuple[str, ...], *, right_party: bool) -> tuple[str, ...]:
    """Intents that may act, the most pressing first. `right_party`: whether the debtor was verified in this call."""
    named = [
        score.id
        for score in heard.meaning.intents
        if score.id not in _NOISE and score.confidence >= acts_from(score.id, right_party=right_party)
    ]
    if heard.meaning.sentiment.distress >= DISTRESSED_FROM and not {"self_harm_risk", "crying_distress"} & set(named):
        named.append("crying_distress")
    if not heard.confident:
        named = [name for name in named if name in ANY_CONFIDENCE]
    return in_order(tuple(named), priority)


def placements(flow: Flow, state: DialogState, spec: State) -> Iterator[Placement]:
    """Routes that hold here, the nearest first."""
    top = state.stack[-1].flow
    for route in spec.routes:
        yield Placement(top, route, own=True)
    for sheet, route in flow.scope(tuple(frame.flow for frame in state.stack)):
        yield Placement(sheet, route, own=False)


@dataclass(frozen=True)
class Turn:
    """One heard turn in the state it was heard in."""

    flow: Flow
    state: DialogState
    spec: State
    heard: Heard

    def read(self) -> Reading:
        """Documented order: pressing intents; the state's own intents; what leads away from here; the slots asked for;
        yes, no, unsure; other intents; bare answers; interruption and mood; otherwise nothing."""
        intents = intents_of(self.heard, self.flow.priority, right_party=self.state.right_party)
        present = self._present(intents)
        fresh = usable_slots(self.heard.meaning) if self.heard.confident else {}
        held = list(placements(self.flow, self.state, self.spec))
        lead, why = self._lead(intents, present, fresh, held)
        asides: list[Placement] = []
        notes: list[str] = []
        led_by = lead.route if isinstance(lead, Placement) else None
        for intent in intents:
            other = _find(intent, present, held)
            if other is None or other.route is led_by:
                continue
            if other.route.is_aside and not other.own and lead is not None and not GRAVE & set(intents):
                asides.extend([other] if other not in asides else [])
            if other.route.note:
                notes.append(other.route.note)
        return Reading(lead, why, tuple(asides), tuple(dict.fromkeys(notes)))

    def _present(self, intents: tuple[str, ...]) -> frozenset[str]:
        present = set(intents)
        meaning = self.heard.meaning
        if self.heard.confident and meaning.answer is not None:
            present.add(_ANSWERS[meaning.answer])
        if self.heard.interrupted_line is not None:
            present.add("interrupted")
        if meaning.sentiment.intensity >= MOOD_FROM:
            present.add(f"mood {meaning.sentiment.mood.value}")
        if worsens(self.state.moods):
            present.add(WORSENING)
        return frozenset(present)

    def _lead(
        self,
        intents: tuple[str, ...],
        present: frozenset[str],
        fresh: Mapping[str, Kept],
        held: list[Placement],
    ) -> tuple[Placement | SlotAnswer | None, Reason]:
        wanted = self._wanted()
        telling = {intent for intent in intents if any(tells(slot, intent) for slot in wanted)}
        corrects = bool(self.spec.confirming) and self._slot_answer(wanted, fresh, telling) is not None
        pressing = [
            intent
            for intent in intents
            if intent in self.flow.priority and not (corrects and intent == "deny_identity_wrong_number")
        ]
        for intent in pressing:
            if found := _find(intent, present, held):
                return found, named(intent)
        if corrects:
            # 不是周五，是周四 begins like 不是我: what was being read back decides which of the two it is.
            intents = tuple(intent for intent in intents if intent != "deny_identity_wrong_number")
        for intent in intents:
            if intent not in telling and (found := _find(intent, present, [p for p in held if p.own])):
                return found, named(intent)
        for intent in intents:
            found = _find(intent, present, held)
            if found and intent not in telling and not found.route.is_aside:
                return found, named(intent)
        if (answer := self._slot_answer(wanted, fresh, telling)) is not None:
            return answer, _told_slots(answer)
        for name in ("affirms", "denies", "unsure"):
            if name in present and (found := _find(name, present, held)):
                return found, named(name)
        for intent in intents:
            if found := _find(intent, present, held):
                return found, named(intent)
        for name in ("interrupted", WORSENING, *(key for key in sorted(present) if key.startswith("mood "))):
            if name in present and (found := _find(name, present, held)):
                return found, named(name)
        return None, named("else")

    def _wanted(self) -> tuple[str, ...]:
        if self.spec.collecting is not None:
            return tuple(self.spec.collecting.slots)
        return self.spec.confirming

    def _slot_answer(self, wanted: tuple[str, ...], fresh: Mapping[str, Kept], telling: set[str]) -> SlotAnswer | None:
        if not wanted:
            return None
        values = {slot: kept for slot in wanted if (kept := fresh.get(_source(slot, fresh))) is not None}
        if self.spec.confirming:
            changed = {
                slot: kept
                for slot, kept in values.items()
                if slot not in self.state.slots or self.state.slots[slot].value != kept.value
            }
            return SlotAnswer(changed) if changed else None
        named = any(_source(slot, self.heard.meaning.slots) in self.heard.meaning.slots for slot in wanted)
        if values or ((named or telling) and self.heard.confident):
            return SlotAnswer(values)
        return None


def _told_slots(answer: SlotAnswer) -> Reason:
    if not answer.values:
        return SLOTS_UNCLEAR
    return Reason(f"说了槽位 {'、'.join(answer.values)}", f"slots {', '.join(answer.values)}")


def _source(slot: str, slots: Mapping[str, object]) -> str:
    """Digits said for a named entry arrive as `digits`."""
    return "digits" if slot not in slots and SLOTS.get(slot) is FactKind.DIGITS else slot


def _find(name: str, present: frozenset[str], held: list[Placement]) -> Placement | None:
    """The route for an event: the one that needs most of what is present, and among those the nearest."""
    best: Placement | None = None
    size = 0
    for placement in held:
        for key in placement.route.keys:
            if name in key.all_of and present.issuperset(key.all_of) and len(key.all_of) > size:
                best, size = placement, len(key.all_of)
    return best
