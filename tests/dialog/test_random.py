"""Whatever callers do, in whatever order: every conversation ends, within bounds, with a disposition; no debt fact is
spoken before verification; no state is left without an answer; and the proofs' model allows all that the machine does.

VOICEBOT_CONVERSATIONS sets how many are tried (10,000 before a release, fewer in a quick run)."""

from __future__ import annotations

import os
import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from compliance_filters.verdict import CallState
from voicebot.dialog.conversation import Conversation, Exchange
from voicebot.dialog.events import End, HandoffOutcome, Listen, RecordPromise, RequestHandoff, TimerElapsed
from voicebot.dialog.examples import EXAMPLE_CASE
from voicebot.dialog.exploring import explore
from voicebot.dialog.facts import Facts
from voicebot.dialog.library import load_library
from voicebot.dialog.loader import language_of, load_flow, shipped_flows
from voicebot.dialog.machine import Machine
from voicebot.dialog.state import DialogState, Phase
from voicebot.understanding.intents.catalogue import INTENTS
from voicebot.understanding.meaning import Answer, IntentScore, Meaning, Mood, Sentiment, Slot

NOW = datetime.fromisoformat("2026-03-10T15:00:00+08:00")
COUNT = int(os.environ.get("VOICEBOT_CONVERSATIONS", "400"))
MONEY_WORDS = ("欠", "还款", "账单", "逾期", "应还", "两千三百八十", "balance", "debt", "owe")


def _meaning(chance: random.Random) -> Meaning:
    slots: dict[str, Slot] = {}
    for name, value in {
        "date": NOW.date() + timedelta(days=chance.randint(-10, 90)),
        "amount": Decimal(chance.choice(["0.5", "300", "2000", "2380", "99999"])),
        "callback_at": NOW + timedelta(hours=chance.randint(-30, 60)),
        "instalments": chance.choice([0, 1, 2, 12, 60, 61, 400]),
        "digits": chance.choice(["38", "66", "3866", "0000", "13800000000"]),
    }.items():
        if chance.random() < 0.15:
            known = chance.random() < 0.8
            assert isinstance(value, date | Decimal | int | str)
            slots[name] = Slot(name, value if known else None, "…", needs_clarification=not known)
    return Meaning(
        raw="…",
        text="…",
        intents=tuple(IntentScore(name, 0.9) for name in chance.sample(INTENTS, chance.choice([0, 1, 1, 1, 2, 3]))),
        answer=chance.choice([None, None, Answer.YES, Answer.YES, Answer.NO, Answer.UNSURE]),
        slots=slots,
        sentiment=Sentiment(chance.choice(list(Mood)), chance.random(), chance.choice([0.0, 0.0, 0.0, 0.9])),
    )


def _one_thing(talk: Conversation, chance: random.Random) -> Exchange:
    if talk.state.phase is Phase.HANDING_OFF and chance.random() < 0.8:
        return talk.agent(chance.choice([*HandoffOutcome, HandoffOutcome.NO_ANSWER, HandoffOutcome.NOBODY_FREE]))
    roll = chance.random()
    if roll < 0.35 and not talk.state.right_party:
        return talk.presses("3866") if roll < 0.2 else talk.says("是我", Meaning("是我", "是我", answer=Answer.YES))
    if roll < 0.80:
        over = talk.last.said[-1].line if talk.last.said and chance.random() < 0.2 else None
        return talk.says("…", _meaning(chance), confident=chance.random() < 0.9, over=over)
    if roll < 0.88:
        return talk.presses(chance.choice(["0", "1", "2", "9", "*", "#", "38", "3866", "12345678901"]))
    if roll < 0.97:
        return talk.stays_silent()
    return talk.feed(TimerElapsed("none", talk.now))


def _check(exchange: Exchange, before: Exchange) -> None:
    verified = before.state.right_party
    call_state: CallState = before.call_state
    for action in exchange.decision.actions:
        if type(action).__name__ == "SetCallState":
            verified = bool(getattr(action, "changes", {}).get("identity_verified", verified))
        if type(action).__name__ == "Say":
            discloses, text = getattr(action, "discloses"), getattr(action, "text")  # noqa: B009
            assert verified or "debt" not in discloses, text
            assert verified or not any(word in text for word in MONEY_WORDS), text
            assert "{" not in text
        if isinstance(action, RecordPromise):
            assert verified
            assert action.on >= NOW.date()
            assert action.amount <= Decimal("2380")
    assert call_state is not None
    assert "left out" not in exchange.decision.why
    closing = [a for a in exchange.decision.actions if isinstance(a, Listen | End | RequestHandoff)]
    if exchange.decision.actions and not exchange.state.over:
        assert len(closing) == 1
    assert DialogState.from_json(exchange.state.to_json()) == exchange.state


@pytest.mark.parametrize("path", shipped_flows(), ids=lambda path: path.stem)
def test_random_conversations_end_and_keep_the_law(path) -> None:  # type: ignore[no-untyped-def]
    library = load_library(language_of(path))
    flow = load_flow(path, library)
    exploration = explore(flow, library)
    states = exploration.visited()
    kinds = {(w.top.flow, w.top.state, w.right_party, w.party, w.closed) for w in exploration.worlds if not w.over}
    per_flow = max(COUNT // len(shipped_flows()), 1)
    for number in range(per_flow):
        chance = random.Random(f"{flow.name} {number}")
        machine = Machine(flow, library, Facts.of(EXAMPLE_CASE))
        talk = Conversation(machine, NOW)
        talk.start()
        for _ in range(flow.turns + 60):
            if talk.state.over:
                break
            before = talk.last
            exchange = _one_thing(talk, chance)
            _check(exchange, before)
            assert set(exchange.trace.states) <= states
            if not exchange.state.over:
                top, state = exchange.state.stack[-1], exchange.state
                if state.phase is Phase.LISTENING or flow.state(top.flow, top.state).handing:
                    assert (top.flow, top.state, state.right_party, state.party, state.money_closed) in kinds
        assert talk.state.over, (number, talk.state.where)
        assert talk.state.disposition
