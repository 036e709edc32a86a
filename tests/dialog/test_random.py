"""Whatever callers do, in whatever order: every conversation ends, within bounds, with a disposition; no debt fact is
spoken before verification; no state is left without an answer; and the proofs' model allows all that the machine does.

10,000 are tried, shared among the flows; VOICEBOT_CONVERSATIONS sets another number."""

from __future__ import annotations

import math
import os
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from voicebot.dialog.conversation import Conversation, Exchange
from voicebot.dialog.disposition import DISPOSITIONS
from voicebot.dialog.events import (
    End,
    HandoffOutcome,
    Heard,
    Listen,
    Pressed,
    RecordPromise,
    RequestHandoff,
    Say,
    SetCallState,
    SilenceElapsed,
    TimerElapsed,
)
from voicebot.dialog.examples import EXAMPLE_CASE
from voicebot.dialog.exploring import explore
from voicebot.dialog.facts import Facts
from voicebot.dialog.library import load_library
from voicebot.dialog.loader import language_of, load_flow, shipped_flows
from voicebot.dialog.machine import Machine
from voicebot.dialog.state import DialogState, Phase
from voicebot.dialog.wording import blanks
from voicebot.understanding.intents.catalogue import INTENTS
from voicebot.understanding.meaning import Answer, IntentScore, Meaning, Mood, Sentiment, Slot

NOW = datetime.fromisoformat("2026-03-10T15:00:00+08:00")
COUNT = int(os.environ.get("VOICEBOT_CONVERSATIONS", "10000"))
"""Conversations in all, rounded up to a whole number for each flow."""
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


@cache
def _tells_of_debt(language: str, line: str) -> bool:
    """Whether any wording of a line speaks a value of the debt or of a promise."""
    texts = load_library(language)[line].texts
    return any(name.startswith(("debt.", "promise.")) for text in texts for name, _ in blanks(text))


def _keeps_the_law(exchange: Exchange, before: Exchange) -> None:
    """No debt fact before verification, and no promise that nobody could have made."""
    verified = before.state.right_party
    for action in exchange.decision.actions:
        match action:
            case SetCallState(changes):
                verified = bool(changes.get("identity_verified", verified))
            case Say(line=line, text=text, language=language, discloses=discloses):
                assert verified or "debt" not in discloses, text
                assert verified or not _tells_of_debt(language, line), text
                assert verified or not any(word in text for word in MONEY_WORDS), text
                assert "{" not in text
            case RecordPromise(amount, on):
                assert verified
                assert on >= NOW.date()
                assert amount <= Decimal("2380")


def _is_answered(exchange: Exchange, before: Exchange) -> None:
    """Whatever a listening state is given, the flow has an answer to it, and somebody has the turn afterwards."""
    actions, why = exchange.decision.actions, exchange.decision.why
    assert "nothing answers" not in why
    assert "left out" not in why
    given = isinstance(exchange.event, Heard | Pressed | SilenceElapsed)
    if before.state.phase is Phase.LISTENING and given:
        assert actions, why
    if actions and before.state.phase is Phase.LISTENING:
        turn = [isinstance(action, Listen | End | RequestHandoff) for action in actions]
        assert turn == [False] * (len(turn) - 1) + [True]
    assert DialogState.from_json(exchange.state.to_json()) == exchange.state


@pytest.mark.parametrize("path", shipped_flows(), ids=lambda path: path.stem)
def test_random_conversations_end_and_keep_the_law(path: Path) -> None:
    library = load_library(language_of(path))
    flow = load_flow(path, library)
    exploration = explore(flow, library)
    states = exploration.visited()
    kinds = {(w.top.flow, w.top.state, w.right_party, w.party, w.closed) for w in exploration.worlds if not w.over}
    for number in range(math.ceil(COUNT / len(shipped_flows()))):
        chance = random.Random(f"{flow.name} {number}")
        machine = Machine(flow, library, Facts.of(EXAMPLE_CASE))
        talk = Conversation(machine, NOW)
        opening = talk.start()
        _keeps_the_law(opening, opening)
        for _ in range(flow.turns + 60):
            if talk.state.over:
                break
            before = talk.last
            exchange = _one_thing(talk, chance)
            _keeps_the_law(exchange, before)
            _is_answered(exchange, before)
            assert set(exchange.trace.states) <= states
            if not exchange.state.over:
                top, state = exchange.state.stack[-1], exchange.state
                if state.phase is Phase.LISTENING or flow.state(top.flow, top.state).handing:
                    assert (top.flow, top.state, state.right_party, state.party, state.money_closed) in kinds
        assert talk.state.over, (number, talk.state.where)
        assert talk.state.disposition in DISPOSITIONS
