"""Which of several meanings of one turn leads, and which may be answered on the way."""

from __future__ import annotations

from voicebot.dialog.facts import FactKind
from voicebot.dialog.wording import SLOTS
from voicebot.understanding.intents.catalogue import PRIORITY

GRAVE = frozenset({"self_harm_risk", "deceased", "minor_answers"})
"""When one of these leads, nothing else is answered on the way."""

ACT_FROM = 0.35
"""Confidence from which an intent is acted upon; under it the words were not understood, and the bot says so."""

ACT_FROM_PRESSING = 0.2
"""The same for the pressing ones: there, a miss costs the person more than a false alarm."""

ACT_FROM_ANOTHER_PERSON = 0.5
"""The same for what only somebody else would say, once the debtor has passed the check: as likely true as not. Before
that a doubt is enough, for then a miss would tell a stranger of a debt; afterwards it would throw the debtor out."""

ANOTHER_PERSON = frozenset({"deny_identity_wrong_number", "third_party_answers", "third_party_refuses"})

ANY_CONFIDENCE = frozenset({"self_harm_risk"})
"""Acted upon even when the recogniser was unsure of its words: a miss is worse than a false alarm."""

WORSENING = "mood worsening"
"""Key of a route for a mood that does not pass, or gets worse."""

EVENTS = (
    "affirms",
    "denies",
    "unsure",
    "filled",
    "unfilled",
    "corrected",
    "passed",
    "failed",
    "interrupted",
    "silence",
    "else",
)
"""Keys of a route that are not intents. Besides them: key 0-9 * #, timer NAME, mood NAME, nobody, parts' outcomes."""

_TELLING = {
    FactKind.DATE: {"promise_to_pay", "partial_payment", "vague_promise", "repeated_reschedule", "callback_time_given"},
    FactKind.MONEY: {"promise_to_pay", "partial_payment", "vague_promise"},
    FactKind.TIME: {"callback_time_given", "busy_call_later", "promise_to_pay"},
    FactKind.COUNT: {"instalment_request"},
    FactKind.DIGITS: {"confirm_identity", "dtmf_choice"},
    FactKind.TEXT: {"confirm_identity"},
}


def acts_from(intent: str, *, right_party: bool) -> float:
    """Confidence from which an intent is acted upon. `right_party`: whether the debtor was verified in this call."""
    if right_party and intent in ANOTHER_PERSON:
        return ACT_FROM_ANOTHER_PERSON
    return ACT_FROM_PRESSING if intent in PRIORITY else ACT_FROM


def tells(slot: str, intent: str) -> bool:
    """True when an intent is the natural company of a slot's value: 下周五还两千 is a promise, and answers "when"."""
    kind = SLOTS.get(slot)
    return kind is not None and intent in _TELLING[kind]


def in_order(intents: tuple[str, ...], priority: tuple[str, ...]) -> tuple[str, ...]:
    """The intents of a turn, the leading one first."""
    rank = {name: place for place, name in enumerate(priority)}
    return tuple(sorted(dict.fromkeys(intents), key=lambda name: rank.get(name, len(priority))))
