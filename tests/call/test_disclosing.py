"""A required statement counts once it was heard to its end; a missed one is said again, or the call ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from compliance_filters.disclosures import Disclosure, Missed
from compliance_filters.pack import load_pack
from tests.call import line
from tests.call.line import HeldCall, HurriedMachine, Phrase
from tests.call.test_session import AllowingGuard
from voicebot.call.board import TimelineEntry
from voicebot.call.disclosing import Disclosing
from voicebot.call.floor import LineOutcome
from voicebot.call.timeline import Timeline
from voicebot.dialog.events import Decision, Event, Say
from voicebot.dialog.state import DialogState

Hold = Callable[..., Awaitable[Any]]

AI = next(disclosure for disclosure in load_pack("cn").disclosures if disclosure.id == "ai")
IDENTITY = Disclosure(id="identity", rules=("CN-ID-01",), within_played_seconds=8)
OPENING = Say("opening.outbound", "您好，我是示例公司的语音助手。", "zh-CN", discloses=frozenset({"ai", "identity"}))


class CutOpening(HurriedMachine):
    """The real machine, whose opening may be broken into."""

    def start(self, now: datetime) -> tuple[DialogState, Decision]:
        state, decision = super().start(now)
        actions = tuple(replace(a, interruptible=True) if isinstance(a, Say) else a for a in decision.actions)
        return state, replace(decision, actions=actions)


class OpeningOnce(CutOpening):
    """Says nothing of itself after the opening: what a flow would be that has forgotten its duty."""

    def step(self, state: DialogState, event: Event) -> tuple[DialogState, Decision]:
        state, decision = super().step(state, event)
        actions = tuple(replace(a, discloses=frozenset()) if isinstance(a, Say) else a for a in decision.actions)
        return state, replace(decision, actions=actions)


def statuses(call: HeldCall, disclosure: str) -> list[str]:
    return [entry.data["status"] for entry in call.of("disclosure") if entry.data["id"] == disclosure]


async def test_an_interrupted_statement_does_not_count_and_is_said_again(
    hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "CHARACTER_SECONDS", 0.08)
    script = [Phrase("喂你是谁啊听不清楚", 1.0, after_line="opening.outbound"), Phrase("你打错了")]
    call = await asyncio.wait_for(
        hold(
            "reminder_first",
            script,
            guard_with=AllowingGuard(),
            disclosures=[AI.model_copy(update={"within_played_seconds": 2.6})],
            machine=OpeningOnce,
        ),
        120,
    )
    opening = next(entry for entry in call.of("line.heard") if entry.data["line"] == "opening.outbound")
    assert not opening.data["complete"]
    assert statuses(call, "ai") == ["missed", "late"]
    missed, late = call.of("disclosure")
    played = [e.data["played_seconds"] for e in call.of("line.heard") if e.sequence < missed.sequence]
    assert missed.data["played_seconds"] == pytest.approx(sum(played), abs=0.1), "counted in audio played"
    again = next(e for e in call.of("line.heard") if e.data["line"] == "disclosure.ai" and e.sequence < late.sequence)
    assert again.data["complete"]
    assert again.data["text"] == AI.wording["zh"]


async def test_a_missed_statement_whose_rule_ends_the_call_ends_it_and_the_timeline_says_so(hold: Hold) -> None:
    owed = Disclosure(id="licence", rules=("XX-ID-01",), within_played_seconds=0.3, if_missed=Missed.END)
    call = await asyncio.wait_for(
        hold("reminder_first", [Phrase("对，我是")], guard_with=AllowingGuard(), disclosures=[owed]), 60
    )
    assert statuses(call, "licence") == ["missed"]
    assert call.result.disposition == "disclosure_missed"
    assert call.entries[-1].data["disposition"] == "disclosure_missed"


async def test_a_missed_statement_without_words_to_say_it_in_ends_the_call(hold: Hold) -> None:
    owed = Disclosure(id="licence", rules=("XX-ID-01",), within_played_seconds=0.3, if_missed=Missed.RECOVER)
    call = await asyncio.wait_for(
        hold("reminder_first", [Phrase("对，我是")], guard_with=AllowingGuard(), disclosures=[owed]), 60
    )
    assert statuses(call, "licence") == ["missed", "not_recovered"]
    assert call.result.disposition == "disclosure_missed"


class Followed:
    """The statements of a call without the call."""

    def __init__(self, *required: Disclosure) -> None:
        self.entries: list[TimelineEntry] = []
        timeline = Timeline("call-1", lambda: 0.0, lambda: datetime.now(UTC), self.entries.append)
        self.disclosing = Disclosing(required, timeline, "zh-CN")

    def heard(self, say: Say, seconds: float, *, complete: bool = True) -> list[Say]:
        return self.disclosing.heard(LineOutcome(1, say, say.text, seconds, seconds, complete, "", ""))


TALK = Say("common.talk", "您慢慢说。", "zh-CN")


def test_without_wording_in_the_pack_the_line_that_was_cut_is_said_again_whole() -> None:
    call = Followed(IDENTITY)
    assert call.heard(OPENING, 2.0, complete=False) == []
    (again,) = call.heard(TALK, 7.0)
    assert (again.text, again.interruptible, again.discloses) == (OPENING.text, False, OPENING.discloses)
    call.heard(again, 4.0)
    assert [entry.data["status"] for entry in call.entries] == ["missed", "late"]
    assert not call.disclosing.must_end


def test_one_line_that_recovers_two_statements_is_said_once() -> None:
    call = Followed(IDENTITY, IDENTITY.model_copy(update={"id": "ai"}))
    call.heard(OPENING, 2.0, complete=False)
    assert [say.text for say in call.heard(TALK, 7.0)] == [OPENING.text]


def test_a_recovery_that_is_never_heard_ends_the_call() -> None:
    call = Followed(IDENTITY)
    call.heard(OPENING, 2.0, complete=False)
    assert call.heard(TALK, 7.0)
    ended = []
    for _ in range(3):
        assert call.heard(TALK, 10.0) == []
        ended.append(call.disclosing.must_end)
    assert ended == [False, False, True], "lines that were waiting before it are given time"
    assert [entry.data["status"] for entry in call.entries] == ["missed", "not_recovered"]
